"""Turns I420 frames into BGRA on a thread of its own, so that a big picture does not hold up the screens."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from PySide6.QtCore import QObject, Qt, Signal

from kiosk.media.frames import PixelFormat, VideoFrame
from kiosk.ui.colour import Colour

log = logging.getLogger("kiosk.view")


class ConversionWorker(QObject):
    """One frame is converted at a time, the newest of those that came meanwhile waits, older ones are dropped.

    `converted` hands out a BGRA `VideoFrame` on the GUI thread; `dropped` tells of a frame that never will come.
    """

    converted = Signal(object)
    dropped = Signal()
    _done = Signal(object, int)

    def __init__(self, colour: Colour, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._colour = colour
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kiosk-colour")
        self._lock = threading.Lock()
        self._shut = False
        self._busy = False
        self._waiting: VideoFrame | None = None
        self._round = 0
        self._done.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def submit(self, frame: VideoFrame) -> None:
        if self._shut:
            return
        if self._busy:
            if self._waiting is not None:
                self.dropped.emit()
            self._waiting = frame
            return
        self._busy = True
        self._pool.submit(self._convert, frame, self._round)

    def forget(self) -> None:
        """Frames that are under way will not be handed out."""
        self._round += 1
        self._waiting = None

    def _convert(self, frame: VideoFrame, round_number: int) -> None:
        # numpy is costly to import and only this path of the screens needs it.
        from kiosk.ui.i420_convert import I420Converter

        result: VideoFrame | None = None
        try:
            pixels = I420Converter(self._colour).convert(frame.data, frame.width, frame.height)
            result = replace(frame, format=PixelFormat.BGRA, data=pixels)
        except ValueError as error:
            log.warning("a video frame could not be shown: %s", error)
        with self._lock:
            if not self._shut:
                self._done.emit(result, round_number)

    def _deliver(self, frame: VideoFrame | None, round_number: int) -> None:
        self._busy = False
        if frame is None or round_number != self._round:
            self.dropped.emit()
        else:
            self.converted.emit(frame)
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self.submit(waiting)

    def shut(self) -> None:
        """Waits for the frame in hand (milliseconds) and ends the thread. Idempotent."""
        with self._lock:
            self._shut = True
        self._waiting = None
        self._pool.shutdown(wait=True, cancel_futures=True)
