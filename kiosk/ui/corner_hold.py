"""A corner of the window that opens the operator's screen when a finger rests on it; nothing of it is to be seen."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QWidget

from kiosk.ui.metrics import Metrics

HOLD_MS = 3000


class CornerHold(QWidget):
    """`held` after three seconds in the upper left corner; `touched` where it was an ordinary touch after all."""

    held = Signal()
    touched = Signal()

    def __init__(self, parent: QWidget, hold_ms: int = HOLD_MS) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(hold_ms)
        self._timer.timeout.connect(self.held)

    def stand(self, metrics: Metrics) -> None:
        self.move(0, 0)
        self.resize(QSize(metrics.target, metrics.target))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._timer.start()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if not self.rect().contains(event.position().toPoint()):
            self._timer.stop()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._timer.isActive():
            self._timer.stop()
            self.touched.emit()

    def stop(self) -> None:
        self._timer.stop()
