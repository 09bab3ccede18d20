"""Gathers from a finished run what its report says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from kiosk.exit_codes import ExitCode
from kiosk.media.devices import SoundDevices
from kiosk.media.mailbox import FrameMailbox
from kiosk.media.statistics import LipSync
from kiosk.report import AudioFigures, MicrophoneFigures, ReportedError, RunReport, StateMark, VideoFigures
from kiosk.session.view import Phase


class Painted(Protocol):
    """What the report asks of the stage. `first_frame_s` on the controller's clock."""

    @property
    def renderer(self) -> str: ...
    @property
    def painted(self) -> int: ...
    @property
    def dropped(self) -> int: ...
    @property
    def first_frame_s(self) -> float | None: ...


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
    """`began_s`: when the run began, on the clock of the controller's states."""

    began_s: float
    provider: str
    stage: Painted
    mailbox: FrameMailbox
    devices: SoundDevices
    course: Course
    lip_sync: LipSync | None


def run_report(sources: RunSources, *, expects_picture: bool) -> RunReport:
    """`exit` is 0 only when no fault ended a visit and, where one was asked for, a picture was painted."""
    video = sources.mailbox.statistics()
    microphone = sources.devices.capture.statistics()
    playout = sources.devices.playout
    sync = sources.lip_sync
    first_s = sources.stage.first_frame_s
    failed = bool(sources.course.errors) or (expects_picture and sources.stage.painted == 0)
    return RunReport(
        provider=sources.provider,
        providers=sources.course.on_air,
        renderer=sources.stage.renderer,
        states=tuple(StateMark(t - sources.began_s, str(phase)) for t, phase in sources.course.states),
        first_frame_s=None if first_s is None else first_s - sources.began_s,
        video=VideoFigures(
            video.width,
            video.height,
            video.received,
            sources.stage.painted,
            video.dropped + sources.stage.dropped,
            video.fps,
        ),
        audio=AudioFigures(
            playout.played_s,
            playout.underruns,
            sync.audio_latency_s * 1000 if sync else None,
            sync.av_offset_s * 1000 if sync else None,
        ),
        microphone=MicrophoneFigures(microphone.sent_s, microphone.dropped),
        messages=sources.course.messages,
        reconnects=sources.course.reconnects,
        errors=tuple(ReportedError(kind, line) for kind, line in sources.course.errors),
        exit=ExitCode.FAILED if failed else ExitCode.OK,
    )
