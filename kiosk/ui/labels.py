"""Words on the screens: running text, and short texts on a rounded ground."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent, QPalette, QPixmap
from PySide6.QtWidgets import QLabel, QWidget

from kiosk.ui.glyphs import Glyph, draw_glyph
from kiosk.ui.metrics import Metrics

WRAP = Qt.TextFlag.TextWordWrap


class TextLabel(QLabel):
    """Centred, wrapped text. `scale` times the running text's size."""

    def __init__(
        self, colour: QColor, scale: float = 1.0, *, strong: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._scale = scale
        self._strong = strong
        self.setWordWrap(True)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.WindowText, colour)
        self.setPalette(palette)

    def set_metrics(self, metrics: Metrics) -> None:
        font = QFont(self.font())
        font.setPixelSize(metrics.em(self._scale))
        font.setWeight(QFont.Weight.DemiBold if self._strong else QFont.Weight.Normal)
        self.setFont(font)


class Pill(QWidget):
    """A short text on a rounded ground, with an optional glyph. Takes no touches. Call `fit` after any change."""

    def __init__(self, ground: QColor, ink: QColor, scale: float = 1.0, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ground, self._ink, self._scale = ground, ink, scale
        self._glyph: Glyph | None = None
        self._text = ""
        self._pad = 0
        self._look: QPixmap | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    @property
    def text(self) -> str:
        return self._text

    def say(self, text: str, glyph: Glyph | None = None) -> None:
        if (text, glyph) != (self._text, self._glyph):
            self._text, self._glyph = text, glyph
            self.setAccessibleName(text)
            self._look = None
            self.update()

    def fit(self, metrics: Metrics, widest: int) -> QSize:
        """Takes the size its words need, at most `widest` wide, and returns it."""
        font = QFont(self.font())
        font.setPixelSize(metrics.em(self._scale))
        font.setWeight(QFont.Weight.DemiBold)
        self.setFont(font)
        self._pad = metrics.em(0.7 * self._scale)
        mark = self._mark()
        room = QRect(0, 0, max(1, widest - 3 * self._pad - mark), 10_000)
        words = QFontMetrics(font).boundingRect(room, WRAP, self._text)
        size = QSize(words.width() + mark + 3 * self._pad + 2, words.height() + round(1.2 * self._pad))
        if size != self.size():
            self.resize(size)
        self._look = None
        self.update()
        return size

    def _mark(self) -> int:
        return round(self.font().pixelSize() * 1.6) if self._glyph is not None else 0

    def paintEvent(self, event: QPaintEvent) -> None:
        ratio = self.devicePixelRatio()
        if self._look is None or self._look.deviceIndependentSize().toSize() != self.size():
            self._look = QPixmap(round(self.width() * ratio), round(self.height() * ratio))
            self._look.setDevicePixelRatio(ratio)
            self._look.fill(Qt.GlobalColor.transparent)
            self._draw(self._look)
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._look)
        painter.end()

    def _draw(self, look: QPixmap) -> None:
        painter = QPainter(look)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._ground)
        radius = min(self.height() / 2.0, self.font().pixelSize() * 1.2)
        painter.drawRoundedRect(QRectF(self.rect()), radius, radius)
        mark = self._mark()
        if self._glyph is not None:
            side = mark * 0.8
            draw_glyph(painter, self._glyph, QRectF(self._pad * 1.2, (self.height() - side) / 2, side, side), self._ink)
        painter.setPen(self._ink)
        painter.setFont(self.font())
        area = QRectF(self.rect()).adjusted(self._pad * 1.5 + mark, 0, -self._pad * 1.5 + 2, 0)
        painter.drawText(area, int(Qt.AlignmentFlag.AlignCenter | WRAP), self._text)
        painter.end()
