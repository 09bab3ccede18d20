"""How much sound must wait in front of a sound card so that it never runs dry: learnt from what happened lately."""

from __future__ import annotations

from collections import deque
from typing import Final

WINDOW_S: Final = 0.5
MEMORY: Final = 60  # windows: a hiccup is remembered for half a minute
MARGIN_S: Final = 0.003
START_S: Final = 0.020
SHORTEST_S: Final = 0.002  # blocks and chunks that slip past each other never find it empty
LONGEST_S: Final = 0.060


class Reserve:
    """The target for the fill of a buffer, in seconds.

    The fill swings around its mean, because producer and consumer both come in bursts. The mean must be above empty by
    the deepest swing of the last half minute, and a margin.
    """

    def __init__(self, start_s: float = START_S) -> None:
        self._target_s = start_s
        self._swings: deque[float] = deque(maxlen=MEMORY)
        self._sum_s, self._elapsed_s, self._least_s = 0.0, 0.0, float("inf")

    @property
    def target_s(self) -> float:
        """SHORTEST_S to LONGEST_S."""
        return self._target_s

    def update(self, fill_s: float, left_s: float, elapsed_s: float) -> float:
        """After every chunk. `fill_s`: what waits, before the chunk. `left_s`: the least that a block of the sound card
        left over since the last call. Returns the target."""
        self._sum_s += fill_s * elapsed_s
        self._elapsed_s += elapsed_s
        self._least_s = min(self._least_s, left_s)
        if self._elapsed_s >= WINDOW_S:
            self._swings.append(self._swing())
            self._target_s = max(SHORTEST_S, min(LONGEST_S, max(self._swings) + MARGIN_S))
            self._forget_window()
        return self._target_s

    def ran_dry(self, late_s: float) -> None:
        """The sound that should have been there came so late: no time to wait for the window's end."""
        swing_s = self._target_s + late_s
        self._swings.append(swing_s)
        self._target_s = max(SHORTEST_S, min(LONGEST_S, swing_s + MARGIN_S))

    def skip(self) -> None:
        """The fill was changed on purpose: what it swings by now tells nothing."""
        self._forget_window()

    def _swing(self) -> float:
        return self._sum_s / self._elapsed_s - self._least_s

    def _forget_window(self) -> None:
        self._sum_s, self._elapsed_s, self._least_s = 0.0, 0.0, float("inf")
