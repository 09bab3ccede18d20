"""The voice between two clocks, played against a simulated sound card."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from kiosk.media.drift import LIMIT, DriftControl
from kiosk.media.reserve import LONGEST_S, MARGIN_S, SHORTEST_S, START_S
from kiosk.media.voice_buffer import FADE_S, VoiceBuffer

Sound = NDArray[np.int16]


def tone(samples: int, start: int = 0, hertz: float = 400.0, peak: int = 10_000) -> Sound:
    n = np.arange(start, start + samples)
    return np.round(peak * np.sin(2 * np.pi * hertz * n / 48_000)).astype(np.int16)


class Room:
    """A voice that comes every 10 ms by one clock, a sound card that asks every 5 ms by another."""

    def __init__(self, ppm: float = 0.0, rate: int = 48_000, jitter_s: float = 0.0) -> None:
        self.buffer = VoiceBuffer(rate)
        self.block = rate // 200
        self.block_s = self.block / rate / (1 + ppm * 1e-6)
        self.jitter_s = jitter_s
        self.chance = np.random.default_rng(1)
        self.put_s = self.arrival_s = 0.0
        self.ask_s = 0.0031
        self.sent = 0
        self.heard: list[Sound] = []
        self.speaking = True

    def run(self, seconds: float) -> None:
        end_s = self.ask_s + seconds
        while self.ask_s < end_s:
            if self.arrival_s <= self.ask_s:
                if self.speaking:
                    self.buffer.put(tone(480, self.sent).tobytes(), self.arrival_s)
                    self.sent += 480
                self.put_s += 0.010
                late_s = self.jitter_s * float(self.chance.random())
                self.arrival_s = max(self.arrival_s, self.put_s + late_s)
            else:
                out: Sound = np.full(self.block, 99, np.int16)
                self.buffer.render(out, self.ask_s)
                self.heard.append(out)
                self.ask_s += self.block_s

    def stall(self, seconds: float) -> None:
        """No voice comes while the card goes on, then all of it at once."""
        missed = round(seconds / 0.010)
        self.speaking = False
        self.run(seconds)
        self.speaking = True
        for _ in range(missed):
            self.buffer.put(tone(480, self.sent).tobytes(), self.ask_s)
            self.sent += 480

    def sound(self) -> Sound:
        return np.concatenate(self.heard)


def steepest(sound: Sound) -> int:
    return int(np.abs(np.diff(sound.astype(np.int32))).max())


TONE_STEP = 10_000 * 2 * np.pi * 400 / 48_000  # steepest slope of the test tone
FADE_STEP = 10_000 / (FADE_S * 48_000)


def test_the_voice_comes_out_as_it_went_in() -> None:
    room = Room()
    room.run(25)  # by then nothing is left to be shortened
    sound = room.sound()[-96_000:].astype(float)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    peak = int(spectrum.argmax())
    inside = spectrum[peak - 40 : peak + 41].sum()
    assert peak * 48_000 / len(sound) == pytest.approx(400, abs=1)
    assert 10 * np.log10(inside / (spectrum.sum() - inside)) > 55
    assert room.buffer.underruns == room.buffer.resyncs == room.buffer.dropped == 0


def test_a_silent_card_is_given_silence() -> None:
    buffer = VoiceBuffer()
    out: Sound = np.full(480, 7, np.int16)
    buffer.render(out, 0.0)
    assert not out.any()
    assert buffer.underruns == 0


@pytest.mark.parametrize("ppm", [-200.0, 200.0])
def test_two_clocks_that_differ_are_kept_in_step(ppm: float) -> None:
    room = Room(ppm, jitter_s=0.004)
    room.run(90)
    assert room.buffer.fill_s == pytest.approx(room.buffer.target_s, abs=0.002)
    assert room.buffer.latency_s() < 0.004 + MARGIN_S + 0.010 + 0.002  # jitter, margin, two blocks, slack
    assert room.buffer.drift * ppm < 0
    assert (room.buffer.underruns, room.buffer.resyncs, room.buffer.dropped) == (0, 0, 0)
    assert steepest(room.sound()) < TONE_STEP * 1.1 + FADE_STEP


def test_a_card_that_insists_on_another_rate_gets_it() -> None:
    room = Room(rate=44_100)
    room.run(25)
    sound = room.sound()[-88_200:].astype(float)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    assert int(spectrum.argmax()) * 44_100 / len(sound) == pytest.approx(400, abs=1)
    assert room.buffer.underruns == 0


def test_after_a_stall_only_the_newest_voice_is_played() -> None:
    room = Room()
    room.run(1)
    room.stall(2.0)
    room.run(1)
    assert room.buffer.latency_s() < START_S + 0.010
    assert room.buffer.resyncs == 1
    gone = room.buffer.dropped + room.buffer.skipped
    assert gone == pytest.approx(2 * 48_000, rel=0.1)
    assert steepest(room.sound()) < TONE_STEP * 1.1 + FADE_STEP


def test_a_short_gap_is_an_underrun_and_asks_for_more_reserve() -> None:
    room = Room()
    room.run(1)
    room.stall(0.05)
    room.run(1)
    assert room.buffer.underruns == 1
    assert room.buffer.target_s > 0.020
    assert steepest(room.sound()) < TONE_STEP * 1.1 + FADE_STEP


def test_a_steady_voice_waits_no_longer_than_it_must_and_a_rough_one_as_long_as_it_needs() -> None:
    steady = Room()
    steady.run(20)
    assert steady.buffer.target_s < 0.006
    assert steady.buffer.latency_s() < 0.013
    rough = Room(jitter_s=0.020)
    rough.run(60)
    before = rough.buffer.underruns
    rough.run(60)
    assert rough.buffer.underruns - before <= 1
    assert 0.012 < rough.buffer.target_s < 0.035
    assert steady.buffer.underruns == 0


def test_reserve_has_bounds() -> None:
    room = Room()
    for _ in range(12):
        room.run(1)
        room.stall(0.1)
        assert SHORTEST_S <= room.buffer.target_s <= LONGEST_S
    room.run(45)
    assert room.buffer.target_s < 0.006  # forgiven


def test_the_end_of_a_voice_is_no_underrun() -> None:
    room = Room()
    room.run(1)
    room.speaking = False
    room.run(2)
    room.speaking = True
    room.run(1)
    assert room.buffer.underruns == 0


def test_a_sound_shorter_than_the_reserve_is_played_too() -> None:
    buffer = VoiceBuffer()
    buffer.put(tone(960).tobytes(), 0.0)
    heard = []
    for n in range(20):
        out: Sound = np.zeros(480, np.int16)
        buffer.render(out, n * 0.01)
        heard.append(out)
    assert np.abs(np.concatenate(heard)).max() > 5_000


def test_flush_fades_within_5_ms_and_the_next_voice_starts_anew() -> None:
    room = Room()
    room.run(1)
    room.buffer.flush()
    room.speaking = False
    room.heard.clear()
    room.run(0.2)
    sound = room.sound()
    assert not sound[round(FADE_S * 48_000) + 1 :].any()
    assert steepest(sound) <= TONE_STEP
    room.speaking = True
    room.run(1)
    assert np.abs(room.sound()[-4_800:]).max() > 9_000
    assert room.buffer.underruns == 0
    assert steepest(room.sound()) < TONE_STEP * 1.1 + FADE_STEP


def test_volume_is_applied_without_a_click() -> None:
    room = Room()
    room.run(0.5)
    room.buffer.volume = 0.25
    room.run(0.5)
    assert np.abs(room.sound()[-4_800:]).max() == pytest.approx(2_500, rel=0.02)
    assert steepest(room.sound()) < TONE_STEP * 1.1 + FADE_STEP
    room.buffer.volume = 7.0
    room.run(0.5)
    assert np.abs(room.sound()[-4_800:]).max() <= 10_100


def test_blocks_of_any_length_are_filled() -> None:
    buffer = VoiceBuffer()
    for n in range(100):
        buffer.put(tone(480, n * 480).tobytes(), n * 0.01)
        for size in (1, 17, 300, 162):
            out: Sound = np.full(size, 99, np.int16)
            buffer.render(out, n * 0.01)
    assert buffer.played > 40_000


def test_nothing_and_odd_chunks_do_no_harm() -> None:
    buffer = VoiceBuffer()
    buffer.put(b"", 0.0)
    buffer.put(tone(1).tobytes(), 0.0)
    buffer.flush()
    buffer.put(tone(7).tobytes(), 0.01)
    out: Sound = np.zeros(480, np.int16)
    buffer.render(out, 0.02)


def test_the_controller_never_leaves_its_limits() -> None:
    control = DriftControl()
    for fill_s in (0.5, -0.5, 0.04):
        for _ in range(3000):
            assert abs(control.update(fill_s, 0.04, 0.01) - 1.0) <= LIMIT + 1e-12
