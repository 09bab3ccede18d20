"""Which link serves which grant. A grant's type alone decides; app.py hands in what the links share."""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.links.abandoned import AbandonedConnects
from kiosk.links.contract import FaceMaker, Link
from kiosk.links.ingest import IngestLink
from kiosk.links.livekit import LiveKitLink
from kiosk.links.local import LocalLink, PerformanceMaker
from kiosk.media.frames import MicrophoneSource, VideoSink, VoiceSink
from kiosk.media.statistics import LipSync
from kiosk.media.thread import MediaThread
from kiosk.providers.contract import Grant, IngestGrant, LocalGrant


@dataclass(frozen=True, slots=True)
class LinkParts:
    """What links work with. `make_face` and `visit_persona` are called on the media loop, and only when needed."""

    media: MediaThread
    video: VideoSink
    voice: VoiceSink
    microphone: MicrophoneSource
    abandoned: AbandonedConnects
    make_face: FaceMaker
    visit_persona: PerformanceMaker


class LinkChoice:
    """Makes links, one object per attempt, and remembers the newest for the report."""

    def __init__(self, parts: LinkParts) -> None:
        self._parts = parts
        self._newest: Link | None = None

    @property
    def lip_sync(self) -> LipSync | None:
        """Of the newest link, where it measures that."""
        return self._newest.lip_sync if isinstance(self._newest, LiveKitLink) else None

    def make(self, grant: Grant) -> Link:
        self._newest = self._make(grant)
        return self._newest

    def _make(self, grant: Grant) -> Link:
        parts = self._parts
        if isinstance(grant, LocalGrant):
            return LocalLink(parts.media, parts.visit_persona)
        if isinstance(grant, IngestGrant):
            return IngestLink(parts.media, parts.video, parts.voice, parts.microphone, parts.make_face)
        return LiveKitLink(parts.media, parts.video, parts.voice, parts.microphone, parts.abandoned, parts.make_face)
