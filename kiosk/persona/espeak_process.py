"""The voice process: espeak-ng behind a pipe.

espeak-ng is under the GPL and its library keeps one global state that a crash takes along; the kiosk therefore never
loads it but runs this program and talks with it. Protocol, version 1, over stdin and stdout:

- Each message is one line of JSON, UTF-8, ended by a newline.
- The process begins with `{"ready": 1, "rate": HZ, "voices": [{"identifier", "name", "languages"}], "variants": [...]}`
  or, where it cannot work, with `{"error": "..."}`, and ends.
- Request: `{"text", "voice", "words_per_minute", "pitch", "pitch_range"}`; text is plain, nothing in it is markup.
- Answer: `{"bytes": N, "phonemes": [[SAMPLE, "MNEMONIC"], ...]}`, then N bytes of s16le mono; or `{"error": "..."}`.
- One request at a time. The process ends when its stdin does, so it cannot outlive the kiosk.

Run it as `kiosk voice-process`, or `python -m kiosk.persona.espeak_process`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import BinaryIO

from kiosk.persona.espeak_library import EspeakFault, EspeakLibrary

VERSION = 1


def main() -> int:
    """Serves until stdin ends. 0, or 1 when the library cannot be used."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the kiosk, which then closes stdin
    # The library may print: what it prints must not get between our messages.
    try:
        with os.fdopen(os.dup(1), "wb") as answers:
            os.dup2(2, 1)
            return serve(sys.stdin.buffer, answers)
    except OSError:  # nobody reads our answers any more: the kiosk is gone
        return 0


def serve(requests: BinaryIO, answers: BinaryIO) -> int:
    try:
        library = EspeakLibrary()
    except EspeakFault as fault:
        _send(answers, {"error": str(fault)})
        return 1
    _send(
        answers,
        {"ready": VERSION, "rate": library.rate, "voices": library.voices(), "variants": library.variants()},
    )
    for line in requests:
        try:
            wanted = json.loads(line)
            sound = library.speak(
                str(wanted["text"]),
                str(wanted["voice"]),
                int(wanted["words_per_minute"]),
                int(wanted["pitch"]),
                int(wanted["pitch_range"]),
            )
        except (EspeakFault, ValueError, KeyError, TypeError) as fault:
            _send(answers, {"error": str(fault) or type(fault).__name__})
        else:
            _send(answers, {"bytes": len(sound.pcm), "phonemes": sound.phonemes}, sound.pcm)
    return 0


def _send(answers: BinaryIO, header: dict[str, object], body: bytes = b"") -> None:
    answers.write(json.dumps(header).encode() + b"\n" + body)
    answers.flush()


if __name__ == "__main__":
    sys.exit(main())
