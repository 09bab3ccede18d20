"""The report of one run (`--report F.json`): built from counters, written in one piece.

{"provider", "providers": […], "renderer", "states": [{"t", "state"}], "first_frame_s", "video": {…}, "audio": {…},
 "microphone": {…}, "figures": {…}, "messages", "reconnects", "errors": [{"kind", "message"}], "exit"}
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from kiosk.figures import Figures
from kiosk.media.statistics import AudioStatistics, MicrophoneStatistics, VideoStatistics
from kiosk.redact import one_line, redact


@dataclass(frozen=True, slots=True)
class StateMark:
    """The run entered `state` at `t` seconds after it began."""

    t: float
    state: str


@dataclass(frozen=True, slots=True)
class ReportedError:
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class RunReport:
    """`provider`: as the settings name it. `providers`: whose avatars were on air, in the order in which they first
    were. `first_frame_s`: from the start of the process' work to the first painted frame; None if there was none.
    `figures`: of the last visit; None if there was none."""

    provider: str
    providers: tuple[str, ...] = ()
    renderer: str = ""
    states: tuple[StateMark, ...] = ()
    first_frame_s: float | None = None
    video: VideoStatistics = field(default_factory=VideoStatistics)
    audio: AudioStatistics = field(default_factory=AudioStatistics)
    microphone: MicrophoneStatistics = field(default_factory=MicrophoneStatistics)
    figures: Figures | None = None
    messages: int = 0
    reconnects: int = 0
    errors: tuple[ReportedError, ...] = ()
    exit: int = 0


def report_json(report: RunReport, secrets: Iterable[str] = ()) -> dict[str, Any]:
    """The report as JSON values: seconds to 3 places, no NaN, no secret."""
    values: dict[str, Any] = _tidy(asdict(report))
    known = tuple(secrets)
    values["errors"] = [
        {"kind": error.kind, "message": one_line(redact(error.message, known), 500)} for error in report.errors
    ]
    return values


def write_report(path: Path, report: RunReport, secrets: Iterable[str] = ()) -> None:
    """Replaces `path` in one step, so that nobody reads half a report. Raises OSError."""
    text = json.dumps(report_json(report, secrets), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8", errors="replace") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _tidy(value: Any) -> Any:
    match value:
        case dict():
            return {key: _tidy(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_tidy(inner) for inner in value]
        case float():
            return round(value, 3) if math.isfinite(value) else None
        case _:
            return value
