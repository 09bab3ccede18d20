"""Pictures and sound between two loops: the media loop fills two short queues, and WHIP's own empties them.

They outlive a connection, and need no library: what encodes takes its time to load.
"""

from __future__ import annotations

from collections import deque

from kiosk.links.stage_voice import TICK_BYTES
from kiosk.media.frames import PixelFormat, VideoFrame

MOST_TICKS = 30  # of 10 ms that wait
ENOUGH_TICKS = 6  # what is left of them when too many waited: no delay stays behind a hiccup
MOST_PICTURES = 8
LATE_S = 0.2  # of pictures later than this, all but the newest are left out


class VoiceQueue:
    """10 ms ticks. One thread puts, one takes."""

    def __init__(self) -> None:
        self._ticks: deque[bytes] = deque(maxlen=MOST_TICKS)

    def put(self, tick: bytes) -> None:
        self._ticks.append(tick)

    def take(self) -> bytes:
        """The next tick, silence where there is none."""
        if len(self._ticks) > MOST_TICKS // 2:
            while len(self._ticks) > ENOUGH_TICKS:
                self._ticks.popleft()
        return self._ticks.popleft() if self._ticks else bytes(TICK_BYTES)


class PictureQueue:
    """Implements `VideoSink`. One thread puts, one takes."""

    wanted_format = PixelFormat.BGRA

    def __init__(self) -> None:
        self._pictures: deque[VideoFrame] = deque(maxlen=MOST_PICTURES)

    def put(self, frame: VideoFrame) -> None:
        self._pictures.append(frame)

    def take(self, now_s: float) -> VideoFrame | None:
        """The next picture that is due at `now_s`; of those that are late only the newest."""
        while len(self._pictures) > 1 and now_s - self._pictures[0].due_s > LATE_S:
            self._pictures.popleft()
        return self._pictures.popleft() if self._pictures and self._pictures[0].due_s <= now_s else None
