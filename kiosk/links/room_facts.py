"""Reads from a LiveKit room what casting needs to know, as plain facts."""

from __future__ import annotations

from collections.abc import Mapping

from livekit import rtc

from kiosk.links.participants import ON_BEHALF, ParticipantFacts, Source, TrackFacts

_SOURCES = {
    rtc.TrackSource.SOURCE_CAMERA: Source.CAMERA,
    rtc.TrackSource.SOURCE_MICROPHONE: Source.MICROPHONE,
}


def facts_of(room: rtc.Room, tracks: Mapping[str, rtc.Track]) -> tuple[ParticipantFacts, ...]:
    """The remote participants in order of arrival, with those of their `tracks` (by SID) that are subscribed."""
    return tuple(_participant(p, tracks) for p in room.remote_participants.values())


def _participant(participant: rtc.RemoteParticipant, tracks: Mapping[str, rtc.Track]) -> ParticipantFacts:
    return ParticipantFacts(
        identity=participant.identity,
        is_agent=participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT,
        on_behalf_of=participant.attributes.get(ON_BEHALF) or None,
        tracks=tuple(
            TrackFacts(
                sid=publication.sid,
                video=publication.kind == rtc.TrackKind.KIND_VIDEO,
                source=_SOURCES.get(publication.source, Source.OTHER),
                muted=bool(publication.muted),
            )
            for publication in participant.track_publications.values()
            if publication.sid in tracks
        ),
        sid=participant.sid,
        is_ingress=participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_INGRESS,
    )
