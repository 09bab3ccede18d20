"""Whether the avatar speaks, told from its voice alone, for rooms where nobody says so."""

from __future__ import annotations


class VoiceActivity:
    """Speaking from the first loud chunk on, until `hang_s` seconds passed without one."""

    def __init__(self, *, threshold_dbfs: float = -45.0, hang_s: float = 0.5):
        self._threshold = threshold_dbfs
        self._hang = hang_s
        self._last_loud_s: float | None = None

    def update(self, level: float, now_s: float) -> bool:
        """Takes a chunk's level in dBFS at `now_s`; returns whether somebody speaks."""
        if level >= self._threshold:
            self._last_loud_s = now_s
        return self._last_loud_s is not None and now_s - self._last_loud_s < self._hang
