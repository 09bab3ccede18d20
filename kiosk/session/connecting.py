"""Steps that every connection takes, whoever waits for it: pure functions of the state, used by the machine."""

from __future__ import annotations

from dataclasses import replace

from kiosk.links.contract import AvatarMode
from kiosk.providers.contract import EndReason, Grant, SessionRef
from kiosk.session.effects import CloseLink, Effect, EndSession, OpenLink, PutOnAir, Report, StartSession
from kiosk.session.limits import Limits
from kiosk.session.policies import Fault
from kiosk.session.source import Source
from kiosk.session.state import LINKED, Connection, Stage, State, wanted
from kiosk.session.view import Phase

Step = tuple[State, tuple[Effect, ...]]


def start(state: State, source: Source, failures: int = 0) -> Step:
    """Asks for a session; whatever connection there was has been dropped."""
    if state.visit is None:  # cannot be: every phase that starts a session has a visit
        return state, ()
    ticket = state.last_ticket + 1
    connection = Connection(Stage.STARTING, source, ticket, failures)
    return (
        replace(state, connection=connection, last_ticket=ticket, mode=AvatarMode.LISTENING, frozen_at=None),
        (StartSession(ticket, state.visit, source),),
    )


def granted(connection: Connection, grant: Grant, ticket: int) -> tuple[Connection, OpenLink]:
    """The session is there, or there again; its link is opened under the new ticket."""
    opening = replace(connection, stage=Stage.OPENING, ticket=ticket, grant=grant, retry_at=None)
    return opening, OpenLink(ticket, grant)


def limited(connection: Connection, grant: Grant, now: float) -> Connection:
    """With the vendor's own limit, where it told one."""
    if grant.max_duration_s is None:
        return connection
    return replace(connection, ends_at=now + max(0.0, grant.max_duration_s))


def up(state: State, now: float, limits: Limits) -> Step:
    """The avatar is there: the visitor can talk."""
    connection = state.connection
    if connection.stage is Stage.UP:
        return state, ()
    asked_for = connection.source.provider == wanted(state, limits).provider
    living = replace(
        state,
        phase=Phase.LIVE if asked_for else Phase.FALLBACK,
        connection=replace(connection, stage=Stage.UP, failures=0, retry_at=None, doubted_at=None),
        notice="",
        entered_at=now,
        deadline=None,
        last_sign=now,
        frozen_at=None,
        failed_visits=0,
    )
    return living, (PutOnAir(connection.ticket, connection.source.provider),)


def start_anew(state: State, fault: Fault) -> Step:
    """A session that was begun ahead has died while it waited: that is no failure of this visit's."""
    state, closing = drop_link(state)
    state, ending = drop_session(state, EndReason.FAULT)
    state, starting = start(state, state.connection.source, state.connection.failures)
    line = f"the session that was begun ahead is gone, another one is asked for: {fault.operator_line}"
    return state, (*closing, *ending, *starting, Report(fault.kind, line, fatal=False))


def drop_link(state: State) -> Step:
    closing = close_link(state.connection)
    return replace(state, connection=replace(state.connection, stage=Stage.NONE, retry_at=None)), closing


def drop_session(state: State, reason: EndReason) -> Step:
    grant = state.connection.grant
    if grant is None:
        return state, ()
    return replace(state, connection=replace(state.connection, grant=None)), end_session(grant.session, reason)


def close_link(connection: Connection) -> tuple[Effect, ...]:
    return (CloseLink(connection.ticket),) if connection.stage in LINKED else ()


def end_session(session: SessionRef | None, reason: EndReason) -> tuple[Effect, ...]:
    return () if session is None else (EndSession(session, reason),)
