"""How the face carries itself: in range and without jerks whatever comes in, alive, and the same for the same seed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.persona.behaviour import Behaviour, Temper
from kiosk.persona.face import FaceState, Mood
from kiosk.persona.visemes import MouthShape

FRAME_S = 1 / 30
RANGES = {
    "smile": (-1.0, 1.0),
    "left_lid": (0.0, 1.0),
    "right_lid": (0.0, 1.0),
    "gaze_x": (-1.0, 1.0),
    "gaze_y": (-1.0, 1.0),
    "left_brow": (-1.0, 1.0),
    "right_brow": (-1.0, 1.0),
    "brow_tilt": (-1.0, 1.0),
    "head_x": (-0.1, 0.1),
    "head_y": (-0.1, 0.1),
    "head_turn": (-15.0, 15.0),
    "head_nod": (-12.0, 12.0),
    "head_tilt": (-10.0, 10.0),
    "breath": (0.0, 1.0),
    "gesture": (0.0, 1.0),
}
# The most that a thirtieth of a second may change; lids and gaze may jump, as eyes do.
STEPS = {
    "smile": 0.25,
    "left_brow": 0.16,
    "right_brow": 0.16,
    "brow_tilt": 0.05,
    "head_x": 0.004,
    "head_y": 0.003,
    "head_turn": 1.6,
    "head_nod": 1.8,
    "head_tilt": 1.0,
    "breath": 0.04,
    "gesture": 0.2,
}

moments = st.lists(st.tuples(st.sampled_from(Mood), st.floats(0.0, 1.0), st.integers(1, 25)), min_size=1, max_size=25)


def run(seed: int, script: Iterable[tuple[Mood, float, int]], temper: Temper | None = None) -> list[FaceState]:
    behaviour, states, frame = Behaviour(seed, temper), [], 0
    for mood, loudness, frames in script:
        for _ in range(frames):
            states.append(behaviour.state(frame * FRAME_S, mood, MouthShape(open=loudness), loudness))
            frame += 1
    return states


def held(mood: Mood, seconds: float, seed: int = 1) -> list[FaceState]:
    return run(seed, [(mood, 0.0, round(seconds / FRAME_S))])


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    st.integers(0, 10_000),
    st.lists(
        st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(Mood), st.floats()), max_size=40
    ),
    st.floats(-1.0, 1.0),
    st.floats(0.0, 1.0),
)
def test_every_value_is_in_range_whatever_comes_in(
    seed: int, inputs: list[tuple[float, Mood, float]], smile: float, energy: float
) -> None:
    behaviour = Behaviour(seed, Temper(smile, energy))
    for now_s, mood, loudness in inputs:
        state = behaviour.state(now_s, mood, MouthShape(), loudness)
        for name, (low, high) in RANGES.items():
            assert low <= getattr(state, name) <= high, name


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.integers(0, 10_000), moments, st.floats(0.0, 1.0))
def test_nothing_snaps_but_lids_and_gaze(seed: int, script: list[tuple[Mood, float, int]], energy: float) -> None:
    states = run(seed, script, Temper(energy=energy))
    for before, after in pairwise(states):
        for name, step in STEPS.items():
            assert abs(getattr(after, name) - getattr(before, name)) <= step, name


def test_the_same_seed_makes_the_same_face() -> None:
    script = [(Mood.GREETING, 0.6, 60), (Mood.LISTENING, 0.0, 90), (Mood.THINKING, 0.0, 40), (Mood.SPEAKING, 0.8, 90)]
    assert run(7, script) == run(7, script)
    assert run(7, script) != run(8, script)


def test_the_mouth_is_passed_on() -> None:
    mouth = MouthShape(open=0.4, teeth=0.2)
    assert Behaviour(1).state(0.0, Mood.SPEAKING, mouth).mouth == mouth


def blinks(states: list[FaceState], dt: float) -> list[tuple[float, float]]:
    """Start and length in seconds of every blink."""
    found, start = [], None
    for k, state in enumerate(states):
        shut = state.left_lid > 0.45
        if shut and start is None:
            start = k
        elif not shut and start is not None:
            found.append((start * dt, (k - start) * dt))
            start = None
    return found


def test_people_blink_ten_to_twenty_five_times_a_minute_and_quickly() -> None:
    dt = 0.005
    for mood in (Mood.IDLE, Mood.LISTENING, Mood.SPEAKING):
        behaviour = Behaviour(3)
        found = blinks([behaviour.state(k * dt, mood) for k in range(round(180 / dt))], dt)
        assert 10 <= len(found) / 3 <= 25, mood
        assert all(0.04 <= long <= 0.16 for _, long in found)


def test_eyes_jump_and_hold() -> None:
    dt = 0.005
    behaviour = Behaviour(2)
    gaze = [behaviour.state(k * dt, Mood.IDLE).gaze_x for k in range(round(60 / dt))]
    moving = sum(abs(b - a) > 1e-9 for a, b in pairwise(gaze))
    assert 0.005 < moving / len(gaze) < 0.12
    assert max(abs(value) for value in gaze) > 0.2


def test_a_listener_looks_at_the_visitor_and_a_thinker_looks_up_and_away() -> None:
    assert all(math.hypot(s.gaze_x, s.gaze_y) < 0.12 for s in held(Mood.LISTENING, 20)[10:])
    thinking = held(Mood.THINKING, 20)[15:]
    away = sum(s.gaze_y < -0.15 and abs(s.gaze_x) > 0.2 for s in thinking)
    assert away > 0.6 * len(thinking)


def test_a_greeting_smiles_within_a_third_of_a_second_and_calms_down() -> None:
    states = held(Mood.GREETING, 6)
    rest = held(Mood.IDLE, 6)[-1].smile
    assert states[round(0.4 / FRAME_S)].smile > rest + 0.45
    assert states[-1].smile < rest + 0.3


def test_a_listener_nods_every_few_seconds() -> None:
    nods = [state.head_nod for state in held(Mood.LISTENING, 30)]
    quiet = [state.head_nod for state in held(Mood.IDLE, 30)]
    assert max(nods) > 3.5
    assert max(nods) > max(quiet) + 1.0


def test_stressed_words_move_brows_and_now_and_then_a_hand() -> None:
    stressed = [(Mood.SPEAKING, 0.9 if k % 3 == 0 else 0.1, 8) for k in range(120)]
    even = [(Mood.SPEAKING, 0.4, 960)]
    loud, flat = run(5, stressed), run(5, even)
    assert max(s.left_brow for s in loud) > max(s.left_brow for s in flat[60:]) + 0.12
    assert max(s.gesture for s in loud) > 0.9
    assert sum(s.gesture > 0.5 for s in loud) < 0.5 * len(loud)
    assert max(s.gesture for s in flat[30:]) < 0.5


def test_shoulders_rise_about_fourteen_times_a_minute() -> None:
    breath = [state.breath for state in held(Mood.IDLE, 60)]
    peaks = sum(a < b >= c for a, b, c in zip(breath, breath[1:], breath[2:], strict=False))
    assert 13 <= peaks <= 15


def test_a_picture_that_stood_still_goes_on_from_where_it_was() -> None:
    behaviour = Behaviour(1)
    before = behaviour.state(0.0, Mood.IDLE)
    behaviour.state(0.03, Mood.IDLE)
    after = behaviour.state(3600.0, Mood.IDLE)
    assert abs(after.head_turn - before.head_turn) < 3.0
