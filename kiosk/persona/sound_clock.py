"""When sound that comes in ticks was handed to the loudspeaker. Seconds, on `time.perf_counter`."""

from __future__ import annotations

from typing import Final

TICK_S: Final = 0.01
LATE_S: Final = 0.2  # later than this, ticks (and frames) are left out instead of being caught up
_FOLLOW = 0.02  # per tick: how fast the clock follows ticks that come early or late


class SoundClock:
    """The instant of the newest tick, as if they came evenly: a busy loop hands them over in bursts, and the
    loudspeaker plays them evenly all the same."""

    def __init__(self) -> None:
        self._tick_s: float | None = None

    def tick(self, at_s: float) -> None:
        """10 ms of sound came at `at_s`."""
        even_s = at_s if self._tick_s is None else self._tick_s + TICK_S
        off_s = at_s - even_s
        self._tick_s = at_s if abs(off_s) > LATE_S else even_s + _FOLLOW * off_s

    def since_s(self, at_s: float) -> float:
        """From the newest tick to `at_s`; 0 where no sound comes any more."""
        since_s = 0.0 if self._tick_s is None else at_s - self._tick_s
        return since_s if abs(since_s) < LATE_S else 0.0
