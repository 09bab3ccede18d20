"""A sound file as finished speech."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

LONGEST_S = 120


def read_speech(path: Path) -> tuple[bytes, int]:
    """s16le mono and its rate in Hz; more channels are mixed, what is longer than two minutes is cut off.

    Raises `ValueError` with one line for the operator.
    """
    try:
        with wave.open(str(path), "rb") as file:
            rate, channels, width = file.getframerate(), file.getnchannels(), file.getsampwidth()
            pcm = file.readframes(min(file.getnframes(), LONGEST_S * rate))
    except (OSError, EOFError, wave.Error) as error:
        raise ValueError(f"{path.name} cannot be read as a WAV file ({error})") from None
    if width != 2:
        raise ValueError(f"{path.name} has {8 * width} bits a sample; save it with 16")
    samples = np.frombuffer(pcm[: len(pcm) // (2 * channels) * 2 * channels], np.int16).reshape(-1, channels)
    return samples.mean(axis=1).astype(np.int16).tobytes(), rate
