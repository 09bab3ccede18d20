"""Speech of which the mouth is known at every 10 ms: espeak-ng's voices and its own phoneme times."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiosk.persona.espeak import EspeakVoice
from kiosk.persona.espeak_voices import VoiceChoice
from kiosk.persona.visemes import Viseme, VisemeCue
from kiosk.persona.voice import RATE

CHUNK: Final = RATE // 100


@dataclass(frozen=True, slots=True)
class Utterance:
    """`samples`: int16 at 48 kHz, whole chunks of 10 ms; `visemes`: one for the middle of each, from `cues`."""

    samples: NDArray[np.int16] = field(repr=False)
    visemes: tuple[Viseme, ...]
    cues: tuple[VisemeCue, ...]


def utterances(wanted: Sequence[tuple[VoiceChoice, str]]) -> list[Utterance]:
    """Speaks each text with its voice."""

    async def speak() -> list[Utterance]:
        voice = EspeakVoice({f"v{at}": choice for at, (choice, _) in enumerate(wanted)})
        try:
            return [
                _utterance(piece.pcm, piece.cues)
                for at, (_, text) in enumerate(wanted)
                async for piece in voice.speak(text, f"v{at}")
            ]
        finally:
            await voice.aclose()

    return asyncio.run(speak())


def _utterance(pcm: bytes, cues: tuple[VisemeCue, ...]) -> Utterance:
    samples = np.frombuffer(pcm, dtype="<i2")
    chunks = samples.size // CHUNK
    visemes = [Viseme.SIL] * chunks
    for cue in cues:
        for at in range(max(0, round(cue.start_s * 100)), min(chunks, round(cue.end_s * 100))):
            visemes[at] = cue.viseme
    return Utterance(samples[: chunks * CHUNK], tuple(visemes), cues)


def with_noise(samples: NDArray[np.int16], snr_db: float, rng: np.random.Generator) -> NDArray[np.int16]:
    """Adds noise of a room (falling by 3 dB an octave), `snr_db` below the mean power of the whole utterance."""
    spectrum = np.fft.rfft(rng.standard_normal(samples.size))
    spectrum[1:] /= np.sqrt(np.arange(1, spectrum.size))
    noise = np.fft.irfft(spectrum, samples.size)
    power = float(np.mean(samples.astype(np.float64) ** 2))
    noise *= np.sqrt(power / 10 ** (snr_db / 10) / np.mean(noise**2))
    return np.clip(np.rint(samples + noise), -32768, 32767).astype(np.int16)
