"""Who in a LiveKit room is the avatar, and which tracks are its face and its voice.

Source: the avatar contract of LiveKit's agents framework and components. An *agent* has kind AGENT and no attribute
`lk.publish_on_behalf`; an *avatar worker* has kind AGENT and names the agent there. Rooms hosted by a vendor carry
neither: then the identity that the vendor's answer named counts, else the first remote participant with video.
Names are never guessed by prefix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

ON_BEHALF = "lk.publish_on_behalf"
AGENT_STATE = "lk.agent.state"


class Source(StrEnum):
    CAMERA = "camera"
    MICROPHONE = "microphone"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class TrackFacts:
    sid: str
    video: bool
    source: Source
    muted: bool = False


@dataclass(frozen=True, slots=True)
class ParticipantFacts:
    """A remote participant, in order of arrival. `tracks` are those subscribed to."""

    identity: str
    is_agent: bool
    on_behalf_of: str | None
    tracks: tuple[TrackFacts, ...]
    sid: str = ""
    is_ingress: bool = False  # sends from outside, by RTMP or WHIP


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays what: identities, and the SIDs of the tracks to show and to play; None where there is none yet."""

    avatar: str | None = None
    agent: str | None = None
    video_sid: str | None = None
    audio_sid: str | None = None


def on_stage(
    participants: Sequence[ParticipantFacts], ours: Callable[[ParticipantFacts], bool]
) -> tuple[ParticipantFacts, ...]:
    """Those who are to be seen or heard on a stage: without whom we sent there, and without what is switched off."""
    return tuple(
        replace(p, tracks=tuple(track for track in p.tracks if not track.muted)) for p in participants if not ours(p)
    )


def choose(participants: Sequence[ParticipantFacts], named: str | None, shown: str | None = None) -> Cast:
    """Casts the room. `named` is the identity that the vendor named as its avatar, if it did.

    `shown`: of several people with a picture, the one who is shown already stays.
    """
    agent = _first(p for p in participants if p.is_agent and p.on_behalf_of is None)
    worker = _worker(participants, agent)
    if named is not None:
        avatar = _first(p for p in participants if p.identity == named)
        return _cast(avatar, agent if agent is not avatar else None, own_first=avatar)
    if worker is not None or agent is not None:
        return _cast(worker or agent, agent, own_first=agent)
    seen = [p for p in participants if _pick(p, video=True)]
    anybody = (
        _first(p for p in seen if p.identity == shown)
        or _first(iter(seen))
        or _first(p for p in participants if p.tracks)
        or _first(iter(participants))
    )
    return _cast(anybody, None, own_first=anybody)


def _worker(participants: Sequence[ParticipantFacts], agent: ParticipantFacts | None) -> ParticipantFacts | None:
    workers = [p for p in participants if p.is_agent and p.on_behalf_of]
    for_the_agent = _first(p for p in workers if agent is not None and p.on_behalf_of == agent.identity)
    return for_the_agent or _first(iter(workers))


def _cast(avatar: ParticipantFacts | None, agent: ParticipantFacts | None, own_first: ParticipantFacts | None) -> Cast:
    candidates = [p for p in (own_first, avatar, agent) if p is not None]
    return Cast(
        avatar=avatar.identity if avatar else None,
        agent=agent.identity if agent else None,
        video_sid=_first(sid for p in candidates if (sid := _pick(p, video=True))),
        audio_sid=_first(sid for p in candidates if (sid := _pick(p, video=False))),
    )


def _pick(participant: ParticipantFacts, *, video: bool) -> str | None:
    """The camera or microphone of a participant, else its first track of that kind."""
    tracks = [t for t in participant.tracks if t.video is video]
    usual = Source.CAMERA if video else Source.MICROPHONE
    return _first(t.sid for t in tracks if t.source is usual) or _first(t.sid for t in tracks)


def _first[T](items: Iterator[T]) -> T | None:
    return next(items, None)
