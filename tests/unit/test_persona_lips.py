"""Lips from sound: what holds for any sound. How often they are right, `tests/benchmarks/lip_accuracy` measures."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kiosk.persona.lip_features import FEATURES, LipFeatures
from kiosk.persona.lips import DELAY_S, LipNetwork, LipReader, default_network
from kiosk.persona.visemes import MouthClass, MouthShape

Samples = NDArray[np.float64]
CHUNK = 480
NETWORK = LipNetwork.load(default_network())


def chunks(samples: Samples) -> list[bytes]:
    pcm = np.clip(samples, -32768, 32767).astype("<i2")
    return [pcm[at : at + CHUNK].tobytes() for at in range(0, pcm.size - CHUNK + 1, CHUNK)]


def vowel(formants: tuple[float, ...], seconds: float = 0.6, pitch: float = 120.0, rms: float = 3000.0) -> Samples:
    """A voice's harmonics, falling by 6 dB an octave at the lips, through resonances: a held vowel."""
    t = np.arange(round(48_000 * seconds)) / 48_000
    made = np.zeros_like(t)
    for at, harmonic in enumerate(np.arange(pitch, 7000, pitch)):
        gain = pitch / harmonic
        for formant in (*formants, 3500.0, 4500.0):
            gain /= abs(1 - (harmonic / formant) ** 2 + 1j * harmonic * (60 + 0.04 * formant) / formant**2)
        # A slow waver, as no throat holds still.
        made += gain * np.sin(2 * np.pi * harmonic * (t + 0.0004 * np.sin(2 * np.pi * 4 * t)) + at)
    return np.asarray(made * rms / np.sqrt(np.mean(made**2)))


def hiss(seconds: float = 0.6, rms: float = 1500.0) -> Samples:
    """Noise between 4 and 8 kHz: an s that is held."""
    size = round(48_000 * seconds)
    spectrum = np.fft.rfft(np.random.default_rng(1).standard_normal(size))
    hz = np.fft.rfftfreq(size, 1 / 48_000)
    made = np.fft.irfft(np.where((hz > 4000) & (hz < 8000), spectrum, 0), size)
    return np.asarray(made * rms / np.sqrt(np.mean(made**2)))


def held(sound: Samples, gain: float = 1.0) -> tuple[MouthClass, MouthShape]:
    """The mouth in the middle of a held sound, after a word that gives the level."""
    reader = LipReader(NETWORK)
    before = chunks(gain * np.concatenate([vowel((700, 1200, 2600)), np.zeros(9600)]))
    for chunk in [*before, *chunks(gain * sound)[:30]]:
        shape = reader.feed(chunk)
    return reader.mouth_class, shape


def test_silence_keeps_the_mouth_closed() -> None:
    reader = LipReader(NETWORK)
    for _ in range(200):
        shape = reader.feed(bytes(2 * CHUNK))
        assert reader.mouth_class is MouthClass.CLOSED
        assert shape.open < 0.1


def test_faint_noise_keeps_the_mouth_closed() -> None:
    reader = LipReader(NETWORK)
    rng = np.random.default_rng(2)
    shapes = [reader.feed(chunk) for chunk in chunks(rng.normal(0, 20, 48_000))]
    assert max(shape.open for shape in shapes) < 0.2


def test_an_open_vowel_opens_the_jaw_and_a_hiss_shows_the_teeth() -> None:
    seen, opened = held(vowel((750, 1250, 2600)))
    assert seen is MouthClass.OPEN
    seen, hissing = held(hiss())
    assert seen is MouthClass.TEETH
    assert opened.open > hissing.open + 0.2
    assert hissing.teeth > opened.teeth + 0.2


@pytest.mark.parametrize("throat", [1.0, 1.15], ids=["long", "short"])
@pytest.mark.parametrize(
    ("formants", "mouth"),
    [
        ((750, 1250, 2600), MouthClass.OPEN),
        ((550, 1850, 2500), MouthClass.OPEN),
        ((280, 2250, 2900), MouthClass.NARROW),
        ((480, 850, 2500), MouthClass.ROUND),
        ((310, 800, 2250), MouthClass.ROUND),
    ],
    ids=["a", "e", "i", "o", "u"],
)
def test_vowels_that_no_synthesiser_of_the_training_made(
    formants: tuple[float, ...], mouth: MouthClass, throat: float
) -> None:
    pitch = 110 if throat == 1.0 else 200
    seen, _ = held(vowel(tuple(throat * each for each in formants), pitch=pitch))
    assert seen is mouth


def test_loudness_alone_changes_little() -> None:
    for gain in (0.15, 3.0):
        seen, _ = held(vowel((750, 1250, 2600)), gain)
        assert seen is MouthClass.OPEN


def test_the_mouth_closes_soon_after_the_sound_ends() -> None:
    reader = LipReader(NETWORK)
    for chunk in chunks(vowel((750, 1250, 2600))):
        open_mouth = reader.feed(chunk)
    assert open_mouth.open > 0.4
    after = [reader.feed(bytes(2 * CHUNK)).open for _ in range(15)]
    assert after[round(DELAY_S * 100) + 5] < open_mouth.open / 2
    assert after[-1] < 0.1


def test_the_shape_never_jumps() -> None:
    reader = LipReader(NETWORK)
    sound = np.concatenate([vowel((750, 1250, 2600), 0.1), np.zeros(4800), hiss(0.1), vowel((300, 800, 2400), 0.1)])
    shapes = [astuple(reader.feed(chunk)) for chunk in chunks(sound)]
    steps = np.abs(np.diff(np.array(shapes), axis=0))
    assert steps.max() < 0.65


def test_reset_forgets() -> None:
    reader, fresh = LipReader(NETWORK), LipReader(NETWORK)
    for chunk in chunks(vowel((750, 1250, 2600))):
        reader.feed(chunk)
    reader.reset()
    assert reader.mouth_class is MouthClass.CLOSED
    sound = chunks(hiss(0.2))
    assert [reader.feed(chunk) for chunk in sound] == [fresh.feed(chunk) for chunk in sound]


@given(
    st.lists(
        st.sampled_from([bytes(960), b"\xff\x7f" * 480, b"\x00\x80" * 480, b"\x00\x80\xff\x7f" * 240]), max_size=30
    )
)
def test_any_sound_gives_a_mouth(sounds: list[bytes]) -> None:
    reader = LipReader(NETWORK)
    for pcm in sounds:
        assert all(0 <= value <= 1 for value in astuple(reader.feed(pcm)))


@pytest.mark.parametrize("size", [0, 1, 959, 961, 1920])
def test_another_length_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="960 bytes"):
        LipReader(NETWORK).feed(bytes(size))


def test_features_have_their_size() -> None:
    assert LipFeatures().push(bytes(960)).shape == (FEATURES,)


def test_a_network_is_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "network.npy"
    NETWORK.save(path)
    assert path.read_bytes() == default_network().read_bytes()
    np.save(path, np.zeros(7))
    with pytest.raises(ValueError, match=r"network\.npy"):
        LipNetwork.load(path)
    with pytest.raises(OSError, match="missing"):
        LipNetwork.load(tmp_path / "missing.npy")
