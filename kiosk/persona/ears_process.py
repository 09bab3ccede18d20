"""The listening process: PocketSphinx behind a pipe.

The library holds the interpreter's lock while it works, which would stop pictures and sound; so it works elsewhere.
Protocol, version 1, over stdin and stdout, each message one line of JSON in UTF-8:

- The kiosk begins with `{"sentences": ["…"]}`. The process answers `{"ready": 1, "words": N}`, or `{"error": "…"}`.
- Request: `{"bytes": N}`, then N bytes of s16le mono at 16 kHz. Answer: `{"text": "…", "confidence": 0 to 1}`.
- The process ends when its stdin does, so it cannot outlive the kiosk.

Run it as `kiosk ears-process`, or `python -m kiosk.persona.ears_process`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any, BinaryIO

from kiosk.persona.ears_sentences import dictionary_lines, training_sentences, word_of

VERSION = 1
RATE = 16_000  # Hz
LONGEST = 30 * RATE * 2  # bytes

_LANGUAGE_WEIGHT = 10.0
_INSERTION_PENALTY = 0.3


def main() -> int:
    """Serves until stdin ends. 0, or 1 when the recogniser cannot be used."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the kiosk, which then closes stdin
    try:
        # The library may print: what it prints must not get between our messages.
        with os.fdopen(os.dup(1), "wb") as answers:
            os.dup2(2, 1)
            return serve(sys.stdin.buffer, answers)
    except OSError:  # nobody reads our answers any more: the kiosk is gone
        return 0


def serve(requests: BinaryIO, answers: BinaryIO) -> int:
    try:
        sentences = [str(text) for text in json.loads(requests.readline())["sentences"]]
        recogniser = Recogniser(sentences)
    except (ImportError, RuntimeError, OSError, ValueError, KeyError, TypeError) as fault:
        _send(answers, {"error": f"the recogniser does not start ({type(fault).__name__}: {fault})"})
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


class Recogniser:
    """Raises `RuntimeError` where the library does not take model, dictionary or grammar."""

    def __init__(self, sentences: list[str]):
        import pocketsphinx
        from pocketsphinx.lm import ArpaBoLM

        pocketsphinx.set_loglevel("FATAL")
        lines = Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict")).read_text(encoding="utf-8").splitlines()
        training = training_sentences(sentences, {word_of(line) for line in lines})
        model = ArpaBoLM()
        model.read_corpus([f"<s> {' '.join(words)} </s>" for words in training])
        model.compute()
        dictionary = dictionary_lines(lines, training)
        self.words = len({word_of(line) for line in dictionary})
        with tempfile.TemporaryDirectory(prefix="kiosk-ears-") as folder:
            arpa, words = Path(folder, "desk.arpa"), Path(folder, "desk.dict")
            with arpa.open("w", encoding="utf-8") as file:
                model.write(file)
            words.write_text("\n".join(dictionary) + "\n", encoding="utf-8")
            self._decoder: Any = pocketsphinx.Decoder(
                samprate=RATE, lm=str(arpa), dict=str(words), lw=_LANGUAGE_WEIGHT, wip=_INSERTION_PENALTY
            )

    def recognise(self, pcm: bytes) -> tuple[str, float]:
        """The words, and the mean of their posterior probabilities; an empty text where nothing was understood."""
        if len(pcm) < RATE // 5:  # 100 ms: too short for a single word
            return "", 0.0
        self._decoder.start_utt()
        self._decoder.process_raw(pcm, full_utt=True)
        self._decoder.end_utt()
        hypothesis = self._decoder.hyp()
        if hypothesis is None:
            return "", 0.0
        # Fillers are written <sil>, [NOISE]; a variant of a pronunciation as where(2).
        words = [segment.prob for segment in self._decoder.seg() if segment.word[:1] not in "<[+"]
        confidence = sum(words) / len(words) if words else 0.0
        return str(hypothesis.hypstr), min(max(float(confidence), 0.0), 1.0)


def _send(answers: BinaryIO, message: dict[str, object]) -> None:
    answers.write(json.dumps(message).encode() + b"\n")
    answers.flush()


if __name__ == "__main__":
    sys.exit(main())
