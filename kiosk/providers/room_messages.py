"""What a vendor's agent takes and tells in data messages of its room, where it does not keep to LiveKit's own topics.

A provider hands such a translation out with its grant; the link carries the packets and knows no vendor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Packet:
    """One data message."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Said:
    """What was said, by the avatar or the visitor. A later one with the same `segment` replaces it."""

    by_avatar: bool
    segment: str
    text: str
    final: bool = True


@dataclass(frozen=True, slots=True)
class ConversationOver:
    """The far side has ended it, and that is no fault: the kiosk says goodbye."""


@dataclass(frozen=True, slots=True)
class SessionFailed:
    """The vendor gave the session up. `retry`: a new one may help. `operator_line` never holds a secret."""

    operator_line: str
    retry: bool


Told = Said | ConversationOver | SessionFailed


class RoomMessages(Protocol):
    """Stateless and quick: called on the media loop. Nothing here raises, whatever comes in."""

    def typed(self, text: str) -> Packet:
        """What the visitor typed, for the far side to answer."""
        ...

    def interrupt(self) -> Packet:
        """The avatar is to stop speaking."""
        ...

    def read(self, packet: Packet) -> tuple[Told, ...] | None:
        """What a packet tells; empty where there is nothing to do, None where it is none that the vendor documents."""
        ...
