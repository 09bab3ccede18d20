"""Which link serves which grant. A grant's type alone decides; app.py hands in what the links share."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from kiosk.links.abandoned import AbandonedConnects
from kiosk.links.aired import AiredLink
from kiosk.links.contract import FaceMaker, Link
from kiosk.links.ingest import IngestLink
from kiosk.links.livekit import LiveKitLink
from kiosk.links.local import LocalLink, PerformanceMaker
from kiosk.links.stage_persona import StagePersonaMaker
from kiosk.links.videosdk import VideoSdkLink
from kiosk.media.air import Air, Channel
from kiosk.media.frames import MicrophoneSource, VideoSink, VoiceSink
from kiosk.media.statistics import LipSync, NetworkStatistics
from kiosk.media.thread import MediaThread
from kiosk.providers.contract import Grant, IngestGrant, LocalGrant, VideoSdkGrant


@dataclass(frozen=True, slots=True)
class LinkParts:
    """What one link works with: `video`, `voice` and `microphone` are its channel's.

    `make_face`, `visit_persona` and `make_stage_persona` are called on the media loop, and only when needed.
    """

    media: MediaThread
    video: VideoSink
    voice: VoiceSink
    microphone: MicrophoneSource
    abandoned: AbandonedConnects
    make_face: FaceMaker
    visit_persona: PerformanceMaker
    make_stage_persona: StagePersonaMaker


class LinkChoice:
    """Makes links, one object and one channel per attempt, and remembers the newest for the report."""

    def __init__(self, air: Air, parts: Callable[[Channel], LinkParts]) -> None:
        self._air = air
        self._parts = parts
        self._newest: deque[AiredLink] = deque(maxlen=2)  # the one on air, and one that is to take over

    @property
    def lip_sync(self) -> LipSync | None:
        """Of the newest link that was on air, where it measures that."""
        newest = self._on_air()
        return newest.link.lip_sync if newest and isinstance(newest.link, LiveKitLink | VideoSdkLink) else None

    async def network(self) -> NetworkStatistics | None:
        """Of the newest link that was on air; None once it is closed."""
        newest = self._on_air()
        return None if newest is None else await newest.network()

    def _on_air(self) -> AiredLink | None:
        return next((aired for aired in reversed(self._newest) if aired.aired), None)

    def make(self, grant: Grant) -> AiredLink:
        channel = self._air.open_channel()
        link = AiredLink(self._make(grant, self._parts(channel)), channel)
        self._newest.append(link)
        return link

    def _make(self, grant: Grant, parts: LinkParts) -> Link:
        if isinstance(grant, LocalGrant):
            return LocalLink(parts.media, parts.visit_persona)
        if isinstance(grant, IngestGrant):
            return IngestLink(parts.media, parts.video, parts.voice, parts.microphone, parts.make_face)
        if isinstance(grant, VideoSdkGrant):
            return VideoSdkLink(
                parts.media, parts.video, parts.voice, parts.microphone, parts.abandoned, parts.make_face
            )
        return LiveKitLink(
            parts.media,
            parts.video,
            parts.voice,
            parts.microphone,
            parts.abandoned,
            parts.make_face,
            parts.make_stage_persona,
        )
