"""Two clocks that disagree: how fast to play so that the fill of a buffer stays where it should be.

The voice arrives by the system's clock and leaves by the sound card's. 100 ppm between them are 0.36 s per hour.
"""

from __future__ import annotations

LIMIT = 0.005  # ratio: half a per cent is far below what an ear takes for another pitch
PROPORTIONAL = 0.4  # 1/s: an error of 10 ms asks for 0.4 % and fades within some seconds
BEGIN_S = 0.001_5  # so much error is worth a correction, which then goes on until hardly any is left:
END_S = 0.000_2  # most of the time the sound stays as it is
SMOOTHING_S = 1.0
LEARNING_S = 60.0


class DriftControl:
    """A proportional controller with a dead band, on the low-passed fill of a buffer."""

    def __init__(self) -> None:
        self._fill_s: float | None = None
        self._correcting = False
        self._drift = 0.0

    @property
    def fill_s(self) -> float:
        """Low-passed fill in seconds."""
        return 0.0 if self._fill_s is None else self._fill_s

    @property
    def drift(self) -> float:
        """Mean of what was corrected in the last minutes: relative difference of the clocks, 1e-6 = 1 ppm."""
        return self._drift

    def update(self, fill_s: float, target_s: float, elapsed_s: float) -> float:
        """After every chunk. Times in seconds; returns samples in per sample out, 0.995 to 1.005.

        Above 1 the sound is shortened, so a buffer that is too full gets emptier. Exactly 1 while nothing need be done.
        """
        if self._fill_s is None:
            self._fill_s = fill_s
        self._fill_s += (fill_s - self._fill_s) * min(1.0, elapsed_s / SMOOTHING_S)
        error_s = self._fill_s - target_s
        self._correcting = abs(error_s) > (END_S if self._correcting else BEGIN_S)
        correction = max(-LIMIT, min(LIMIT, PROPORTIONAL * error_s)) if self._correcting else 0.0
        self._drift += (correction - self._drift) * min(1.0, elapsed_s / LEARNING_S)
        return 1.0 + correction

    def settle(self) -> None:
        """The buffer was filled anew: what is known about the clocks stays, the fill is measured again."""
        self._fill_s = None
        self._correcting = False
