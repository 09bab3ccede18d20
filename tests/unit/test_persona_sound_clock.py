"""The clock of a sound that comes in ticks: even where they come in bursts, new where they stopped."""

from __future__ import annotations

import pytest

from kiosk.persona.sound_clock import LATE_S, TICK_S, SoundClock


def test_bursts_are_evened_out() -> None:
    clock = SoundClock()
    for burst in range(100):
        for _ in range(3):  # three at a time, every 30 ms
            clock.tick(burst * 3 * TICK_S)
    last_s = 99 * 3 * TICK_S
    # On average a tick of such a burst is a tick early.
    assert clock.since_s(last_s) == pytest.approx(-TICK_S, abs=0.002)


def test_a_pause_begins_anew() -> None:
    clock = SoundClock()
    clock.tick(1.0)
    clock.tick(5.0)
    assert clock.since_s(5.004) == pytest.approx(0.004)


def test_where_no_sound_comes_it_stands() -> None:
    clock = SoundClock()
    assert clock.since_s(3.0) == 0.0
    clock.tick(1.0)
    assert clock.since_s(1.0 + 2 * LATE_S) == 0.0
