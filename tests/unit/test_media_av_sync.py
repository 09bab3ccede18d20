"""When a frame is due, and how long it waits for the sound."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.media.av_sync import LONGEST_S, SLEW_S, ClockMap, VideoDelay


def test_the_first_measurement_counts_at_once_and_leaves_no_offset() -> None:
    delay = VideoDelay()
    assert delay.update(0.100) == pytest.approx(0.100)
    assert delay.offset_s == pytest.approx(0.0)


def test_a_sound_that_is_faster_than_the_screen_delays_nothing() -> None:
    delay = VideoDelay()
    assert delay.update(-0.010) == 0.0
    assert delay.offset_s < 0


def test_a_change_is_followed_by_a_millisecond_a_frame() -> None:
    delay = VideoDelay()
    before = delay.update(0.080)
    steps = []
    for _ in range(200):
        after = delay.update(0.140)
        steps.append(after - before)
        before = after
    assert max(steps) <= SLEW_S + 1e-12
    assert delay.delay_s == pytest.approx(0.140, abs=0.001)
    assert abs(delay.offset_s) < 0.001


def test_the_first_word_has_its_lips() -> None:
    """A picture often comes before the loudspeaker is open, or before the voice."""
    delay = VideoDelay()
    assert [delay.update(None) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert delay.offset_s == 0.0
    assert delay.update(0.090) == pytest.approx(0.090)


def test_without_a_voice_the_wait_ends_softly() -> None:
    delay = VideoDelay()
    delay.update(0.005)
    assert [round(delay.update(None), 6) for _ in range(7)] == [0.004, 0.003, 0.002, 0.001, 0.0, 0.0, 0.0]
    assert delay.offset_s == 0.0
    assert delay.update(0.050) == pytest.approx(0.050)


@settings(derandomize=True, max_examples=100)
@given(st.lists(st.floats(-1, 3), min_size=1, max_size=300))
def test_it_stays_in_bounds_whatever_is_measured(latencies: list[float]) -> None:
    delay = VideoDelay()
    known = None
    for latency_s in latencies:
        now = delay.update(latency_s)
        assert 0 <= now <= LONGEST_S
        assert known is None or abs(now - known) <= SLEW_S + 1e-12
        known = now


def test_due_times_are_spaced_as_the_timestamps_whatever_the_jitter() -> None:
    clocks = ClockMap()
    jitter = [0.0, 0.012, 0.003, 0.020, 0.001] * 20
    due = [clocks.due_s(5_000_000 + n * 33_333, 100 + n * 0.033_333 + late) for n, late in enumerate(jitter)]
    spacing = [after - before for before, after in itertools.pairwise(due)]
    assert min(spacing) > 0.0320
    assert max(spacing) < 0.0346


def test_a_frame_is_never_due_later_than_it_arrived() -> None:
    clocks = ClockMap()
    for n in range(1000):
        arrived_s = 7 + n / 30 + (n * 37 % 11) / 1000
        assert clocks.due_s(n * 33_333, arrived_s) <= arrived_s + 1e-9


def test_a_slower_route_is_believed_after_a_while() -> None:
    clocks = ClockMap()
    clocks.due_s(0, 0.0)
    late = [n / 30 + 0.020 - clocks.due_s(round(n / 30 * 1e6), n / 30 + 0.020) for n in range(30, 1800)]
    assert late[0] == pytest.approx(0.0195, abs=0.001)
    assert late[-1] < 0.001


def test_a_clock_that_jumps_starts_a_new_map() -> None:
    clocks = ClockMap()
    clocks.due_s(1_000_000, 1.0)
    assert clocks.due_s(900_000_000, 1.1) == pytest.approx(1.1)
    assert clocks.due_s(5_000, 1.2) == pytest.approx(1.2)
