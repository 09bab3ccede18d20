"""How much of a flood is let through."""

from __future__ import annotations


class Allowance:
    """So many a second on average, and as many at once."""

    def __init__(self, per_s: float) -> None:
        self._per_s = per_s
        self._left = per_s
        self._at_s: float | None = None
        self.refused = 0

    def take(self, now_s: float) -> bool:
        """Whether one more may pass at `now_s` (seconds, never going back)."""
        if self._at_s is not None:
            self._left = min(self._per_s, self._left + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        if self._left < 1.0:
            self.refused += 1
            return False
        self._left -= 1.0
        return True
