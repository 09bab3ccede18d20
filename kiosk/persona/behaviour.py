"""How the persona carries itself: mood, voice and time become a face. Pure, and the same for the same seed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from kiosk.persona.blinking import Blinking
from kiosk.persona.emphasis import Emphasis
from kiosk.persona.face import FaceState, Mood
from kiosk.persona.gaze import Gaze
from kiosk.persona.motion import Follower, Wander, bump
from kiosk.persona.visemes import MouthShape

_BREATH_HZ = 14 / 60
_EASE_S = 0.30
_LONGEST_STEP_S = 0.25  # after a pause of the picture the face carries on from where it was

GREETING_RISE_S, GREETING_FADE_S = 0.3, 3.0


@dataclass(frozen=True, slots=True)
class Temper:
    """What differs from one persona to another: `smile` at rest (-1 to 1), `energy` of all movement (0 to 1)."""

    smile: float = 0.2
    energy: float = 0.6


@dataclass(frozen=True, slots=True)
class _Pose:
    """What a mood asks for, before anything moves."""

    smile: float = 0.0
    brows: float = 0.0
    tilt: float = 0.0
    turn: float = 0.0
    nod: float = 0.0
    lids: float = 0.0
    lively: float = 0.5
    brow_tilt: float = 0.0


_POSES = {
    Mood.IDLE: _Pose(lids=0.04, lively=0.5),
    Mood.LISTENING: _Pose(smile=0.06, brows=0.16, tilt=2.2, nod=0.8, lively=0.5),
    Mood.THINKING: _Pose(
        smile=-0.10, brows=0.12, tilt=-3.0, turn=-3.0, nod=-2.5, lids=0.05, lively=0.4, brow_tilt=0.12
    ),
    Mood.SPEAKING: _Pose(smile=0.05, brows=0.05, lively=1.0),
    Mood.GREETING: _Pose(smile=0.15, brows=0.25, tilt=1.5, lively=0.8),
}


class Behaviour:
    """Call `state` once a frame with a clock that moves on; a step back in time is taken for no step."""

    def __init__(self, seed: int, temper: Temper | None = None):
        random = Random(seed)  # noqa: S311 - a face, not a secret
        self._random = random
        self._temper = temper or Temper()
        self._blinking, self._gaze, self._emphasis = Blinking(random), Gaze(random), Emphasis(random)
        self._sway_x, self._sway_y = Wander(random, 7.3), Wander(random, 5.9)
        self._turn_wander, self._tilt_wander, self._nod_wander = (Wander(random, p) for p in (6.1, 8.7, 4.7))
        self._followers = {name: Follower(value, _EASE_S) for name, value in _START.items()}
        self._gesture = Follower(0.0, 0.45)
        self._beat = Follower(0.0, 0.10)
        self._greeting = Follower(0.0, 0.08)
        self._uneven = 0.0
        self._last_s: float | None = None
        self._t_s = 0.0
        self._mood = Mood.IDLE
        self._greeted_s = -100.0
        self._nod_s = -100.0
        self._next_nod_s = 0.0
        self._looked_s = 0.0

    def state(self, now_s: float, mood: Mood, mouth: MouthShape | None = None, loudness: float = 0.0) -> FaceState:
        """The face at `now_s` (seconds of any clock). `mouth` is passed on; `loudness` of the voice is 0 to 1."""
        mouth = mouth or MouthShape()
        loudness = min(max(loudness, 0.0), 1.0) if math.isfinite(loudness) else 0.0
        dt = 0.0 if self._last_s is None else min(max(now_s - self._last_s, 0.0), _LONGEST_STEP_S)
        self._last_s = now_s
        self._t_s += dt
        t = self._t_s
        self._change(mood, t)
        energy = self._temper.energy
        speaking = mood is Mood.SPEAKING or mood is Mood.GREETING

        gaze_x, gaze_y = self._gaze.at(t, mood)
        if self._gaze.jumped_s > self._looked_s:
            self._looked_s = self._gaze.jumped_s
            if self._gaze.jump_size > 0.7 and self._random.random() < 0.4:
                self._blinking.soon(t)
        blink = self._blinking.at(t)
        self._emphasis.hear(t, dt, loudness if speaking else 0.0)
        beat = self._beat.follow(self._emphasis.beat(t), dt)

        pose = _POSES[mood]
        greeting = self._greeting.follow(bump(t - self._greeted_s, 0.75 * GREETING_RISE_S, GREETING_FADE_S), dt)
        lively = self._follow("lively", pose.lively, dt) * (0.4 + energy)
        smile = self._follow("smile", self._temper.smile + pose.smile, dt) + 0.6 * greeting
        brows = self._follow("brows", pose.brows - 0.1 * min(gaze_y, 0.0), dt) + 0.15 * greeting + 0.9 * energy * beat
        lids = self._follow("lids", pose.lids, dt) + max(0.0, gaze_y) * 0.18
        nod = self._follow("nod", pose.nod + gaze_y * 2.5, dt) + 4.0 * self._listening_nod(mood, t)
        turn = self._follow("turn", pose.turn + gaze_x * 5.0, dt)
        tilt = self._follow("tilt", pose.tilt, dt)
        breath = 0.5 - 0.5 * math.cos(2.0 * math.pi * _BREATH_HZ * t)
        lid = max(blink, min(lids, 0.4))
        return FaceState(
            mouth=mouth,
            smile=_within(smile, -1.0, 1.0),
            left_lid=_within(lid, 0.0, 1.0),
            right_lid=_within(lid, 0.0, 1.0),
            gaze_x=_within(gaze_x, -1.0, 1.0),
            gaze_y=_within(gaze_y, -1.0, 1.0),
            left_brow=_within(brows, -1.0, 1.0),
            right_brow=_within(brows * (1.0 - 0.35 * self._follow("uneven", self._uneven, dt)), -1.0, 1.0),
            brow_tilt=_within(self._follow("brow_tilt", pose.brow_tilt, dt), -1.0, 1.0),
            head_x=_within(0.012 * lively * self._sway_x.at(t), -0.1, 0.1),
            head_y=_within(0.006 * lively * self._sway_y.at(t) - 0.004 * breath, -0.1, 0.1),
            head_turn=_within(turn + 3.2 * lively * self._turn_wander.at(t), -15.0, 15.0),
            head_nod=_within(nod + 1.8 * lively * self._nod_wander.at(t) + 5.0 * energy * beat, -12.0, 12.0),
            head_tilt=_within(tilt + 1.8 * lively * self._tilt_wander.at(t), -10.0, 10.0),
            breath=breath,
            gesture=_within(
                self._gesture.follow(self._emphasis.hand(t) if mood is Mood.SPEAKING else 0.0, dt), 0.0, 1.0
            ),
        )

    def _change(self, mood: Mood, t_s: float) -> None:
        if mood is self._mood:
            return
        if self._mood is Mood.THINKING:
            self._blinking.soon(t_s)
        if mood is Mood.GREETING:
            self._greeted_s = t_s
        self._uneven = 1.0 if mood is Mood.THINKING else 0.0
        self._next_nod_s = t_s + self._random.uniform(1.2, 3.0)
        self._mood = mood

    def _listening_nod(self, mood: Mood, t_s: float) -> float:
        if mood is Mood.LISTENING and t_s >= self._next_nod_s:
            self._nod_s = t_s
            self._next_nod_s = t_s + self._random.uniform(3.0, 6.5)
        age = t_s - self._nod_s
        return bump(age, 0.22, 0.30) + 0.5 * bump(age - 0.42, 0.20, 0.34)

    def _follow(self, name: str, goal: float, dt_s: float) -> float:
        return self._followers[name].follow(goal, dt_s)


_START = dict.fromkeys(("lively", "smile", "brows", "lids", "nod", "turn", "tilt", "brow_tilt", "uneven"), 0.0)


def _within(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)
