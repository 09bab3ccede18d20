"""How loud a piece of sound is."""

from __future__ import annotations

import math

import numpy as np

FLOOR_DBFS = -100.0


def level_dbfs(pcm: memoryview | bytes | bytearray) -> float:
    """Root mean square of s16le samples in dBFS; -100 for silence or nothing."""
    samples = np.frombuffer(pcm, np.int16)
    if samples.size == 0:
        return FLOOR_DBFS
    values = samples.astype(np.float32)
    power = float(np.dot(values, values)) / samples.size
    return max(FLOOR_DBFS, 10.0 * math.log10(power / 32768.0**2)) if power > 0 else FLOOR_DBFS
