"""The session as a pure function: (state, event, now) -> (new state, effects).

Theory of operation
-------------------
Two machines run one inside the other. The outer one is what the visitor lives through, the phase:

    attract --touch--> welcome --language--> connecting --picture--> live --the end--> goodbye --> attract
                                                 |                 |    ^
                                                 |            link lost |
                                                 |                 v    | picture
                                                 |              recovering --gives up--> goodbye
                                                 +--gives up--> out_of_service --patience--> attract

`fallback` is `live` with the fallback provider; it is reached from connecting and recovering when the provider that is
wanted cannot be had. Another avatar in the middle of a visit is told in switching.py. The inner machine is the
connection (`Stage`), and runs the same way in connecting and in recovering:

    starting --grant--> opening --> joined --avatar there--> up
       ^                   |           |                    |
       |                failed      lost                 lost
       |                   v           v                    v
       +----- waiting (backoff, full jitter) ---------------+      (renewing instead of starting where the provider
                                                                    renews: then the session stays, the token is new)

Rules that hold whatever happens, and that the tests prove for every order of events:

* Time rules every phase but attract: `deadline`, or while talking the idle time and the longest visit.
* Each attempt has a new link, and the link before it was closed first. Only while one avatar takes over from another
  there are two, and one of them is on air.
* An answer is taken only if its ticket is the one awaited. A session that starts too late is ended at once, a link
  that opens too late is closed at once.
* A session that a provider reported is ended exactly once: `grant` holds what is still to be ended, and the function
  that emits EndSession takes it out of the state.
* At the end of a visit the order is devices, link, session: first nobody is listened to, then nothing moves, then
  nothing costs.
* No event in any phase raises. What makes no sense in a phase changes nothing.

The jitter is drawn from the visit's random id, so that this function stays pure and kiosks still differ.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from kiosk.links.contract import (
    AvatarJoined,
    AvatarMode,
    Caption,
    Card,
    FirstFrame,
    LinkEvent,
    Lost,
    LostReason,
    Message,
    Mode,
    Resumed,
    StageEmpty,
    Stalled,
    Suggestions,
    TookLeave,
    VoiceOnly,
)
from kiosk.providers.contract import EndReason, Grant, Visit
from kiosk.session import switching
from kiosk.session.connecting import Step, drop_link, drop_session, end_session, granted, limited, start, start_anew, up
from kiosk.session.devices import DeviceState
from kiosk.session.effects import (
    CloseDevices,
    CloseLink,
    Effect,
    EndSession,
    NoteMessage,
    OpenDevices,
    RenewGrant,
    Report,
    SendText,
    ShowWords,
    StopSpeaking,
)
from kiosk.session.events import (
    Accepted,
    DevicesFailed,
    DevicesOpened,
    EffectFailed,
    EndFailed,
    Event,
    FromLink,
    GrantRenewed,
    Interrupted,
    Left,
    LinkFailed,
    LinkOpened,
    RenewFailed,
    SessionStarted,
    Shutdown,
    StartFailed,
    Switch,
    Tick,
    Touched,
    Typed,
)
from kiosk.session.limits import Limits
from kiosk.session.notices import Notice
from kiosk.session.policies import Fault, fault_of_loss
from kiosk.session.source import Source
from kiosk.session.state import (
    IN_VISIT,
    LINKED,
    TALKING,
    Connection,
    Stage,
    State,
    capabilities,
    ends_at,
    idle_at,
    wanted,
)
from kiosk.session.view import Phase


def step(state: State, event: Event, now: float, limits: Limits) -> Step:
    """The next state and what is to be done. Never raises. `now` in seconds, never going back."""
    match event:
        case Touched() | Accepted() | Left() | Typed() | Interrupted():
            return _visitor(state, event, now, limits)
        case Switch(source):
            return switching.switch(state, source, now, limits)
        case SessionStarted() | StartFailed() | GrantRenewed() | RenewFailed():
            return _provider(state, event, now, limits)
        case LinkOpened() | LinkFailed() | FromLink():
            return _link(state, event, now, limits)
        case DevicesOpened() | DevicesFailed():
            return _devices(state, event)
        case EndFailed(operator_line=line):
            return state, (Report("session_left_open", line, fatal=True),)
        case EffectFailed(kind, line):
            return state, (Report(kind, line, fatal=False),)
        case Tick():
            return _time(state, now, limits)
        case Shutdown(reason):
            return _shutdown(state, reason, now, limits)


# --- what the visitor does ---


def _visitor(state: State, event: Touched | Accepted | Left | Typed | Interrupted, now: float, limits: Limits) -> Step:
    if state.stopped:
        return state, ()
    match state.phase, event:
        case Phase.ATTRACT, Touched(visit_id):
            welcome = replace(state, phase=Phase.WELCOME, visit=Visit(visit_id, limits.language), entered_at=now)
            if not limits.welcome:
                return _connect(welcome, now, limits)
            return replace(welcome, deadline=now + limits.welcome_s), ()
        case Phase.WELCOME, Touched():
            return replace(state, deadline=now + limits.welcome_s), ()
        case Phase.WELCOME, Accepted(language) if state.visit is not None:
            return _connect(replace(state, visit=replace(state.visit, language=language)), now, limits)
        case Phase.WELCOME, Left():
            return _attract(state)
        case ((Phase.CONNECTING | Phase.LIVE | Phase.RECOVERING | Phase.FALLBACK), Left()):
            return _goodbye(state, EndReason.VISITOR_LEFT, now, limits)
        case ((Phase.LIVE | Phase.FALLBACK), Typed(text)):
            heard = replace(state, last_sign=now)
            text = text.strip()[: limits.max_text]
            if not text or not capabilities(state).hosted_dialogue:
                return heard, ()
            return heard, (SendText(state.connection.ticket, text),)
        case ((Phase.LIVE | Phase.FALLBACK), Interrupted()):
            heard = replace(state, last_sign=now)
            stop = (StopSpeaking(state.connection.ticket),) if capabilities(state).interrupts else ()
            return heard, stop
        case ((Phase.LIVE | Phase.FALLBACK), (Touched() | Accepted())):
            return replace(state, last_sign=now), ()
        case _:
            return state, ()


# --- what the provider answers ---


def _provider(
    state: State, event: SessionStarted | StartFailed | GrantRenewed | RenewFailed, now: float, limits: Limits
) -> Step:
    if isinstance(event, SessionStarted | StartFailed) and switching.is_incoming(state, event.ticket):
        return switching.from_provider(state, event, now)
    awaited = state.connection.stage if state.connection.ticket == event.ticket else Stage.NONE
    match awaited, event:
        case Stage.STARTING, SessionStarted(grant=grant, begun_ahead=begun_ahead):
            connection = limited(state.connection, grant, now)
            doubted_at = now + limits.ahead_s if begun_ahead else None
            return _open_link(replace(state, connection=replace(connection, doubted_at=doubted_at)), grant)
        case _, SessionStarted(grant=grant):
            return state, (EndSession(grant.session, state.ended),)
        case Stage.STARTING, StartFailed(fault=fault, session=session):
            state, effects = _attempt_failed(state, fault, now, limits)
            return state, (*effects, *end_session(session, EndReason.FAULT))
        case _, StartFailed(fault=fault, session=session):
            return state, (*end_session(session, state.ended), Report(fault.kind, fault.operator_line, fatal=False))
        case Stage.RENEWING, GrantRenewed(grant=grant):
            return _open_link(state, grant)
        case Stage.RENEWING, RenewFailed(fault=fault):
            # Whatever ails this session, a new one may do.
            return _attempt_failed(state, replace(fault, retry=True), now, limits, keep_session=False)
        case _:
            return state, ()


# --- what the link reports ---


def _link(state: State, event: LinkOpened | LinkFailed | FromLink, now: float, limits: Limits) -> Step:
    connection = state.connection
    if switching.is_incoming(state, event.ticket):
        return switching.from_link(state, event, now, limits)
    if connection.ticket != event.ticket or connection.stage not in LINKED:
        return state, ((CloseLink(event.ticket),) if isinstance(event, LinkOpened) else ())
    match event:
        case LinkOpened():
            if connection.stage is not Stage.OPENING:
                return state, ()
            return replace(state, connection=replace(connection, stage=Stage.JOINED)), ()
        case LinkFailed(lost=lost):
            return _lost(state, fault_of_loss(lost), now, limits)
        case FromLink(event=inner):
            return _from_link(state, inner, now, limits)


def _from_link(state: State, event: LinkEvent, now: float, limits: Limits) -> Step:
    match event:
        case FirstFrame():
            return up(replace(state, picture=True, stage_empty=False, frozen_at=None), now, limits)
        case AvatarJoined() if not capabilities(state).video:
            return up(state, now, limits)
        case VoiceOnly():
            return up(replace(state, stage_empty=False), now, limits)
        case StageEmpty():
            return up(replace(state, picture=False, stage_empty=True, frozen_at=None), now, limits)
        case Stalled(age_s) if state.connection.stage is Stage.UP:
            since = now - max(0.0, age_s)
            return replace(state, frozen_at=since if state.frozen_at is None else min(since, state.frozen_at)), ()
        case Resumed():
            return replace(state, frozen_at=None), ()
        case Mode(mode) if mode is not state.mode:
            return replace(state, mode=mode, last_sign=now), ()
        case Caption():
            return replace(state, last_sign=now), (ShowWords(event),)
        case Suggestions() | Card():
            return state, (ShowWords(event),)  # an offer of ours, no sign that a visitor is there
        case TookLeave():
            return _visitor(state, Left(), now, limits)
        case Message():
            return state, (NoteMessage(event),)
        case Lost():
            return _lost(state, fault_of_loss(event), now, limits)
        case _:  # Joined, and what changes nothing
            return state, ()


# --- what the devices answer ---


def _devices(state: State, event: DevicesOpened | DevicesFailed) -> Step:
    if event.ticket != state.devices_ticket:
        return state, ()  # they were told to close, and closing waits for opening
    match event:
        case DevicesOpened(state=devices):
            return replace(state, devices=devices), ()
        case DevicesFailed(operator_line=line):
            # The visit goes on: there is a picture to look at, and perhaps a keyboard.
            return replace(state, devices=DeviceState()), (Report("devices", line, fatal=True),)


# --- what time brings ---


def _time(state: State, now: float, limits: Limits) -> Step:
    idle = idle_at(state, limits)
    end = ends_at(state)
    if state.phase in IN_VISIT and end is not None and now >= end:
        return _goodbye(state, EndReason.TIME_LIMIT, now, limits, notice=Notice.TIME_UP)
    if idle is not None and now >= idle:
        return _goodbye(state, EndReason.IDLE, now, limits)
    if state.phase in TALKING and state.frozen_at is not None and now >= state.frozen_at + limits.stall_limit_s:
        line = f"no picture for {limits.stall_limit_s:.0f} s although the room is connected; building a new link"
        return _lost(state, Fault("link_stalled", "unavailable", line, retry=True), now, limits)
    if state.deadline is not None and now >= state.deadline:
        return _overdue(state, now, limits)
    if state.incoming is not None and now >= state.incoming.until:
        return switching.overdue(state, limits)
    if state.connection.doubted_at is not None and now >= state.connection.doubted_at:
        line = f"no picture within {limits.ahead_s:.0f} s"
        return start_anew(state, Fault(f"link_{LostReason.TIMEOUT.value}", "unavailable", line, retry=True))
    if state.connection.retry_at is not None and now >= state.connection.retry_at:
        return _next_attempt(state)
    return state, ()


def _overdue(state: State, now: float, limits: Limits) -> Step:
    if state.phase not in IN_VISIT:
        return _attract(state)
    limit_s = limits.connect_s if state.phase is Phase.CONNECTING else limits.recover_s
    line = f"no picture within {limit_s:.0f} s (stage: {state.connection.stage.value}); run `kiosk doctor`"
    return _attempt_failed(state, Fault(f"link_{LostReason.TIMEOUT.value}", "unavailable", line, False), now, limits)


def _shutdown(state: State, reason: EndReason, now: float, limits: Limits) -> Step:
    stopped = replace(state, stopped=True)
    if state.phase in IN_VISIT:
        return _goodbye(stopped, reason, now, limits)
    return _attract(stopped) if state.phase is Phase.WELCOME else (stopped, ())


# --- connecting, and connecting again ---


def _connect(state: State, now: float, limits: Limits) -> Step:
    ticket = state.last_ticket + 1
    connecting = replace(
        state,
        phase=Phase.CONNECTING,
        devices_ticket=ticket,
        entered_at=now,
        deadline=now + limits.connect_s,
        visit_ends_at=now + limits.max_visit_s,
        last_sign=now,
        last_ticket=ticket,
    )
    started, starting = start(connecting, wanted(state, limits))
    return started, (OpenDevices(ticket), *starting)


def _open_link(state: State, grant: Grant) -> Step:
    ticket = state.last_ticket + 1
    connection, opening = granted(state.connection, grant, ticket)
    return replace(state, connection=connection, last_ticket=ticket), (opening,)


def _next_attempt(state: State) -> Step:
    """After the backoff: the same session with a fresh token where one is still held, else a new session."""
    connection = state.connection
    if connection.grant is None:
        return start(state, connection.source, connection.failures)
    ticket = state.last_ticket + 1
    renewing = replace(connection, stage=Stage.RENEWING, ticket=ticket, retry_at=None)
    return (
        replace(state, connection=renewing, last_ticket=ticket),
        (RenewGrant(ticket, connection.grant, connection.source),),
    )


def _lost(state: State, fault: Fault, now: float, limits: Limits) -> Step:
    """The link is gone. A visit that lives holds its picture and tries again, unless it was shown out."""
    if state.phase not in TALKING:
        return _attempt_failed(state, fault, now, limits)
    if state.incoming is not None:
        return switching.wait_for(state, state.incoming, fault, now, limits)
    if not fault.retry:
        return _give_up(state, fault, now, limits)
    recovering = replace(
        state,
        phase=Phase.RECOVERING,
        notice=Notice.RECONNECTING,
        mode=AvatarMode.LISTENING,
        entered_at=now,
        deadline=now + limits.recover_s,
        frozen_at=None,
    )
    return _attempt_failed(recovering, fault, now, limits)


def _attempt_failed(state: State, fault: Fault, now: float, limits: Limits, *, keep_session: bool = True) -> Step:
    """Wait and try again, or turn to the fallback provider, or give up."""
    if state.connection.doubted_at is not None and (state.deadline is None or now < state.deadline):
        return start_anew(state, fault)
    failures = state.connection.failures + 1
    tries = limits.connect_tries if state.phase is Phase.CONNECTING else limits.recover_tries
    delay_s = limits.retry.delay_s(failures, _rng(state), fault.retry_after_s)
    if fault.retry and failures < tries and (state.deadline is None or now + delay_s < state.deadline):
        state, closing = drop_link(state)
        ending: tuple[Effect, ...] = ()
        if not (keep_session and capabilities(state).renews):
            state, ending = drop_session(state, EndReason.FAULT)
        waiting = replace(state.connection, stage=Stage.WAITING, failures=failures, retry_at=now + delay_s)
        notice = Notice.BUSY if fault.screen == Notice.BUSY else state.notice
        report = Report(fault.kind, fault.operator_line, fatal=False)
        return replace(state, connection=waiting, notice=notice), (*closing, *ending, report)
    if limits.fallback is not None and state.connection.source.provider != limits.fallback.provider:
        return _fall_back(state, limits.fallback, fault, now, limits)
    return _give_up(state, fault, now, limits)


def _fall_back(state: State, fallback: Source, fault: Fault, now: float, limits: Limits) -> Step:
    state, closing = drop_link(state)
    state, ending = drop_session(state, EndReason.FAULT)
    state = replace(state, deadline=now + limits.connect_s, ended=EndReason.FAULT)
    state, starting = start(state, fallback)
    return state, (*closing, *ending, *starting, Report(fault.kind, fault.operator_line, fatal=True))


def _give_up(state: State, fault: Fault, now: float, limits: Limits) -> Step:
    report = Report(fault.kind, fault.operator_line, fatal=True)
    if state.phase is not Phase.CONNECTING:
        notice = Notice.CONNECTION_LOST
        ended, effects = _goodbye(state, EndReason.FAULT, now, limits, notice=notice, stay_s=limits.apology_s)
        return ended, (*effects, report)
    failed_visits = state.failed_visits + 1
    patience_s = max(limits.apology_s, limits.reopen.delay_s(failed_visits, _rng(state), fault.retry_after_s))
    ended, effects = _goodbye(state, EndReason.FAULT, now, limits, notice=fault.screen, stay_s=patience_s)
    return replace(ended, phase=Phase.OUT_OF_SERVICE, failed_visits=failed_visits), (*effects, report)


# --- the end of a visit ---


def _goodbye(
    state: State, reason: EndReason, now: float, limits: Limits, *, notice: str = "", stay_s: float | None = None
) -> Step:
    """Lets go of everything, in the fixed order: devices, link, session. The last picture stays while we part."""
    silence = () if state.devices_ticket is None else (CloseDevices(state.devices_ticket),)
    if state.incoming is not None:  # the operator's choice stands
        state = replace(state, chosen=state.incoming.connection.source)
    state, closing = drop_link(state)
    state, closing_too, ending_too = switching.drop_incoming(state, reason)
    state, ending = drop_session(state, reason)
    goodbye = replace(
        state,
        phase=Phase.GOODBYE,
        connection=Connection(),
        devices_ticket=None,
        devices=None,
        mode=AvatarMode.LISTENING,
        notice=notice,
        entered_at=now,
        deadline=now + (limits.goodbye_s if stay_s is None else stay_s),
        visit_ends_at=None,
        frozen_at=None,
        ended=reason,
    )
    return goodbye, (*silence, *closing, *closing_too, *ending, *ending_too)


def _attract(state: State) -> Step:
    """Forgets the visitor."""
    kept = State(
        chosen=state.chosen,
        failed_visits=state.failed_visits,
        ended=state.ended,
        last_ticket=state.last_ticket,
        stopped=state.stopped,
    )
    return kept, ()


def _rng(state: State) -> Random:
    name = state.visit.id if state.visit else ""
    return Random(f"{name}/{state.last_ticket}")  # noqa: S311 - jitter, not a secret
