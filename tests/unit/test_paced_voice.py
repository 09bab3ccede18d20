"""The jitter buffer with a clock, fed by every kind of network."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from kiosk.links.paced_voice import KEPT_S, LONGEST_S, SHORTEST_S, TICK_S, PacedVoice

RATE = 48_000
PACKET_S = 0.02


def sound(number: int, level: int = 8000) -> bytes:
    """20 ms whose samples tell the packet's number."""
    return np.full(960, level + number % 1000, np.int16).tobytes()


def played(voice: PacedVoice, arrivals_s: list[float], until_s: float, level: int = 8000) -> list[bytes | None]:
    """What comes out of `until_s` seconds of ticks while packet n arrives at `arrivals_s[n]`."""
    out, next_packet = [], 0
    for tick in range(round(until_s / TICK_S)):
        while next_packet < len(arrivals_s) and arrivals_s[next_packet] <= tick * TICK_S:
            voice.put(sound(next_packet, level))
            next_packet += 1
        out.append(voice.tick())
    return out


def words(out: list[bytes | None]) -> bytes:
    return b"".join(chunk for chunk in out if chunk is not None)


def test_an_even_network_costs_the_shortest_delay_and_no_sample() -> None:
    voice = PacedVoice(RATE, 1)
    out = played(voice, [n * PACKET_S for n in range(200)], 4.5)
    assert words(out) == b"".join(sound(n) for n in range(200))
    assert out.index(next(chunk for chunk in out if chunk)) * TICK_S <= SHORTEST_S
    assert voice.gaps == 0


@pytest.mark.parametrize("jitter_s", [0.03, 0.08, 0.15])
def test_jitter_is_learned_and_then_heard_no_more(jitter_s: float) -> None:
    rng = Random(7)
    arrivals = sorted(n * PACKET_S + rng.uniform(0, jitter_s) for n in range(3000))
    voice = PacedVoice(RATE, 1)
    played(voice, arrivals[:1500], 30.0)
    learned = voice.gaps
    out = played(voice, [at - 30.0 for at in arrivals[1500:]], 28.0)
    assert learned <= 9
    assert voice.gaps - learned <= 1
    assert out.count(None) <= 25
    assert voice.target_s <= LONGEST_S


def test_a_burst_is_made_up_for_in_silence_only() -> None:
    voice = PacedVoice(RATE, 1)
    burst = [1.0] * 30 + [1.0 + n * PACKET_S for n in range(100)]
    spoken = words(played(voice, burst, 2.5))
    assert spoken == b"".join(sound(n) for n in range(130))[: len(spoken)]  # nothing of the speech was cut
    assert voice.waiting_s > 0.3
    played(voice, [n * PACKET_S for n in range(75)], 1.5, level=0)  # so quiet that it counts as silence
    assert voice.waiting_s < 0.2


def test_nothing_grows_without_a_bound() -> None:
    voice = PacedVoice(RATE, 2)
    for number in range(1000):
        voice.put(sound(number))
    assert voice.waiting_s <= KEPT_S


def test_a_pause_is_no_gap() -> None:
    voice = PacedVoice(RATE, 1)
    played(voice, [n * PACKET_S for n in range(20)], 1.5)
    played(voice, [n * PACKET_S for n in range(20)], 1.0)
    assert voice.gaps == 0
    assert voice.target_s == SHORTEST_S


def test_clearing_drops_what_waits() -> None:
    voice = PacedVoice(RATE, 1)
    voice.put(sound(1) * 10)
    voice.clear()
    assert voice.tick() is None
    assert voice.waiting_s == 0
