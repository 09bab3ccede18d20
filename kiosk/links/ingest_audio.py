"""Sound between the kiosk (48 kHz, 10 ms) and an ingest socket (8 kHz, 20 ms); all of it s16le mono.

soxr's variable-rate mode does the resampling, at a ratio that never varies: it gives its sound 30 ms behind and evenly,
while the fixed-rate mode gathers more than 100 ms at a time. What lies above 4 kHz is 80 dB down, either way.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

NEAR_RATE: Final = 48_000  # Hz
FAR_RATE: Final = 8_000
FRAME_BYTES: Final = 320  # 20 ms at 8 kHz: what goes into one media frame
TICK_S: Final = 0.01
TICK: Final = FAR_RATE // 100  # samples of 10 ms at 8 kHz
NEAR_TICK: Final = NEAR_RATE // 100

PRIME_S: Final = 0.12  # gathered before a voice begins: a socket delivers in fits and starts
REPRIME_S: Final = 0.06  # the same after a gap within a voice: better a second gap than a long one
LONGEST_S: Final = 3.0  # more than this is never kept: the oldest goes
SLACK_S: Final = 0.2  # more than this above what is needed is made up for in the next pause
PAUSE_S: Final = 0.5  # dry for so long: the voice had ended
FADE: Final = FAR_RATE // 200  # 5 ms
QUIET: Final = 200  # of 32767, about -44 dBFS: a pause in which time can be made up

Samples = NDArray[np.int16]


class Downsampler:
    """The microphone on its way out."""

    def __init__(self) -> None:
        self._resampler = soxr.ResampleStream(NEAR_RATE, FAR_RATE, 1, dtype="int16", vr=True)
        self._resampler.set_io_ratio(NEAR_RATE, FAR_RATE, 0)
        self._rest = b""

    def feed(self, pcm: bytes) -> list[bytes]:
        """Sound at 48 kHz in, of any even length; complete frames of 20 ms at 8 kHz out, the rest is kept."""
        out: Samples = self._resampler.resample_chunk(np.frombuffer(pcm, np.int16))
        self._rest += out.tobytes()
        whole = len(self._rest) // FRAME_BYTES * FRAME_BYTES
        frames = [self._rest[at : at + FRAME_BYTES] for at in range(0, whole, FRAME_BYTES)]
        self._rest = self._rest[whole:]
        return frames


class Upsampler:
    """The room's sound on its way to the loudspeaker: 10 ms in, 10 ms out, 30 ms later."""

    def __init__(self) -> None:
        self._resampler = soxr.ResampleStream(FAR_RATE, NEAR_RATE, 1, dtype="int16", vr=True)
        self._resampler.set_io_ratio(FAR_RATE, NEAR_RATE, 0)
        self._rest: Samples = np.zeros(0, np.int16)
        while len(self._rest) < NEAR_TICK:  # the filter's delay is filled with silence beforehand
            self._take(np.zeros(TICK, np.int16))
        self._rest = self._rest[NEAR_TICK:]

    def tick(self, samples: Samples) -> bytes:
        """80 samples at 8 kHz in, 480 at 48 kHz (960 bytes) out."""
        self._take(samples)
        out, self._rest = self._rest[:NEAR_TICK], self._rest[NEAR_TICK:]
        return out.tobytes().ljust(2 * NEAR_TICK, b"\0")

    def _take(self, samples: Samples) -> None:
        self._rest = np.concatenate([self._rest, self._resampler.resample_chunk(samples)])


class VoiceQueue:
    """The room's sound between its arrival and its turn: in at any pace, out 10 ms at a time, and bounded.

    It primes before a voice begins, bridges what comes late with a faded silence, and after a burst makes up for the
    lost time in pauses, so that no word is cut out and the talk does not stay late for ever.
    """

    def __init__(self) -> None:
        self._pieces: deque[Samples] = deque()
        self._size = 0
        self._playing = False
        self._needed = round(PRIME_S * FAR_RATE)
        self._dry = round(PAUSE_S * FAR_RATE)  # samples since it ran dry
        self._waited = 0
        self._last = 0
        self.dropped = 0  # samples that were too old
        self.gaps = 0  # times that a voice had to wait

    @property
    def waiting_s(self) -> float:
        return self._size / FAR_RATE

    def put(self, pcm: bytes) -> None:
        """s16le mono at 8 kHz, of any even length."""
        samples = np.frombuffer(pcm, "<i2").astype(np.int16)
        self._pieces.extend(samples[at : at + TICK] for at in range(0, len(samples), TICK))
        self._size += len(samples)
        if (excess := self._size - round(LONGEST_S * FAR_RATE)) > 0:
            self._take(excess)
            self.dropped += excess
            self._playing = False  # what follows is another place of the talk: it fades in

    def clear(self) -> None:
        self._pieces.clear()
        self._size = 0

    def tick(self) -> Samples:
        """The next 80 samples; silence where nothing is to be played."""
        if not self._playing and not self._may_begin():
            self._dry += TICK
            return self._let_down()
        if self._size < TICK:
            return self._run_dry()
        fresh, self._playing = not self._playing, True
        out = self._take(TICK)
        if fresh:
            out[:FADE] = (out[:FADE] * np.linspace(0, 1, FADE)).astype(np.int16)
        elif self._is_quiet(out):
            self._catch_up()
        self._last = int(out[-1])
        self._dry = 0
        return out

    def _may_begin(self) -> bool:
        if not self._size:
            self._waited = 0
            return False
        self._waited += TICK
        needed = round((REPRIME_S if self._dry < PAUSE_S * FAR_RATE else PRIME_S) * FAR_RATE)
        # A sound that is shorter than that is played too, only later.
        if self._size < needed and self._waited < 2 * needed:
            return False
        if 0 < self._dry < PAUSE_S * FAR_RATE:
            self.gaps += 1
        self._waited = 0
        self._needed = needed
        return True

    def _run_dry(self) -> Samples:
        rest = self._take(self._size)
        self._playing = False
        self._dry = TICK - len(rest)
        if len(rest):
            self._last = int(rest[-1])
        return np.concatenate([rest, self._let_down(TICK - len(rest))])

    def _let_down(self, count: int = TICK) -> Samples:
        """Silence, to which the last sample is let down: a wave that is cut off clicks."""
        out = np.zeros(count, np.int16)
        fade = min(count, FADE)
        if self._last and fade:
            out[:fade] = (np.linspace(1, 0, fade) * self._last).astype(np.int16)
            self._last = 0
        return out

    def _catch_up(self) -> None:
        """A pause passes at twice its speed while more waits than is needed."""
        if self._size > self._needed + SLACK_S * FAR_RATE and self._is_quiet(self._pieces[0]):
            self._size -= len(self._pieces.popleft())

    def _take(self, count: int) -> Samples:
        taken: list[Samples] = [np.zeros(0, np.int16)]
        while count > 0 and self._pieces:
            piece = self._pieces[0]
            if len(piece) <= count:
                self._pieces.popleft()
            else:
                self._pieces[0], piece = piece[count:], piece[:count]
            taken.append(piece)
            count -= len(piece)
            self._size -= len(piece)
        return np.concatenate(taken)

    @staticmethod
    def _is_quiet(samples: Samples) -> bool:
        return int(np.abs(samples.astype(np.int32)).max(initial=0)) < QUIET
