"""Which link serves which grant. A grant's type alone decides; app.py hands in what the links share."""

from __future__ import annotations

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
    """Makes links, one object and one channel per attempt, and remembers of the newest what the report tells."""

    def __init__(self, air: Air, parts: Callable[[Channel], LinkParts]) -> None:
        self._air = air
        self._parts = parts
        self._open: list[AiredLink] = []  # the one on air, and one that is to take over
        self._lip_sync: LipSync | None = None  # of those that were closed

    @property
    def lip_sync(self) -> LipSync | None:
        """Of the newest link that was on air, where it measures that."""
        newest = self._on_air()
        return self._lip_sync if newest is None else _lip_sync(newest)

    async def network(self) -> NetworkStatistics | None:
        """Of the newest link that is on air."""
        newest = self._on_air()
        return None if newest is None else await newest.network()

    def _on_air(self) -> AiredLink | None:
        return next((aired for aired in reversed(self._open) if aired.aired), None)

    def make(self, grant: Grant) -> AiredLink:
        channel = self._air.open_channel()
        link = AiredLink(self._make(grant, self._parts(channel)), channel, self._forget)
        self._open.append(link)
        return link

    def _forget(self, closed: AiredLink) -> None:
        """A room that is left takes some ten megabytes until nobody knows it any more."""
        if closed in self._open:
            self._open.remove(closed)
            if closed.aired:
                self._lip_sync = _lip_sync(closed)

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


def _lip_sync(aired: AiredLink) -> LipSync | None:
    return aired.link.lip_sync if isinstance(aired.link, LiveKitLink | VideoSdkLink) else None
