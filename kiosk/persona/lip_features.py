"""What a lip reader looks at in a sound: band energies against the speaker's own level, loudness, zero crossings."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiosk.persona.voice import RATE

CHUNK_SAMPLES: Final = RATE // 100
"""10 ms."""
BANDS: Final = 24
FEATURES: Final = BANDS + 3

_WINDOW = 2 * CHUNK_SAMPLES  # 20 ms: below that a low voice's pitch shows as flicker
_LOWEST_HZ, _HIGHEST_HZ = 100.0, 7600.0  # above, many voices have nothing
_FLOOR_DBFS = -72.0
_START_LEVEL_DBFS = -42.0  # a louder voice is caught up with in 50 ms
_RISE, _FALL_DB = 0.4, 0.02  # per chunk: the level follows a louder voice at once, a quieter one by 2 dB a second
_LOWEST_LEVEL_DBFS = -50.0  # below this is no voice that wants lips
_RANGE_DB = 30.0

Vector = NDArray[np.float32]


class LipFeatures:
    """Turns 10 ms after 10 ms into `FEATURES` numbers of about -2 to 1. Keeps the last 10 ms and the level."""

    def __init__(self) -> None:
        self._window = np.hanning(_WINDOW).astype(np.float32)
        self._samples = np.zeros(_WINDOW, dtype=np.float32)
        self._bank = _mel_bank()
        self._level = _START_LEVEL_DBFS

    def push(self, pcm: bytes) -> Vector:
        """`pcm`: s16le mono at 48 kHz, exactly 10 ms. Raises `ValueError` for another length."""
        if len(pcm) != 2 * CHUNK_SAMPLES:
            raise ValueError(f"10 ms of s16le mono at 48 kHz are {2 * CHUNK_SAMPLES} bytes, not {len(pcm)}")
        samples = self._samples
        samples[:CHUNK_SAMPLES] = samples[CHUNK_SAMPLES:]
        samples[CHUNK_SAMPLES:] = np.frombuffer(pcm, dtype="<i2")
        samples[CHUNK_SAMPLES:] *= 1 / 32768
        spectrum = np.fft.rfft(samples * self._window)
        power = (spectrum.real**2 + spectrum.imag**2) @ self._bank
        bands = np.maximum(10 * np.log10(power + 1e-12), _FLOOR_DBFS)
        loudness = max(10 * np.log10(float(np.dot(samples, samples)) / _WINDOW + 1e-12), _FLOOR_DBFS)
        if loudness > self._level:
            self._level += _RISE * (loudness - self._level)
        else:
            self._level = max(self._level - _FALL_DB, _LOWEST_LEVEL_DBFS)
        crossings = np.count_nonzero(np.signbit(samples[1:]) != np.signbit(samples[:-1])) / _WINDOW
        made = np.empty(FEATURES, dtype=np.float32)
        made[:BANDS] = (bands - self._level) / _RANGE_DB
        made[BANDS] = (loudness - self._level) / _RANGE_DB
        made[BANDS + 1] = loudness / _RANGE_DB + 1
        made[BANDS + 2] = 4 * crossings
        np.maximum(made, -2.5, out=made)
        return made


def _mel_bank() -> NDArray[np.float32]:
    """Power of each of the spectrum's bins -> mean power of each of the bands, as dBFS of a full-scale sine."""

    def mel(hz: float) -> float:
        return float(1127 * np.log1p(hz / 700))

    edges = 700 * np.expm1(np.linspace(mel(_LOWEST_HZ), mel(_HIGHEST_HZ), BANDS + 2) / 1127)
    hz = np.fft.rfftfreq(_WINDOW, 1 / RATE)
    bank = np.zeros((hz.size, BANDS), dtype=np.float32)
    for band in range(BANDS):
        low, middle, high = edges[band : band + 3]
        rising, falling = (hz - low) / (middle - low), (high - hz) / (high - middle)
        bank[:, band] = np.maximum(0, np.minimum(rising, falling))
        if not bank[:, band].any():  # narrower than a bin
            bank[np.argmin(np.abs(hz - middle)), band] = 1
    return bank * np.float32((4 / _WINDOW) ** 2)
