"""'Are you still there?': a countdown that one touch ends, anywhere. It dims what lies beneath it."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QRectF, QSize
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kiosk.session.view import Situation
from kiosk.ui.controls import KioskButton, Weight
from kiosk.ui.glyphs import Glyph
from kiosk.ui.labels import TextLabel
from kiosk.ui.metrics import SMALLEST_TEXT, Metrics
from kiosk.ui.screens.screen import ScreenTools

IDLE_NOTICE = "still_there"
VEIL = QColor(0, 0, 0, 150)


class IdlePanel(QWidget):
    def __init__(self, tools: ScreenTools, parent: QWidget) -> None:
        super().__init__(parent)
        self._tools = tools
        theme = tools.theme
        self._title = TextLabel(theme.on_panel, 1.6, strong=True)
        self._line = TextLabel(theme.on_panel, 1.2)
        self.stay = KioskButton(Weight.PRIMARY, theme, Glyph.CHECK)
        self.stay.clicked.connect(tools.actions.touch)
        self.leave = KioskButton(Weight.PLAIN, theme, Glyph.LEAVE)
        self.leave.clicked.connect(tools.actions.leave)
        self._column = QVBoxLayout(self)
        self._column.addWidget(self._title)
        self._column.addWidget(self._line)
        self._row = QHBoxLayout()
        self._row.addStretch(1)
        self._row.addWidget(self.leave)
        self._row.addWidget(self.stay)
        self._row.addStretch(1)
        self._column.addLayout(self._row)
        self._card = QRect()
        self.hide()

    def show_situation(self, situation: Situation) -> None:
        texts = self._tools.texts
        seconds = max(0, round(situation.ends_in_s or 0.0))
        self._title.setText(texts.of(situation.language, "idle.title"))
        self._line.setText(texts.of(situation.language, "idle.line", seconds=seconds))
        self.stay.say(texts.of(situation.language, "idle.stay"))
        self.leave.say(texts.of(situation.language, "live.goodbye"))

    def stand(self, room: QSize, metrics: Metrics) -> None:
        """Covers `room`, the window's size, with the card and its buttons in the lower half."""
        half = room.height() // 2
        while True:
            content = self._fill(metrics)
            widest = room.width() - 2 * metrics.gap
            width = min(widest, max(metrics.em(30), content + 2 * metrics.margin))
            height = self._column.heightForWidth(width - 2 * metrics.margin) + 2 * metrics.em(1.1)
            fits = content + 2 * metrics.margin <= widest and height <= half
            if fits or metrics.text <= SMALLEST_TEXT:
                break
            metrics = metrics.smaller()
        top = half + max(0, (room.height() - half - height) // 2)
        self._card = QRect((room.width() - width) // 2, top, width, height)
        left = self._card.left() + metrics.margin
        below = room.height() - self._card.bottom() - 1 + metrics.em(1.1)
        self._column.setContentsMargins(left, top + metrics.em(1.1), left, max(0, below))
        self.setGeometry(QRect(QPoint(0, 0), room))

    def _fill(self, metrics: Metrics) -> int:
        """Applies the sizes; returns the least width of words and buttons."""
        for label in (self._title, self._line):
            label.set_metrics(metrics)
        for button in (self.stay, self.leave):
            button.set_metrics(metrics, 1.1)
        self._row.setSpacing(metrics.gap)
        self._column.setSpacing(metrics.gap)
        self._column.setContentsMargins(0, 0, 0, 0)
        return self._column.minimumSize().width()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._tools.actions.touch()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._tools.theme
        painter = QPainter(self)
        painter.fillRect(event.rect(), VEIL)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = theme.panel.toRgb()
        ground.setAlphaF(1.0)
        painter.setBrush(ground)
        painter.setPen(theme.control_border)
        radius = self._card.height() / 8.0
        painter.drawRoundedRect(QRectF(self._card).adjusted(1, 1, -1, -1), radius, radius)
        painter.end()
