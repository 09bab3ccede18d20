"""When a vendor's session is begun before its visitor comes, and when it is given up: pure decisions.

A session that waits costs as much as one that talks. So there is at most one, it waits for a bounded time, and it ends
as soon as nobody is to be expected.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kiosk.session.view import Phase


class Prewarm(StrEnum):
    """What a session is begun ahead for."""

    OFF = "off"
    WELCOME = "welcome"  # a visitor who reads the notice
    ATTRACT = "attract"  # whoever may come: there is always one


EXPECTANT = {
    Prewarm.OFF: frozenset[Phase](),
    Prewarm.WELCOME: frozenset({Phase.WELCOME}),
    Prewarm.ATTRACT: frozenset({Phase.ATTRACT, Phase.WELCOME}),
}
"""The phases in which a session may wait."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """For whom a session is begun: a visitor who speaks another language needs another one."""

    provider: str
    language: str


class Held(StrEnum):
    NOTHING = "nothing"
    STARTING = "starting"  # the provider was asked
    READY = "ready"


@dataclass(frozen=True, slots=True)
class Holding:
    """What there is at present. `until`: READY, when it has waited long enough; NOTHING, before which none begins."""

    held: Held = Held.NOTHING
    ahead: Ahead | None = None
    until: float = 0.0


class Move(StrEnum):
    REST = "rest"
    BEGIN = "begin"
    END = "end"


def next_move(mode: Prewarm, phase: Phase, wish: Ahead | None, holding: Holding, now: float, *, clear: bool) -> Move:
    """`wish`: what the next visitor would get; None where nothing is to be begun (the kiosk stops, or that avatar is
    there at once anyway). `clear`: no session is being ended, so that there are never two."""
    expectant = wish is not None and phase in EXPECTANT[mode]
    match holding.held:
        case Held.READY if not expectant or holding.ahead != wish or now >= holding.until:
            return Move.END
        case Held.NOTHING if expectant and clear and now >= holding.until:
            return Move.BEGIN
        case _:
            return Move.REST


def next_look(mode: Prewarm, phase: Phase, holding: Holding, now: float) -> float | None:
    """The instant at which time alone changes the move; None where only an event does."""
    if phase not in EXPECTANT[mode] or holding.held is Held.STARTING or holding.until <= now:
        return None
    return holding.until


def fits(holding: Holding, asked: Ahead, now: float) -> bool:
    """Whether the visitor who is there now may have it, or wait for it."""
    fresh = holding.held is Held.STARTING or now < holding.until
    return holding.held is not Held.NOTHING and holding.ahead == asked and fresh


def waits_s(keep_s: float, max_duration_s: float | None) -> float:
    """How long a session waits for its visitor: at least half of what the vendor allows, or the budget, is for the
    visit."""
    return keep_s if max_duration_s is None else min(keep_s, max(0.0, max_duration_s) / 2)


def left_s(max_duration_s: float | None, waited_s: float) -> float | None:
    """What a session that has waited still allows."""
    return None if max_duration_s is None else max(0.0, max_duration_s - max(0.0, waited_s))
