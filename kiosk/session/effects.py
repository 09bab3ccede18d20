"""What the state machine wants done: its output, carried out by the controller. Data only."""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.links.contract import Message
from kiosk.providers.contract import EndReason, Grant, SessionRef, Visit
from kiosk.session.source import Source
from kiosk.session.view import Words


@dataclass(frozen=True, slots=True)
class StartSession:
    """Answered by SessionStarted or StartFailed, always: a start is never cancelled."""

    ticket: int
    visit: Visit
    source: Source


@dataclass(frozen=True, slots=True)
class RenewGrant:
    """Answered by GrantRenewed or RenewFailed."""

    ticket: int
    grant: Grant
    source: Source


@dataclass(frozen=True, slots=True)
class EndSession:
    """Sent exactly once for every session that a provider reported as created."""

    session: SessionRef
    reason: EndReason


@dataclass(frozen=True, slots=True)
class OpenLink:
    """A new link; answered by LinkOpened or LinkFailed. From now on `ticket` names the link."""

    ticket: int
    grant: Grant


@dataclass(frozen=True, slots=True)
class PutOnAir:
    """From now on this link alone is seen and heard, and it alone hears the visitor."""

    ticket: int
    provider: str


@dataclass(frozen=True, slots=True)
class CloseLink:
    ticket: int


@dataclass(frozen=True, slots=True)
class OpenDevices:
    """Answered by DevicesOpened or DevicesFailed."""

    ticket: int


@dataclass(frozen=True, slots=True)
class CloseDevices:
    ticket: int


@dataclass(frozen=True, slots=True)
class SendText:
    ticket: int
    text: str


@dataclass(frozen=True, slots=True)
class StopSpeaking:
    ticket: int


@dataclass(frozen=True, slots=True)
class ShowWords:
    words: Words


@dataclass(frozen=True, slots=True)
class NoteMessage:
    """A data message that no rule of ours understands: for the log and the report."""

    message: Message


@dataclass(frozen=True, slots=True)
class Report:
    """One line for the operator. `fatal`: it ended or prevented a visit, or leaves something open at a vendor."""

    kind: str
    operator_line: str
    fatal: bool


Effect = (
    StartSession
    | RenewGrant
    | EndSession
    | OpenLink
    | PutOnAir
    | CloseLink
    | OpenDevices
    | CloseDevices
    | SendText
    | StopSpeaking
    | ShowWords
    | NoteMessage
    | Report
)
