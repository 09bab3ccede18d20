"""The link into a VideoSDK room as the controller sees it: called on its loop, working on the media thread."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from kiosk.links.contract import FaceMaker, LinkEvent, Message
from kiosk.links.event_queue import EventQueue
from kiosk.media.frames import MicrophoneSource, VideoSink, VoiceSink
from kiosk.media.statistics import LipSync
from kiosk.media.thread import MediaThread
from kiosk.providers.contract import Grant, VideoSdkGrant

if TYPE_CHECKING:
    from kiosk.links.abandoned import AbandonedConnects
    from kiosk.links.videosdk_room import VideoSdkRoom


class VideoSdkLink:
    """Implements `Link`. Create it on the controller's loop; one object per attempt."""

    def __init__(
        self,
        media: MediaThread,
        video: VideoSink,
        voice: VoiceSink,
        microphone: MicrophoneSource | None,
        abandoned: AbandonedConnects,
        make_face: FaceMaker | None = None,
    ):
        self._media = media
        self._parts = (video, voice, microphone, abandoned, make_face)
        self._events = EventQueue()
        self._room: VideoSdkRoom | None = None

    @property
    def lip_sync(self) -> LipSync | None:
        """How voice and picture stood to each other when the last frame arrived."""
        return None if self._room is None else self._room.lip_sync

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
        raise RuntimeError("an agent in a VideoSDK room takes no finished speech")

    async def interrupt(self) -> None:
        await self._media.run(self._joined().interrupt())

    def _joined(self) -> VideoSdkRoom:
        if self._room is None:
            raise RuntimeError("the link is not open")
        return self._room

    # --- on the media loop ---

    async def _open(self, grant: Grant) -> None:
        if not isinstance(grant, VideoSdkGrant):
            raise TypeError("this link joins VideoSDK rooms only")
        # Loaded here, on the media thread: the first window does not wait for it.
        from kiosk.links.videosdk_room import VideoSdkRoom

        self._room = VideoSdkRoom(*self._parts, emit=self._events.emit)
        await self._room.open(grant)

    async def _close(self) -> None:
        if self._room is not None:
            await self._room.close()
