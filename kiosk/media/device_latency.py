"""How much time a loudspeaker is given: as little as it bears."""

from __future__ import annotations

from typing import Final

# At 10 ms the sound server of a busy machine stumbles every few seconds.
WISHES_S: Final = (0.015, 0.020, 0.030, 0.060)
TOO_OFTEN: Final = 3  # underflows
WITHIN_S: Final = 10.0
SETTLING_S: Final = 2.0  # a device that was just opened may stumble


class DeviceLatency:
    """Begins with the shortest latency and asks for the next longer one when the sound card ran dry too often.

    What was learnt holds as long as the program runs: a machine that is too slow at noon is so in the evening.
    """

    def __init__(self) -> None:
        self._step = 0
        self._began_s: float | None = None
        self._counted_s = 0.0
        self._counted = 0

    @property
    def wish_s(self) -> float:
        return WISHES_S[self._step]

    def note(self, underflows: int, now_s: float) -> bool:
        """`underflows`: of this opening of the device, so far. True: open it anew, with the new `wish_s`."""
        if self._began_s is None or underflows < self._counted:
            self._began_s = now_s
        if now_s - self._began_s < SETTLING_S or now_s - self._counted_s > WITHIN_S:
            self._counted, self._counted_s = underflows, now_s
        if underflows - self._counted < TOO_OFTEN or self._step + 1 == len(WISHES_S):
            return False
        self._step += 1
        self._began_s = None
        return True
