"""The ingest link as the controller sees it: called on the controller's loop, working on the media thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.links.contract import FaceMaker
from kiosk.links.room_link import RoomLink
from kiosk.media.frames import MicrophoneSource, VideoSink, VoiceSink
from kiosk.media.thread import MediaThread
from kiosk.providers.contract import Grant, IngestGrant

if TYPE_CHECKING:
    from kiosk.links.ingest_room import IngestRoom  # noqa: F401 - the base class names it in quotes


class IngestLink(RoomLink["IngestRoom"]):
    """Implements `Link`. Create it on the controller's loop; one object per attempt, one attempt per grant."""

    def __init__(
        self,
        media: MediaThread,
        video: VideoSink,
        voice: VoiceSink,
        microphone: MicrophoneSource,
        make_face: FaceMaker,
    ) -> None:
        super().__init__(media)
        self._parts = (video, voice, microphone, make_face)

    async def speak(self, pcm: bytes, sample_rate: int) -> None:
        raise RuntimeError("an ingest session takes no finished speech")

    # --- on the media loop ---

    async def _open(self, grant: Grant) -> None:
        if not isinstance(grant, IngestGrant):
            raise TypeError("this link opens ingest sessions only")
        # Loaded here, on the media thread: the first window does not wait for it.
        from kiosk.links.ingest_room import IngestRoom

        self._room = IngestRoom(*self._parts, emit=self._events.emit)
        await self._room.open(grant)
