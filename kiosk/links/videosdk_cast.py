"""Who in a VideoSDK room is the avatar, and which of the tracks are its face and its voice.

An agent says so by its peer type or its metadata. Its face comes from the agent itself, or from a second participant
`avatar_<8 hex digits>` that the agent brings along. Whoever shows a picture is heard too: voice and lips belong
together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_AVATAR_ID = re.compile(r"avatar_[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class Peer:
    """A remote participant in order of arrival. `video` and `audio` are ids of its tracks, None where it has none.

    `known` False: a track came of which the room never said whose it is.
    """

    id: str
    is_agent: bool = False
    known: bool = True
    video: str | None = None
    audio: str | None = None

    @property
    def is_avatar(self) -> bool:
        return _AVATAR_ID.fullmatch(self.id) is not None


@dataclass(frozen=True, slots=True)
class Cast:
    """Participant and tracks to show and to play; None where there is none yet. `agent` speaks for itself in events."""

    avatar: str | None = None
    agent: str | None = None
    video: str | None = None
    audio: str | None = None


def choose(peers: Sequence[Peer], named: str | None) -> Cast:
    """Casts the room. `named` is the participant that is awaited; None: any agent. Other people are never shown."""
    agents = [p for p in peers if (p.id == named if named else p.is_agent)]
    avatars = [p for p in peers if p.is_avatar and p not in agents]
    # The room says who its participants are before their tracks come; a track of nobody is better than no face.
    nameless = [p for p in peers if not p.known and not named] if not agents and not avatars else []
    company = [*agents, *avatars, *nameless]
    face = _first(p for p in company if p.video and p.audio) or _first(p for p in company if p.video)
    voice = face if face is not None and face.audio else _first(p for p in company if p.audio)
    present = face or voice or _first(iter(company))
    return Cast(
        avatar=present.id if present else None,
        agent=agents[0].id if agents else None,
        video=face.video if face else None,
        audio=voice.audio if voice else None,
    )


def _first[T](items: Iterator[T]) -> T | None:
    return next(items, None)
