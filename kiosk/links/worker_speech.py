"""What an avatar worker was given to say: segments of sound, cut into ticks, known to the lips before they are heard.

Pure: no clock, no room. One call of `step` is one tick of 10 ms.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

RATE = 48_000  # Hz, s16le mono
TICK_S = 0.01
TICK_BYTES = int(RATE * TICK_S) * 2
SILENCE = bytes(TICK_BYTES)
LIMIT_S = 600.0
FADE_SAMPLES = 240  # 5 ms


@dataclass(slots=True, eq=False)
class Segment:
    """One stream of speech. `on_start()` when its first sound leaves; `on_end(played_s, interrupted)` exactly once."""

    on_start: Callable[[], None]
    on_end: Callable[[float, bool], None]
    waiting: bytearray = field(default_factory=bytearray, repr=False)
    complete: bool = False  # nothing more will be appended
    drained: bool = False  # its last tick is on its way
    played: int = 0  # bytes

    @property
    def played_s(self) -> float:
        return self.played / 2 / RATE


@dataclass(frozen=True, slots=True)
class _Tick:
    pcm: bytes = SILENCE
    segment: Segment | None = None
    payload: int = 0  # bytes of `pcm` that are speech
    last: bool = False


class WorkerSpeech:
    """Plays segments one after the other. `ahead` is the number of ticks by which the lips know the sound early."""

    def __init__(self, ahead: int):
        self._segments: deque[Segment] = deque()
        self._line: deque[_Tick] = deque([_Tick()] * ahead)
        self._waiting = 0  # bytes in all segments
        self._level = 0  # the last sample that left

    @property
    def speaking(self) -> bool:
        return bool(self._segments)

    @property
    def waiting_s(self) -> float:
        return self._waiting / 2 / RATE

    def open(self, on_start: Callable[[], None], on_end: Callable[[float, bool], None]) -> Segment:
        """A segment that grows by `append` until `close`."""
        segment = Segment(on_start, on_end)
        self._segments.append(segment)
        return segment

    def append(self, segment: Segment, pcm: bytes) -> bool:
        """False when the segment was cleared meanwhile, or when `LIMIT_S` of sound are waiting: it is not kept then."""
        if segment not in self._segments or self._waiting + len(pcm) > LIMIT_S * RATE * 2:
            return False
        segment.waiting += pcm
        self._waiting += len(pcm)
        return True

    def close(self, segment: Segment) -> None:
        segment.complete = True

    def clear(self) -> bool:
        """Forgets everything, also what only the lips know yet. True when there was something."""
        dropped, self._segments = self._segments, deque()
        self._line = deque([_Tick()] * len(self._line))
        self._waiting = 0
        for segment in dropped:
            segment.on_end(segment.played_s, True)
        return bool(dropped)

    def step(self) -> tuple[bytes, bytes]:
        """The next tick for the lips, and the tick that is to be heard now."""
        coming = self._take()
        self._line.append(coming)
        leaving = self._line.popleft()
        sound = self._soften(leaving)
        segment = leaving.segment
        if segment is not None:
            if not segment.played and leaving.payload:
                segment.on_start()
            segment.played += leaving.payload
            if leaving.last:
                self._segments.remove(segment)
                segment.on_end(segment.played_s, False)
        return coming.pcm, sound

    def _take(self) -> _Tick:
        segment = next((segment for segment in self._segments if not segment.drained), None)
        if segment is None:
            return _Tick()
        if len(segment.waiting) < TICK_BYTES and not segment.complete:
            return _Tick()  # the sender is behind: silence, and the rest when a whole tick is there
        pcm = bytes(segment.waiting[:TICK_BYTES])
        del segment.waiting[:TICK_BYTES]
        self._waiting -= len(pcm)
        segment.drained = segment.complete and not segment.waiting
        return _Tick(pcm.ljust(TICK_BYTES, b"\0"), segment, len(pcm), segment.drained)

    def _soften(self, tick: _Tick) -> bytes:
        """Speech that breaks off falls to silence within 5 ms: a step would click."""
        if tick.segment is not None and tick.payload == TICK_BYTES:
            self._level = int(np.frombuffer(tick.pcm[-2:], "<i2")[0])
            return tick.pcm
        level, self._level = self._level, 0
        if tick.payload or not level:
            return tick.pcm
        samples = np.zeros(TICK_BYTES // 2, "<i2")
        samples[:FADE_SAMPLES] = np.linspace(level, 0, FADE_SAMPLES, endpoint=False)
        return samples.tobytes()
