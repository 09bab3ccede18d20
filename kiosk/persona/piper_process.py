"""Piper behind the pipe of `espeak_process`: a neural voice from a file, in a process of its own.

Piper is under the GPL too, and its network would hold up the kiosk's own threads. The protocol is that of
`espeak_process`; a model is one voice, so `voice` and the two pitches are not looked at, and no phonemes are told.

Run as `python -m kiosk.persona.piper_process MODEL.onnx`; MODEL.onnx.json lies beside it.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from typing import Any, BinaryIO

from kiosk.persona.espeak_process import VERSION

USUAL_WORDS_PER_MINUTE = 165
"""What a model speaks by itself, about."""


def main() -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with os.fdopen(os.dup(1), "wb") as answers:
            os.dup2(2, 1)
            return serve(sys.argv[1], sys.stdin.buffer, answers)
    except OSError:
        return 0


def serve(model: str, requests: BinaryIO, answers: BinaryIO) -> int:
    try:
        piper: Any = importlib.import_module("piper")  # an optional package
        voice = piper.PiperVoice.load(model)
        rate = int(voice.config.sample_rate)
    except ImportError:
        _send(answers, {"error": "the package piper-tts is missing; add it with: pip install 'avatar-kiosk[piper]'"})
        return 1
    except Exception as error:  # noqa: BLE001 - the runtime's own kinds for a file that is no model
        _send(answers, {"error": f"the Piper voice does not load ({type(error).__name__}); check its two files"})
        return 1
    _send(answers, {"ready": VERSION, "rate": rate, "voices": [], "variants": []})
    for line in requests:
        try:
            wanted = json.loads(line)
            scale = USUAL_WORDS_PER_MINUTE / int(wanted["words_per_minute"])
            # Double brackets would be phonemes to Piper.
            text = str(wanted["text"]).replace("[", " ").replace("]", " ")
            settings = piper.SynthesisConfig(length_scale=scale * float(voice.config.length_scale))
            pcm = b"".join(chunk.audio_int16_bytes for chunk in voice.synthesize(text, settings))
        except Exception as error:  # noqa: BLE001 - one sentence fails, the next may not
            _send(answers, {"error": f"Piper could not speak a sentence ({type(error).__name__})"})
        else:
            _send(answers, {"bytes": len(pcm), "phonemes": []}, pcm)
    return 0


def _send(answers: BinaryIO, header: dict[str, object], body: bytes = b"") -> None:
    answers.write(json.dumps(header).encode() + b"\n" + body)
    answers.flush()


if __name__ == "__main__":
    sys.exit(main())
