"""Hides the pointer on a touch screen: it appears when a mouse moves, and goes when it rests."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtWidgets import QWidget

REST_MS = 3000


class CursorRest(QObject):
    def __init__(self, window: QWidget, rest_ms: int = REST_MS) -> None:
        super().__init__(window)
        self._window = window
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(rest_ms)
        self._timer.timeout.connect(self._hide)
        # A window that asks for hover events is told of every move, also over its children.
        window.setAttribute(Qt.WidgetAttribute.WA_Hover)
        window.installEventFilter(self)
        self._hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.HoverMove:
            self._window.unsetCursor()
            self._timer.start()
        return False

    def _hide(self) -> None:
        self._window.setCursor(Qt.CursorShape.BlankCursor)

    def stop(self) -> None:
        self._timer.stop()
        self._window.removeEventFilter(self)
        self._window.unsetCursor()
