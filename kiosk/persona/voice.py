"""One interface for every voice that the persona can speak with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Protocol

from kiosk.persona.visemes import VisemeCue

RATE = 48_000
"""Hz. All speech is s16le mono at this rate, whatever the engine makes."""


@dataclass(frozen=True, slots=True)
class SpeechPiece:
    """A piece of an utterance, in order: sound, its visemes, and the words that it says.

    `cues` are relative to the start of this piece; empty where the engine tells none (the lips are then read from the
    sound). `text` is shown as a caption while the piece is heard.
    """

    pcm: bytes = field(repr=False)
    cues: tuple[VisemeCue, ...]
    text: str

    @property
    def duration_s(self) -> float:
        return len(self.pcm) / 2 / RATE


class VoiceError(Exception):
    """The voice cannot be used. The text is one line for the operator; captions carry on without sound."""


class Voice(Protocol):
    """Turns text into speech, piece by piece, so that the first words are heard while the rest is made."""

    def speak(self, text: str, language: str) -> AsyncIterator[SpeechPiece]:
        """Raises `VoiceError`. Cancelling the iteration stops the engine."""
        ...

    async def aclose(self) -> None: ...
