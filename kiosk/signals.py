"""SIGINT and SIGTERM as a request to end cleanly, also while Qt's loop sits in C code."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Callable
from types import FrameType

log = logging.getLogger("kiosk.app")

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class EndSignals:
    """Calls `on_end` on the running loop for each signal. Install and remove on the main thread.

    Python runs its handlers only between bytecodes; the wake-up socket makes the loop run some as soon as a signal
    comes.
    """

    def __init__(self, on_end: Callable[[], None]):
        self._on_end = on_end
        self._reader, self._writer = socket.socketpair()
        self._before: dict[signal.Signals, object] = {}
        self._before_fd = -1

    def install(self) -> None:
        for end in (self._reader, self._writer):
            end.setblocking(False)
        self._before_fd = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in _SIGNALS:
            self._before[number] = signal.signal(number, self._handle)
        asyncio.get_running_loop().add_reader(self._reader.fileno(), self._drain)

    def remove(self) -> None:
        asyncio.get_running_loop().remove_reader(self._reader.fileno())
        signal.set_wakeup_fd(self._before_fd)
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # as `signal.signal` itself returned it
        self._reader.close()
        self._writer.close()

    def _handle(self, number: int, _: FrameType | None) -> None:
        log.info("ending on %s", signal.Signals(number).name)
        self._on_end()

    def _drain(self) -> None:
        try:
            self._reader.recv(64)
        except BlockingIOError:
            pass
