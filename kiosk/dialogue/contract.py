"""What a dialogue gives: finished words, and what may be looked at or asked next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from kiosk.links.contract import Card


@dataclass(frozen=True, slots=True)
class Reply:
    """`text` is spoken and shown. No card takes the last one away. `suggestions` replace the ones before.

    `ends`: the visitor took leave; after these words the visit is over.
    """

    text: str
    card: Card | None = None
    suggestions: tuple[str, ...] = ()
    ends: bool = False


class Dialogue(Protocol):
    """Decides what the persona says. All calls are bounded in time and never raise for any text."""

    def greeting(self, language: str) -> Reply: ...

    async def reply(self, text: str, language: str, confidence: float = 1.0) -> Reply:
        """`confidence`: 0 to 1, how surely `text` was heard; 1 for what was typed or touched."""
        ...

    def not_heard(self, language: str) -> Reply:
        """Somebody spoke, and it was not understood."""
        ...
