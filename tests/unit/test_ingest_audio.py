"""8 kHz there and 48 kHz here: nothing is lost or aliased, and a voice that comes in fits and starts plays evenly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kiosk.links.ingest_audio import (
    FRAME_BYTES,
    LONGEST_S,
    PRIME_S,
    TICK,
    Downsampler,
    Upsampler,
    VoiceQueue,
)

FAR, NEAR = 8_000, 48_000
Samples = NDArray[np.int16]


def tone(hz: float, rate: int, seconds: float, peak: int = 10_000) -> Samples:
    return np.asarray(np.sin(2 * np.pi * hz * np.arange(round(rate * seconds)) / rate) * peak, np.int16)


def decibels(samples: Samples, reference_peak: int = 10_000) -> float:
    rms = float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))
    return 20 * float(np.log10(max(rms, 1e-6) / (reference_peak / np.sqrt(2))))


def down(samples: Samples, piece: int = 480) -> Samples:
    resampler = Downsampler()
    frames = [f for at in range(0, len(samples), piece) for f in resampler.feed(samples[at : at + piece].tobytes())]
    assert all(len(frame) == FRAME_BYTES for frame in frames)
    return np.frombuffer(b"".join(frames), np.int16)


def up(samples: Samples) -> Samples:
    resampler = Upsampler()
    ticks = [resampler.tick(samples[at : at + TICK]) for at in range(0, len(samples) // TICK * TICK, TICK)]
    assert {len(tick) for tick in ticks} == {960}
    return np.frombuffer(b"".join(ticks), np.int16)


def play(queue: VoiceQueue, ticks: int) -> Samples:
    return np.concatenate([queue.tick() for _ in range(ticks)])


def beginning(samples: Samples) -> int:
    return int(np.argmax(samples != 0))


@pytest.mark.parametrize("hz", [200, 1000, 3000, 3400])
def test_speech_passes_unchanged_both_ways(hz: float) -> None:
    assert abs(decibels(down(tone(hz, NEAR, 1))[FAR // 4 :])) < 0.5
    assert abs(decibels(up(tone(hz, FAR, 1))[NEAR // 4 :])) < 0.5


@pytest.mark.parametrize("hz", [4200, 5000, 7000, 12_000, 20_000])
def test_what_8_khz_cannot_carry_is_taken_out_and_not_folded_back(hz: float) -> None:
    assert decibels(down(tone(hz, NEAR, 1))[FAR // 4 :]) < -60


@pytest.mark.parametrize("hz", [500, 3400])
def test_no_image_above_4_khz(hz: float) -> None:
    spectrum = np.abs(np.fft.rfft(up(tone(hz, FAR, 1))[NEAR // 4 :].astype(np.float64) * np.hanning(NEAR * 3 // 4)))
    frequencies = np.fft.rfftfreq(NEAR * 3 // 4, 1 / NEAR)
    assert 20 * np.log10(spectrum[frequencies > 4200].max() / spectrum.max()) < -60


def test_the_way_out_is_short() -> None:
    """A click comes out at most 50 ms of sound later, frames of 20 ms included."""
    samples = np.zeros(NEAR, np.int16)
    samples[NEAR // 2] = 30_000
    resampler = Downsampler()
    for count in range(100):
        frames = resampler.feed(samples[count * 480 : (count + 1) * 480].tobytes())
        if any(np.abs(np.frombuffer(frame, np.int16)).max() > 2000 for frame in frames):
            assert 50 <= count <= 55
            return
    pytest.fail("the click never came out")


@settings(max_examples=30)
@given(st.lists(st.integers(1, 3000), min_size=1, max_size=20))
def test_pieces_of_any_length_make_the_same_frames(sizes: list[int]) -> None:
    samples = tone(440, NEAR, sum(sizes) / NEAR + 0.1)
    resampler = Downsampler()
    frames, at = b"", 0
    for size in sizes:
        frames += b"".join(resampler.feed(samples[at : at + size].tobytes()))
        at += size
    heard, whole = np.frombuffer(frames, np.int16).astype(np.int32), down(samples[:at]).astype(np.int32)
    shorter = min(len(heard), len(whole))
    assert np.abs(heard[:shorter] - whole[:shorter]).max(initial=0) <= 4, "soxr rounds each time with some noise"
    assert abs(len(heard) - len(whole)) <= FRAME_BYTES // 2


def test_silence_while_nothing_comes() -> None:
    assert not play(VoiceQueue(), 50).any()


def test_a_voice_is_primed_and_then_plays_whole() -> None:
    queue, voice = VoiceQueue(), tone(300, FAR, 2)
    heard = []
    for at in range(0, len(voice), 160):
        queue.put(voice[at : at + 160].tobytes())
        heard.append(play(queue, 2))
    heard.append(play(queue, 60))
    sound = np.concatenate(heard)
    begin = beginning(sound) - beginning(voice)
    assert PRIME_S - 0.03 <= begin / FAR <= PRIME_S + 0.03
    assert np.array_equal(sound[begin + 80 : begin + len(voice)], voice[80:]), "all but the fade is as it came"
    assert queue.gaps == 0
    assert queue.dropped == 0


def test_a_sound_shorter_than_the_priming_is_played_too() -> None:
    queue = VoiceQueue()
    queue.put(tone(300, FAR, 0.04).tobytes())
    assert np.abs(play(queue, 60)).max() > 9000


@pytest.mark.parametrize("pieces", [1, 5])
def test_bursts_of_a_second_play_evenly(pieces: int) -> None:
    """Each second comes at once; from the first to the last sample nothing is missing and nothing is torn."""
    queue, voice = VoiceQueue(), tone(300, FAR, 4)
    heard = [play(queue, 5)]
    for second in range(4):
        burst = voice[second * FAR : (second + 1) * FAR]
        for piece in np.array_split(burst, pieces):
            queue.put(piece.tobytes())
        heard.append(play(queue, 100))
    heard.append(play(queue, 150))
    sound = np.concatenate(heard)
    begin = beginning(sound) - beginning(voice)
    assert np.array_equal(sound[begin + 80 : begin + len(voice)], voice[80:])
    assert queue.dropped == 0


def test_what_a_burst_cost_is_made_up_for_in_pauses() -> None:
    queue = VoiceQueue()
    queue.put(np.concatenate([tone(300, FAR, 0.5), np.zeros(FAR, np.int16)]).tobytes())
    waiting = []
    for _ in range(300):
        queue.put(bytes(160))  # the far side goes on in silence
        queue.tick()
        waiting.append(queue.waiting_s)
    assert waiting[0] > 1.0
    assert waiting[-1] < 0.4
    assert queue.gaps == 0


def test_no_word_is_cut_out_of_a_late_voice() -> None:
    queue, voice = VoiceQueue(), tone(300, FAR, 2.5)
    queue.put(voice.tobytes())
    sound = play(queue, 300)
    assert np.count_nonzero(np.abs(sound) > 200) >= 0.97 * np.count_nonzero(np.abs(voice) > 200)


def test_it_never_keeps_more_than_three_seconds() -> None:
    queue = VoiceQueue()
    for _ in range(100):
        queue.put(tone(300, FAR, 1).tobytes())
        assert queue.waiting_s <= LONGEST_S
    assert queue.dropped == 97 * FAR


def test_one_frame_in_twenty_is_lost() -> None:
    """The gaps are let down and taken up again: no sample jumps by more than the voice itself does."""
    rng = np.random.default_rng(5)
    queue, voice = VoiceQueue(), tone(300, FAR, 10)
    heard = []
    for at in range(0, len(voice), 160):
        if rng.random() >= 0.05:
            queue.put(voice[at : at + 160].tobytes())
        heard.append(play(queue, 2))
    sound = np.concatenate(heard)
    assert np.count_nonzero(np.abs(sound) > 500) > 0.85 * np.count_nonzero(np.abs(voice) > 500)
    assert queue.gaps > 0
    assert queue.dropped == 0


def test_a_voice_that_breaks_off_is_let_down() -> None:
    queue = VoiceQueue()
    queue.put(np.full(FAR // 2 + 30, 8000, np.int16).tobytes())
    sound = play(queue, 100).astype(np.int32)
    assert np.abs(np.diff(sound)).max() < 1000


@given(st.lists(st.tuples(st.binary(max_size=4000), st.integers(0, 12)), max_size=40))
def test_any_course_of_events_gives_whole_ticks(course: list[tuple[bytes, int]]) -> None:
    queue, resampler = VoiceQueue(), Upsampler()
    for pcm, ticks in course:
        queue.put(pcm[: len(pcm) // 2 * 2])
        for _ in range(ticks):
            samples = queue.tick()
            assert samples.shape == (TICK,)
            assert len(resampler.tick(samples)) == 960
        assert queue.waiting_s <= LONGEST_S
