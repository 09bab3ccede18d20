"""Where the eyes look: they jump, then hold. At the visitor while they listen, away while they think."""

from __future__ import annotations

from random import Random

from kiosk.persona.face import Mood
from kiosk.persona.motion import ease

JUMP_S = 0.045
"""Seconds that a saccade takes."""

Point = tuple[float, float]


class Gaze:
    """Gaze in parts of its range: -1 left or up, 1 right or down, 0 at the visitor."""

    def __init__(self, random: Random):
        self._random = random
        self._from: Point = (0.0, 0.0)
        self._to: Point = (0.0, 0.0)
        self._jump_s = -1.0
        self._hold_until_s = 0.0
        self._mood = Mood.IDLE
        self._side = -1.0

    def at(self, t_s: float, mood: Mood) -> Point:
        if mood is not self._mood:
            self._mood = mood
            self._side = -1.0 if self._random.random() < 0.75 else 1.0  # most people think to the same side
            self._jump(t_s)
        elif t_s >= self._hold_until_s:
            self._jump(t_s)
        return self._between(t_s)

    @property
    def jump_size(self) -> float:
        """How far the newest saccade goes; people blink with wide ones."""
        return abs(self._to[0] - self._from[0]) + abs(self._to[1] - self._from[1])

    @property
    def jumped_s(self) -> float:
        return self._jump_s

    def _jump(self, t_s: float) -> None:
        self._from = self._between(t_s)
        self._to, hold_s = self._target(self._mood)
        self._jump_s = t_s
        self._hold_until_s = t_s + hold_s

    def _between(self, t_s: float) -> Point:
        part = ease((t_s - self._jump_s) / JUMP_S)
        return self._from[0] + (self._to[0] - self._from[0]) * part, self._from[1] + (
            self._to[1] - self._from[1]
        ) * part

    def _target(self, mood: Mood) -> tuple[Point, float]:
        """A point, and the seconds to look at it."""
        pick, chance = self._random.uniform, self._random.random()
        near = (pick(-0.05, 0.05), pick(-0.04, 0.04))  # from one eye of the visitor to the other
        match mood:
            case Mood.LISTENING | Mood.GREETING:
                hold, point = pick(0.5, 2.4), near
            case Mood.THINKING:
                hold = pick(0.5, 1.4)
                point = (self._side * pick(0.35, 0.65), pick(-0.65, -0.35)) if chance < 0.8 else (pick(-0.3, 0.3), -0.2)
            case Mood.SPEAKING if chance < 0.78:
                hold, point = pick(0.6, 2.4), near
            case Mood.SPEAKING:
                hold, point = pick(0.4, 0.8), (pick(-0.45, 0.45), pick(-0.15, 0.25))
            case _ if chance < 0.6:
                hold, point = pick(0.8, 2.4), near
            case _:
                hold, point = pick(0.5, 1.5), (pick(-0.6, 0.6), pick(-0.2, 0.25))
        return point, hold
