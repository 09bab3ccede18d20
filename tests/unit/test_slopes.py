"""The line through what a soak measured."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.benchmarks.slopes import slope

HOURS = [number / 60 for number in range(50)]


@given(st.floats(-50, 50), st.floats(-1_000, 1_000))
def test_a_straight_line_is_found(per_hour: float, start: float) -> None:
    found = slope(HOURS, [start + per_hour * hour for hour in HOURS])
    assert found is not None
    assert found.per_hour == pytest.approx(per_hour, abs=1e-6)
    assert found.median == pytest.approx(per_hour, abs=1e-6)
    assert found.error == pytest.approx(0, abs=1e-6)


@given(st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=40))
def test_the_median_lies_within_its_interval(values: list[float]) -> None:
    found = slope([number / 60 for number in range(len(values))], values)
    assert found is not None
    assert found.low <= found.median <= found.high
    assert found.error >= 0


def test_noise_is_no_growth_and_growth_within_noise_is() -> None:
    noise = np.random.default_rng(1).normal(0, 0.3, len(HOURS))
    still = slope(HOURS, list(200 + noise))
    growing = slope(HOURS, list(200 + 3 * np.array(HOURS) + noise))
    assert still is not None
    assert growing is not None
    assert not still.grows
    assert abs(still.per_hour) < still.give_or_take * 1.5
    assert growing.grows
    assert growing.per_hour - growing.give_or_take > 0


def test_one_step_of_a_count_is_no_growth_and_a_leak_is() -> None:
    step = slope(HOURS, [34.0 if hour < 0.4 else 35.0 for hour in HOURS])
    leak = slope(HOURS, [34.0 + number // 10 for number in range(len(HOURS))])
    assert step is not None
    assert leak is not None
    assert not step.grows
    assert leak.grows


def test_the_standard_error_is_the_books() -> None:
    """Worked by hand: residuals 1/6, -1/3, 1/6 around a slope of 1.5."""
    found = slope([0.0, 1.0, 2.0], [0.0, 1.0, 3.0])
    assert found is not None
    assert found.per_hour == pytest.approx(1.5)
    assert found.error == pytest.approx((1 / 6 / 2) ** 0.5)
    assert found.give_or_take == pytest.approx(12.71 * (1 / 12) ** 0.5)


@pytest.mark.parametrize(("hours", "values"), [([], []), ([0.0, 1.0], [1.0, 2.0]), ([1.0] * 5, [1.0] * 5)])
def test_too_little_says_nothing(hours: list[float], values: list[float]) -> None:
    assert slope(hours, values) is None
