"""What a visitor touches: one button in three weights, drawn once per state and then only copied."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFocusEvent, QFont, QFontMetrics, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from kiosk.ui.glyphs import Glyph, draw_glyph
from kiosk.ui.metrics import SMALLEST_TARGET, Metrics
from kiosk.ui.theme import Theme

KEYBOARD_REASONS = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
)


class Weight(StrEnum):
    PRIMARY = "primary"
    PLAIN = "plain"
    CHOICE = "choice"  # stays pressed when chosen
    OFFER = "offer"  # lies over the picture and may be left alone


class KioskButton(QPushButton):
    """At least `Metrics.target` high. The view beneath repaints up to 60 times a second and with it every widget above,
    so the look is kept as a pixmap."""

    def __init__(self, weight: Weight, theme: Theme, glyph: Glyph | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._weight = weight
        self._theme = theme
        self._glyph = glyph
        self._metrics: Metrics | None = None
        self._factor = 1.0
        self._by_keyboard = False
        self._look: QPixmap | None = None
        self._look_key: tuple[object, ...] = ()
        self.setCheckable(weight is Weight.CHOICE)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setAutoDefault(True)

    def set_metrics(self, metrics: Metrics, factor: float = 1.0) -> None:
        """`factor`: larger than the others, for the one button of a screen."""
        if (metrics, factor) == (self._metrics, self._factor):
            return
        self._metrics, self._factor = metrics, factor
        font = QFont(self.font())
        font.setPixelSize(metrics.em(1.05 * factor))
        font.setWeight(QFont.Weight.DemiBold)
        self.setFont(font)
        self.updateGeometry()
        self.update()

    def say(self, text: str) -> None:
        """The words on it, which are also its accessible name."""
        if text != self.text():
            self.setText(text)
            self.setAccessibleName(text)
            self.updateGeometry()

    def sizeHint(self) -> QSize:
        if self._metrics is None:
            return QSize(SMALLEST_TARGET, SMALLEST_TARGET)
        height = max(SMALLEST_TARGET, round(self._metrics.target * self._factor))
        words = QFontMetrics(self.font()).horizontalAdvance(self.text())
        glyph = round(height * 0.58) if self._glyph is not None else 0
        return QSize(max(round(height * 1.7), words + glyph + round(height * 0.9)), height)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._by_keyboard = event.reason() in KEYBOARD_REASONS
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._by_keyboard = False
        super().focusOutEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        ratio = self.devicePixelRatio()
        key = (self.size(), ratio, self.text(), self.isDown(), self.isChecked(), self.isEnabled(), self._by_keyboard)
        if self._look is None or self._look_key != key:
            self._look = self._draw(ratio)
            self._look_key = key
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._look)
        painter.end()

    def _colours(self) -> tuple[QColor, QColor, QColor | None]:
        """Fill, ink and border."""
        theme = self._theme
        if self._weight is Weight.PRIMARY:
            return (theme.accent_pressed if self.isDown() else theme.accent), theme.on_accent, None
        if self._weight is Weight.CHOICE and self.isChecked():
            return theme.chosen, theme.on_control, theme.accent
        if self._weight is Weight.OFFER:
            return (theme.chosen if self.isDown() else theme.panel), theme.on_panel, theme.accent
        return (theme.control_pressed if self.isDown() else theme.control), theme.on_control, theme.control_border

    def _draw(self, ratio: float) -> QPixmap:
        look = QPixmap(round(self.width() * ratio), round(self.height() * ratio))
        look.setDevicePixelRatio(ratio)
        look.fill(Qt.GlobalColor.transparent)
        fill, ink, border = self._colours()
        painter = QPainter(look)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ring = max(3.0, self.height() / 22.0)
        area = QRectF(self.rect()).adjusted(ring + 1, ring + 1, -ring - 1, -ring - 1)
        radius = area.height() / 2.0
        painter.setPen(QPen(border, max(1.5, ring / 2.0)) if border is not None else Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.drawRoundedRect(area, radius, radius)
        painter.setOpacity(1.0 if self.isEnabled() else 0.5)
        self._draw_words(painter, area, ink)
        painter.setOpacity(1.0)
        if self._by_keyboard:
            painter.setPen(QPen(self._theme.focus, ring))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            outer = QRectF(self.rect()).adjusted(ring / 2, ring / 2, -ring / 2, -ring / 2)
            painter.drawRoundedRect(outer, outer.height() / 2.0, outer.height() / 2.0)
        painter.end()
        return look

    def _draw_words(self, painter: QPainter, area: QRectF, ink: QColor) -> None:
        words = float(QFontMetrics(self.font()).horizontalAdvance(self.text()))
        mark = area.height() * 0.42 if self._glyph is not None else 0.0
        space = area.height() * 0.2 if self._glyph is not None and words else 0.0
        left = area.center().x() - (mark + space + words) / 2.0
        if self._glyph is not None:
            draw_glyph(painter, self._glyph, QRectF(left, area.center().y() - mark / 2.0, mark, mark), ink)
        painter.setPen(ink)
        painter.setFont(self.font())
        rest = QRectF(left + mark + space, area.top(), words + 2.0, area.height())
        painter.drawText(rest, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, self.text())
