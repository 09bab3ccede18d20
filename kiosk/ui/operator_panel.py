"""Covers the window while the operator looks: first the keypad, where a PIN is set, then the board."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QLinearGradient, QPainter, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QApplication, QWidget

from kiosk.ui.metrics import metrics_for
from kiosk.ui.operator_board import OperatorBoard
from kiosk.ui.operator_entry import OperatorTools
from kiosk.ui.operator_pin import PinPad
from kiosk.ui.screens.screen import ScreenTools

NEWS_MS = 1000
AWAY_MS = 60_000
"""Who walks away from the open screen does not leave it open for the next visitor."""

MOST_STOPS = 500
"""More controls than the window will ever have."""

SIGNS_OF_LIFE = frozenset(
    {QEvent.Type.MouseButtonPress, QEvent.Type.KeyPress, QEvent.Type.Wheel, QEvent.Type.TouchBegin}
)


class OperatorPanel(QWidget):
    """Shown by `open`; hides itself. `closed` comes each time, `quit_asked` when the kiosk is to end."""

    closed = Signal()
    quit_asked = Signal()

    def __init__(self, tools: ScreenTools, operator: OperatorTools, parent: QWidget, away_ms: int = AWAY_MS) -> None:
        super().__init__(parent)
        self._tools = tools
        self._operator = operator
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

        def text(key: str, **values: object) -> str:
            return tools.texts.of(operator.language, key, **values)

        self.pad = PinPad(operator.lock, tools.theme, text, self)
        self.pad.opened.connect(self._show_board)
        self.pad.closed.connect(self.dismiss)
        self.board = OperatorBoard(operator.actions, tools.theme, text, self)
        self.board.closed.connect(self.dismiss)
        self.board.quit_asked.connect(self.quit_asked)
        self.board.hide()
        self._news = QTimer(self)
        self._news.setInterval(NEWS_MS)
        self._news.timeout.connect(self._look)
        self._away = QTimer(self)
        self._away.setSingleShot(True)
        self._away.setInterval(away_ms)
        self._away.timeout.connect(self.dismiss)
        self.hide()

    def open(self, room: QRect) -> None:
        self.setGeometry(room)
        self.show()
        self.raise_()
        if self._operator.lock.needed:
            self.board.hide()
            self.pad.forget()
            self.pad.show()
            self.pad.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self._show_board()

    def dismiss(self) -> None:
        if self.isHidden():
            return
        self.hide()
        self.closed.emit()

    def _show_board(self) -> None:
        self.pad.hide()
        self._look()
        self.board.show()
        self._news.start()
        self.board.close_button.setFocus(Qt.FocusReason.OtherFocusReason)

    def _look(self) -> None:
        self.board.show_view(self._operator.look())

    # While it is open, every touch anywhere keeps it open.

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._away.start()
        if (application := QApplication.instance()) is not None:
            application.installEventFilter(self)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.shut()
        self.pad.forget()
        self.board.forget()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in SIGNS_OF_LIFE:
            self._away.start()
        return False

    def shut(self) -> None:
        """Stops what runs beside it. Idempotent."""
        self._news.stop()
        self._away.stop()
        self.board.shut()
        if (application := QApplication.instance()) is not None:
            application.removeEventFilter(self)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """What nobody here wants does not reach the screens beneath either."""
        event.accept()

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab goes round within; the screens beneath have controls of their own, which belong to the visitor."""
        for _ in range(MOST_STOPS):
            if not super().focusNextPrevChild(forward):
                return False
            focused = QApplication.focusWidget()
            if focused is not None and self.isAncestorOf(focused):
                return True
        return False

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        metrics = metrics_for(self.width(), self.height(), self._tools.text_scale)
        for page in (self.pad, self.board):
            page.setGeometry(self.rect())
        self.pad.set_metrics(metrics)
        self.board.set_metrics(metrics)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._tools.theme
        ground = QLinearGradient(0.0, 0.0, 0.0, float(self.height()))
        ground.setColorAt(0.0, theme.backdrop_top)
        ground.setColorAt(1.0, theme.backdrop_bottom)
        painter = QPainter(self)
        painter.fillRect(event.rect(), ground)
        painter.end()
