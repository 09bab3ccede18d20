"""Free dictation in English by Moonshine's smallest model; needs the extra `avatar-kiosk[dictation]`, which carries it.

To be used in the listening process alone. Known questions are still listened for as wholes: read aloud from the screen
they are heard better so; words of a visitor's own are heard better by dictation. resources/manual/ears.md has figures.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, Final

import numpy as np

from kiosk.persona.ears_sphinx import RATE, SURELY, SphinxRecogniser

PACKAGE: Final = "moonshine_voice"
MODEL: Final = "assets/tiny-en"  # in the package up to version 0.1.0; later ones fetch it from the network
MODEL_FILES: Final = ("encoder_model.ort", "decoder_model_merged.ort", "tokenizer.bin")
DICTATED: Final = 0.9  # the library does not say how sure it is


def moonshine_model() -> Path | None:
    """The folder of the model, or None where the package is not installed or carries none. Loads nothing."""
    found = importlib.util.find_spec(PACKAGE)
    folder = Path(found.origin).parent / MODEL if found is not None and found.origin else None
    return folder if folder is not None and all((folder / name).is_file() for name in MODEL_FILES) else None


class MoonshineRecogniser:
    """Raises `ImportError` or `OSError` where the library cannot be loaded, and what `SphinxRecogniser` raises."""

    def __init__(self, sentences: list[str], model: Path):
        from moonshine_voice import ModelArch
        from moonshine_voice.transcriber import Transcriber

        self._questions = SphinxRecogniser(sentences)
        self._transcriber: Any = Transcriber(model, ModelArch.TINY)
        self.words = 0  # those of the model: nobody counts them

    def recognise(self, pcm: bytes) -> tuple[str, float]:
        """The words, and how sure they are, 0 to 1; an empty text where nothing was understood."""
        if len(pcm) < RATE // 5:  # 100 ms: too short for a single word
            return "", 0.0
        known = self._questions.known(pcm)
        if known is not None and known[1] >= SURELY:
            return known
        samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2").astype(np.float32) / 32_768
        lines = self._transcriber.transcribe_without_streaming(samples.tolist(), RATE).lines
        text = " ".join(str(line.text).strip() for line in lines).strip()
        return (text, DICTATED) if text else (known or ("", 0.0))
