"""What the persona hears: one interface for every recogniser that runs on this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Somebody began to speak; the persona should stop and listen."""


@dataclass(frozen=True, slots=True)
class Final:
    """What was understood. `confidence` is 0 to 1: the mean probability of its words, as the recogniser sees it."""

    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Unclear:
    """Somebody spoke and nothing was understood; ask them to say it again, to type or to touch."""


Heard = SpeechStarted | Final | Unclear


class EarsError(Exception):
    """Nothing can be heard. The text is one line for the operator; typing and touching carry on."""


class Ears(Protocol):
    def hears(self, language: str) -> bool:
        """Whether speech in this language is understood at all."""
        ...

    async def learn(self, sentences: Mapping[str, Sequence[str]]) -> None:
        """By language, the sentences that visitors may say, e.g. all ways of asking. Raises `EarsError`."""
        ...

    def listen(self, frames: AsyncIterator[bytes], language: str) -> AsyncIterator[Heard]:
        """`frames`: 10 ms each, s16le mono, 48 kHz (960 bytes); their end ends the iteration. Raises `EarsError`.

        `language` is one that `hears` is true of. Closing the iteration stops the recogniser's work on it.
        """
        ...

    async def aclose(self) -> None:
        """Idempotent."""
        ...
