"""What a desk goes through: servers die, programs are killed, keys are wrong, devices are missing."""

from __future__ import annotations

import json
import signal
import time
from typing import Any

import pytest

from tests.whole.desk import Desk, KioskRun, Simulator, eventually

SMALL = ("--avatar-size", "320x240", "--greeting", "")


def assert_private(run: KioskRun, simulator: Simulator) -> None:
    """No traceback on the screen, no secret in log or report."""
    everything = run.log + (run.report_path.read_text() if run.report_path.exists() else "")
    assert "Traceback" not in everything
    assert not [secret for secret in simulator.env.values() if secret in everything]
    assert "eyJ" not in everything


def ended_once(simulator: Simulator) -> bool:
    sessions = simulator.status()["sessions"]
    return bool(sessions) and all(not session["open"] and session["stops"] == 1 for session in sessions)


def test_the_media_server_dies_and_comes_back_in_mid_visit(desk: Desk) -> None:
    simulator = desk.simulator("deepbrain", *SMALL)
    run = desk.kiosk(simulator, "--kiosk", "--auto-start")
    run.wait_for("first frame painted")
    simulator.command("kill_server")
    held = desk.display.framebuffer().std()
    time.sleep(3)
    assert desk.display.framebuffer().std() > held * 0.3, "the picture is held, not blanked"
    simulator.command("start_server")
    healed = ("room reconnected", "persona ready")
    eventually(
        lambda: run.log.count("room joined") >= 2 or any(word in run.log for word in healed),
        "the library or the controller brings the visit back, or the fallback carries it on",
        60,
    )
    time.sleep(2)
    assert run.process.poll() is None
    run.end(signal.SIGTERM)
    assert_private(run, simulator)
    assert ended_once(simulator), simulator.status()["sessions"]


def test_the_media_server_dies_and_stays_dead(desk: Desk) -> None:
    simulator = desk.simulator("deepbrain", *SMALL)
    run = desk.kiosk(simulator, "--kiosk", "--auto-start")
    run.wait_for("first frame painted")
    simulator.command("kill_server")
    run.wait_for("persona ready")
    time.sleep(2)
    run.end(signal.SIGTERM)
    assert_private(run, simulator)
    phases = run.phases()
    assert phases.index("recovering") < phases.index("fallback"), phases
    assert ended_once(simulator), simulator.status()["sessions"]


def test_a_killed_kiosk_leaves_an_orphan_that_the_next_start_ends(desk: Desk) -> None:
    simulator = desk.simulator("deepbrain", *SMALL)
    first = desk.kiosk(simulator, "--windowed", "640x480", "--auto-start")
    first.wait_for("first frame painted")
    assert first.end(signal.SIGKILL) == -signal.SIGKILL
    assert simulator.status()["open_sessions"] == 1
    second = desk.kiosk(simulator, "--windowed", "640x480")
    eventually(lambda: simulator.status()["open_sessions"] == 0, "the orphan is ended")
    assert second.end(signal.SIGTERM) == 0, second.log
    assert ended_once(simulator)
    assert_private(second, simulator)


def test_the_operator_ends_by_hand_what_a_killed_kiosk_left_open(desk: Desk) -> None:
    simulator = desk.simulator("deepbrain", *SMALL)
    run = desk.kiosk(simulator, "--windowed", "640x480", "--auto-start")
    run.wait_for("first frame painted")
    refused = desk.command(simulator, "sessions", "end")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "a kiosk is running" in refused.stderr
    assert run.end(signal.SIGKILL) == -signal.SIGKILL
    (listed,) = json.loads(desk.command(simulator, "sessions", "--json").stdout)["open"]
    assert listed["session"] == simulator.status()["sessions"][0]["id"]
    ended = desk.command(simulator, "sessions", "end")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended_once(simulator)
    told = json.loads(desk.command(simulator, "sessions", "--json").stdout)
    assert (told["open"], told["today"]["visits"]) == ([], 1)
    assert told["today"]["minutes"] >= 1


