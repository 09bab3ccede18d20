"""What the screens are told of a state, and when time alone will change it."""

from __future__ import annotations

import math

from kiosk.session.limits import Limits
from kiosk.session.notices import Notice
from kiosk.session.state import IN_VISIT, TALKING, State, capabilities, ends_at, idle_at, wanted
from kiosk.session.view import Phase, Situation

ROUNDING_S = 0.01
"""A countdown that a timer wakes a hair too early still shows the full second."""


def situation(state: State, now: float, limits: Limits) -> Situation:
    """Drawn from the state alone; countdowns in whole seconds, so that it changes at most once a second."""
    offers = capabilities(state)
    talking = state.phase in TALKING
    in_visit = state.phase in IN_VISIT
    notice, ends_in_s = _notice(state, now, limits)
    return Situation(
        phase=state.phase,
        mode=state.mode,
        notice=notice,
        ends_in_s=ends_in_s,
        language=state.visit.language if state.visit else limits.language,
        picture=state.picture,
        microphone=in_visit and state.devices is not None and state.devices.microphone,
        can_type=talking and offers.hosted_dialogue,
        can_interrupt=talking and offers.interrupts,
        awaits_avatar=_awaits_avatar(state, limits),
    )


def due(state: State, now: float, limits: Limits) -> float | None:
    """The next instant at which a Tick matters: something ends, or the screen would change. None: nothing pends."""
    acts = [state.deadline, idle_at(state, limits), state.connection.retry_at, state.connection.doubted_at]
    shows: list[float] = []
    if state.phase in IN_VISIT:
        acts.append(ends_at(state))
    if state.incoming is not None:
        acts.append(state.incoming.until)
    if state.phase is Phase.CONNECTING:
        shows.append(state.entered_at + limits.connect_notice_s)
    if state.phase in TALKING:
        if state.frozen_at is not None:
            shows.append(state.frozen_at + limits.stall_notice_s)
            acts.append(state.frozen_at + limits.stall_limit_s)
        for end, warning_s in _ends(state, limits):
            shows.append(_next_second(end, warning_s, now))
    instants = [at for at in acts if at is not None] + [at for at in shows if at > now]
    return min(instants, default=None)


def _awaits_avatar(state: State, limits: Limits) -> bool:
    """Also where the fallback comes in the end: whoever keeps the visitor company stays until then."""
    coming = state.phase is Phase.CONNECTING or (state.phase is Phase.LIVE and not state.stage_empty)
    return coming and not state.picture and not wanted(state, limits).offers.at_once


def _notice(state: State, now: float, limits: Limits) -> tuple[str, float | None]:
    if state.phase is Phase.CONNECTING and not state.notice and now >= state.entered_at + limits.connect_notice_s:
        return Notice.ONE_MOMENT, None
    if state.phase not in TALKING:
        return state.notice, None
    notice, ends_in_s = _countdown(state, now, limits)
    if state.frozen_at is not None and now >= state.frozen_at + limits.stall_notice_s:
        notice = Notice.ONE_MOMENT
    if state.stage_empty and not notice:
        notice = Notice.STAGE_EMPTY
    return notice or _device_notice(state), ends_in_s


def _ends(state: State, limits: Limits) -> list[tuple[float, float]]:
    """The ends that are announced: (instant, seconds of warning), idle time first."""
    ends = []
    if (idle := idle_at(state, limits)) is not None:
        ends.append((idle, min(limits.idle_warning_s, limits.idle_s)))
    if (end := ends_at(state)) is not None:
        ends.append((end, limits.end_warning_s))
    return ends


def _countdown(state: State, now: float, limits: Limits) -> tuple[str, float | None]:
    left = [(end - now, end) for end, warning_s in _ends(state, limits) if end - now <= warning_s + ROUNDING_S]
    if not left:
        return "", None
    remaining, end = min(left)
    notice = Notice.ENDING_SOON if end == ends_at(state) else Notice.STILL_THERE
    return notice, float(max(1, math.ceil(remaining - ROUNDING_S)))


def _next_second(end: float, warning_s: float, now: float) -> float:
    """When the shown number changes next: at the start of the warning, then at every full second before the end."""
    if now < end - warning_s - ROUNDING_S:
        return end - warning_s
    return end - (math.ceil(end - now - ROUNDING_S) - 1)


def _device_notice(state: State) -> str:
    if state.devices is None:
        return ""
    if state.devices.notice:
        return state.devices.notice
    match state.devices.microphone, state.devices.speaker:
        case False, False:
            return Notice.NO_SOUND
        case False, True:
            return Notice.NO_MICROPHONE
        case True, False:
            return Notice.NO_SPEAKER
        case _:
            return ""
