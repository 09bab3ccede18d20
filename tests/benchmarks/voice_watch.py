"""What a loudspeaker of the private sound server plays, with the time of every sample."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from bisect import bisect_left
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tests.sound import RATE, SoundServer

SETTLE_S = 10.0  # a late read tells nothing about the sound: the earliest of so many seconds counts


class VoiceWatch:
    """A context manager; afterwards `samples` and `at_s` tell what was heard and when."""

    def __init__(self, sound: SoundServer, source: str = "speaker.monitor"):
        self._command = ["parec", "--record", f"--device={source}", "--raw", "--format=s16le", f"--rate={RATE}"]
        self._env = {**os.environ, **sound.env()}
        self._data = bytearray()
        self._reads: list[tuple[int, float]] = []  # samples so far, time.perf_counter()
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._read, name="voice watch")

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [*self._command, "--channels=1", "--latency-msec=5"], env=self._env, stdout=subprocess.PIPE
        )
        self._thread.start()
        if not self._begun.wait(10):
            raise RuntimeError("the loudspeaker's monitor gives no sound")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(5)
        self._thread.join()

    def _read(self) -> None:
        pipe = self._process.stdout
        assert pipe is not None
        with pipe:
            while piece := os.read(pipe.fileno(), 65_536):
                self._data += piece
                self._reads.append((len(self._data) // 2, time.perf_counter()))
                self._begun.set()

    @property
    def samples(self) -> NDArray[np.int16]:
        """All so far, int16 mono at 48 kHz."""
        return np.frombuffer(bytes(self._data[: len(self._data) // 2 * 2]), np.int16)

    def last(self, seconds: float) -> NDArray[np.int16]:
        end = len(self._data) // 2 * 2
        return np.frombuffer(bytes(self._data[max(0, end - 2 * int(seconds * RATE)) : end]), np.int16)

    def at_s(self, sample: float) -> float:
        """`time.perf_counter` seconds at which a sample was played: by the read that was least late around it."""
        first, last = (bisect_left(self._reads, (sample + side * SETTLE_S * RATE, 0.0)) for side in (-1, 1))
        return min(t - (n - sample) / RATE for n, t in self._reads[first:last])

    def sample_at(self, t_s: float) -> int:
        """The sample that was played then, to some milliseconds."""
        n, t = self._reads[min(bisect_left(self._reads, t_s, key=lambda read: read[1]), len(self._reads) - 1)]
        return max(0, int(n + (t_s - t) * RATE))
