"""Shows that the microphone is open, how loud it hears, and what the avatar is doing."""

from __future__ import annotations

from PySide6.QtCore import QElapsedTimer, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QWidget

from kiosk.ui.glyphs import Glyph, draw_glyph
from kiosk.ui.metrics import Metrics
from kiosk.ui.theme import Theme

BARS = 5
QUIETEST_DBFS = -54.0
LOUDEST_DBFS = -12.0
SHORTEST_STEP_MS = 66  # more than 15 changes a second nobody sees, and each repaints


class MicrophoneMark(QWidget):
    """The picture beneath repaints with every frame and with it this mark, so each of its few looks is drawn once."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._metrics = Metrics(18, False)
        self._text = ""
        self._open = False
        self._lit = 0
        self._looks: dict[int, QPixmap] = {}  # by the number of bars that are lit
        self._since = QElapsedTimer()
        self._since.start()
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    @property
    def lit(self) -> int:
        """Bars that are lit, 0..BARS."""
        return self._lit

    def say(self, text: str, *, is_open: bool) -> None:
        if (text, is_open) == (self._text, self._open):
            return
        self._text, self._open = text, is_open
        self._lit = self._lit if is_open else 0
        self._looks.clear()
        self.setAccessibleName(text)
        self.update()

    def set_level(self, dbfs: float) -> None:
        """May be called for every 10 ms frame; it repaints only for a visible change."""
        if not self._open:
            return
        share = (dbfs - QUIETEST_DBFS) / (LOUDEST_DBFS - QUIETEST_DBFS)
        lit = max(0, min(BARS, round(share * BARS)))
        if lit != self._lit and self._since.hasExpired(SHORTEST_STEP_MS):
            self._since.restart()
            self._lit = lit
            self.update()

    def fit(self, metrics: Metrics) -> QSize:
        self._metrics = metrics
        font = QFont(self.font())
        font.setPixelSize(metrics.em(0.9))
        font.setWeight(QFont.Weight.DemiBold)
        self.setFont(font)
        words = QFontMetrics(font).horizontalAdvance(self._text)
        height = metrics.em(1.95)
        size = QSize(round(height * 0.9) + self._bars_width() + words + round(height * 0.6), height)
        if size != self.size():
            self.resize(size)
        self._looks.clear()
        self.update()
        return size

    def _bars_width(self) -> int:
        return self._metrics.em(0.38) * BARS + self._metrics.em(0.5) if self._open else 0

    def paintEvent(self, event: QPaintEvent) -> None:
        ratio = self.devicePixelRatio()
        look = self._looks.get(self._lit)
        if look is None or look.devicePixelRatio() != ratio:
            look = self._looks[self._lit] = self._draw(ratio)
        painter = QPainter(self)
        painter.drawPixmap(0, 0, look)
        painter.end()

    def _draw(self, ratio: float) -> QPixmap:
        look = QPixmap(round(self.width() * ratio), round(self.height() * ratio))
        look.setDevicePixelRatio(ratio)
        look.fill(Qt.GlobalColor.transparent)
        theme, height = self._theme, float(self.height())
        painter = QPainter(look)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.panel)
        painter.drawRoundedRect(QRectF(self.rect()), height / 2.0, height / 2.0)
        side = height * 0.52
        glyph = Glyph.MICROPHONE if self._open else Glyph.MICROPHONE_OFF
        draw_glyph(painter, glyph, QRectF(height * 0.32, (height - side) / 2.0, side, side), theme.on_panel)
        left = height * 0.95
        if self._open:
            self._draw_bars(painter, left)
            left += self._bars_width()
        painter.setPen(theme.on_panel)
        painter.setFont(self.font())
        area = QRectF(left, 0.0, self.width() - left, height)
        painter.drawText(area, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, self._text)
        painter.end()
        return look

    def _draw_bars(self, painter: QPainter, left: float) -> None:
        step, height = float(self._metrics.em(0.38)), float(self.height())
        painter.setPen(Qt.PenStyle.NoPen)
        unlit = QColor(self._theme.on_panel)
        unlit.setAlphaF(0.28)
        for bar in range(BARS):
            tall = height * (0.2 + 0.07 * bar)
            painter.setBrush(self._theme.on_panel_quiet if bar < self._lit else unlit)
            painter.drawRoundedRect(QRectF(left + bar * step, (height - tall) / 2.0, step * 0.58, tall), 1.5, 1.5)
