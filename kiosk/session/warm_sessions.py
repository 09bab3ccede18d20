"""Begins a vendor's session before its visitor comes, hands it over at the touch, and ends it when nobody comes.

To the state machine a session that is handed over is a start that was answered quickly. Budget and ledger see it from
its first second, as any other: both are asked before the vendor is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from kiosk.clock import Clock
from kiosk.providers.contract import EndReason, Grant, Visit
from kiosk.session.alarm import Alarm
from kiosk.session.events import Event, SessionStarted
from kiosk.session.prewarm import Ahead, Held, Holding, Move, Prewarm, fits, left_s, next_look, next_move, waits_s
from kiosk.session.source import Source
from kiosk.session.tasks import TaskSet
from kiosk.session.vendor_sessions import Refused, Sleep, VendorSessions
from kiosk.session.view import Phase

log = logging.getLogger("kiosk.session.prewarm")

AFTER_FAILURE_S = 60.0  # before the next session is begun ahead; a visitor is served all the same


@dataclass(frozen=True, slots=True)
class PrewarmPlan:
    """`keep_s`: how long a session waits for its visitor. `refusal`: why none may be begun ahead now, for the operator;
    empty where one may."""

    mode: Prewarm = Prewarm.OFF
    keep_s: float = 60.0
    refusal: Callable[[], str] = lambda: ""


@dataclass(frozen=True, slots=True)
class _Outlook:
    """What the session looks like from here. `visit`: of the visitor who reads the notice, None before the touch."""

    phase: Phase
    visit: Visit | None
    ahead: Ahead | None


class WarmSessions:
    """`look` after every event of the session; `hand_over` when it wants a session; `stop` at the end."""

    def __init__(
        self,
        plan: PrewarmPlan,
        sessions: VendorSessions,
        clock: Clock,
        sleep: Sleep,
        new_id: Callable[[], str],
        post: Callable[[Event], None],
        tasks: TaskSet,
    ) -> None:
        self._plan = plan
        self._sessions = sessions
        self._clock = clock
        self._new_id = new_id
        self._post = post
        self._tasks = tasks
        self._outlook = _Outlook(Phase.ATTRACT, None, None)
        self._holding = Holding()
        self._visit_id: str | None = None  # of the visitor to come, whatever sessions wait for them
        self._grant: Grant | None = None  # READY
        self._began_s = 0.0
        self._heir: tuple[int, Visit, str] | None = None  # who waits for the one that is STARTING
        self._alarm = Alarm("session-ahead-timer", self._review, clock, sleep, self._tasks)
        sessions.on_end = self._review

    @property
    def visit_id(self) -> str | None:
        """The next visit is to be called so: it is the one that ledger and budget know already."""
        return self._visit_id

    def look(self, phase: Phase, visit: Visit | None, source: Source | None, language: str) -> None:
        """`source`: whom the next visitor would get; None while the kiosk stops."""
        wanted = source is not None and source.provider and not source.offers.at_once
        ahead = Ahead(source.provider, language) if source is not None and wanted else None
        self._outlook = _Outlook(phase, visit, ahead)
        self._review()

    def hand_over(self, ticket: int, visit: Visit, provider: str) -> bool:
        """True where the session that was begun ahead answers `ticket`, now or when its start does."""
        if self._holding.held is Held.NOTHING:
            return False
        suits = fits(self._holding, Ahead(provider, visit.language), self._clock.monotonic())
        self._visit_id = None
        if self._holding.held is Held.STARTING:
            self._heir = (ticket, visit, provider)  # if it does not suit, it is ended first
            return True
        if not suits or self._grant is None:
            self._end(EndReason.IDLE)
            return False
        waited_s = self._clock.monotonic() - self._began_s
        log.info("a session was ready", extra={"waited_s": round(waited_s, 1)})
        grant, self._grant, self._holding = self._grant, None, Holding()
        self._post(
            SessionStarted(
                ticket, replace(grant, max_duration_s=left_s(grant.max_duration_s, waited_s)), begun_ahead=True
            )
        )
        return True

    def stop(self) -> None:
        """Ends what waits. A start that is under way is ended when it is answered."""
        self._alarm.cancel()
        self._outlook = _Outlook(Phase.ATTRACT, None, None)
        if self._holding.held is Held.READY:
            self._end(EndReason.SHUTDOWN)

    def _review(self) -> None:
        if self._plan.mode is Prewarm.OFF:
            return
        now = self._clock.monotonic()
        outlook, clear = self._outlook, not self._sessions.is_ending
        move = next_move(self._plan.mode, outlook.phase, outlook.ahead, self._holding, now, clear=clear)
        if move is Move.END:
            self._end(EndReason.IDLE)
        elif move is Move.BEGIN and outlook.ahead is not None:
            self._begin(outlook.ahead, now)
        self._arm(now)

    def _begin(self, ahead: Ahead, now: float) -> None:
        if line := self._plan.refusal():
            log.info("no session is begun ahead: %s", line)
            self._holding = Holding(until=now + AFTER_FAILURE_S)
            return
        visit_id = self._outlook.visit.id if self._outlook.visit is not None else self._visit_id or self._new_id()
        self._visit_id = visit_id
        self._holding = Holding(Held.STARTING, ahead)
        self._tasks.spawn(self._start(ahead, Visit(visit_id, ahead.language)), "session-start-ahead")

    async def _start(self, ahead: Ahead, visit: Visit) -> None:
        began_s = self._clock.monotonic()
        answer = await self._sessions.ask(ahead.provider, visit)
        now = self._clock.monotonic()
        heir, self._heir, self._holding = self._heir, None, Holding()
        if isinstance(answer, Refused):
            log.warning("no session could be begun ahead: %s", answer.fault.operator_line)
            self._holding = Holding(until=now + AFTER_FAILURE_S)
            if answer.session is not None:
                self._sessions.end(answer.session, EndReason.FAULT)
        elif heir is not None and ahead == Ahead(heir[2], heir[1].language):
            self._post(SessionStarted(heir[0], answer))
            return
        else:
            self._grant, self._began_s = answer, began_s
            self._holding = Holding(Held.READY, ahead, now + waits_s(self._plan.keep_s, answer.max_duration_s))
            if heir is not None:
                self._end(EndReason.IDLE)
            else:
                log.info("a session waits for a visitor", extra={"provider": ahead.provider})
        if heir is not None:
            self._sessions.start(*heir)
        self._review()

    def _end(self, reason: EndReason) -> None:
        grant, self._grant, self._holding = self._grant, None, Holding()
        if grant is not None:
            log.info("a session waited for nobody")
            self._sessions.end(grant.session, reason)

    def _arm(self, now: float) -> None:
        self._alarm.set(
            next_look(self._plan.mode, self._outlook.phase, self._holding, now) if self._outlook.ahead else None
        )
