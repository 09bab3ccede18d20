"""The LiveKit link as the controller sees it: called on the controller's loop, working on the media thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.links.contract import FaceMaker
from kiosk.links.room_link import RoomLink
from kiosk.links.stage_persona import StagePersonaMaker
from kiosk.media.echo import load_library
from kiosk.media.frames import MicrophoneSource, VideoSink, VoiceSink
from kiosk.media.statistics import LipSync
from kiosk.media.thread import MediaThread
from kiosk.providers.contract import Grant, LiveKitGrant

if TYPE_CHECKING:
    from kiosk.links.abandoned import AbandonedConnects
    from kiosk.links.livekit_room import LiveKitRoom  # noqa: F401 - the base class names it in quotes


class LiveKitLink(RoomLink["LiveKitRoom"]):
    """Implements `Link`. Create it on the controller's loop; one object per attempt."""

    def __init__(
        self,
        media: MediaThread,
        video: VideoSink,
        voice: VoiceSink,
        microphone: MicrophoneSource | None,
        abandoned: AbandonedConnects,
        make_face: FaceMaker | None = None,
        make_stage_persona: StagePersonaMaker | None = None,
    ):
        """`make_face`: for a voice that comes without a picture; `make_stage_persona`: for a grant that wants the
        persona on its stage. Both are called on the media loop."""
        super().__init__(media)
        self._parts = (video, voice, microphone, abandoned)
        self._make_face = make_face
        self._make_stage_persona = make_stage_persona

    @property
    def lip_sync(self) -> LipSync | None:
        """How voice and picture stood to each other when the last frame arrived."""
        return None if self._room is None else self._room.lip_sync

    async def speak(self, pcm: bytes, sample_rate: int) -> None:
        await self._media.run(self._joined().speak(pcm, sample_rate))

    # --- on the media loop ---

    async def _open(self, grant: Grant) -> None:
        if not isinstance(grant, LiveKitGrant):
            raise TypeError("this link joins LiveKit rooms only")
        # Loaded here, on the media thread: the first window does not wait for it.
        load_library()
        from kiosk.links.livekit_room import LiveKitRoom

        self._room = LiveKitRoom(
            *self._parts,
            emit=self._events.emit,
            make_face=self._make_face,
            make_stage_persona=self._make_stage_persona,
        )
        await self._room.open(grant)
