"""What the screens may know of a visit, and what a visitor's hands may do to it.

The controller publishes a new `Situation` whenever one of its fields changes; screens are drawn from it alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from kiosk.links.contract import AvatarMode, Caption, Card, Suggestions


class Phase(StrEnum):
    ATTRACT = "attract"
    WELCOME = "welcome"
    CONNECTING = "connecting"
    LIVE = "live"
    RECOVERING = "recovering"
    FALLBACK = "fallback"
    GOODBYE = "goodbye"
    OUT_OF_SERVICE = "out_of_service"


@dataclass(frozen=True, slots=True)
class Situation:
    """What is going on, in words that screens know.

    `notice` is a key of resources/translations (empty: nothing to say); it never holds a raw error.
    `ends_in_s` is set while a countdown is to be shown (idle warning, end of the longest visit).
    `picture` is True while the avatar view holds or plays a picture of this visit.
    `awaits_avatar` is True while one is on its way that takes some time, and nobody of this visit was seen yet.
    """

    phase: Phase
    mode: AvatarMode = AvatarMode.LISTENING
    notice: str = ""
    ends_in_s: float | None = None
    language: str = "en"
    picture: bool = False
    microphone: bool = False
    can_type: bool = False
    can_interrupt: bool = False
    awaits_avatar: bool = False


class VisitorActions(Protocol):
    """What the screens call. Every call returns at once and may come in any phase."""

    def touch(self) -> None:
        """Attract -> welcome; elsewhere it only proves that somebody is there (idle time starts anew)."""
        ...

    def accept(self, language: str) -> None:
        """The notice was read and a language chosen: welcome -> connecting."""
        ...

    def leave(self) -> None: ...

    def type_text(self, text: str) -> None: ...

    def interrupt(self) -> None: ...


Words = Caption | Suggestions | Card
"""What the far side gives to read. It belongs to this visit: a screen forgets it when the next visitor comes."""

SituationListener = Callable[[Situation], None]
WordsListener = Callable[[Words], None]
