"""Raw PCM of any rate as it comes over a wire, in pieces of any length, to s16le mono at 48 kHz."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import numpy as np
import soxr
from numpy.typing import NDArray

TARGET_RATE = 48_000  # Hz
LOWEST_RATE, HIGHEST_RATE = 8_000, 192_000
MAX_CHANNELS = 8


class PcmFormatError(ValueError):
    """The sound's description is missing or out of range. The text is for the operator."""


class PcmDecoder:
    """Keeps what is left of a sample, and the filter's memory, from one piece to the next."""

    def __init__(self, rate: int, channels: int):
        if not LOWEST_RATE <= rate <= HIGHEST_RATE or not 1 <= channels <= MAX_CHANNELS:
            raise PcmFormatError(
                f"{rate} Hz with {channels} channels; {LOWEST_RATE} to {HIGHEST_RATE} Hz and 1 to {MAX_CHANNELS}"
                " channels are understood"
            )
        self._channels = channels
        self._rest = b""
        self._resampler = (
            soxr.ResampleStream(rate, TARGET_RATE, 1, dtype="int16", quality="HQ") if rate != TARGET_RATE else None
        )

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, str]) -> Self:
        """From `sample_rate` and `num_channels`, texts. Raises `PcmFormatError`."""
        try:
            rate, channels = int(attributes["sample_rate"]), int(attributes["num_channels"])
        except (KeyError, ValueError):
            raise PcmFormatError("its attributes sample_rate and num_channels are missing or no numbers") from None
        return cls(rate, channels)

    def feed(self, data: bytes) -> bytes:
        """Some of the sound comes out only with the next piece, or with `finish`."""
        data = self._rest + data
        whole = len(data) - len(data) % (2 * self._channels)
        self._rest = data[whole:]
        return self._resample(self._mono(data[:whole]), last=False)

    def finish(self) -> bytes:
        """What the filter still holds. An incomplete last sample is left out."""
        return self._resample(np.zeros(0, np.int16), last=True)

    def _mono(self, data: bytes) -> NDArray[np.int16]:
        samples = np.frombuffer(data, "<i2")
        if self._channels == 1:
            return samples.astype(np.int16)
        return np.asarray(samples.reshape(-1, self._channels).mean(axis=1), np.int16)

    def _resample(self, samples: NDArray[np.int16], *, last: bool) -> bytes:
        if self._resampler is not None:
            samples = np.asarray(self._resampler.resample_chunk(samples, last=last), np.int16)
        return samples.tobytes()
