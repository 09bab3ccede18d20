"""Lips in time: shapes are reached, lips meet where they must, and nothing snaps."""

from __future__ import annotations

from dataclasses import astuple, fields
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.persona.mouth import SHAPES, mouth_at
from kiosk.persona.visemes import MouthShape, Viseme, VisemeCue

FRAME_S = 0.033


def cues_of(parts: list[tuple[Viseme, float]], start_s: float = 0.5) -> list[VisemeCue]:
    cues = []
    for viseme, long_s in parts:
        cues.append(VisemeCue(start_s, start_s + long_s, viseme))
        start_s += long_s
    return cues


speech = st.lists(st.tuples(st.sampled_from(Viseme), st.floats(0.01, 0.3)), max_size=30).map(cues_of)


def test_every_viseme_has_a_shape_in_range() -> None:
    assert set(SHAPES) == set(Viseme)
    assert all(0.0 <= value <= 1.0 for shape in SHAPES.values() for value in astuple(shape))


@settings(derandomize=True, deadline=None, max_examples=150)
@given(speech, st.floats(-1.0, 12.0))
def test_every_mouth_is_in_range(cues: list[VisemeCue], t_s: float) -> None:
    assert all(0.0 <= value <= 1.0 for value in astuple(mouth_at(cues, t_s)))


@settings(derandomize=True, deadline=None, max_examples=60)
@given(speech)
def test_the_mouth_never_snaps(cues: list[VisemeCue]) -> None:
    end = cues[-1].end_s if cues else 1.0
    shapes = [mouth_at(cues, k * FRAME_S) for k in range(int((end + 0.5) / FRAME_S))]
    for before, after in pairwise(shapes):
        for part in fields(MouthShape):
            change = getattr(after, part.name) - getattr(before, part.name)
            assert abs(change) <= 0.45, (part.name, before, after)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(speech, st.sampled_from(Viseme), st.sampled_from(Viseme), st.floats(0.03, 0.12))
def test_lips_meet_in_every_p_b_and_m(cues: list[VisemeCue], before: Viseme, after: Viseme, long_s: float) -> None:
    start = cues[-1].end_s if cues else 0.5
    cues = cues + cues_of([(before, 0.1), (Viseme.PP, long_s), (after, 0.1)], start)
    mouth = mouth_at(cues, start + 0.1 + long_s / 2)
    assert mouth.open == 0.0
    assert mouth.press == 1.0


@pytest.mark.parametrize("neighbour", [Viseme.AA, Viseme.O, Viseme.U, Viseme.I])
def test_f_and_v_show_teeth_on_a_lip_that_is_nearly_up(neighbour: Viseme) -> None:
    mouth = mouth_at(cues_of([(neighbour, 0.12), (Viseme.FF, 0.08), (neighbour, 0.12)]), 0.5 + 0.12 + 0.04)
    assert mouth.teeth > 0.8
    assert mouth.open <= SHAPES[Viseme.FF].open + 1e-9


@pytest.mark.parametrize("viseme", list(Viseme))
def test_a_held_viseme_is_reached(viseme: Viseme) -> None:
    mouth = mouth_at(cues_of([(viseme, 0.6)]), 0.8)
    for got, wanted in zip(astuple(mouth), astuple(SHAPES[viseme]), strict=True):
        assert got == pytest.approx(wanted, abs=0.12)


def test_lips_start_before_the_sound_and_rest_far_from_it() -> None:
    cues = cues_of([(Viseme.O, 0.2)])
    assert mouth_at(cues, 0.5 - 0.25) == mouth_at([], 0.0) == MouthShape()
    assert mouth_at(cues, 0.5 - 0.06).round > 0.3
    assert mouth_at(cues, 0.5 + 0.2 + 0.25) == MouthShape()


def test_a_short_vowel_gives_way_to_its_neighbours() -> None:
    long = mouth_at(cues_of([(Viseme.SS, 0.1), (Viseme.AA, 0.30), (Viseme.SS, 0.1)]), 0.5 + 0.1 + 0.15)
    short = mouth_at(cues_of([(Viseme.SS, 0.1), (Viseme.AA, 0.04), (Viseme.SS, 0.1)]), 0.5 + 0.1 + 0.02)
    assert short.open < 0.75 * long.open


def test_a_weak_viseme_opens_less() -> None:
    cues = [VisemeCue(0.0, 0.4, Viseme.AA, strength=0.4)]
    assert 0.2 < mouth_at(cues, 0.2).open < 0.5
