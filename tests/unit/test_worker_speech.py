"""What an avatar worker says: segments in order, known to the lips early, gone at once when cleared."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.links.pcm_decoder import PcmDecoder, PcmFormatError
from kiosk.links.worker_speech import LIMIT_S, RATE, SILENCE, TICK_BYTES, Segment, WorkerSpeech

AHEAD = 8


class Desk:
    """A speech with its reports, stepped tick by tick."""

    def __init__(self) -> None:
        self.speech = WorkerSpeech(AHEAD)
        self.started: list[int] = []
        self.ended: list[tuple[int, float, bool]] = []
        self._count = 0

    def open(self) -> Segment:
        number = self._count
        self._count += 1
        return self.speech.open(
            lambda: self.started.append(number), lambda s, interrupted: self.ended.append((number, s, interrupted))
        )

    def say(self, pcm: bytes) -> Segment:
        segment = self.open()
        assert self.speech.append(segment, pcm)
        self.speech.close(segment)
        return segment

    def run(self, ticks: int) -> tuple[bytes, bytes]:
        """What the lips saw and what was heard."""
        steps = [self.speech.step() for _ in range(ticks)]
        return b"".join(lips for lips, _ in steps), b"".join(sound for _, sound in steps)


def tone(ticks: float, value: int = 1000) -> bytes:
    return np.full(int(ticks * TICK_BYTES // 2), value, "<i2").tobytes()


def test_the_lips_are_ahead_of_the_sound_by_the_same_time_always() -> None:
    desk = Desk()
    desk.say(tone(5))
    lips, sound = desk.run(20)
    assert lips[: 5 * TICK_BYTES] == tone(5)
    assert sound[: AHEAD * TICK_BYTES] == SILENCE * AHEAD
    assert sound[AHEAD * TICK_BYTES :][: 5 * TICK_BYTES] == tone(5)


def test_a_segment_is_reported_when_its_last_sound_has_left() -> None:
    desk = Desk()
    desk.say(tone(5.5))
    desk.run(AHEAD)
    assert desk.started == []
    desk.run(1)
    assert desk.started == [0]
    desk.run(4)
    assert desk.ended == []
    desk.run(1)
    assert desk.ended == [(0, 0.055, False)]
    assert not desk.speech.speaking


def test_segments_follow_each_other_without_a_gap() -> None:
    desk = Desk()
    desk.say(tone(2, 100))
    desk.say(tone(2, 200))
    _, sound = desk.run(AHEAD + 4)
    assert sound[AHEAD * TICK_BYTES :] == tone(2, 100) + tone(2, 200)
    assert desk.ended == [(0, 0.02, False), (1, 0.02, False)]


def test_a_clear_forgets_everything_and_reports_each_segment_once() -> None:
    desk = Desk()
    desk.say(tone(100))
    waiting = desk.open()
    desk.speech.append(waiting, tone(10))
    desk.run(AHEAD + 30)
    assert desk.speech.clear()
    assert desk.ended == [(0, pytest.approx(0.3), True), (1, 0.0, True)]
    assert not desk.speech.append(waiting, tone(10)), "what comes of a dropped segment is not wanted"
    lips, sound = desk.run(50)
    assert lips == SILENCE * 50
    assert sound[TICK_BYTES:] == SILENCE * 49, "nothing is left but the end of the fade"
    assert not desk.speech.clear()
    assert len(desk.ended) == 2


def test_speech_that_breaks_off_falls_softly() -> None:
    desk = Desk()
    desk.say(tone(100, 9000))
    desk.run(AHEAD + 10)
    desk.speech.clear()
    _, sound = desk.run(1)
    samples = np.frombuffer(sound, "<i2").astype(int)
    assert samples[0] == 9000
    assert samples[-1] == 0
    assert np.abs(np.diff(samples)).max() < 100


def test_a_sender_that_is_behind_makes_silence_and_loses_nothing() -> None:
    desk = Desk()
    segment = desk.open()
    desk.speech.append(segment, tone(1.5))
    desk.run(10)
    desk.speech.append(segment, tone(0.5))
    desk.speech.close(segment)
    desk.run(AHEAD + 3)
    assert desk.ended == [(0, 0.02, False)]


def test_a_segment_without_sound_ends_too() -> None:
    desk = Desk()
    desk.speech.close(desk.open())
    desk.run(AHEAD + 1)
    assert desk.ended == [(0, 0.0, False)]
    assert desk.started == []


def test_what_waits_is_bounded() -> None:
    desk = Desk()
    segment = desk.open()
    minute = bytes(RATE * 2 * 60)
    kept = [desk.speech.append(segment, minute) for _ in range(12)]
    assert kept.count(True) == int(LIMIT_S / 60)
    assert desk.speech.waiting_s == LIMIT_S


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 12), st.booleans()), max_size=12))
def test_every_segment_ends_exactly_once(orders: list[tuple[int, int, bool]]) -> None:
    desk = Desk()
    for samples, ticks, cleared in orders:
        desk.say(bytes(samples * 2))
        desk.run(ticks)
        if cleared:
            desk.speech.clear()
    desk.run(sum(samples // 480 + 2 for samples, _, _ in orders) + AHEAD)
    assert [number for number, _, _ in desk.ended] == list(range(len(orders)))
    for number, played_s, interrupted in desk.ended:
        whole_s = orders[number][0] / RATE
        assert played_s <= whole_s if interrupted else played_s == pytest.approx(whole_s)


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_any_rate_in_any_pieces_becomes_the_same_tone(rate: int, channels: int) -> None:
    t = np.arange(rate) / rate
    samples = np.repeat((np.sin(2 * np.pi * 440 * t) * 12_000).astype("<i2"), channels).tobytes()
    decoder = PcmDecoder.from_attributes({"sample_rate": str(rate), "num_channels": str(channels)})
    pieces = [decoder.feed(samples[at : at + 1001]) for at in range(0, len(samples), 1001)]
    out = np.frombuffer(b"".join([*pieces, decoder.finish()]), np.int16).astype(float)
    assert len(out) == pytest.approx(RATE, abs=2)
    middle = out[4800:43_200]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert np.argmax(spectrum) * RATE / len(middle) == pytest.approx(440, abs=2)
    assert np.abs(middle).max() == pytest.approx(12_000, rel=0.02)


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"sample_rate": "24000"},
        {"sample_rate": "fast", "num_channels": "1"},
        {"sample_rate": "0", "num_channels": "1"},
        {"sample_rate": "24000", "num_channels": "0"},
        {"sample_rate": "24000", "num_channels": "400"},
        {"sample_rate": "999999999", "num_channels": "1"},
    ],
)
def test_a_sound_that_cannot_be_understood_is_refused(attributes: dict[str, str]) -> None:
    with pytest.raises(PcmFormatError):
        PcmDecoder.from_attributes(attributes)
