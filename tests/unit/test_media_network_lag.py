"""How much later the voice comes than the picture, from what a receiver counts."""

from __future__ import annotations

import pytest

from kiosk.media.network_lag import TYPICAL_S, NetworkLag
from kiosk.media.statistics import NetworkStatistics, StreamStatistics


def seen(frames: int, buffered_s: float, captured_s: float | None = None) -> StreamStatistics:
    return StreamStatistics("v", buffered_s=buffered_s, emitted=frames, captured_s=captured_s)


def heard(samples: int, buffered_s: float, captured_s: float | None = None) -> StreamStatistics:
    return StreamStatistics("a", buffered_s=buffered_s, emitted=samples, captured_s=captured_s)


def test_nothing_is_known_at_first_and_of_one_stream_alone() -> None:
    lag = NetworkLag()
    assert lag.update(NetworkStatistics()) == TYPICAL_S
    assert lag.update(NetworkStatistics(video=seen(30, 0.1))) == TYPICAL_S


def test_the_difference_of_what_waited_since_the_last_time() -> None:
    lag = NetworkLag()
    lag.update(NetworkStatistics(None, seen(300, 30.0), heard(480_000, 48_000.0)))
    later = NetworkStatistics(None, seen(330, 30.0 + 30 * 0.006), heard(528_000, 48_000.0 + 48_000 * 0.031))
    for _ in range(30):
        lag.update(NetworkStatistics(None, seen(300, 30.0), heard(480_000, 48_000.0)))
        lag.update(later)
    assert lag.lag_s == pytest.approx(0.031 + 0.0215 - 0.006 - 0.010, abs=0.002)


def test_where_both_tell_what_they_play_nothing_is_guessed() -> None:
    lag = NetworkLag()
    now = NetworkStatistics(None, seen(30, 0.1, captured_s=100.050), heard(48_000, 900.0, captured_s=100.010))
    assert lag.update(now) == pytest.approx(0.040)


def test_what_cannot_be_is_not_believed_and_a_new_track_counts_from_its_beginning() -> None:
    lag = NetworkLag()
    lag.update(NetworkStatistics(None, seen(300, 3.0), heard(48_000, 48_000 * 0.03)))
    known = lag.lag_s
    lag.update(NetworkStatistics(None, seen(301, 3.0), heard(48_001, 48_000 * 0.03 + 9)))
    assert lag.lag_s == known
    other = StreamStatistics("b", buffered_s=48_000 * 0.04, emitted=48_000)
    lag.update(NetworkStatistics(None, seen(331, 3.3), other))
    assert lag.lag_s == pytest.approx(known, abs=0.02)
