"""The link into a VideoSDK room as the controller sees it: called on its loop, working on the media thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.links.contract import FaceMaker
from kiosk.links.room_link import RoomLink
from kiosk.media.frames import MicrophoneSource, VideoSink, VoiceSink
from kiosk.media.statistics import LipSync
from kiosk.media.thread import MediaThread
from kiosk.providers.contract import Grant, VideoSdkGrant

if TYPE_CHECKING:
    from kiosk.links.abandoned import AbandonedConnects
    from kiosk.links.videosdk_room import VideoSdkRoom  # noqa: F401 - the base class names it in quotes


class VideoSdkLink(RoomLink["VideoSdkRoom"]):
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
        super().__init__(media)
        self._parts = (video, voice, microphone, abandoned, make_face)

    @property
    def lip_sync(self) -> LipSync | None:
        """How voice and picture stood to each other when the last frame arrived."""
        return None if self._room is None else self._room.lip_sync

    async def speak(self, pcm: bytes, sample_rate: int) -> None:
        raise RuntimeError("an agent in a VideoSDK room takes no finished speech")

    # --- on the media loop ---

    async def _open(self, grant: Grant) -> None:
        if not isinstance(grant, VideoSdkGrant):
            raise TypeError("this link joins VideoSDK rooms only")
        # Loaded here, on the media thread: the first window does not wait for it.
        from kiosk.links.videosdk_room import VideoSdkRoom

        self._room = VideoSdkRoom(*self._parts, emit=self._events.emit)
        await self._room.open(grant)
