"""The avatar's voice between the network's clock and the sound card's: kept short, in step and free of clicks."""

from __future__ import annotations

from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from kiosk.media.drift import LIMIT, DriftControl
from kiosk.media.ring import PcmRing

VOICE_RATE: Final = 48_000  # Hz
RING_S: Final = 1.0
TARGET_S: Final = 0.040  # fill at the start
SHORTEST_TARGET_S: Final = 0.030
LONGEST_TARGET_S: Final = 0.060
TARGET_STEP_UP_S: Final = 0.010
TARGET_STEP_DOWN_S: Final = 0.005
CALM_S: Final = 30.0  # without an underrun, before the target shrinks by a step
RESYNC_S: Final = 0.080  # fill error above which sound is thrown away instead of being played faster
FADE_S: Final = 0.005
SAME_VOICE_S: Final = 0.5  # silence up to this long within a voice is an underrun; a longer one is the voice's end
AUDIBLE: Final = 100  # of 32767: -50 dBFS
RESAMPLER_S: Final = 0.005  # measured; its own `delay()` tells less


class VoiceBuffer:
    """A ring with a resampler in front of it. One thread calls `put`, the sound card's callback `render`.

    `put` does the work (resampling by the drift's ratio, volume), `render` only copies and fades: it neither locks nor
    allocates anything that grows with the sound.
    """

    def __init__(self, rate: int = VOICE_RATE) -> None:
        """`rate`: Hz, of the sound card; the voice comes at 48 kHz whatever it is."""
        self.rate = rate
        self.volume = 1.0
        self.dropped = 0  # samples that were never played: written by the producer alone
        self.resyncs = 0
        self.audible_s = 0.0  # when something audible came in last
        self._flushed = False
        self._gain = 1.0
        self._ratio = 1.0
        self._target_s = TARGET_S
        self._calm_s = 0.0
        self._underruns_seen = 0
        self._drift = DriftControl()
        self._resampler = soxr.ResampleStream(VOICE_RATE * (1 + 2 * LIMIT), rate, 1, dtype="int16", vr=True)
        self._resampler.set_io_ratio(VOICE_RATE, rate, 0)

        self._ring = PcmRing(int(RING_S * rate))
        self._skip_to = 0  # position in the ring; set by the producer, obeyed by `render`
        self._fill_target = round(TARGET_S * rate)

        # From here on: written by `render` alone.
        self.underruns = 0
        self.played = 0  # samples of voice handed to the sound card
        self.skipped = 0  # samples thrown away by a flush or a resync
        self._playing = False
        self._silent = round(SAME_VOICE_S * rate)  # samples since the voice ran dry
        self._waited = 0
        self._last_sample = 0
        self._rendered_s = 0.0
        fade = round(FADE_S * rate)
        self._fade_in: NDArray[np.float32] = np.linspace(0, 1, fade, dtype=np.float32)
        self._fade_out: NDArray[np.float32] = np.linspace(1, 0, fade, dtype=np.float32)
        self._product: NDArray[np.float32] = np.zeros(fade, np.float32)

    @property
    def target_s(self) -> float:
        return self._target_s

    @property
    def drift(self) -> float:
        """How much faster the voice arrives than the sound card plays; 1e-6 = 1 ppm."""
        return self._drift.drift

    def fill_s(self) -> float:
        """What waits to be played, in seconds, smoothed while the voice plays."""
        return self._drift.fill_s if self._playing else self._ring.available() / self.rate

    def latency_s(self) -> float:
        """From `put` to the sound card's buffer, in seconds, smoothed."""
        waiting_s = self._drift.fill_s if self._playing else self._target_s
        return waiting_s + RESAMPLER_S

    # The producer's side

    def put(self, pcm: memoryview | bytes, now_s: float) -> None:
        """s16le mono at 48 kHz, any length. `now_s`: `time.perf_counter` seconds.

        The ring is never left fuller than it should be: after a stall only the newest sound is played.
        """
        samples = np.frombuffer(pcm, np.int16)
        if not samples.size:
            return
        if self._flushed:
            self._flushed = False
            self._resampler.clear()
            self._resampler.set_io_ratio(VOICE_RATE * self._ratio, self.rate, 0)  # `clear` forgets it
            self._drift.settle()
        if np.abs(samples.astype(np.int32)).max() > AUDIBLE:
            self.audible_s = now_s
        elapsed_s = samples.size / VOICE_RATE
        voice = self._amplified(self._resampler.resample_chunk(samples))
        lost = voice.size - self._ring.write(voice)
        self._adapt_target(elapsed_s)

        fill_s = self._fill_s(now_s)
        if lost:  # a voice with a hole in it would click: all of it is too late anyway
            self.dropped += lost
            self._skip_to = self._ring.written
        if not self._playing:
            self._drift.settle()
        if self._skip_to > self._ring.position:
            # `render` has not got round to it yet: the rest of a burst goes the same way.
            self._skip_to = max(self._skip_to, self._ring.written - self._fill_target)
        elif fill_s > self._target_s + RESYNC_S:
            self._skip_to = self._ring.written - self._fill_target
            self.resyncs += 1
            self._drift.settle()
        elif self._playing:
            self._ratio = self._drift.update(fill_s, self._target_s, elapsed_s)
            self._resampler.set_io_ratio(VOICE_RATE * self._ratio, self.rate, samples.size)

    def flush(self) -> None:
        """What has not been played yet is faded out and dropped; the next voice starts anew. Safe from any thread."""
        self._flushed = True  # the resampler belongs to the thread of `put`
        self._skip_to = self._ring.written

    def _fill_s(self, now_s: float) -> float:
        """What will be played of the ring, counted as if the sound card took it evenly and not in blocks."""
        waiting = self._ring.written - max(self._ring.position, self._skip_to)
        since_s = min(max(0.0, now_s - self._rendered_s), 0.02) if self._playing else 0.0
        return waiting / self.rate - since_s

    def _adapt_target(self, elapsed_s: float) -> None:
        underruns = self.underruns
        if underruns != self._underruns_seen:
            self._underruns_seen = underruns
            self._target_s = min(LONGEST_TARGET_S, self._target_s + TARGET_STEP_UP_S)
            self._calm_s = 0.0
        elif self._playing:
            self._calm_s += elapsed_s
            if self._calm_s >= CALM_S:
                self._target_s = max(SHORTEST_TARGET_S, self._target_s - TARGET_STEP_DOWN_S)
                self._calm_s = 0.0
        self._fill_target = round(self._target_s * self.rate)

    def _amplified(self, voice: NDArray[np.int16]) -> NDArray[np.int16]:
        """A new volume is reached within the chunk, not at its first sample: no click."""
        old, new = self._gain, max(0.0, min(1.0, self.volume))
        self._gain = new
        if old == new == 1.0:
            return voice
        gain = np.linspace(old, new, voice.size, dtype=np.float32) if old != new else np.float32(new)
        return (voice * gain).astype(np.int16)

    # The callback's side

    def render(self, out: NDArray[np.int16], now_s: float) -> None:
        """Fills `out` (shape (samples,), any length) with voice or silence."""
        self._rendered_s = now_s
        begin = self._obey_skip(out)
        if not self._playing and not self._may_start(len(out)):
            out[begin:] = 0
            self._silent += len(out)
            return
        fresh = not self._playing
        self._playing = True
        body = out[begin:]
        count = self._ring.read_into(body)
        self.played += count
        if fresh:
            self._fade(body[:count], self._fade_in)
            if self._silent < SAME_VOICE_S * self.rate:
                self.underruns += 1
        if count:
            self._last_sample = int(body[count - 1])
        if count < len(body):
            self._decay(body[count:])
            self._playing = False
            self._silent = len(body) - count
        self._waited = 0

    def _may_start(self, block: int) -> bool:
        available = self._ring.available()
        if not available:
            self._waited = 0
            return False
        self._waited += block
        # A sound that is shorter than the target is played too, only later.
        return available >= self._fill_target or self._waited > 2 * self._fill_target

    def _obey_skip(self, out: NDArray[np.int16]) -> int:
        """Returns how many samples at the beginning of `out` let down what was playing."""
        skip_to = self._skip_to
        if skip_to <= self._ring.position:
            return 0
        head = out[: len(self._fade_out)] if self._playing else out[:0]
        self._decay(head)
        self.skipped += self._ring.skip_to(skip_to)
        self._playing = False
        self._silent = round(SAME_VOICE_S * self.rate)  # wanted, so not an underrun
        return len(head)

    def _fade(self, samples: NDArray[np.int16], ramp: NDArray[np.float32]) -> None:
        count = min(len(samples), len(ramp))
        if count:
            product = self._product[:count]
            np.multiply(samples[:count], ramp[:count], out=product)
            samples[:count] = product

    def _decay(self, samples: NDArray[np.int16]) -> None:
        """The sound ends in the middle of a wave: its last value is let down to zero, the rest is silence."""
        count = min(len(samples), len(self._fade_out))
        product = self._product[:count]
        np.multiply(self._fade_out[:count], self._last_sample, out=product)
        samples[:count] = product
        samples[count:] = 0
