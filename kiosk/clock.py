"""Time as a collaborator, so that tests can hold it."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    def monotonic(self) -> float:
        """Seconds, never going back."""
        ...

    def wall(self) -> float:
        """Unix time in seconds; may jump."""
        ...


class SystemClock:
    """The machine's own clocks. `perf_counter`, because Windows' monotonic clock has 15 ms steps before Python 3.13."""

    def monotonic(self) -> float:
        return time.perf_counter()

    def wall(self) -> float:
        return time.time()
