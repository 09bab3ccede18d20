"""The kiosk's end of the voice process: starts it, asks it, and starts it anew when it dies. All of it blocks."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from pydantic import BaseModel, ValidationError

from kiosk.persona.espeak_process import VERSION
from kiosk.persona.voice import VoiceError

log = logging.getLogger("kiosk.persona.voice")

START_S = 15.0
ANSWER_S = 20.0
LONGEST_HEADER = 4 << 20
LONGEST_BODY = 16 << 20
BACKOFF_S = (0.2, 1.0, 5.0)  # before a start that follows so many deaths in a row
END_S = 2.0


class ListedVoice(BaseModel):
    """A voice as espeak-ng lists it. `languages` are lower-case tags, the best first."""

    identifier: str
    name: str
    languages: tuple[str, ...]


class Catalogue(BaseModel):
    ready: int
    rate: int
    voices: tuple[ListedVoice, ...]
    variants: tuple[str, ...]


class _Answer(BaseModel):
    bytes: int = 0
    phonemes: list[tuple[int, str]] = []
    error: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """`voice` is an identifier of the catalogue, with `+variant` or without. `pitch` and `pitch_range` are 0 to 99."""

    text: str = field(repr=False)
    voice: str
    words_per_minute: int
    pitch: int
    pitch_range: int


@dataclass(frozen=True, slots=True)
class Spoken:
    """`pcm` is s16le mono at `rate` Hz; each phoneme begins at its sample."""

    pcm: bytes = field(repr=False)
    rate: int
    phonemes: tuple[tuple[int, str], ...]


class _Died(Exception):
    """The process ended or said nothing in time. The text says which."""


def voice_command() -> list[str]:
    """A frozen program has no interpreter of its own to start, so it starts itself."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "voice-process"]
    return [sys.executable, "-m", "kiosk.persona.espeak_process"]


class EspeakEngine:
    """`catalogue` and `speak` belong to one thread; `close` may be called from any."""

    def __init__(self, command: Sequence[str], answer_s: float = ANSWER_S) -> None:
        self._command = list(command)
        self._answer_s = answer_s
        self._process: subprocess.Popen[bytes] | None = None
        self._catalogue: Catalogue | None = None
        self._deaths = 0
        self._closing = threading.Event()
        self._starting = threading.Lock()  # so that `close` finds every process there is

    def catalogue(self) -> Catalogue:
        """Starts the process if need be. Raises `VoiceError`."""
        return self._insist(self._started)

    def speak(self, request: Request) -> Spoken:
        """Raises `VoiceError`, after one more try where the process died."""
        return self._insist(lambda: self._ask(request))

    def close(self) -> None:
        """Ends the process, also in the middle of an answer. The engine cannot be used afterwards."""
        self._closing.set()
        with self._starting:
            self._end()

    def _insist[T](self, action: Callable[[], T]) -> T:
        try:
            return self._attempt(action)
        except _Died as death:
            self._closing.wait(BACKOFF_S[min(self._deaths, len(BACKOFF_S)) - 1])
            log.info("starting the voice process anew: it %s", death)
        try:
            return self._attempt(action)
        except _Died as death:
            raise VoiceError(f"the voice process {death}; check this installation with: kiosk doctor") from None

    def _attempt[T](self, action: Callable[[], T]) -> T:
        if self._closing.is_set():
            raise VoiceError("the voice has been closed")
        try:
            result = action()
        except _Died:
            with self._starting:
                self._end()
            self._deaths += 1
            if self._closing.is_set():
                raise VoiceError("the voice has been closed") from None
            raise
        self._deaths = 0
        return result

    def _started(self) -> Catalogue:
        if self._process is not None and self._catalogue is not None:
            return self._catalogue
        with self._starting:
            if self._closing.is_set():
                raise VoiceError("the voice has been closed")
            self._end()
            try:
                self._process = process = subprocess.Popen(  # noqa: S603 - our own program, by its full path
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                )
            except OSError as error:
                raise VoiceError(
                    f"the voice process does not start ({error.strerror}); install the kiosk again"
                ) from None
        with self._killed_after(process, START_S):
            header = self._line(process)
        if "error" in header:
            raise VoiceError(f"{_Answer.model_validate(header).error}; install the kiosk again")
        try:
            self._catalogue = Catalogue.model_validate(header)
        except ValidationError:
            raise _Died("does not speak our protocol") from None
        if self._catalogue.ready != VERSION:
            raise VoiceError("the voice process is of another version; install the kiosk again")
        log.info("voice process started")
        return self._catalogue

    def _ask(self, request: Request) -> Spoken:
        catalogue = self._started()
        process = self._process
        assert process is not None  # noqa: S101 - for the type checker: `_started` has returned
        assert process.stdin is not None  # noqa: S101
        assert process.stdout is not None  # noqa: S101
        wanted = {name: getattr(request, name) for name in Request.__slots__}
        with self._killed_after(process, self._answer_s):
            try:
                process.stdin.write(json.dumps(wanted).encode() + b"\n")
                process.stdin.flush()
            except (OSError, ValueError):  # ValueError: closed under our hands
                raise _Died("has ended") from None
            try:
                answer = _Answer.model_validate(self._line(process))
            except ValidationError:
                raise _Died("does not speak our protocol") from None
            if answer.error:
                raise VoiceError(answer.error)
            if not 0 <= answer.bytes <= LONGEST_BODY:
                raise _Died("does not speak our protocol")
            try:
                pcm = process.stdout.read(answer.bytes)
            except (OSError, ValueError):
                pcm = b""
        if len(pcm) < answer.bytes:
            raise _Died("broke off in the middle of a sentence")
        return Spoken(pcm, catalogue.rate, tuple(answer.phonemes))

    def _line(self, process: subprocess.Popen[bytes]) -> dict[str, object]:
        assert process.stdout is not None  # noqa: S101
        try:
            line = process.stdout.readline(LONGEST_HEADER)
        except (OSError, ValueError):
            line = b""
        if not line.endswith(b"\n"):
            raise _Died("has ended or did not answer in time")
        try:
            header = json.loads(line)
        except ValueError:
            header = None
        if not isinstance(header, dict):
            raise _Died("does not speak our protocol")
        return header

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

    def _end(self) -> None:
        process, self._process, self._catalogue = self._process, None, None
        if process is None:
            return
        process.kill()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            log.warning("the voice process does not end")
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what was still to be written finds no reader
                    pipe.close()
