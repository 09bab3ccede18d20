"""Stands in for the package of that name where it is not installed: as strict, and as deaf as a stone.

Put this folder into PYTHONPATH. What it hears is the length of the sound, in German. Checked against vosk 0.3.45.
"""

from __future__ import annotations

import json
from pathlib import Path

GOOD = b"a model"  # what am/final.mdl must hold


def SetLogLevel(level: int) -> None:  # noqa: N802
    if not isinstance(level, int):
        raise TypeError("an integer is required")


class Model:
    def __init__(self, model_path: str) -> None:
        if (Path(model_path.encode().decode()) / "am" / "final.mdl").read_bytes() != GOOD:
            raise Exception("Failed to create a model")


class KaldiRecognizer:
    def __init__(self, model: Model, rate: float) -> None:
        if type(model) is not Model or rate != 16_000:
            raise TypeError("Unknown arguments")
        self._words = False
        self._pcm = b""

    def SetWords(self, enable: bool) -> None:  # noqa: N802
        self._words = enable

    def AcceptWaveform(self, data: bytes) -> int:  # noqa: N802
        """1 where an utterance ended within, which a second of it always does here."""
        if not isinstance(data, bytes):
            raise TypeError("bytes are required")
        self._pcm += data
        return int(len(self._pcm) >= 32_000)

    def Result(self) -> str:  # noqa: N802
        """The text, and with `SetWords` its words; then it listens anew."""
        seconds, self._pcm = round(len(self._pcm) / 32_000), b""
        if not seconds:
            return json.dumps({"text": ""})
        words = [
            {"conf": conf, "start": 0.0, "end": 1.0, "word": word}
            for conf, word in ((1.0, str(seconds)), (0.8, "sekunden"))
        ]
        return json.dumps(
            {"result": words, "text": f"{seconds} sekunden"} if self._words else {"text": f"{seconds} sekunden"}
        )

    FinalResult = Result
