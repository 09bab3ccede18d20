"""How much a recording sounds like its original, although a jitter buffer stretched it on the way."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tests.simulators.speech import RATE, Samples

WINDOW = RATE // 10  # 100 ms: a jitter buffer or a drift correction hardly bends it, and chance does not match it
SLACK = RATE // 5  # how far a window may have moved against the whole


def likeness(original: Samples, heard: Samples) -> float:
    """0..1: the normalised cross-correlation of each window of `original`, at the place where it fits best near the
    place of the whole, weighted by the window's energy. Both at 48 kHz mono; `heard` may be longer or shorter.
    """
    a, b = original.astype(np.float64), heard.astype(np.float64)
    if len(b) < len(a):
        b = np.pad(b, (0, len(a) - len(b)))
    start = int(np.argmax(correlate(a, b)))
    fits, weights = [], []
    for at in range(0, max(1, len(a) - WINDOW + 1), WINDOW):
        piece = a[at : at + WINDOW]
        place = b[max(0, start + at - SLACK) : start + at + len(piece) + SLACK]
        if len(place) < len(piece):
            place = np.pad(place, (0, len(piece) - len(place)))
        fits.append(float(correlate(piece, place).max()))
        weights.append(float(np.sum(piece * piece)))
    total = sum(weights)
    return sum(f * w for f, w in zip(fits, weights, strict=True)) / total if total > 0 else 0.0


def correlate(piece: NDArray[np.float64], place: NDArray[np.float64]) -> NDArray[np.float64]:
    """Normalised correlation of `piece` with every stretch of `place` of its length."""
    size = 1 << (len(piece) + len(place)).bit_length()
    product = np.fft.irfft(np.fft.rfft(place, size) * np.conj(np.fft.rfft(piece, size)), size)
    product = product[: len(place) - len(piece) + 1]
    power = np.concatenate([[0.0], np.cumsum(place * place)])
    norms = np.sqrt(np.maximum(power[len(piece) :] - power[: -len(piece)], 0.0)) * np.sqrt(float(np.sum(piece * piece)))
    # A stretch of near silence is like nothing.
    floor = max(1e-9, 0.02 * float(norms.max(initial=0.0)))
    fit: NDArray[np.float64] = np.where(norms > floor, product / np.maximum(norms, floor), 0.0)
    return fit
