"""The avatar's voice between the network's clock and the sound card's: kept short, in step and free of clicks."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiosk.media.drift import DriftControl
from kiosk.media.reserve import Reserve
from kiosk.media.ring import PcmRing
from kiosk.media.varispeed import VariableRate

VOICE_RATE: Final = 48_000  # Hz
RING_S: Final = 1.0
RESYNC_S: Final = 0.040  # fill error above which sound is thrown away instead of being played faster
BACKLOG_S: Final = 0.1  # for so long
FADE_S: Final = 0.005
SAME_VOICE_S: Final = 0.5  # silence up to this long within a voice is an underrun; a longer one is the voice's end
LATE_S: Final = 0.1  # what comes later than this after the ring ran dry is another sentence
AUDIBLE: Final = 100  # of 32767: -50 dBFS
PLENTY: Final = 1 << 40  # samples: more than is ever left over


class VoiceBuffer:
    """A ring with a resampler in front of it. One thread calls `put`, the sound card's callback `render`.

    `put` does the work (resampling by the drift's ratio, volume), `render` only copies and fades: it neither locks nor
    allocates anything that grows with the sound.
    """

    def __init__(self, rate: int = VOICE_RATE, reserve: Reserve | None = None) -> None:
        """`rate`: Hz, of the sound card; the voice comes at 48 kHz whatever it is. `reserve`: as learnt before."""
        self.rate = rate
        self.volume = 1.0
        self.dropped = 0  # samples that were never played: written by the producer alone
        self.resyncs = 0
        self.audible_s = 0.0  # when something audible came in last
        self._flushed = False
        self._gain = 1.0
        self._full_since_s: float | None = None
        self._reserve = reserve or Reserve()
        self._drift = DriftControl()
        self._resampler = VariableRate(VOICE_RATE, rate)

        self._ring = PcmRing(int(RING_S * rate))
        self._skip_to = 0  # position in the ring; set by the producer, obeyed by `render`
        self._start_fill = round((self._reserve.target_s + 0.010) * rate)
        self._dry_seen_s = 0.0
        self._look = 0  # counts the producer's looks at `_least_left`

        # From here on: written by `render` alone.
        self.underruns = 0
        self.played = 0  # samples of voice handed to the sound card
        self.skipped = 0  # samples thrown away by a flush or a resync
        self._playing = False
        self._silent = round(SAME_VOICE_S * rate)  # samples since the voice ran dry
        self._waited = 0
        self._last_sample = 0
        self._risen = 0  # samples of the fade that were played since it began
        self._let_down = round(FADE_S * rate)  # samples of the fade that were played since it ended
        self._rendered_s = 0.0
        self._dry_s = 0.0  # when it ran dry
        self._block = 0  # samples of the last one
        self._least_left = PLENTY  # samples that a block left over, since the producer looked
        self._looked = 0
        fade = round(FADE_S * rate)
        self._fade_in: NDArray[np.float32] = np.linspace(0, 1, fade, dtype=np.float32)
        self._fade_out: NDArray[np.float32] = np.linspace(1, 0, fade, dtype=np.float32)
        self._product: NDArray[np.float32] = np.zeros(fade, np.float32)

    @property
    def target_s(self) -> float:
        """How much is to wait when the next chunk comes."""
        return self._reserve.target_s

    @property
    def fill_s(self) -> float:
        """How much does, smoothed while the voice plays."""
        return self._drift.fill_s if self._playing else self._ring.available() / self.rate

    @property
    def drift(self) -> float:
        """How much faster the voice arrives than the sound card plays; 1e-6 = 1 ppm."""
        return self._drift.drift

    def latency_s(self) -> float:
        """From `put` until the first sample of the chunk enters the sound card's buffer, in seconds, smoothed."""
        waiting_s = self._drift.fill_s if self._playing else self._reserve.target_s
        return waiting_s + self._block / self.rate + self._resampler.delay_s

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
            self._start_anew()
        if max(int(samples.max()), -int(samples.min())) > AUDIBLE:
            self.audible_s = now_s
        elapsed_s = samples.size / VOICE_RATE
        fill_s = self._fill_s(now_s)
        voice = self._amplified(self._resampler.resample(samples))
        lost = voice.size - self._ring.write(voice)
        target_s = self._adapt_target(fill_s, elapsed_s, now_s)
        self._start_fill = round(target_s * self.rate) + voice.size

        if lost:  # a voice with a hole in it would click: all of it is too late anyway
            self.dropped += lost
            self.resyncs += self._skip_to <= self._ring.position
            self._skip_to = self._ring.written
        if not self._playing:
            self._start_anew()
        if self._skip_to > self._ring.position:
            # `render` has not got round to it yet: the rest of a burst goes the same way.
            self._skip_to = max(self._skip_to, self._ring.written - self._start_fill)
        elif self._overfull(fill_s - target_s, now_s):
            self._skip_to = self._ring.written - self._start_fill
            self.resyncs += 1
            self._start_anew()
        elif self._playing:
            self._resampler.ratio = self._drift.update(fill_s, target_s, elapsed_s)

    def flush(self) -> None:
        """What has not been played yet is faded out and dropped; the next voice starts anew. Safe from any thread."""
        self._flushed = True  # the resampler belongs to the thread of `put`
        self._skip_to = self._ring.written

    def _overfull(self, excess_s: float, now_s: float) -> bool:
        """A card that takes its blocks in bursts leaves much for a moment; what stays too much is a backlog."""
        if excess_s <= RESYNC_S:
            self._full_since_s = None
            return False
        if self._full_since_s is None:
            self._full_since_s = now_s
        return now_s - self._full_since_s >= BACKLOG_S

    def _start_anew(self) -> None:
        self._full_since_s = None
        self._drift.settle()
        self._reserve.skip()

    def _fill_s(self, now_s: float) -> float:
        """What will be played of the ring, counted as if the sound card took it evenly and not in blocks: negative
        where a block was taken a moment ago and nothing was left."""
        waiting = self._ring.written - max(self._ring.position, self._skip_to)
        since_s = min(max(0.0, now_s - self._rendered_s), 0.02) if self._playing else 0.0
        return waiting / self.rate - since_s

    def _adapt_target(self, fill_s: float, elapsed_s: float, now_s: float) -> float:
        left = self._least_left if self._looked == self._look else PLENTY
        self._look += 1
        if not self._playing:
            late_s = now_s - self._dry_s
            if self._dry_s != self._dry_seen_s and 0 < late_s < LATE_S:
                self._reserve.ran_dry(late_s)
            self._dry_seen_s = self._dry_s
            return self._reserve.target_s
        return self._reserve.update(fill_s, left / self.rate, elapsed_s)

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
        self._block = len(out)
        self._obey_skip()
        if not self._playing and (self._let_down < len(self._fade_out) or not self._may_start(len(out))):
            self._decay(out)
            self._silent += len(out)
            return
        count = self._ring.read_into(out)
        self.played += count
        left = self._ring.available()
        if not self._playing:
            self._playing = True
            self._risen = 0
            if self._silent < SAME_VOICE_S * self.rate:
                self.underruns += 1
        self._note_left(left)
        self._rise(out[:count])
        if count:
            self._last_sample = int(out[count - 1])
        if count < len(out):
            self._dry_s = now_s + count / self.rate
            self._stop_playing()
            self._decay(out[count:])
            self._silent = len(out) - count
        self._waited = 0

    def _may_start(self, block: int) -> bool:
        available = self._ring.available()
        if not available:
            self._waited = 0
            return False
        self._waited += block
        # A sound that is shorter than the target is played too, only later.
        return available >= self._start_fill or self._waited > 2 * self._start_fill

    def _note_left(self, left: int) -> None:
        look = self._look
        self._least_left = min(self._least_left, left) if self._looked == look else left
        self._looked = look

    def _obey_skip(self) -> None:
        skip_to = self._skip_to
        if skip_to <= self._ring.position:
            return
        if self._playing:
            self._stop_playing()
        self.skipped += self._ring.skip_to(skip_to)
        self._silent = round(SAME_VOICE_S * self.rate)  # wanted, so not an underrun

    def _stop_playing(self) -> None:
        self._playing = False
        self._let_down = 0

    def _rise(self, samples: NDArray[np.int16]) -> None:
        """What begins in the middle of a wave comes up from zero."""
        ramp = self._fade_in[self._risen :]
        count = min(len(samples), len(ramp))
        if count:
            product = self._product[:count]
            np.multiply(samples[:count], ramp[:count], out=product)
            samples[:count] = product
            self._risen += count

    def _decay(self, samples: NDArray[np.int16]) -> None:
        """The sound ended in the middle of a wave: its last value is let down to zero, the rest is silence."""
        ramp = self._fade_out[self._let_down :]
        count = min(len(samples), len(ramp))
        if count:
            product = self._product[:count]
            np.multiply(ramp[:count], self._last_sample, out=product)
            samples[:count] = product
            self._let_down += count
        samples[count:] = 0
