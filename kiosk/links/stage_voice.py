"""The persona's voice on its way to a stage: a little late, so that its picture is drawn when it leaves."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np

RATE = 48_000  # Hz, s16le mono
TICK_S = 0.01
TICK_BYTES = 960
LEAD_S = 0.08  # drawing a picture that fits the sound takes so long at most


class StageVoice:
    """A `VoiceSink` whose 10 ms ticks come out, in order and each exactly so long, `LEAD_S` after they went in."""

    sample_rate = RATE
    channels = 1

    def __init__(self, deliver: Callable[[bytes], None]):
        self._deliver = deliver
        self._line = deque([bytes(TICK_BYTES)] * round(LEAD_S / TICK_S))

    def put(self, pcm: memoryview | bytes) -> None:
        self._line.append(bytes(pcm).ljust(TICK_BYTES, b"\0")[:TICK_BYTES])
        self._deliver(self._line.popleft())

    def flush(self) -> None:
        """What has not left yet becomes silence; the first tick falls to it, for a step would click."""
        fall = np.frombuffer(self._line[0], "<i2") * np.linspace(1.0, 0.0, TICK_BYTES // 2)
        self._line = deque([fall.astype("<i2").tobytes(), *[bytes(TICK_BYTES)] * (len(self._line) - 1)])

    def latency_s(self) -> float:
        return LEAD_S
