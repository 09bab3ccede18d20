"""How much sound is to wait, and how much time a device is given."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.media.device_latency import SETTLING_S, TOO_OFTEN, WISHES_S, WITHIN_S, DeviceLatency
from kiosk.media.reserve import LONGEST_S, MARGIN_S, MEMORY, SHORTEST_S, START_S, WINDOW_S, Reserve


def fed(reserve: Reserve, fill_s: float, left_s: float, seconds: float) -> float:
    for _ in range(round(seconds / 0.01)):
        reserve.update(fill_s, left_s, 0.01)
    return reserve.target_s


def test_it_becomes_the_swing_and_a_margin() -> None:
    reserve = Reserve()
    assert reserve.target_s == START_S
    assert abs(fed(reserve, 0.020, 0.012, 2) - (0.008 + MARGIN_S)) < 1e-9


def test_running_dry_counts_at_once_and_is_forgotten_after_half_a_minute() -> None:
    reserve = Reserve()
    before = fed(reserve, 0.020, 0.015, 2)
    reserve.ran_dry(0.010)
    assert abs(reserve.target_s - (before + 0.010 + MARGIN_S)) < 1e-9
    assert fed(reserve, 0.020, 0.015, WINDOW_S * MEMORY - 2) > before + 0.010
    assert fed(reserve, 0.020, 0.015, 3) < 0.010


def test_a_change_on_purpose_is_no_swing() -> None:
    reserve = Reserve()
    fed(reserve, 0.020, 0.015, 2)
    reserve.update(0.060, 0.055, 0.01)
    reserve.skip()
    assert fed(reserve, 0.020, 0.015, 1) < 0.010


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(-0.02, 1), st.floats(-0.5, 1), st.floats(0.001, 0.1)), max_size=200))
def test_it_stays_in_bounds(updates: list[tuple[float, float, float]]) -> None:
    reserve = Reserve()
    for update in updates:
        assert SHORTEST_S <= reserve.update(*update) <= LONGEST_S


def test_a_device_that_keeps_up_is_left_alone() -> None:
    latency = DeviceLatency()
    assert not any(latency.note(now // 60, float(now)) for now in range(600))  # one underflow a minute
    assert latency.wish_s == WISHES_S[0]


def test_a_device_that_runs_dry_gets_more_time_step_by_step() -> None:
    latency = DeviceLatency()
    now_s, underflows, openings = 0.0, 0, 0
    while openings < len(WISHES_S) - 1:
        now_s += 0.5
        underflows += 1
        if latency.note(underflows, now_s):
            openings, underflows = openings + 1, 0
    assert latency.wish_s == WISHES_S[-1]
    for n in range(100):
        assert not latency.note(n, now_s + n)  # there is no more to give


def test_stumbling_while_it_is_opened_counts_for_nothing() -> None:
    latency = DeviceLatency()
    assert not latency.note(10, 0.0)
    assert not latency.note(20, SETTLING_S / 2)
    assert not latency.note(20 + TOO_OFTEN - 1, SETTLING_S + 1)
    assert not latency.note(20 + TOO_OFTEN, SETTLING_S + 2 + WITHIN_S)
