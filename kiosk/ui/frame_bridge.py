"""From any thread to the GUI thread: 'there is a new frame', at most one call under way."""

from __future__ import annotations

import threading

from PySide6.QtCore import QObject, Qt, Signal


class FrameBridge(QObject):
    """`notify` may be called from any thread, as often as frames arrive. However many calls come before the GUI thread
    finds the time, `arrived` is emitted once for all of them, on the GUI thread. A stalled screen therefore costs the
    media thread nothing and its event queue never grows."""

    arrived = Signal()
    _queued = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = threading.Lock()
        self._pending = False
        self._shut = False
        self._queued.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def notify(self) -> None:
        # The signal is emitted under the lock so that `shut` cannot delete the object in between.
        with self._lock:
            if self._pending or self._shut:
                return
            self._pending = True
            self._queued.emit()

    def _deliver(self) -> None:
        with self._lock:
            self._pending = False
            if self._shut:
                return
        self.arrived.emit()

    def shut(self) -> None:
        """After this `notify` does nothing. Idempotent."""
        with self._lock:
            self._shut = True
