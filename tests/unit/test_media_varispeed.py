"""Sound played a little faster or slower: how clean it stays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.media.varispeed import TAPS, VariableRate


def played(hertz: float, ratio: float, rate_out: int = 48_000, seconds: float = 1.0) -> np.ndarray:
    at = np.arange(round(48_000 * seconds))
    sound = np.round(16_000 * np.sin(2 * np.pi * hertz * at / 48_000)).astype(np.int16)
    stage = VariableRate(48_000, rate_out)
    stage.ratio = ratio
    return np.concatenate([stage.resample(sound[n : n + 480]) for n in range(0, len(sound), 480)]).astype(float)


def purity_db(sound: np.ndarray, hertz: float, rate: int) -> float:
    """Power of the tone over that of everything else, in dB; the tone's own phase and loudness are fitted."""
    at = np.arange(len(sound)) / rate
    basis = np.stack([np.sin(2 * np.pi * hertz * at), np.cos(2 * np.pi * hertz * at)], axis=1)
    fit = basis @ np.linalg.lstsq(basis, sound, rcond=None)[0]
    return float(10 * np.log10(np.sum(fit**2) / np.sum((sound - fit) ** 2)))


@pytest.mark.parametrize("ratio", [0.995, 0.9998, 1.0, 1.0002, 1.005])
@pytest.mark.parametrize("hertz", [200, 1_000, 4_000, 8_000, 12_000])
def test_a_tone_stays_a_tone(hertz: float, ratio: float) -> None:
    sound = played(hertz, ratio)[2_000:]
    assert purity_db(sound, hertz * ratio, 48_000) > 60
    assert np.sqrt(np.mean(sound**2)) == pytest.approx(16_000 / np.sqrt(2), rel=0.01)


def test_another_rate_keeps_the_pitch() -> None:
    sound = played(1_000, 1.0, rate_out=44_100)[2_000:]
    assert purity_db(sound, 1_000, 44_100) > 60


def test_what_a_lower_rate_cannot_carry_is_left_out() -> None:
    assert np.sqrt(np.mean(played(15_000, 1.0, rate_out=16_000)[2_000:] ** 2)) < 16_000 * 0.03


def test_it_delays_by_half_its_taps() -> None:
    sound = np.zeros(4_800, np.int16)
    sound[1_000] = 20_000
    stage = VariableRate(48_000, 48_000)
    out = np.concatenate([stage.resample(sound[n : n + 480]) for n in range(0, 4_800, 480)])
    assert int(np.abs(out).argmax()) - 1_000 == pytest.approx(TAPS / 2, abs=1)
    assert stage.delay_s * 48_000 == TAPS / 2


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 1_500), min_size=1, max_size=30),
    st.floats(0.995, 1.005),
    st.sampled_from([8_000, 16_000, 44_100, 48_000, 96_000]),
)
def test_as_much_comes_out_as_went_in_however_it_is_cut(sizes: list[int], ratio: float, rate: int) -> None:
    stage = VariableRate(48_000, rate)
    stage.ratio = ratio
    out = sum(len(stage.resample(np.full(size, 7, np.int16))) for size in sizes)
    assert out == pytest.approx(sum(sizes) * rate / 48_000 / ratio, abs=1.01 * max(1, rate / 48_000))


def test_the_pieces_join_without_a_seam() -> None:
    at = np.arange(48_000)
    sound = np.round(16_000 * np.sin(2 * np.pi * 440 * at / 48_000)).astype(np.int16)
    whole, pieces = VariableRate(48_000, 48_000), VariableRate(48_000, 48_000)
    whole.ratio = pieces.ratio = 1.0003
    at_once = whole.resample(sound)
    cut = np.concatenate([pieces.resample(sound[n : n + 333]) for n in range(0, len(sound), 333)])
    assert np.abs(at_once[: len(cut)].astype(int) - cut).max() <= 25  # phases are rounded anew: 56 dB below the tone


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 600), st.sampled_from([0.995, 1.0, 1.0, 1.005])), min_size=1, max_size=40))
def test_the_speed_may_change_at_any_piece(pieces: list[tuple[int, float]]) -> None:
    at = np.arange(sum(size for size, _ in pieces))
    sound = np.round(16_000 * np.sin(2 * np.pi * 300 * at / 48_000)).astype(np.int16)
    stage, begin, out, expected = VariableRate(48_000, 48_000), 0, [], 0.0
    for size, ratio in pieces:
        stage.ratio = ratio
        out.append(stage.resample(sound[begin : begin + size]))
        begin += size
        expected += size / ratio
    heard = np.concatenate(out).astype(int)
    assert len(heard) == pytest.approx(expected, abs=2)
    steepest = 16_000 * 2 * np.pi * 300 / 48_000
    settled = heard[TAPS + 10 :]
    assert not len(settled) or np.abs(np.diff(settled)).max(initial=0) < steepest * 1.06
