"""The report: its shape is what other programs read."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from kiosk.report import (
    AudioFigures,
    MicrophoneFigures,
    ReportedError,
    RunReport,
    StateMark,
    VideoFigures,
    report_json,
    write_report,
)

SECRET = "pl4nted-s3cret"


def full() -> RunReport:
    return RunReport(
        provider="livekit",
        providers=("livekit", "local"),
        renderer="raster",
        states=(StateMark(0.0, "attract"), StateMark(1.23456, "live")),
        first_frame_s=0.98765,
        video=VideoFigures(1280, 720, 300, 298, 2, 29.97),
        audio=AudioFigures(9.5, 1, 61.25, math.nan),
        microphone=MicrophoneFigures(9.8, 3),
        messages=4,
        reconnects=1,
        errors=(ReportedError("busy", f"refused with {SECRET}\nand ?access_token=abcdef"),),
        exit=1,
    )


def test_the_shape_is_the_documented_one() -> None:
    assert report_json(full(), [SECRET]) == {
        "provider": "livekit",
        "providers": ["livekit", "local"],
        "renderer": "raster",
        "states": [{"t": 0.0, "state": "attract"}, {"t": 1.235, "state": "live"}],
        "first_frame_s": 0.988,
        "video": {"width": 1280, "height": 720, "received": 300, "painted": 298, "dropped": 2, "fps": 29.97},
        "audio": {"played_s": 9.5, "underruns": 1, "latency_ms": 61.25, "av_offset_ms": None},
        "microphone": {"sent_s": 9.8, "dropped": 3},
        "messages": 4,
        "reconnects": 1,
        "errors": [{"kind": "busy", "message": "refused with *** and ?access_token=***"}],
        "exit": 1,
    }


def test_a_run_that_never_began_has_the_same_keys() -> None:
    assert report_json(RunReport("local", exit=2)).keys() == report_json(full()).keys()


def test_it_replaces_the_old_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.json"
    write_report(path, full(), [SECRET])
    write_report(path, RunReport("local"), [])
    assert json.loads(path.read_text())["provider"] == "local"
    assert list(path.parent.iterdir()) == [path]


def test_where_it_cannot_be_written_the_caller_learns_it_and_nothing_stays(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.mkdir()
    with pytest.raises(OSError, match="report"):
        write_report(path, full())
    assert list(tmp_path.iterdir()) == [path]


def test_odd_text_is_written_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_report(path, RunReport("x", errors=(ReportedError("broken", "half a \ud83d pair"),)))
    assert json.loads(path.read_text())["errors"][0]["message"].startswith("half a")
