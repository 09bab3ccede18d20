"""A session that is begun before its visitor comes: the real process, its books on disk, and a simulated vendor."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from typing import Any

from tests.touch import Finger
from tests.whole.desk import Desk, KioskRun, Simulator, eventually
from tests.whole.test_visit import assert_clean

WIDTH, HEIGHT = 640, 480
BUDGET = {"budget": {"minutes_per_day": 60}}


def set_up(desk: Desk, session: Mapping[str, Any]) -> tuple[Simulator, KioskRun]:
    simulator = desk.simulator("deepbrain", "--avatar-size", f"{WIDTH}x{HEIGHT}", "--greeting", "")
    tables = {"session": {"waiting": "plain", **session}, **BUDGET}
    return simulator, desk.kiosk(simulator, "--windowed", f"{WIDTH}x{HEIGHT}", settings=tables)


def ledger(desk: Desk) -> list[Any]:
    """What may still cost money."""
    return _sessions(desk, "ledger.json")


def counted(desk: Desk) -> list[Any]:
    """What did."""
    return _sessions(desk, "usage.json")


def _sessions(desk: Desk, name: str) -> list[Any]:
    found: list[Any] = json.loads((desk.folder / "data" / "kiosk" / name).read_text(encoding="utf-8"))["sessions"]
    return found


def test_begun_while_attracting_joined_at_the_touch_and_ended_when_nobody_comes(desk: Desk) -> None:
    simulator, run = set_up(desk, {"prewarm": "attract", "welcome": False})
    run.wait_for("a session waits for a visitor")
    (waiting,) = simulator.status()["sessions"]
    assert waiting["open"]
    assert not any("room joined" in line for line in run.lines), "the room is entered at the touch"
    (entry,) = ledger(desk)
    assert entry["session_id"] == waiting["id"], "the ledger knows it"
    with Finger(desk.display) as finger:
        finger.touch(WIDTH // 2, HEIGHT // 2)
        run.wait_for("a session was ready")
        run.wait_for("first frame painted")
        assert [session["id"] for session in simulator.status()["sessions"]] == [waiting["id"]], (
            "no other was asked for"
        )
        finger.key("Escape")
    # After the visit the next one waits; then the kiosk is ended, and nobody came.
    eventually(lambda: sum("waits for a visitor" in line for line in run.lines) == 2, "the next session waits")
    first, second = simulator.status()["sessions"]
    assert (first["open"], second["open"]) == (False, True)
    assert run.end(signal.SIGTERM) == 0, run.log
    assert_clean(run)
    assert [(session["open"], session["stops"]) for session in simulator.status()["sessions"]] == [(False, 1)] * 2
    assert ledger(desk) == []
    assert [one["ended"] for one in counted(desk)] == [True, True], "both cost money"


def test_begun_at_the_welcome_screen_and_ended_when_the_visitor_leaves(desk: Desk) -> None:
    simulator, run = set_up(desk, {"prewarm": "welcome", "welcome": True})
    run.wait_for("kiosk ready")
    assert simulator.status()["sessions"] == []
    with Finger(desk.display) as finger:
        finger.touch(WIDTH // 2, HEIGHT // 2)
        run.wait_for("a session waits for a visitor")
        finger.key("Escape")
        eventually(lambda: simulator.status()["open_sessions"] == 0, "it is ended")
    run.wait_for("Session ended")
    assert run.end(signal.SIGTERM) == 0, run.log
    assert_clean(run)
    assert [session["stops"] for session in simulator.status()["sessions"]] == [1]
    assert (ledger(desk), len(counted(desk))) == ([], 1)
