"""The report: its shape is what other programs read."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from kiosk.figures import Figures
from kiosk.media.statistics import AudioStatistics, MicrophoneStatistics, VideoStatistics
from kiosk.report import ReportedError, RunReport, StateMark, report_json, write_report

SECRET = "pl4nted-s3cret"


def full() -> RunReport:
    return RunReport(
        provider="livekit",
        providers=("livekit", "local"),
        renderer="raster",
        states=(StateMark(0.0, "attract"), StateMark(1.23456, "live")),
        first_frame_s=0.98765,
        video=VideoStatistics(1280, 720, 300, 298, 2, 29.97, 3),
        audio=AudioStatistics(9.5, 1, 61.25, math.nan, 0.2, 1, 31.5, 29.0, -12.5),
        microphone=MicrophoneStatistics(9.8, 3),
        figures=Figures(8.6, fps_shown=29.96, rtt_ms=1.0),
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
        "video": {"width": 1280, "height": 720, "received": 300, "painted": 298, "dropped": 2, "fps": 29.97}
        | {"late": 3},
        "audio": {"played_s": 9.5, "underruns": 1, "latency_ms": 61.25, "av_offset_ms": None}
        | {"dropped_s": 0.2, "resyncs": 1, "fill_ms": 31.5, "device_latency_ms": 29.0, "drift_ppm": -12.5},
        "microphone": {"sent_s": 9.8, "dropped": 3},
        "figures": dict.fromkeys(Figures.__dataclass_fields__)
        | {name: 0 for name, value in Figures(0.0).fields().items() if value is not None}
        | {"span_s": 8.6, "fps_shown": 29.96, "rtt_ms": 1.0},
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
