"""Decides when a waiting frame goes to the view: at the refresh that is nearest to its due time."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer

from kiosk.clock import Clock
from kiosk.media.frames import VideoFrame
from kiosk.ui.frame_source import FrameSource

LONGEST_WAIT_S = 1.0


class FramePacer(QObject):
    """Takes frames out of a source and hands each to `present`. Call `pump` whenever something may have become due:
    a frame arrived, or the screen was refreshed. For a frame that is due later it wakes itself once, to the
    millisecond; without waiting frames nothing ticks.

    A frame is taken up to half a refresh early, since it then lands on the nearer of the two refreshes.
    """

    def __init__(
        self,
        source: FrameSource,
        clock: Clock,
        present: Callable[[VideoFrame], None],
        refresh_s: float = 1.0 / 60.0,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._source = source
        self._clock = clock
        self._present = present
        self._lead_s = refresh_s / 2.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.pump)
        self._shut = False

    def set_refresh(self, refresh_s: float) -> None:
        """`refresh_s`: seconds between two refreshes of the screen the view is on."""
        self._lead_s = max(0.0, refresh_s) / 2.0

    def set_lead(self, lead_s: float) -> None:
        """Where no refresh sets the beat: how long painting takes."""
        self._lead_s = lead_s

    def pump(self) -> None:
        if self._shut:
            return
        now_s = self._clock.monotonic()
        frame = self._source.take(now_s + self._lead_s)
        if frame is not None:
            self._present(frame)
        due_s = self._source.next_due_s()
        if due_s is None:
            self._timer.stop()
            return
        # A due time far ahead is a broken clock map; looking again soon keeps the picture from freezing for good.
        wait_s = min(max(0.0, due_s - self._lead_s - now_s), LONGEST_WAIT_S)
        self._timer.start(math.ceil(wait_s * 1000.0))

    @property
    def waiting(self) -> bool:
        """True while a wake-up is scheduled."""
        return self._timer.isActive()

    def shut(self) -> None:
        self._shut = True
        self._timer.stop()
