"""The machinery behind `make bench`, with the kiosk alone: that it measures, not how fast anything is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.livekit_server import REPOSITORY

LIMIT_S = 90.0


@contextmanager
def bench(folder: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Whatever happens, nothing of it runs on."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.benchmarks.side_by_side", "--no-browser", "--no-extras", "--rounds", "1"),
            *("--formats", "640x360@30", "--out", str(folder / "out"), *words),
        ],
        env={**os.environ, "TMPDIR": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )
    with process:
        try:
            yield process
        finally:
            for left in family(process.pid):
                left.kill()


def family(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def kiosk_of(process: subprocess.Popen[str]) -> psutil.Process:
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline and process.poll() is None:
        for one in family(process.pid):
            try:
                if "kiosk" in one.cmdline():
                    return one
            except psutil.Error:
                continue
        time.sleep(0.05)
    raise AssertionError("no kiosk was started")


def test_a_short_round_measures_and_leaves_table_record_and_plot(tmp_path: Path) -> None:
    with bench(tmp_path, "--seconds", "7", "--warm-up", "1") as process:
        table, words = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0, words
    record = json.loads((tmp_path / "out" / "side-by-side.json").read_text(encoding="utf-8"))
    (take,) = record["takes"]
    figures = take["figures"]
    assert figures["pictures_seen"] > 20, "codes were read"
    assert figures["beeps_matched"] >= 1
    assert figures["av_pairs"] >= 1
    assert figures["cpu_percent"] > 0.5
    assert 30 < figures["pss_mb"] <= figures["rss_mb"]
    assert take["notes"]["guests_send"] == ["sound"], "the microphone is open"
    assert set(take["notes"]["threads"]) >= {"python", "media", "loudspeaker", "microphone", "microphone card"}
    assert sum(take["notes"]["threads"].values()) == pytest.approx(take["figures"]["cpu_percent"], rel=0.5)
    assert (take["notes"]["encoded_width"], take["notes"]["encoded_height"]) == (640, 360)
    assert take["notes"]["own_report"]["video"]["painted"] > 20
    assert "| voice later than mouth, median, ms |" in table
    assert (tmp_path / "out" / "side-by-side.png").read_bytes().startswith(b"\x89PNG")
    ET.parse(tmp_path / "out" / "side-by-side.svg")  # noqa: S314 - our own
    assert [path.name for path in tmp_path.iterdir()] == ["out"], "nothing else is left"


@pytest.mark.parametrize(
    ("harm", "code", "says"),
    [
        (lambda bench, kiosk: kiosk.kill(), 1, "the kiosk ended with -9"),
        (lambda bench, kiosk: bench.send_signal(signal.SIGINT), 130, "interrupted"),
    ],
    ids=["the kiosk dies", "Ctrl+C"],
)
def test_a_run_that_breaks_off_gives_no_figures_and_cleans_up(
    tmp_path: Path, harm: Callable[[subprocess.Popen[str], psutil.Process], None], code: int, says: str
) -> None:
    with bench(tmp_path) as process:
        kiosk = kiosk_of(process)
        everybody = family(process.pid)[1:]
        assert len(everybody) > 4, "screen, sound, media server, publisher and kiosk"
        harm(process, kiosk)
        table, words = process.communicate(timeout=LIMIT_S)
    assert process.returncode == code, words
    assert says in words
    assert "|" not in table
    _, alive = psutil.wait_procs(everybody, timeout=10)
    assert alive == []
    assert list(tmp_path.iterdir()) == [], "no file is left"
