"""The state of the session: everything that the machine remembers between two events."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kiosk.links.contract import AvatarMode
from kiosk.providers.contract import Capabilities, EndReason, Grant, Visit
from kiosk.session.devices import DeviceState
from kiosk.session.effects import Source
from kiosk.session.limits import Limits
from kiosk.session.view import Phase


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
    source: Source = Source.MAIN
    ticket: int = 0  # of the answer that is awaited, or of the link
    failures: int = 0  # failed attempts since the last picture
    retry_at: float | None = None
    grant: Grant | None = None


@dataclass(frozen=True, slots=True)
class State:
    """All instants in seconds of the same clock as `now` of `step`."""

    phase: Phase = Phase.ATTRACT
    visit: Visit | None = None
    connection: Connection = Connection()
    devices_ticket: int | None = None  # set while the devices are wanted
    devices: DeviceState | None = None  # set once they answered
    mode: AvatarMode = AvatarMode.LISTENING
    notice: str = ""
    picture: bool = False
    entered_at: float = 0.0  # when this phase began
    deadline: float | None = None  # when this phase ends by itself; TALKING ends by idle time and `visit_ends_at`
    visit_ends_at: float | None = None
    last_sign: float = 0.0  # of life: touch, text, caption, change of mode
    frozen_at: float | None = None  # since when the picture stands still
    failed_visits: int = 0  # in a row, that never came to life
    ended: EndReason = EndReason.FAULT  # why the latest visit or attempt was given up: late answers end with it
    last_ticket: int = 0
    stopped: bool = False  # the kiosk is shutting down: nothing new begins


def capabilities(state: State, limits: Limits) -> Capabilities:
    """Of the provider that this visit talks to."""
    if state.connection.source is Source.FALLBACK and limits.fallback is not None:
        return limits.fallback
    return limits.main


def idle_at(state: State, limits: Limits) -> float | None:
    """When the visit ends because nobody seems to be there; None while the avatar speaks or nobody could answer."""
    if state.phase not in TALKING or state.mode is AvatarMode.SPEAKING:
        return None
    return state.last_sign + limits.idle_s
