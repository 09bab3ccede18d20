"""Tells the operator, who started the kiosk with a double click, what to mend before it can start."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent, QFont, QKeyEvent, QPainter, QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QLabel, QScrollArea, QVBoxLayout, QWidget

from kiosk.ui.controls import KioskButton, Weight
from kiosk.ui.labels import TextLabel
from kiosk.ui.metrics import metrics_for
from kiosk.ui.theme import Theme

SIZE = (960, 600)  # logical pixels
TITLE = "The kiosk cannot start yet"
HEADING = "Something to mend first"
CLOSE = "Close"


class NoticeWindow(QWidget):
    """A plain window, not a full screen: the operator is about to work on this machine. `closed` comes once."""

    closed = Signal()

    def __init__(self, text: str, theme: Theme) -> None:
        """`text`: the operator's lines, as plain text that can be selected and copied."""
        super().__init__()
        self._theme = theme
        self._title = TextLabel(theme.text, 1.6, strong=True)
        self._title.setText(HEADING)
        self._title.setAlignment(Qt.AlignmentFlag.AlignLeft)
        self.words = QLabel(text)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setWordWrap(True)
        self.words.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.words.setContentsMargins(0, 0, 0, 0)
        palette = self.words.palette()
        palette.setColor(QPalette.ColorRole.WindowText, theme.text)
        self.words.setPalette(palette)
        scroll = QScrollArea()
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setWidget(self.words)
        scroll.viewport().setAutoFillBackground(False)
        self.words.setAutoFillBackground(False)
        self.button = KioskButton(Weight.PRIMARY, theme)
        self.button.say(CLOSE)
        self.button.clicked.connect(self.close)
        self._column = QVBoxLayout(self)
        self._column.addWidget(self._title)
        self._column.addWidget(scroll, 1)
        self._column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignRight)
        self.setWindowTitle(TITLE)
        self.resize(*SIZE)
        self.button.setFocus()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        metrics = metrics_for(self.width(), self.height())
        self._title.set_metrics(metrics)
        self.button.set_metrics(metrics)
        font = QFont(self.words.font())
        font.setPixelSize(metrics.text)
        self.words.setFont(font)
        margin = metrics.em(2)
        self._column.setContentsMargins(margin, margin, margin, margin)
        self._column.setSpacing(metrics.em(1))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        super().closeEvent(event)
        self.closed.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), self._theme.backdrop_top)
        painter.end()
