"""Sound as engines make it, to sound as the persona speaks it: s16le mono at 48 kHz in whole steps of 10 ms."""

from __future__ import annotations

from typing import Final

import numpy as np
import soxr

from kiosk.persona.voice import RATE

STEP: Final = RATE // 100 * 2
"""Bytes of 10 ms."""
_LOWEST_RATE, _HIGHEST_RATE = 4_000, 192_000


class PcmConverter:
    """For one stream of s16le at `rate` Hz with `channels` interleaved channels, cut anywhere.

    Raises `ValueError` for rates outside of 4 to 192 kHz and for more than eight channels.
    """

    def __init__(self, rate: int, channels: int = 1) -> None:
        if not (_LOWEST_RATE <= rate <= _HIGHEST_RATE and 1 <= channels <= 8):
            raise ValueError(f"no speech has {rate} Hz and {channels} channels")
        self._channels = channels
        self._odd = b""
        self._made = bytearray()
        self._resampler = soxr.ResampleStream(rate, RATE, 1, dtype="int16") if rate != RATE else None

    def push(self, data: bytes) -> bytes:
        """What can be given out by now, in whole steps of 10 ms."""
        data = self._odd + data
        whole = len(data) - len(data) % (2 * self._channels)
        self._odd = data[whole:]
        self._convert(data[:whole], last=False)
        ready = len(self._made) - len(self._made) % STEP
        out = bytes(self._made[:ready])
        del self._made[:ready]
        return out

    def finish(self) -> bytes:
        """The rest, filled up with silence to whole steps."""
        self._convert(b"", last=True)
        rest, self._made = bytes(self._made), bytearray()
        return rest + bytes(-len(rest) % STEP)

    def _convert(self, data: bytes, *, last: bool) -> None:
        samples = np.frombuffer(data, dtype="<i2")
        if self._channels > 1:
            samples = samples.reshape(-1, self._channels).mean(axis=1).astype(np.int16)
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(samples.astype(np.int16), last)
        self._made += samples.astype("<i2").tobytes()


class WavHeader:
    """Reads the beginning of a WAV stream, of which the length may be unknown (streamed)."""

    LONGEST: Final = 1 << 16

    def __init__(self) -> None:
        self._head = bytearray()
        self.rate = 0
        self.channels = 0

    def push(self, data: bytes) -> bytes | None:
        """None while the header is incomplete, then the sound that came behind it.

        Raises `ValueError` for what is no WAV with 16-bit PCM.
        """
        self._head += data
        head = self._head
        if len(head) >= 12 and (head[:4] != b"RIFF" or head[8:12] != b"WAVE"):
            raise ValueError("no WAV file")
        at = 12
        while len(head) >= at + 8:
            name, size = bytes(head[at : at + 4]), int.from_bytes(head[at + 4 : at + 8], "little")
            if name == b"data":
                if not self.rate:
                    raise ValueError("a WAV file without a format")
                return bytes(head[at + 8 :])
            if name == b"fmt ":
                if size < 16:
                    raise ValueError("a WAV file with a broken format")
                if len(head) < at + 24:
                    return None
                self._read_format(bytes(head[at + 8 : at + 24]))
            at += 8 + size + size % 2
            if at > self.LONGEST:
                raise ValueError("a WAV file without sound at its beginning")
        return None

    def _read_format(self, fields: bytes) -> None:
        kind, bits = int.from_bytes(fields[0:2], "little"), int.from_bytes(fields[14:16], "little")
        if kind not in (1, 0xFFFE) or bits != 16:
            raise ValueError("a WAV file of another kind than 16-bit PCM")
        self.channels = int.from_bytes(fields[2:4], "little")
        self.rate = int.from_bytes(fields[4:8], "little")
