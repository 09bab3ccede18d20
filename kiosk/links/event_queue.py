"""Events of a link on their way from the media loop to the controller's: bounded, in order, ended by a loss."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from kiosk.links.contract import LinkEvent, Lost, Message

MAX_EVENTS = 500


class EventQueue:
    """Create it on the controller's loop. `emit` may be called from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[LinkEvent | None] = asyncio.Queue(MAX_EVENTS)

    def emit(self, event: LinkEvent) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._put, event)

    def end(self) -> None:
        """On the controller's loop: whoever reads comes to an end."""
        self._put(None)

    async def read(self) -> AsyncIterator[LinkEvent]:
        while (event := await self._events.get()) is not None:
            yield event
            if isinstance(event, Lost):
                return

    def _put(self, event: LinkEvent | None) -> None:
        """A full queue loses unknown messages first; a flood must not push out a `Lost`."""
        if self._events.full():
            if isinstance(event, Message):
                return
            self._events.get_nowait()
        self._events.put_nowait(event)
