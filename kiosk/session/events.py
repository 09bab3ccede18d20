"""What can happen to a session: the input of the state machine.

An event that answers an effect carries that effect's ticket. An answer whose ticket is no longer current came too
late, and the machine undoes what it brings.
"""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.links.contract import LinkEvent, Lost
from kiosk.providers.contract import EndReason, Grant, SessionRef
from kiosk.session.devices import DeviceState
from kiosk.session.policies import Fault
from kiosk.session.source import Source


@dataclass(frozen=True, slots=True)
class Touched:
    """`visit_id` is fresh and random; it names the visit if this touch begins one."""

    visit_id: str


@dataclass(frozen=True, slots=True)
class Accepted:
    language: str


@dataclass(frozen=True, slots=True)
class Left:
    """The visitor ended the visit."""


@dataclass(frozen=True, slots=True)
class Typed:
    text: str


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The visitor wants the avatar to stop speaking."""


@dataclass(frozen=True, slots=True)
class Switch:
    """The operator wants this avatar from now on: at once in a visit, else from the next visit on."""

    source: Source


@dataclass(frozen=True, slots=True)
class SessionStarted:
    """`begun_ahead`: the session waited for this visitor, and may have died meanwhile."""

    ticket: int
    grant: Grant
    begun_ahead: bool = False


@dataclass(frozen=True, slots=True)
class StartFailed:
    """`session` is set where the vendor created a session all the same."""

    ticket: int
    fault: Fault
    session: SessionRef | None = None


@dataclass(frozen=True, slots=True)
class GrantRenewed:
    ticket: int
    grant: Grant


@dataclass(frozen=True, slots=True)
class RenewFailed:
    ticket: int
    fault: Fault


@dataclass(frozen=True, slots=True)
class EndFailed:
    """All tries to end a vendor session failed; it stays on the ledger for the next start of the kiosk."""

    session: SessionRef
    operator_line: str


@dataclass(frozen=True, slots=True)
class LinkOpened:
    ticket: int


@dataclass(frozen=True, slots=True)
class LinkFailed:
    ticket: int
    lost: Lost


@dataclass(frozen=True, slots=True)
class FromLink:
    """What the link with this ticket reports."""

    ticket: int
    event: LinkEvent


@dataclass(frozen=True, slots=True)
class DevicesOpened:
    """Also sent again with the same ticket when a device comes or goes during the visit."""

    ticket: int
    state: DeviceState


@dataclass(frozen=True, slots=True)
class DevicesFailed:
    ticket: int
    operator_line: str


@dataclass(frozen=True, slots=True)
class EffectFailed:
    """Something that nothing waits for went wrong: typed text not sent, ledger not written."""

    kind: str
    operator_line: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed; sent when the state said that something is due."""


@dataclass(frozen=True, slots=True)
class Shutdown:
    reason: EndReason = EndReason.SHUTDOWN


Event = (
    Touched
    | Accepted
    | Left
    | Typed
    | Interrupted
    | Switch
    | SessionStarted
    | StartFailed
    | GrantRenewed
    | RenewFailed
    | EndFailed
    | LinkOpened
    | LinkFailed
    | FromLink
    | DevicesOpened
    | DevicesFailed
    | EffectFailed
    | Tick
    | Shutdown
)
