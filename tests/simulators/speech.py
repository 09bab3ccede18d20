"""Things to say, as 48 kHz mono s16 arrays: the same text gives the same samples every time."""

from __future__ import annotations

import math
import shutil
import subprocess
import wave
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

Samples = NDArray[np.int16]

RATE = 48_000  # Hz
FRAME = 480  # samples in 10 ms
BEEP_HZ = 1000
BEEP_S = 0.06
SPEECH_PEAK = 16_000  # about -6 dBFS


class SpeechMaker:
    """Renders text with espeak-ng where it is installed, else as a vowel-like signal of the same rhythm."""

    def __init__(self, *, words_per_minute: int = 165, pitch: int = 55) -> None:
        self._words_per_minute = words_per_minute
        self._pitch = pitch
        self._program = shutil.which("espeak-ng")
        self._rendered: dict[str, Samples] = {}

    def render(self, text: str) -> Samples:
        """Blocks for tens of milliseconds the first time a text is asked for."""
        if text not in self._rendered:
            if len(self._rendered) > 64:
                self._rendered.clear()
            self._rendered[text] = self._espeak(text) if self._program else synthetic_speech(text)
        return self._rendered[text]

    def _espeak(self, text: str) -> Samples:
        assert self._program is not None
        command = [self._program, "-v", "en+f3", "-s", str(self._words_per_minute), "-p", str(self._pitch)]
        done = subprocess.run([*command, "--stdout", "--", text], capture_output=True, timeout=20, check=True)
        samples, rate = _read_stream(done.stdout)
        return levelled(resampled(samples, rate))


def _read_stream(data: bytes) -> tuple[Samples, int]:
    """A WAV whose header does not know its length, as espeak-ng writes it to a pipe."""
    with wave.open(BytesIO(data)) as wav:
        rate, channels = wav.getframerate(), wav.getnchannels()
        raw = wav.readframes(len(data) // 2)
    samples = np.frombuffer(raw[: len(raw) // 2 * 2], np.int16)
    return samples[::channels].copy(), rate


def resampled(samples: Samples, rate: int) -> Samples:
    """To 48 kHz."""
    if rate == RATE:
        return samples
    return np.asarray(soxr.resample(samples, rate, RATE), np.int16)


def levelled(samples: Samples) -> Samples:
    """Brings the peak to about -6 dBFS."""
    peak = int(np.abs(samples.astype(np.int32)).max(initial=0))
    if peak == 0:
        return samples
    return (samples.astype(np.float32) * (SPEECH_PEAK / peak)).astype(np.int16)


def synthetic_speech(text: str) -> Samples:
    """A voiced, syllable-shaped signal: a glottal pulse train through two moving formants, one syllable per vowel."""
    rng = np.random.default_rng(zlib.crc32(text.encode()))
    pieces: list[NDArray[np.float32]] = []
    for word in text.split() or ["a"]:
        for _ in range(max(1, sum(word.lower().count(v) for v in "aeiou"))):
            pieces.append(_syllable(rng))
        pieces.append(np.zeros(int(0.05 * RATE), np.float32))
    wave_form = np.concatenate(pieces)
    return levelled((wave_form / max(1e-6, float(np.abs(wave_form).max())) * 32_000).astype(np.int16))


def _syllable(rng: np.random.Generator) -> NDArray[np.float32]:
    seconds = float(rng.uniform(0.11, 0.2))
    t = np.arange(int(seconds * RATE)) / RATE
    pitch = float(rng.uniform(150, 210))
    first, second = float(rng.uniform(350, 800)), float(rng.uniform(1000, 2300))
    total = np.zeros_like(t)
    phase = 2 * math.pi * (pitch * t - 12 * t * t)
    for harmonic in range(1, 20):
        f = harmonic * pitch
        gain = math.exp(-(((f - first) / 160) ** 2)) + 0.6 * math.exp(-(((f - second) / 260) ** 2)) + 0.03
        total += gain / harmonic**0.3 * np.sin(harmonic * phase)
    return np.asarray(total * np.sin(math.pi * t / seconds) ** 0.6, np.float32)


def beep() -> Samples:
    """1 kHz, 60 ms, at 61 % of full scale: what the observers of a flash listen for."""
    t = np.arange(int(BEEP_S * RATE)) / RATE
    return np.asarray(np.sin(2 * math.pi * BEEP_HZ * t) * 20_000, np.int16)


def level_dbfs(samples: Samples) -> float:
    """RMS in dBFS; -120 for digital silence."""
    if not len(samples):
        return -120.0
    rms = math.sqrt(float(np.mean(np.square(samples.astype(np.float64)))))
    return max(-120.0, 20 * math.log10(rms / 32_768)) if rms > 0 else -120.0


def read_wav(path: Path) -> Samples:
    """Any 16 bit WAV as 48 kHz mono (its first channel)."""
    with wave.open(str(path)) as wav:
        if wav.getsampwidth() != 2:
            raise ValueError(f"{path}: 16 bit samples are needed")
        rate, channels = wav.getframerate(), wav.getnchannels()
        samples = np.frombuffer(wav.readframes(wav.getnframes()), np.int16)
    return resampled(samples[::channels].copy(), rate)


def write_wav(path: Path, samples: Samples) -> None:
    """48 kHz mono s16."""
    with wave.open(str(path), "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(RATE)
        wav.writeframes(samples.astype("<i2").tobytes())
