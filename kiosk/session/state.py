"""The state of the session: everything that the machine remembers between two events."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from kiosk.links.contract import AvatarMode
from kiosk.providers.contract import Capabilities, EndReason, Grant, Visit
from kiosk.session.devices import DeviceState
from kiosk.session.limits import Limits
from kiosk.session.source import Source
from kiosk.session.view import Phase, Words


class Stage(StrEnum):
    """How far the connection of a visit has come."""

    NONE = "none"
    WAITING = "waiting"  # for the next attempt
    STARTING = "starting"  # the provider was asked for a session
    RENEWING = "renewing"  # the provider was asked for a fresh token
    OPENING = "opening"  # the link is being opened
    JOINED = "joined"  # the link is open, no picture yet
    UP = "up"  # the avatar is there


LINKED = frozenset({Stage.OPENING, Stage.JOINED, Stage.UP})
"""A link exists and must be closed."""

IN_VISIT = frozenset({Phase.CONNECTING, Phase.LIVE, Phase.RECOVERING, Phase.FALLBACK})
"""Devices may be open, and a vendor session may cost money."""

TALKING = frozenset({Phase.LIVE, Phase.FALLBACK})


@dataclass(frozen=True, slots=True)
class Connection:
    """One vendor session and its link. `grant` is set as long as the session must still be ended."""

    stage: Stage = Stage.NONE
    source: Source = field(default_factory=Source)
    ticket: int = 0  # of the answer that is awaited, or of the link
    failures: int = 0  # failed attempts since the last picture
    retry_at: float | None = None
    grant: Grant | None = None
    ends_at: float | None = None  # when the vendor ends this session
    doubted_at: float | None = None  # when a session that was begun ahead is taken for dead, unless somebody came


@dataclass(frozen=True, slots=True)
class Incoming:
    """The avatar that is to take over while the present one is still talking. It has one try."""

    connection: Connection
    until: float
    mode: AvatarMode = AvatarMode.LISTENING
    words: tuple[Words, ...] = ()  # what it gave to read before it was seen


@dataclass(frozen=True, slots=True)
class State:
    """All instants in seconds of the same clock as `now` of `step`."""

    phase: Phase = Phase.ATTRACT
    visit: Visit | None = None
    connection: Connection = Connection()
    incoming: Incoming | None = None  # only while TALKING
    chosen: Source | None = None  # by the operator, for this visit and the next ones; None: as in the settings
    devices_ticket: int | None = None  # set while the devices are wanted
    devices: DeviceState | None = None  # set once they answered
    mode: AvatarMode = AvatarMode.LISTENING
    notice: str = ""
    picture: bool = False
    stage_empty: bool = False  # the room is joined and nobody is to be seen or heard there, which is no fault
    entered_at: float = 0.0  # when this phase began
    deadline: float | None = None  # when this phase ends by itself; TALKING ends by idle time and `visit_ends_at`
    visit_ends_at: float | None = None  # by our own limit
    last_sign: float = 0.0  # of life: touch, text, caption, change of mode
    frozen_at: float | None = None  # since when the picture stands still
    failed_visits: int = 0  # in a row, that never came to life
    ended: EndReason = EndReason.FAULT  # why the latest visit or attempt was given up: late answers end with it
    last_ticket: int = 0
    stopped: bool = False  # the kiosk is shutting down: nothing new begins


def capabilities(state: State) -> Capabilities:
    """Of the provider that this visit talks to."""
    return state.connection.source.offers


def wanted(state: State, limits: Limits) -> Source:
    """Whom a visit asks first."""
    return state.chosen or limits.main


def ends_at(state: State) -> float | None:
    """When the visit ends at the latest, by our limit or by the vendor's: rather kindly than cut off."""
    ends = [at for at in (state.visit_ends_at, state.connection.ends_at) if at is not None]
    return min(ends, default=None) if state.visit_ends_at is not None else None


def idle_at(state: State, limits: Limits) -> float | None:
    """When the visit ends because nobody seems to be there; None while the avatar speaks or nobody could answer."""
    if state.phase not in TALKING or state.mode is AvatarMode.SPEAKING:
        return None
    return state.last_sign + limits.idle_s
