"""Timestamps that shake around a beat are shown on the beat; all others as they are."""

from __future__ import annotations

import random
import statistics
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.media.cadence import JITTER_S, Cadence


def shaken(period_s: float, count: int, jitter_s: float = 0.0015) -> list[float]:
    """As libwebrtc tells them: whole milliseconds, somewhere near the truth."""
    dice = random.Random(6)
    return [round(1000 * (5.0 + n * period_s + dice.uniform(-jitter_s, jitter_s))) / 1000 for n in range(count)]


def steps(instants: list[float]) -> list[float]:
    return [after - before for before, after in pairwise(instants)]


@pytest.mark.parametrize("rate", [12.5, 24, 25, 29.97, 30, 50, 60])
def test_a_steady_rate_becomes_even(rate: float) -> None:
    cadence, told = Cadence(), shaken(1 / rate, 300)
    even = [cadence.even_s(instant) for instant in told]
    assert statistics.pstdev(steps(even)[60:]) < 0.2 * statistics.pstdev(steps(told)[60:])
    assert statistics.fmean(steps(even)[60:]) == pytest.approx(1 / rate, abs=2e-5)


def test_left_out_pictures_keep_the_beat() -> None:
    cadence, told = Cadence(), shaken(1 / 30, 400)
    kept = [instant for n, instant in enumerate(told) if n < 100 or n % 7 not in (3, 4)]
    even = [cadence.even_s(instant) for instant in kept]
    beats = [step * 30 for step in steps(even)[150:]]
    assert max(abs(step - round(step)) for step in beats) < 0.03
    assert {round(step) for step in beats} == {1, 3}


def test_another_rate_is_followed_at_once() -> None:
    cadence = Cadence()
    for instant in shaken(1 / 30, 100):
        cadence.even_s(instant)
    later = [20.0 + n / 20 for n in range(50)]
    assert [cadence.even_s(instant) for instant in later] == pytest.approx(later, abs=1e-9)


def test_a_slow_clock_is_followed() -> None:
    """A thousand parts in a million: ten times what quartz does."""
    cadence, told = Cadence(), shaken(1.001 / 30, 3_000)
    off = [cadence.even_s(instant) - instant for instant in told]
    assert abs(statistics.fmean(off[1_000:])) < 2e-4


@given(st.lists(st.floats(-0.05, 0.5, allow_nan=False), min_size=1, max_size=200), st.floats(0, 1e9))
def test_no_picture_is_moved_far(gaps: list[float], origin_s: float) -> None:
    cadence, instant = Cadence(), origin_s
    for gap in gaps:
        instant += gap
        assert abs(cadence.even_s(instant) - instant) <= JITTER_S + 1e-6


@given(st.lists(st.floats(0.0085, 0.5, allow_nan=False), min_size=1, max_size=200))
def test_pictures_stay_in_order(gaps: list[float]) -> None:
    cadence, instant, before = Cadence(), 1.0, -1.0
    for gap in gaps:
        instant += gap
        even = cadence.even_s(instant)
        assert even > before
        before = even
