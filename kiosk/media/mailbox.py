"""Where video frames wait for the screen: newest frame that is due, older ones dropped."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from kiosk.media.frames import STAND_IN, PixelFormat, VideoFrame
from kiosk.media.statistics import VideoStatistics

CAPACITY = 20  # frames: the longest wait for a voice, 600 ms, at 30 frames per second
LATE_S = 1 / 30  # after it was due: a picture later, at the rate of most avatars


class FrameMailbox:
    """A `VideoSink`: the media thread puts frames in, the GUI thread takes out what is to be painted.

    It never gives the same frame twice and never empties the screen: the view keeps the last frame that it took.
    """

    def __init__(self, wanted_format: PixelFormat = PixelFormat.I420) -> None:
        self._lock = threading.Lock()
        self._frames: deque[VideoFrame] = deque()
        self._wanted_format = wanted_format
        self._on_frame: Callable[[], None] | None = None
        self._told = False
        self._received = 0
        self._taken = 0
        self._dropped = 0
        self._late = 0
        self._width = 0
        self._height = 0
        self._first_arrival_s = 0.0
        self._last_arrival_s = 0.0

    @property
    def wanted_format(self) -> PixelFormat:
        return self._wanted_format

    @wanted_format.setter
    def wanted_format(self, value: PixelFormat) -> None:
        self._wanted_format = value

    @property
    def on_frame(self) -> Callable[[], None] | None:
        """Called on the media thread when a frame came in, and not again before the next `take` or `clear`.

        It must return at once: let it post a queued signal.
        """
        return self._on_frame

    @on_frame.setter
    def on_frame(self, callback: Callable[[], None] | None) -> None:
        with self._lock:
            self._on_frame = callback
            self._told = False

    @property
    def last_arrival_s(self) -> float:
        """`time.perf_counter` seconds of the newest frame's arrival; 0 before the first."""
        return self._last_arrival_s

    def put(self, frame: VideoFrame) -> None:
        """From the media thread. When the box is full, the oldest frame is dropped."""
        with self._lock:
            if len(self._frames) >= CAPACITY:
                self._drop(self._frames.popleft())
            self._frames.append(frame)
            if frame.channel != STAND_IN:
                self._count(frame)
            tell = None if self._told else self._on_frame
            self._told = self._told or tell is not None
        if tell is not None:
            tell()

    def take(self, now_s: float) -> VideoFrame | None:
        """From the GUI thread: the newest frame that is due at `now_s` (`time.perf_counter` seconds), None if none is.

        Frames that were due before it are dropped and counted.
        """
        with self._lock:
            self._told = False
            due: VideoFrame | None = None
            while self._frames and self._frames[0].due_s <= now_s:
                if due is not None:
                    self._drop(due)
                due = self._frames.popleft()
            if due is not None and due.channel != STAND_IN:
                self._taken += 1
                # A frame without a due time is shown as soon as it can be: it is never late.
                self._late += due.due_s > 0.0 and now_s - due.due_s > LATE_S
            return due

    def next_due_s(self) -> float | None:
        """When the frame that waits longest is due (`time.perf_counter` seconds); None when the box is empty."""
        with self._lock:
            return self._frames[0].due_s if self._frames else None

    def clear(self) -> None:
        """Drops what waits, at the end of a session. The counters go on."""
        with self._lock:
            while self._frames:
                self._drop(self._frames.popleft())
            self._told = False

    def statistics(self) -> VideoStatistics:
        with self._lock:
            span_s = self._last_arrival_s - self._first_arrival_s
            return VideoStatistics(
                width=self._width,
                height=self._height,
                received=self._received,
                painted=self._taken,
                dropped=self._dropped,
                fps=round((self._received - 1) / span_s, 2) if span_s > 0 else 0.0,
                late=self._late,
            )

    def _count(self, frame: VideoFrame) -> None:
        self._received += 1
        self._width, self._height = frame.width, frame.height
        self._last_arrival_s = frame.arrived_s
        if self._received == 1:
            self._first_arrival_s = frame.arrived_s

    def _drop(self, frame: VideoFrame) -> None:
        self._dropped += frame.channel != STAND_IN
