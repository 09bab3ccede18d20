"""The kiosk's end of the listening process: starts it, asks it, ends it. All of it blocks."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kiosk.persona.ears import EarsError
from kiosk.persona.ears_process import VERSION

log = logging.getLogger("kiosk.persona.ears")

START_S = 30.0
ANSWER_S = 15.0
END_S = 2.0
LONGEST_LINE = 1 << 16


class Recognised(BaseModel):
    model_config = ConfigDict(frozen=True)

    text: str = Field(repr=False)
    confidence: float = Field(ge=0, le=1)


class _Ready(BaseModel):
    ready: int = 0
    words: int = 0
    error: str = ""


def ears_command(model: Path | None = None) -> list[str]:
    """`model`: the folder of a Vosk model, in the place of the model that comes with the kiosk."""
    words = ["--model", str(model)] if model is not None else []
    # A frozen program has no interpreter of its own to start, so it starts itself.
    if getattr(sys, "frozen", False):
        return [sys.executable, "ears-process", *words]
    return [sys.executable, "-m", "kiosk.persona.ears_process", *words]


class EarsEngine:
    """Every call may come from any thread; one that was given up by its caller ends before the next one begins.

    A process that died is started anew, with the same sentences, by the next `recognise`.
    """

    def __init__(self, command: Sequence[str], *, answer_s: float = ANSWER_S):
        self._command = list(command)
        self._answer_s = answer_s
        self._sentences: tuple[str, ...] = ()
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()  # around the process, so that `close` finds every one there is
        self._turn = threading.Lock()  # around a question and its answer
        self._closed = False

    def learn(self, sentences: Sequence[str]) -> None:
        """Starts the process with these sentences, in the place of one that knows others. Raises `EarsError`."""
        with self._turn:
            self._sentences = tuple(sentences)
            self._end()
            self._start()

    def recognise(self, pcm: bytes) -> Recognised:
        """`pcm`: s16le mono 16 kHz. Raises `EarsError`."""
        with self._turn:
            process = self._process or self._start()
            with self._killed_after(process, self._answer_s):
                answer = self._ask(process, json.dumps({"bytes": len(pcm)}).encode() + b"\n" + pcm)
            try:
                return Recognised.model_validate_json(answer)
            except ValidationError:
                self._end()
        raise EarsError("the listening process died; it is started anew with the next sentence")

    def close(self) -> None:
        self._closed = True
        self._end()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._closed:
                raise EarsError("the ears have been closed")
            try:
                process = self._process = subprocess.Popen(  # noqa: S603 - our own program, by its full path
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                )
            except OSError as error:
                raise EarsError(
                    f"the listening process does not start ({error.strerror}); install the kiosk again"
                ) from None
        with self._killed_after(process, START_S):
            line = self._ask(process, json.dumps({"sentences": self._sentences}).encode() + b"\n")
        try:
            ready = _Ready.model_validate_json(line)
        except ValidationError:
            ready = _Ready(error="the listening process ended at its start; install the kiosk again")
        if ready.ready != VERSION:
            self._end()
            raise EarsError(ready.error or "the listening process is of another version; install the kiosk again")
        log.info("listening for %s", f"{ready.words} words" if ready.words else "all words of the model")
        return process

    def _ask(self, process: subprocess.Popen[bytes], message: bytes) -> bytes:
        """The answer's line; empty where the process died."""
        assert process.stdin is not None  # noqa: S101 - for the type checker: both are pipes
        assert process.stdout is not None  # noqa: S101
        try:
            process.stdin.write(message)
            process.stdin.flush()
            return process.stdout.readline(LONGEST_LINE)
        except (OSError, ValueError):  # ValueError: closed under our hands
            return b""

    @contextmanager
    def _killed_after(self, process: subprocess.Popen[bytes], seconds: float) -> Iterator[None]:
        """A read from a pipe has no timeout; the end of the process ends it."""
        timer = threading.Timer(seconds, process.kill)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()

    def _end(self) -> None:
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            log.warning("the listening process does not end")
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what was still to be written finds no reader
                    pipe.close()
