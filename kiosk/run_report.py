"""Gathers from a finished run what its report says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from kiosk.exit_codes import ExitCode
from kiosk.figures import Figures
from kiosk.media.devices import SoundDevices
from kiosk.media.mailbox import FrameMailbox
from kiosk.media.statistics import LipSync
from kiosk.painted import Painted, pictures
from kiosk.report import ReportedError, RunReport, StateMark
from kiosk.session.view import Phase


class Course(Protocol):
    """What the report asks of the controller."""

    @property
    def on_air(self) -> tuple[str, ...]: ...
    @property
    def states(self) -> Sequence[tuple[float, Phase]]: ...
    @property
    def errors(self) -> Sequence[tuple[str, str]]: ...
    @property
    def messages(self) -> int: ...
    @property
    def reconnects(self) -> int: ...


@dataclass(frozen=True, slots=True)
class RunSources:
    """`began_s`: when the run began, on the clock of the controller's states. `figures`: of the last visit."""

    began_s: float
    provider: str
    stage: Painted
    mailbox: FrameMailbox
    devices: SoundDevices
    course: Course
    lip_sync: LipSync | None
    figures: Figures | None = None


def run_report(sources: RunSources, *, expects_picture: bool) -> RunReport:
    """`exit` is 0 only when no fault ended a visit and, where one was asked for, a picture was painted."""
    sync, last = sources.lip_sync, sources.figures
    first_s = sources.stage.first_frame_s
    failed = bool(sources.course.errors) or (expects_picture and sources.stage.painted == 0)
    return RunReport(
        provider=sources.provider,
        providers=sources.course.on_air,
        renderer=sources.stage.renderer,
        states=tuple(StateMark(t - sources.began_s, str(phase)) for t, phase in sources.course.states),
        first_frame_s=None if first_s is None else first_s - sources.began_s,
        video=pictures(sources.mailbox, sources.stage),
        # The loudspeaker is closed by now: what it told about itself is known from the visit.
        audio=replace(
            sources.devices.playout.statistics(),
            latency_ms=sync.audio_latency_s * 1000 if sync else None,
            av_offset_ms=sync.av_offset_s * 1000 if sync else None,
            fill_ms=last.fill_ms if last else None,
            device_latency_ms=last.device_latency_ms if last else None,
            drift_ppm=last.drift_ppm if last else None,
        ),
        microphone=sources.devices.capture.statistics(),
        figures=last,
        messages=sources.course.messages,
        reconnects=sources.course.reconnects,
        errors=tuple(ReportedError(kind, line) for kind, line in sources.course.errors),
        exit=ExitCode.FAILED if failed else ExitCode.OK,
    )
