"""The local link: the kiosk's own persona as the controller sees it. Joins nothing and sends nothing anywhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

from kiosk.links.contract import LinkEvent, Message
from kiosk.links.event_queue import EventQueue
from kiosk.media.statistics import NetworkStatistics
from kiosk.media.thread import MediaThread
from kiosk.providers.contract import Grant, LocalGrant


class Performance(Protocol):
    """A visit with the persona, on the media loop."""

    async def open(self, language: str) -> None: ...

    async def close(self) -> None: ...

    async def take(self, text: str) -> None: ...

    async def interrupt(self) -> None: ...


PerformanceMaker = Callable[[Callable[[LinkEvent], None]], Awaitable[Performance]]


class LocalLink:
    """Implements `Link`. Create it on the controller's loop, one per visit; `make` is called on the media loop."""

    def __init__(self, media: MediaThread, make: PerformanceMaker):
        self._media = media
        self._make = make
        self._events = EventQueue()
        self._visit: Performance | None = None

    async def open(self, grant: Grant) -> None:
        await self._media.run(self._open(grant))

    async def close(self) -> None:
        await self._media.run(self._close())
        self._events.end()

    def events(self) -> AsyncIterator[LinkEvent]:
        return self._events.read()

    async def send_text(self, text: str) -> None:
        await self._media.run(self._present().take(text))

    async def send_message(self, message: Message) -> None:
        """Nobody is there to take it."""

    async def speak(self, pcm: bytes, sample_rate: int) -> None:
        raise RuntimeError("the persona has a voice of its own")

    async def interrupt(self) -> None:
        await self._media.run(self._present().interrupt())

    async def network(self) -> NetworkStatistics | None:
        return None

    def _present(self) -> Performance:
        if self._visit is None:
            raise RuntimeError("the link is not open")
        return self._visit

    # --- on the media loop ---

    async def _open(self, grant: Grant) -> None:
        if not isinstance(grant, LocalGrant):
            raise TypeError("this link opens the kiosk's own persona only")
        self._visit = await self._make(self._events.emit)
        await self._visit.open(grant.language)

    async def _close(self) -> None:
        if self._visit is not None:
            await self._visit.close()
