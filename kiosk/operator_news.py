"""Gathers from a running kiosk what the operator's screen shows; from memory alone, for the screen must not wait."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from kiosk.clock import Clock
from kiosk.figure_rows import figure_rows
from kiosk.figures import LiveFigures
from kiosk.providers.contract import SessionRef
from kiosk.session.ledger import FileLedger
from kiosk.session.money_guard import MoneyGuard
from kiosk.session.operator_view import Figure, OpenLine, OperatorView
from kiosk.session.view import Situation
from kiosk.settings import LOCAL


class Course(Protocol):
    """What is asked of the controller."""

    @property
    def situation(self) -> Situation: ...
    @property
    def provider(self) -> str: ...
    @property
    def errors(self) -> Sequence[tuple[str, str]]: ...
    @property
    def reconnects(self) -> int: ...


@dataclass(frozen=True, slots=True)
class OperatorNews:
    """Call it on the controller's thread."""

    course: Course
    guard: MoneyGuard
    ledger: FileLedger
    clock: Clock
    look: Callable[[], LiveFigures]

    def now(self) -> OperatorView:
        course = self.course
        return OperatorView(
            phase=course.situation.phase,
            provider=course.provider,
            standing=self.guard.standing(),
            open=self._open(),
            figures=(*figure_rows(self.look()), Figure("reconnects", str(course.reconnects), group="machine")),
            trouble=course.errors[-1][1] if course.errors else "",
        )

    def _open(self) -> tuple[OpenLine, ...]:
        """The sessions of this run, and what the ledger knows besides: starts under way, an earlier run's orphans."""
        own = self.guard.standing().open
        sessions = {one.session for one in own}
        answered = {(session.provider, session.visit_id) for session in sessions}
        others = [
            session
            for session in self.ledger.known
            if session.provider != LOCAL
            and session not in sessions
            and not (session.session_id is None and (session.provider, session.visit_id) in answered)
        ]
        lines = [OpenLine(one.session.provider, self.clock.monotonic() - one.began_s, one.facts) for one in own]
        return (*lines, *(OpenLine(session.provider, self._age_s(session)) for session in others))

    def _age_s(self, session: SessionRef) -> float:
        return max(0.0, self.clock.wall() - session.started_at)
