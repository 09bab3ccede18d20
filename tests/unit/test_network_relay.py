"""The relay that the tests of bad networks stand on: its weather is what it says, and the same each time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.network_relay import CLEAR, Way, Weather

PACKETS = 2_000
SPACING_S = 0.01


def arrivals(way: Way, weather: Weather) -> list[float | None]:
    return [way.due_s(number * SPACING_S, weather) for number in range(PACKETS)]


def test_clear_weather_changes_nothing() -> None:
    assert arrivals(Way("a"), CLEAR) == [number * SPACING_S for number in range(PACKETS)]


def test_the_same_seed_is_the_same_network() -> None:
    bad = Weather(delay_s=0.2, jitter_s=0.06, loss=0.05)
    assert arrivals(Way("a"), bad) == arrivals(Way("a"), bad) != arrivals(Way("b"), bad)


def test_a_hole_lets_nothing_through_and_leaves_the_rest_as_it_was() -> None:
    bad = Weather(jitter_s=0.06, loss=0.05)
    whole, broken = arrivals(Way("a"), bad), Way("a")
    assert [broken.due_s(number * SPACING_S, Weather(hole=True)) for number in range(100)] == [None] * 100
    assert [broken.due_s(number * SPACING_S, bad) for number in range(100, PACKETS)] == whole[100:]


@given(st.floats(0, 1), st.floats(0, 0.5), st.floats(0, 0.1), st.booleans())
def test_packets_are_lost_late_and_out_of_order_as_told(
    loss: float, delay_s: float, jitter_s: float, reorder: bool
) -> None:
    due = arrivals(Way("a"), Weather(delay_s, jitter_s, loss, reorder))
    assert abs(due.count(None) / PACKETS - loss) < 0.05
    came = [(at, at - number * SPACING_S) for number, at in enumerate(due) if at is not None]
    assert all(delay_s - 1e-9 <= late <= delay_s + jitter_s + 1e-9 for _, late in came)
    if not reorder or jitter_s < SPACING_S:
        assert [at for at, _ in came] == sorted(at for at, _ in came)


def test_tcp_loses_nothing_and_keeps_the_order() -> None:
    way = Way("a")
    due = [way.in_order_s(number * 0.001, Weather(delay_s=0.1, jitter_s=0.06, loss=1.0)) for number in range(PACKETS)]
    assert due == sorted(due)
    assert due[0] >= 0.1
