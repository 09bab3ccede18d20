"""What the links into rooms have in common: called on the controller's loop, working on the media thread."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from kiosk.links.contract import LinkEvent, Message
from kiosk.links.event_queue import EventQueue
from kiosk.media.statistics import NetworkStatistics
from kiosk.media.thread import MediaThread
from kiosk.providers.contract import Grant


class Room(Protocol):
    """One room, joined once by a method of its own; everything on the media loop."""

    async def close(self) -> None: ...

    async def send_text(self, text: str) -> None: ...

    async def send_message(self, message: Message) -> None: ...

    async def interrupt(self) -> None: ...

    async def network(self) -> NetworkStatistics | None: ...


class RoomLink[R: Room]:
    """Implements `Link` but for `speak`. Create it on the controller's loop; one object per attempt."""

    def __init__(self, media: MediaThread) -> None:
        self._media = media
        self._events = EventQueue()
        self._room: R | None = None

    async def open(self, grant: Grant) -> None:
        await self._media.run(self._open(grant))

    async def close(self) -> None:
        await self._media.run(self._close())
        self._events.end()

    def events(self) -> AsyncIterator[LinkEvent]:
        return self._events.read()

    async def send_text(self, text: str) -> None:
        await self._media.run(self._joined().send_text(text))

    async def send_message(self, message: Message) -> None:
        await self._media.run(self._joined().send_message(message))

    async def interrupt(self) -> None:
        await self._media.run(self._joined().interrupt())

    async def network(self) -> NetworkStatistics | None:
        return None if self._room is None else await self._media.run(self._room.network())

    def _joined(self) -> R:
        if self._room is None:
            raise RuntimeError("the link is not open")
        return self._room

    # --- on the media loop ---

    async def _open(self, grant: Grant) -> None:
        """Sets `_room` before it is opened, so that `close` finds it meanwhile."""
        raise NotImplementedError

    async def _close(self) -> None:
        if self._room is not None:
            await self._room.close()
