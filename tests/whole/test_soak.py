"""The machinery of `make soak`: two visits of a soak of hours, and what is said of them; not how good they are."""

from __future__ import annotations

import json

import pytest

from tests.benchmarks.soak import ROWS, soak, summary, table, turn_line
from tests.benchmarks.soak_kiosk import Plan, Turn
from tests.whole.desk import Desk


@pytest.mark.timeout(300)
def test_two_visits_of_a_soak(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    result = desk.folder / "soak.json"
    plan = Plan(turn_s=21.0, stay_s=11.0, watch_s=4.0, look_s=1.0, question="Good morning.")
    # Nearly a turn more: on a busy machine the first takes longer, and the second is to begin all the same.
    assert soak(desk, 3 * plan.turn_s - 1.0, plan, result) == 0, capsys.readouterr().out
    printed = capsys.readouterr().out
    assert printed.count(" min  visit ") == 2
    assert "visits that failed: 0; growing: nothing; exit of the kiosk: 0" in printed
    for _, words, _ in ROWS:
        assert words in printed
    found = json.loads(result.read_text())
    assert [turn["failed"] for turn in found["turns"]] == ["", ""]
    assert {look["phase"] for look in found["looks"]} >= {"attract", "live"}
    for turn in found["turns"]:
        assert turn["offsets_ms"], "a flash was seen and its beep heard"
        assert turn["own"]["fps_shown"] > 0
        assert turn["live_cpu"] > 0
        assert turn["attract_cpu"] is not None
        assert turn["floor"]["pss_mb"] > 50
        assert turn["floor"]["threads"] > 5
        assert turn["floor"]["uss_mb"] <= turn["floor"]["pss_mb"] <= turn["floor"]["rss_mb"]


def test_what_is_missing_is_a_dash_and_what_failed_is_said() -> None:
    turns = [Turn(1, 0.0, failed="not in time: the avatar is there"), Turn(2, 60.0)]
    assert "FAILED: not in time" in turn_line(turns[0])
    assert "–" in table(summary(turns, 120.0))
    assert table(summary([], 0.0)).count("\n") == len(ROWS)
