"""Another avatar in the middle of a visit, as pure functions of the state.

While somebody talks, the new avatar comes in beside the present one (`State.incoming`) and takes over with its first
picture; the present one is let go only then. It has one try: if that fails the present avatar stays, and the operator
gets one line. While nobody talks there is nothing to keep, and the present attempt gives way at once.

    live, fallback         incoming: starting --grant--> opening --> joined --picture--> it is the connection now
                           lost meanwhile: the incoming one is what recovering waits for
    connecting, recovering the new avatar is what they wait for
    else                   the new avatar is asked at the next visit
"""

from __future__ import annotations

from dataclasses import replace

from kiosk.links.contract import (
    AvatarJoined,
    AvatarMode,
    Caption,
    Card,
    FirstFrame,
    LinkEvent,
    Lost,
    Message,
    Mode,
    Suggestions,
    VoiceOnly,
)
from kiosk.providers.contract import EndReason
from kiosk.session.connecting import Step, close_link, drop_link, drop_session, end_session, granted, limited, start, up
from kiosk.session.effects import Effect, NoteMessage, Report, ShowWords, StartSession
from kiosk.session.events import FromLink, LinkFailed, LinkOpened, SessionStarted, StartFailed
from kiosk.session.limits import Limits
from kiosk.session.notices import Notice
from kiosk.session.policies import Fault, fault_of_loss
from kiosk.session.source import Source
from kiosk.session.state import LINKED, TALKING, Connection, Incoming, Stage, State
from kiosk.session.view import Phase, Words

MOST_WORDS = 16
"""So much is kept of what an avatar gives to read before it is seen; the newest counts."""


def switch(state: State, source: Source, now: float, limits: Limits) -> Step:
    if state.stopped:
        return state, ()
    here = source.provider == state.connection.source.provider
    if state.phase in TALKING:
        return _stay(state, source) if here else _send_for(state, source, now, limits)
    if state.phase in (Phase.CONNECTING, Phase.RECOVERING) and not here:
        return _ask_instead(state, source, now, limits)
    return replace(state, chosen=source), ()


def _stay(state: State, source: Source) -> Step:
    """Who was asked for is there already, and whoever was on the way is not wanted any more."""
    state, closing, ending = drop_incoming(state, EndReason.SWITCHED)
    return replace(state, chosen=source, phase=Phase.LIVE), (*closing, *ending)


def _send_for(state: State, source: Source, now: float, limits: Limits) -> Step:
    incoming = state.incoming
    if state.visit is None or (incoming is not None and incoming.connection.source.provider == source.provider):
        return state, ()
    starting = StartSession(state.last_ticket + 1, state.visit, source)
    coming = Incoming(Connection(Stage.STARTING, source, starting.ticket), now + limits.connect_s)
    state, closing, ending = drop_incoming(state, EndReason.SWITCHED)
    return replace(state, incoming=coming, last_ticket=starting.ticket), (*closing, *ending, starting)


def _ask_instead(state: State, source: Source, now: float, limits: Limits) -> Step:
    connecting = state.phase is Phase.CONNECTING
    state, closing = drop_link(state)
    state, ending = drop_session(state, EndReason.SWITCHED)
    state = replace(
        state,
        chosen=source,
        ended=EndReason.SWITCHED,
        notice="" if connecting else state.notice,
        entered_at=now,
        deadline=now + (limits.connect_s if connecting else limits.recover_s),
    )
    state, starting = start(state, source)
    return state, (*closing, *ending, *starting)


def drop_incoming(state: State, reason: EndReason) -> tuple[State, tuple[Effect, ...], tuple[Effect, ...]]:
    """The state without it, the closing of its link, the end of its session."""
    if state.incoming is None:
        return state, (), ()
    connection = state.incoming.connection
    grant = connection.grant
    ending = () if grant is None else end_session(grant.session, reason)
    return replace(state, incoming=None, ended=reason), close_link(connection), ending


# --- what becomes of it ---


def is_incoming(state: State, ticket: int) -> bool:
    return state.incoming is not None and state.incoming.connection.ticket == ticket


