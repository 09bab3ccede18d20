"""A link together with its channel: whatever the transport, it is on air or off air."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from kiosk.links.contract import Link, LinkEvent, Message
from kiosk.media.air import Channel
from kiosk.media.statistics import NetworkStatistics
from kiosk.providers.contract import Grant


class AiredLink:
    """Implements `AirLink` for a link that was given this channel's video, voice and microphone."""

    def __init__(self, link: Link, channel: Channel, on_closed: Callable[[AiredLink], None] = lambda _: None) -> None:
        self.link = link
        self._channel = channel
        self._on_closed = on_closed

    @property
    def aired(self) -> bool:
        """It was on air at some time."""
        return self._channel.aired

    def take_the_air(self) -> None:
        self._channel.take_the_air()

    async def open(self, grant: Grant) -> None:
        try:
            await self.link.open(grant)
        except BaseException:
            self._on_closed(self)  # what never opened is not closed by anybody
            raise

    async def close(self) -> None:
        self._channel.close()
        try:
            await self.link.close()
        finally:
            self._on_closed(self)

    def events(self) -> AsyncIterator[LinkEvent]:
        return self.link.events()

    async def send_text(self, text: str) -> None:
        await self.link.send_text(text)

    async def send_message(self, message: Message) -> None:
        await self.link.send_message(message)

    async def speak(self, pcm: bytes, sample_rate: int) -> None:
        await self.link.speak(pcm, sample_rate)

    async def interrupt(self) -> None:
        await self.link.interrupt()

    async def network(self) -> NetworkStatistics | None:
        return await self.link.network()
