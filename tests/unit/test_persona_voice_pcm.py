"""Sound from engines of all kinds becomes the persona's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.persona.pcm import STEP, PcmConverter, WavHeader
from tests.simulators.speech_endpoint import tone, wav_header


@pytest.mark.parametrize(("rate", "channels"), [(24_000, 1), (22_050, 1), (48_000, 1), (44_100, 2), (16_000, 2)])
@given(cuts=st.lists(st.integers(1, 9_001), min_size=1, max_size=20))
def test_cut_anywhere_it_is_the_same_sound(rate: int, channels: int, cuts: list[int]) -> None:
    sound = tone(10, rate, channels)
    converter, made, at, turn = PcmConverter(rate, channels), bytearray(), 0, 0
    while at < len(sound):
        size = max(cuts[turn % len(cuts)], 300)
        out = converter.push(sound[at : at + size])
        assert len(out) % STEP == 0
        made += out
        at += size
        turn += 1
    made += converter.finish()
    assert len(made) % STEP == 0
    whole = PcmConverter(rate, channels)
    at_once = np.frombuffer(whole.push(sound) + whole.finish(), dtype="<i2").astype(int)
    apart = np.abs(np.frombuffer(bytes(made), dtype="<i2") - at_once)
    assert apart.max() <= 4, "the last bits are dithered"
    assert abs(len(made) / STEP - 60) <= 1
    samples = np.frombuffer(bytes(made), dtype="<i2")[4_800:-4_800].astype(float)
    assert math.isclose(np.sqrt(np.mean(samples**2)), 8000 / math.sqrt(2), rel_tol=0.02)


@pytest.mark.parametrize(("rate", "channels"), [(0, 1), (3_999, 1), (1 << 31, 1), (24_000, 0), (24_000, 9)])
def test_what_is_no_speech(rate: int, channels: int) -> None:
    with pytest.raises(ValueError, match="no speech has"):
        PcmConverter(rate, channels)


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_header_that_comes_in_pieces(size: int) -> None:
    data = wav_header(44_100, 2) + b"\1\2\3\4"
    header, rest = WavHeader(), bytearray()
    for at in range(0, len(data), size):
        if header.rate and rest:
            rest += data[at : at + size]
        else:
            rest += header.push(data[at : at + size]) or b""
    assert (header.rate, header.channels) == (44_100, 2)
    assert bytes(rest) == b"\1\2\3\4"


@given(st.binary(max_size=200))
def test_what_does_not_begin_as_a_header_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="no WAV file"):
        WavHeader().push(b"ID3\4" + data.ljust(20, b"\0"))


@pytest.mark.parametrize(
    "body",
    [
        b"data\0\0\0\0",
        b"fmt \x04\0\0\0abcd",
        b"fmt \x10\0\0\0\3\0\1\0\x80\xbb\0\0\0\0\0\0\4\0\x20\0",
        b"LIST\xff\xff\xff\x7f",
    ],
    ids=["no format", "short format", "floats", "endless"],
)
def test_a_header_of_another_kind_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="WAV file"):
        WavHeader().push(b"RIFF\0\0\0\0WAVE" + body)
