"""The face on the screens without a picture: a calm drawn face with rings that travel outwards slowly."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import (
    QColor,
    QHideEvent,
    QLinearGradient,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QShowEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from kiosk.ui.theme import Theme

TICK_MS = 80  # slow motion does not need more, and a kiosk runs all day
PERIOD_S = 5.0
RINGS = 3
FACE_SHARE = 0.5  # of the widget's side


class PresenceMark(QWidget):
    """Animated only while it is visible; `animate=False` gives a still face."""

    def __init__(self, theme: Theme, *, animate: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._animate = animate
        self._elapsed_s = 0.0
        self._face: QPixmap | None = None
        self._rings: QPixmap | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    @property
    def moving(self) -> bool:
        return self._timer.isActive()

    def sizeHint(self) -> QSize:
        return QSize(200, 200)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 0)  # words come first on a small screen

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._animate:
            self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        self._timer.stop()
        super().hideEvent(event)

    def _tick(self) -> None:
        self._elapsed_s += TICK_MS / 1000.0
        self.update(self._square().toAlignedRect())

    def _square(self) -> QRectF:
        side = float(min(self.width(), self.height()))
        return QRectF((self.width() - side) / 2.0, (self.height() - side) / 2.0, side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        square = self._square()
        side = square.width()
        if side < 8:
            return
        painter = QPainter(self)
        painter.drawPixmap(square.topLeft(), self._draw_rings(side))
        face = self._face_pixmap(side * FACE_SHARE)
        lift = math.sin(self._elapsed_s * 2.0 * math.pi / PERIOD_S) * side * 0.008
        width = face.deviceIndependentSize().width()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.drawPixmap(square.center() + QPointF(-width / 2.0, lift - width / 2.0), face)
        painter.end()

    def _draw_rings(self, side: float) -> QPixmap:
        """On a sheet of their own, where their colours replace what is there: to mix thin curves with what lies beneath
        costs twice as much, for Qt shares out every piece of them among its threads."""
        ratio = self.devicePixelRatio()
        pixels = max(1, math.ceil(side * ratio))
        if self._rings is None or self._rings.width() != pixels:
            self._rings = QPixmap(pixels, pixels)
            self._rings.setDevicePixelRatio(ratio)
        self._rings.fill(Qt.GlobalColor.transparent)
        painter = QPainter(self._rings)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        centre = QPointF(side / 2.0, side / 2.0)
        smallest, largest = side * FACE_SHARE / 2.0, side / 2.0 - 2.0
        for ring in range(RINGS):
            way = (self._elapsed_s / PERIOD_S + ring / RINGS + 0.3) % 1.0
            colour = QColor(self._theme.face)
            colour.setAlphaF(0.55 * (1.0 - way) ** 1.5)
            painter.setPen(QPen(colour, max(1.5, side / 110.0)))
            radius = smallest + (largest - smallest) * way
            painter.drawEllipse(centre, radius, radius)
        painter.end()
        return self._rings

    def _face_pixmap(self, side: float) -> QPixmap:
        ratio = self.devicePixelRatio()
        pixels = max(1, round(side * ratio))
        if self._face is None or self._face.width() != pixels:
            self._face = QPixmap(pixels, pixels)
            self._face.setDevicePixelRatio(ratio)
            self._face.fill(Qt.GlobalColor.transparent)
            draw_face(self._face, self._theme, pixels / ratio)
        return self._face


def draw_face(target: QPixmap, theme: Theme, side: float) -> None:
    """The kiosk's mark, the same as its icon: a round face, two eyes, a small smile."""
    painter = QPainter(target)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(side / 100.0, side / 100.0)
    ground = QLinearGradient(20.0, 0.0, 80.0, 100.0)
    ground.setColorAt(0.0, theme.face)
    ground.setColorAt(1.0, theme.face_deep)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawEllipse(QPointF(50, 50), 49, 49)
    painter.setBrush(theme.face_ink)
    for x in (34.5, 65.5):
        painter.drawRoundedRect(QRectF(x - 4.5, 33.0, 9.0, 18.0), 4.5, 4.5)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    pen = QPen(theme.face_ink, 6.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
    painter.setPen(pen)
    painter.drawArc(QRectF(30, 36, 40, 36), 205 * 16, 130 * 16)
    painter.end()
