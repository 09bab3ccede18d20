"""Gathers from a running kiosk what the operator's screen shows; from memory alone, for the screen must not wait."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from kiosk.clock import Clock
from kiosk.media.devices import SoundDevices
from kiosk.media.mailbox import FrameMailbox
from kiosk.media.statistics import LipSync
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
    mailbox: FrameMailbox
    devices: SoundDevices
    lip_sync: Callable[[], LipSync | None]

    def now(self) -> OperatorView:
        course = self.course
        return OperatorView(
            phase=course.situation.phase,
            provider=course.provider,
            standing=self.guard.standing(),
            open=self._open(),
            figures=self._figures(),
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

    def _figures(self) -> tuple[Figure, ...]:
        video, microphone = self.mailbox.statistics(), self.devices.capture.statistics()
        playout, sync = self.devices.playout, self.lip_sync()
        figures = [
            Figure("picture", f"{video.width} × {video.height}, {video.fps:.0f}/s" if video.received else "–"),
            Figure("dropped", str(video.dropped)),
            Figure("voice", f"{playout.played_s:.0f} s"),
            Figure("underruns", str(playout.underruns)),
            Figure("microphone", f"{microphone.sent_s:.0f} s"),
            Figure("reconnects", str(self.course.reconnects)),
        ]
        if sync is not None:
            figures.insert(4, Figure("latency", f"{sync.audio_latency_s * 1000:.0f} ms"))
            figures.insert(5, Figure("lip_sync", f"{sync.av_offset_s * 1000:+.0f} ms"))
        return tuple(figures)
