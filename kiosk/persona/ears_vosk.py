"""A Vosk model in a folder that the operator chose; needs the extra `avatar-kiosk[vosk]`.

To be used in the listening process alone. https://alphacephei.com/vosk/models has models for some twenty languages.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RATE = 16_000  # Hz
MODEL_FILES = ("am/final.mdl", "final.mdl")  # newer models, and those of before 2020


class ModelError(Exception):
    """The model cannot be used; the text is one line for the operator, with the remedy."""


class VoskRecogniser:
    """Takes free dictation: what visitors may say need not be told. Raises `ModelError`."""

    words = 0  # those of the model: nobody counts them

    def __init__(self, model: Path):
        if not any((model / file).is_file() for file in MODEL_FILES):
            raise ModelError(f"{model} is no folder of a Vosk model (am/final.mdl); unpack one and name its folder")
        try:
            import vosk
        except ImportError:
            raise ModelError("this build has no Vosk; install it with: pip install 'avatar-kiosk[vosk]'") from None
        vosk.SetLogLevel(-1)
        try:
            self._recogniser: Any = vosk.KaldiRecognizer(vosk.Model(str(model)), RATE)
        except Exception as error:  # noqa: BLE001  (the library raises nothing more precise)
            raise ModelError(f"Vosk does not take the model in {model} ({error}); unpack it again") from None
        self._recogniser.SetWords(True)

    def recognise(self, pcm: bytes) -> tuple[str, float]:
        """The words, and the mean of their confidences, 0 to 1; an empty text where nothing was understood."""
        parts = [self._recogniser.Result()] if self._recogniser.AcceptWaveform(pcm) else []
        parts.append(self._recogniser.FinalResult())
        words = [word for part in parts for word in json.loads(part).get("result", ())]
        if not words:
            return "", 0.0
        confidence = sum(float(word["conf"]) for word in words) / len(words)
        return " ".join(str(word["word"]) for word in words), min(max(confidence, 0.0), 1.0)
