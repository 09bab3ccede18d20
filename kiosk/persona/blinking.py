"""When the eyelids close: now and then, sometimes twice, and mostly where a thought or a wide look ends."""

from __future__ import annotations

from random import Random

from kiosk.persona.motion import ease

_CLOSE_S, _SHUT_S = 0.055, 0.02


class Blinking:
    """Lids from 0 (open) to 1 (shut). A blink takes 120 to 160 ms; 2 to 6 s lie between two."""

    def __init__(self, random: Random):
        self._random = random
        self._start_s = -10.0
        self._long_s = 0.14
        self._next_s = random.uniform(0.8, 3.0)

    def at(self, t_s: float) -> float:
        if t_s >= self._next_s:
            self._begin(t_s)
        age = t_s - self._start_s
        if age < 0.0 or age >= self._long_s:
            return 0.0
        if age < _CLOSE_S:
            return ease(age / _CLOSE_S)
        if age < _CLOSE_S + _SHUT_S:
            return 1.0
        return 1.0 - ease((age - _CLOSE_S - _SHUT_S) / (self._long_s - _CLOSE_S - _SHUT_S))

    def soon(self, t_s: float) -> None:
        """Blinks now, unless the last blink was just a moment ago."""
        if t_s - self._start_s > 0.8:
            self._next_s = min(self._next_s, t_s)

    def _begin(self, t_s: float) -> None:
        self._start_s = t_s
        self._long_s = self._random.uniform(0.12, 0.16)
        twice = self._random.random() < 0.12
        self._next_s = t_s + (self._long_s + 0.12 if twice else self._random.uniform(2.0, 6.0))