def from_provider(state: State, event: SessionStarted | StartFailed, now: float) -> Step:
    """An answer with the ticket of the incoming connection."""
    incoming = state.incoming
    if incoming is None:
        return state, ()
    match event:
        case SessionStarted(grant=grant) if incoming.connection.stage is Stage.STARTING:
            ticket = state.last_ticket + 1
            connection, opening = granted(limited(incoming.connection, grant, now), grant, ticket)
            return replace(state, incoming=replace(incoming, connection=connection), last_ticket=ticket), (opening,)
        case StartFailed(fault=fault, session=session) if incoming.connection.stage is Stage.STARTING:
            state, effects = fail(state, fault)
            return state, (*end_session(session, EndReason.FAULT), *effects)
        case SessionStarted(grant=grant):
            return state, end_session(grant.session, state.ended)
        case StartFailed(fault=fault, session=session):
            report = Report(fault.kind, fault.operator_line, fatal=False)
            return state, (*end_session(session, state.ended), report)


def from_link(state: State, event: LinkOpened | LinkFailed | FromLink, now: float, limits: Limits) -> Step:
    """A word of the incoming link."""
    incoming = state.incoming
    if incoming is None or incoming.connection.stage not in LINKED:
        return state, ()
    match event:
        case LinkOpened():
            joined = replace(incoming, connection=replace(incoming.connection, stage=Stage.JOINED))
            return replace(state, incoming=joined), ()
        case LinkFailed(lost=lost):
            return fail(state, fault_of_loss(lost))
        case FromLink(event=inner):
            return _from_link(state, incoming, inner, now, limits)


def _from_link(state: State, incoming: Incoming, event: LinkEvent, now: float, limits: Limits) -> Step:
    match event:
        case FirstFrame():
            return _take_over(replace(state, picture=True), incoming, now, limits)
        case VoiceOnly():
            return _take_over(state, incoming, now, limits)
        case AvatarJoined() if not incoming.connection.source.offers.video:
            return _take_over(state, incoming, now, limits)
        case Lost():
            return fail(state, fault_of_loss(event))
        case Mode(mode):
            return replace(state, incoming=replace(incoming, mode=mode)), ()
        case Caption() | Suggestions() | Card():
            words = (*incoming.words, event)[-MOST_WORDS:]
            return replace(state, incoming=replace(incoming, words=words)), ()
        case Message():
            return state, (NoteMessage(event),)
        case _:  # a goodbye, a stall: of somebody who is not here yet
            return state, ()


def _take_over(state: State, incoming: Incoming, now: float, limits: Limits) -> Step:
    state, closing = drop_link(state)
    state, ending = drop_session(state, EndReason.SWITCHED)
    connection = incoming.connection
    state = replace(
        state,
        connection=connection,
        incoming=None,
        chosen=connection.source,
        mode=incoming.mode,
        ended=EndReason.SWITCHED,
    )
    state, on_air = up(state, now, limits)
    # What the one before offered to read and to ask is not this one's to answer.
    words: tuple[Words, ...] = (Suggestions(()), Card(), *incoming.words)
    return state, (*on_air, *closing, *ending, *map(ShowWords, words))


def fail(state: State, fault: Fault) -> Step:
    """The present avatar stays."""
    if state.incoming is None:
        return state, ()
    coming, present = state.incoming.connection.source.provider, state.connection.source.provider
    state, closing, ending = drop_incoming(state, EndReason.FAULT)
    line = f"{coming} did not take over, {present} stays: {fault.operator_line}"
    return state, (*closing, *ending, Report(fault.kind, line, fatal=False))


def overdue(state: State, limits: Limits) -> Step:
    stage = "" if state.incoming is None else state.incoming.connection.stage.value
    line = f"no picture within {limits.connect_s:.0f} s (stage: {stage}); run `kiosk doctor`"
    return fail(state, Fault("link_timeout", "unavailable", line, retry=False))


def wait_for(state: State, incoming: Incoming, fault: Fault, now: float, limits: Limits) -> Step:
    """The present avatar is lost while the next one is on its way: that is whom the visit waits for now."""
    state, closing = drop_link(state)
    state, ending = drop_session(state, EndReason.FAULT)
    recovering = replace(
        state,
        phase=Phase.RECOVERING,
        connection=incoming.connection,
        incoming=None,
        chosen=incoming.connection.source,
        ended=EndReason.FAULT,
        notice=Notice.RECONNECTING,
        mode=AvatarMode.LISTENING,
        entered_at=now,
        deadline=now + limits.recover_s,
        frozen_at=None,
    )
    report = Report(fault.kind, fault.operator_line, fatal=False)
    return recovering, (*closing, *ending, report, *map(ShowWords, incoming.words))
