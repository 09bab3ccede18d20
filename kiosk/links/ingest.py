"""The ingest link as the controller sees it: called on the controller's loop, working on the media thread."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from kiosk.links.contract import FaceMaker, LinkEvent, Message
from kiosk.links.event_queue import EventQueue
from kiosk.media.frames import MicrophoneSource, VideoSink, VoiceSink
from kiosk.media.thread import MediaThread
from kiosk.providers.contract import Grant, IngestGrant

if TYPE_CHECKING:
    from kiosk.links.ingest_room import IngestRoom


class IngestLink:
    """Implements `Link`. Create it on the controller's loop; one object per attempt, one attempt per grant."""

    def __init__(
        self,
        media: MediaThread,
        video: VideoSink,
        voice: VoiceSink,
        microphone: MicrophoneSource,
        make_face: FaceMaker,
    ) -> None:
        self._media = media
        self._parts = (video, voice, microphone, make_face)
        self._events = EventQueue()
        self._room: IngestRoom | None = None

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

    async def speak(self, pcm: bytes, sample_rate: int) -> None:
        raise RuntimeError("an ingest session takes no finished speech")

    async def interrupt(self) -> None:
        await self._media.run(self._joined().interrupt())

    def _joined(self) -> IngestRoom:
        if self._room is None:
            raise RuntimeError("the link is not open")
        return self._room

    # --- on the media loop ---

    async def _open(self, grant: Grant) -> None:
        if not isinstance(grant, IngestGrant):
            raise TypeError("this link opens ingest sessions only")
        # Loaded here, on the media thread: the first window does not wait for it.
        from kiosk.links.ingest_room import IngestRoom

        self._room = IngestRoom(*self._parts, emit=self._events.emit)
        await self._room.open(grant)

    async def _close(self) -> None:
        if self._room is not None:
            await self._room.close()
