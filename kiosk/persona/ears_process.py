"""The listening process: a recogniser behind a pipe.

The libraries hold the interpreter's lock while they work, which would stop pictures and sound; so they work elsewhere.
Protocol, version 1, over stdin and stdout, each message one line of JSON in UTF-8:

- The kiosk begins with `{"sentences": ["…"]}`. The process answers `{"ready": 1, "words": N}`, or `{"error": "…"}`.
- Request: `{"bytes": N}`, then N bytes of s16le mono at 16 kHz. Answer: `{"text": "…", "confidence": 0 to 1}`.
- The process ends when its stdin does, so it cannot outlive the kiosk.

Run it as `kiosk ears-process [--model FOLDER]`, or `python -m kiosk.persona.ears_process [--model FOLDER]`. Without a
model it is Moonshine with its own where that is installed (the extra `dictation`), else PocketSphinx with its own.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

from kiosk.persona.ears_moonshine import MoonshineRecogniser, moonshine_model
from kiosk.persona.ears_sphinx import RATE, SphinxRecogniser
from kiosk.persona.ears_vosk import ModelError, VoskRecogniser

VERSION = 1
LONGEST = 30 * RATE * 2  # bytes


class Recogniser(Protocol):
    @property
    def words(self) -> int:
        """How many it knows; 0 where it cannot tell."""
        ...

    def recognise(self, pcm: bytes) -> tuple[str, float]:
        """`pcm`: s16le mono at `RATE`. The words, and how sure they are, 0 to 1."""
        ...


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until stdin ends. 0, or 1 when the recogniser cannot be used."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path)
    model: Path | None = parser.parse_args(arguments).model
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the kiosk, which then closes stdin
    try:
        # The library may print: what it prints must not get between our messages.
        with os.fdopen(os.dup(1), "wb") as answers:
            os.dup2(2, 1)
            return serve(sys.stdin.buffer, answers, model)
    except OSError:  # nobody reads our answers any more: the kiosk is gone
        return 0


def serve(requests: BinaryIO, answers: BinaryIO, model: Path | None = None) -> int:
    try:
        sentences = [str(text) for text in json.loads(requests.readline())["sentences"]]
        recogniser = _recogniser(sentences, model)
    except ModelError as fault:
        _send(answers, {"error": str(fault)})
        return 1
    except (ImportError, RuntimeError, OSError, ValueError, KeyError, TypeError) as fault:
        said = f"the recogniser does not start ({type(fault).__name__}: {fault}); install the kiosk again"
        _send(answers, {"error": said})
        return 1
    _send(answers, {"ready": VERSION, "words": recogniser.words})
    for line in requests:
        size = int(json.loads(line)["bytes"])
        if not 0 <= size <= LONGEST:
            return 1
        pcm = requests.read(size)
        if len(pcm) < size:
            break
        text, confidence = recogniser.recognise(pcm)
        _send(answers, {"text": text, "confidence": confidence})
    return 0


def _recogniser(sentences: list[str], model: Path | None) -> Recogniser:
    if model is not None:
        return VoskRecogniser(model)
    dictation = moonshine_model()
    return SphinxRecogniser(sentences) if dictation is None else MoonshineRecogniser(sentences, dictation)


def _send(answers: BinaryIO, message: dict[str, object]) -> None:
    answers.write(json.dumps(message).encode() + b"\n")
    answers.flush()


if __name__ == "__main__":
    sys.exit(main())
