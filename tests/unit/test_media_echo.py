"""The canceller on made-up rooms: what the loudspeaker plays, delayed and softer, is what the microphone hears."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from kiosk.media.echo import EchoCanceller
from kiosk.media.playout import FarEnd

Sound = NDArray[np.int16]


def talk(seconds: int, seed: int) -> Sound:
    """Bursts of low-passed noise with pauses, as loud and soft as speech."""
    chance = np.random.default_rng(seed)
    noise = chance.normal(0, 1, seconds * 48_000)
    soft = np.convolve(noise, np.hanning(40) / 20, "same")
    bursts = np.repeat(chance.random(seconds * 5) > 0.3, 9_600)
    return (soft * bursts * 5_000).clip(-30_000, 30_000).astype(np.int16)


def db(sound: Sound) -> float:
    return float(10 * np.log10(np.mean(sound.astype(float) ** 2) + 1e-9))


def through(echo: EchoCanceller, microphone: Sound, far_end: FarEnd | None, played: Sound, batch: int = 1) -> Sound:
    """`batch`: frames that come at once, since callbacks are not evenly spaced."""
    out = []
    for first in range(0, len(microphone) - 480 * batch + 1, 480 * batch):
        if far_end is not None:
            far_end.ring.write(played[first : first + 480 * batch])
        for n in range(batch):
            at = first + 480 * n
            out.append(echo.process(memoryview(microphone[at : at + 480].tobytes()), batch - 1 - n, 0.01))
    return np.frombuffer(b"".join(out), np.int16)


@pytest.mark.parametrize("batch", [1, 3])
def test_an_echo_is_attenuated_by_25_db_once_learnt(batch: int) -> None:
    played = talk(12, 3)
    air = np.concatenate([np.zeros(3_000, np.int16), played])[: len(played)] // 2
    echo = EchoCanceller(noise_suppression=False, gain_control=False)
    far_end = FarEnd(48_000)
    echo.follow(far_end)
    left = through(echo, air, far_end, played, batch)
    half = len(left) // 2
    assert db(air[half : len(left)]) - db(left[half:]) > 25
    assert echo.reversed == len(left) // 480


def test_a_visitor_passes_while_nothing_plays() -> None:
    visitor = talk(6, 5)
    echo = EchoCanceller(noise_suppression=False, gain_control=False)
    far_end = FarEnd(48_000)
    echo.follow(far_end)
    heard = through(echo, visitor, far_end, np.zeros_like(visitor))
    assert db(heard) > db(visitor) - 3


def test_without_a_loudspeaker_all_passes() -> None:
    visitor = talk(3, 5)
    heard = through(EchoCanceller(noise_suppression=False, gain_control=False), visitor, None, visitor)
    assert db(heard) > db(visitor) - 3


def test_switched_off_it_changes_nothing() -> None:
    visitor = talk(1, 5)
    echo = EchoCanceller(echo_cancellation=False, noise_suppression=False, high_pass=False, gain_control=False)
    assert np.array_equal(through(echo, visitor, None, visitor), visitor)


def test_what_was_played_before_anyone_listened_is_forgotten() -> None:
    far_end = FarEnd(48_000)
    far_end.ring.write(talk(1, 1)[: far_end.ring.capacity])
    echo = EchoCanceller()
    echo.follow(far_end)
    assert far_end.ring.available() == 0
    far_end.ring.write(np.zeros(480 * 40, np.int16))  # 400 ms while nobody fetched any
    echo.process(memoryview(bytes(960)), 0, 0.01)
    assert echo.reversed <= 21
    assert far_end.ring.available() == 0
