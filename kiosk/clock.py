"""Time as a collaborator, so that tests can hold it."""

from __future__ import annotations

import time
from datetime import date
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


def local_day(wall: float) -> int:
    """The date in this machine's time zone at `wall` (Unix time in seconds), as the number of the day since year 1."""
    now = time.localtime(wall)
    return date(now.tm_year, now.tm_mon, now.tm_mday).toordinal()


def day_text(day: int) -> str:
    """'2026-11-05' for the number of a day."""
    return date.fromordinal(day).isoformat()
