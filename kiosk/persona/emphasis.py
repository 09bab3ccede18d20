"""Which words are stressed: peaks of the voice's loudness. They move head, brows and, now and then, a hand."""

from __future__ import annotations

import math
from random import Random

from kiosk.persona.motion import bump

_FAST_S, _SLOW_S = 0.04, 0.6  # the voice now, against the voice of the last moments
_PEAK = 0.16
_PAUSE_S = 0.45


class Emphasis:
    def __init__(self, random: Random):
        self._random = random
        self._fast = self._slow = 0.0
        self._beat_s = self._hand_s = -100.0
        self._strength = 0.0
        self._hand_long_s = 1.0
        self._next_hand_s = 1.0

    def hear(self, t_s: float, dt_s: float, loudness: float) -> None:
        """`loudness` 0 to 1; call once a frame."""
        self._fast += (loudness - self._fast) * (1.0 - math.exp(-dt_s / _FAST_S))
        self._slow += (loudness - self._slow) * (1.0 - math.exp(-dt_s / _SLOW_S))
        rise = self._fast - self._slow
        if rise > _PEAK and t_s - self._beat_s > _PAUSE_S:
            self._beat_s = t_s
            self._strength = min(1.0, 0.45 + 1.2 * (rise - _PEAK)) * self._random.uniform(0.7, 1.0)
            if t_s >= self._next_hand_s:
                self._hand_s = t_s
                self._hand_long_s = self._random.uniform(0.9, 1.8)
                self._next_hand_s = t_s + self._hand_long_s + self._random.uniform(3.0, 7.0)

    def beat(self, t_s: float) -> float:
        """0 to 1: the newest stress, coming and going within half a second."""
        return self._strength * bump(t_s - self._beat_s, 0.10, 0.40)

    def hand(self, t_s: float) -> float:
        """1 while the hand is raised, else 0."""
        return 1.0 if 0.0 <= t_s - self._hand_s < self._hand_long_s else 0.0
