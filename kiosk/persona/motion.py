"""Movement in time: a value that follows its goal softly, a pulse that comes and goes, a slow wander."""

from __future__ import annotations

import math
from random import Random


class Follower:
    """Follows a goal like a critically damped spring: never jumps; there after about 2 x `time_s`."""

    def __init__(self, value: float, time_s: float):
        self.value = value
        self._speed = 0.0
        self._rate = 2.0 / time_s

    def follow(self, goal: float, dt_s: float) -> float:
        """Exact for a goal that holds during `dt_s`, so it is stable however long the step is."""
        gap = self.value - goal
        pull = (self._speed + self._rate * gap) * dt_s
        fade = math.exp(-self._rate * dt_s)
        self._speed = (self._speed - self._rate * pull) * fade
        self.value = goal + (gap + pull) * fade
        return self.value


def bump(age_s: float, rise_s: float, fall_s: float) -> float:
    """0, up to 1 after `rise_s`, back to 0 after another `fall_s`; round at both ends."""
    if age_s <= 0.0 or age_s >= rise_s + fall_s:
        return 0.0
    return ease(age_s / rise_s) if age_s < rise_s else 1.0 - ease((age_s - rise_s) / fall_s)


def ease(x: float) -> float:
    """0 to 1 with no speed at either end."""
    x = min(max(x, 0.0), 1.0)
    return x * x * (3.0 - 2.0 * x)


class Wander:
    """Slow, never repeating movement between -1 and 1: three sines whose periods share no measure."""

    def __init__(self, random: Random, period_s: float):
        self._waves = [
            (2.0 * math.pi / (period_s * factor * random.uniform(0.9, 1.1)), random.uniform(0.0, 2.0 * math.pi), share)
            for factor, share in ((1.0, 0.5), (0.618, 0.3), (0.382, 0.2))
        ]

    def at(self, t_s: float) -> float:
        return sum(share * math.sin(rate * t_s + phase) for rate, phase, share in self._waves)
