"""Two clocks that disagree: how fast to play so that the fill of a buffer stays where it should be.

The voice arrives by the system's clock and leaves by the sound card's. 100 ppm between them are 0.36 s per hour.
"""

from __future__ import annotations

LIMIT = 0.005  # ratio: half a per cent is far below what an ear takes for another pitch
PROPORTIONAL = 0.2  # 1/s: an error of 20 ms asks for 0.4 % and fades within some ten seconds
INTEGRAL = 0.005  # 1/s²: over-damped with the above, learns the clocks within a minute
LEARNABLE_S = 0.010  # a larger error comes from a hiccup, which says nothing about the clocks
SMOOTHING_S = 2.0


class DriftControl:
    """A PI controller on the low-passed fill of a buffer."""

    def __init__(self) -> None:
        self._fill_s: float | None = None
        self._integral = 0.0

    @property
    def fill_s(self) -> float:
        """Low-passed fill in seconds."""
        return 0.0 if self._fill_s is None else self._fill_s

    @property
    def drift(self) -> float:
        """What the integral part has learnt: relative difference of the clocks, 1e-6 = 1 ppm."""
        return self._integral

    def update(self, fill_s: float, target_s: float, elapsed_s: float) -> float:
        """After every chunk. Times in seconds; returns samples in per sample out, 0.995 to 1.005.

        Above 1 the sound is shortened, so a buffer that is too full gets emptier.
        """
        if self._fill_s is None:
            self._fill_s = fill_s
        self._fill_s += (fill_s - self._fill_s) * min(1.0, elapsed_s / SMOOTHING_S)
        error_s = self._fill_s - target_s
        wanted = PROPORTIONAL * error_s + self._integral
        if abs(error_s) < LEARNABLE_S:
            self._integral += INTEGRAL * error_s * elapsed_s
            self._integral = max(-LIMIT, min(LIMIT, self._integral))
        return 1.0 + max(-LIMIT, min(LIMIT, wanted))

    def settle(self) -> None:
        """The buffer was filled anew: what is known about the clocks stays, the fill is measured again."""
        self._fill_s = None