@pytest.mark.parametrize(
    ("env", "settings", "says"),
    [
        ({"KIOSK_DEEPBRAIN_USER_KEY": "wrong-key-000"}, {}, "KIOSK_DEEPBRAIN_USER_KEY"),
        ({}, {"providers": {"deepbrain": {"app_id": "studiov3.nobody@example.com"}}}, "app_id"),
        ({}, {"providers": {"deepbrain": {"base_url": "https://nonexistent.invalid"}}}, "nonexistent.invalid"),
        ({}, {"providers": {"deepbrain": {"base_url": "http://127.0.0.1:9"}}}, "127.0.0.1"),
    ],
    ids=["wrong key", "wrong app", "no such name", "nobody there"],
)
def test_a_wrong_setting_is_told_to_the_operator_alone(
    desk: Desk, env: dict[str, str], settings: dict[str, Any], says: str
) -> None:
    simulator = desk.simulator("deepbrain", *SMALL)
    run = desk.kiosk(simulator, "--kiosk", "--auto-start", "--for", "4", env=env, settings=settings)
    run.wait_for("phase")
    assert run.end() == 1, run.log
    report = run.report
    assert report["errors"], run.log
    assert any(says in error["message"] for error in report["errors"]), report["errors"]
    assert_private(run, simulator)
    assert "wrong-key-000" not in run.log
    assert simulator.status()["open_sessions"] == 0


def test_a_missing_secret_ends_with_one_line(desk: Desk) -> None:
    simulator = desk.simulator("deepbrain", *SMALL)
    run = desk.kiosk(simulator, env={"KIOSK_DEEPBRAIN_USER_KEY": ""})
    assert run.end() == 2, run.log
    assert "KIOSK_DEEPBRAIN_USER_KEY" in run.log
    assert "Traceback" not in run.log


@pytest.mark.parametrize(
    ("endpoint", "fault"),
    [
        ("start", {"status": 500, "body": {"code": 5000, "data": None, "message": "internal"}}),
        ("start", {"status": 200, "body": {"code": 1000, "data": {"session_id": "s-1"}, "message": "ok"}}),
        ("start", {"status": 502, "body": "<html>bad gateway</html>"}),
        ("token", {"status": 200, "body": '{"code": 1000, "data": {'}),
    ],
    ids=["500", "no livekit block", "502 of a proxy", "malformed"],
)
def test_a_vendor_that_answers_nonsense_harms_nobody(desk: Desk, endpoint: str, fault: dict[str, Any]) -> None:
    simulator = desk.simulator("deepbrain", *SMALL)
    body = fault["body"] if isinstance(fault["body"], str) else json.dumps(fault["body"])
    simulator.command("fail", endpoint=endpoint, times=50, status=fault["status"], body=body)
    run = desk.kiosk(simulator, "--kiosk", "--auto-start", "--for", "4")
    run.end()
    assert_private(run, simulator)
    assert simulator.status()["open_sessions"] == 0
    assert run.report["exit"] == 1


@pytest.mark.parametrize("missing", ["microphone", "speaker"])
def test_a_missing_device_costs_no_visit(desk: Desk, missing: str) -> None:
    desk.sound.remove_sink(missing)
    simulator = desk.simulator("deepbrain", *SMALL)
    run = desk.kiosk(simulator, "--kiosk", "--auto-start", "--for", "6")
    run.wait_for("first frame painted")
    assert run.end() == 0, run.log
    assert run.report["video"]["painted"] > 30
    assert_private(run, simulator)


def test_a_speaker_unplugged_in_mid_visit_comes_back(desk: Desk) -> None:
    simulator = desk.simulator("deepbrain", "--avatar-size", "320x240", "--respond", "talk")
    run = desk.kiosk(simulator, "--kiosk", "--auto-start")
    run.wait_for("first frame painted")
    desk.sound.remove_sink("speaker")
    run.wait_for("the loudspeaker is gone")
    desk.sound.add_sink("speaker")
    eventually(lambda: run.log.count("loudspeaker open") >= 2, "the loudspeaker is opened again", 30)
    assert run.end(signal.SIGTERM) == 0, run.log
    assert_private(run, simulator)
