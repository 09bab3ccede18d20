"""The avatar's voice: a bounded queue of things to say, taken out in frames of 10 ms."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from tests.simulators.speech import FRAME, RATE, Samples, level_dbfs

LIMIT_S = 120.0
FADE = 240  # samples: 5 ms
SILENCE_DBFS = -120.0


@dataclass(slots=True, eq=False)
class Segment:
    """One utterance. `on_start()` is called with its first sample; `on_end(played_s, interrupted)` once, when its last
    sample was taken or it was dropped."""

    on_start: Callable[[], None] | None = None
    on_end: Callable[[float, bool], None] | None = None
    complete: bool = False  # nothing more will be appended
    played: int = 0  # samples
    waiting: deque[Samples] = field(default_factory=deque)

    @property
    def queued(self) -> int:
        return sum(len(piece) for piece in self.waiting)


class Voice:
    """Not thread-safe: everything happens on the loop of the avatar."""

    def __init__(self) -> None:
        self._segments: deque[Segment] = deque()
        self._overlay: Samples = np.zeros(0, np.int16)
        self._tail: Samples = np.zeros(0, np.int16)
        self.level_dbfs = SILENCE_DBFS

    @property
    def speaking(self) -> bool:
        """True while something is queued or about to come (an open segment with samples played)."""
        return bool(self._segments)

    @property
    def queued_s(self) -> float:
        return sum(segment.queued for segment in self._segments) / RATE

    def say(self, samples: Samples, on_end: Callable[[float, bool], None] | None = None) -> None:
        """A whole utterance."""
        segment = self.open(on_end)
        self.append(segment, samples)
        self.close(segment)

    def open(
        self,
        on_end: Callable[[float, bool], None] | None = None,
        *,
        on_start: Callable[[], None] | None = None,
    ) -> Segment:
        """An utterance that grows by `append` until `close`."""
        segment = Segment(on_start, on_end)
        self._segments.append(segment)
        return segment

    def append(self, segment: Segment, samples: Samples) -> bool:
        """False when the segment was dropped meanwhile or the queue is full; the samples are not kept then."""
        if segment not in self._segments or self.queued_s > LIMIT_S:
            return False
        segment.waiting.append(samples)
        return True

    def close(self, segment: Segment) -> None:
        segment.complete = True

    def overlay(self, samples: Samples) -> None:
        """Starts with the very next frame, over whatever is being said."""
        self._overlay = samples

    def clear(self) -> bool:
        """Drops everything at once, with a fade of 5 ms. True when something was dropped."""
        if not self._segments:
            return False
        self._tail = self._take_fade()
        dropped, self._segments = self._segments, deque()
        for segment in dropped:
            if segment.on_end is not None:
                segment.on_end(segment.played / RATE, True)
        return True

    def next_frame(self) -> Samples:
        """The next 480 samples at 48 kHz; silence where nothing is to be said."""
        frame = np.zeros(FRAME, np.int16)
        filled = min(len(self._tail), FRAME)
        frame[:filled], self._tail = self._tail[:filled], self._tail[filled:]
        while filled < FRAME and self._segments:
            segment = self._segments[0]
            if not segment.waiting:
                if not segment.complete:
                    break
                self._segments.popleft()
                if segment.on_end is not None:
                    segment.on_end(segment.played / RATE, False)
                continue
            if not segment.played and segment.on_start is not None:
                segment.on_start()
            piece = segment.waiting.popleft()
            n = min(len(piece), FRAME - filled)
            frame[filled : filled + n] = piece[:n]
            if n < len(piece):
                segment.waiting.appendleft(piece[n:])
            segment.played += n
            filled += n
        self.level_dbfs = level_dbfs(frame)
        if len(self._overlay):
            n = min(len(self._overlay), FRAME)
            frame[:n] = self._overlay[:n]
            self._overlay = self._overlay[n:]
        return frame

    def _take_fade(self) -> Samples:
        first = self._segments[0]
        if not first.waiting or not first.played:
            return np.zeros(0, np.int16)
        piece = first.waiting[0][:FADE]
        return np.asarray(piece * np.linspace(1, 0, len(piece)), np.int16)
