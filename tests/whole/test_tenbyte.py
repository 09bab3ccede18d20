"""A visit before a stage as a whole process: as host, with the kiosk's own persona on it by WHIP."""

from __future__ import annotations

import signal

from tests.whole.desk import Desk, eventually
from tests.whole.test_visit import assert_clean

SMALL = ("--avatar-size", "320x240", "--respond", "silent", "--greeting", "")


def test_a_host_whose_persona_is_on_the_stage(desk: Desk) -> None:
    simulator = desk.simulator("tenbyte", *SMALL, "--role", "host", "--persona", "whip")
    run = desk.kiosk(
        simulator, "--windowed", "640x480", "--auto-start", settings={"providers": {"tenbyte": {"persona_height": 180}}}
    )
    run.wait_for("first frame painted")
    run.wait_for("the persona is on the stage, by WHIP; what was taken: the address alone")
    eventually(lambda: simulator.status()["heard_loud_s"] > 1, "the guest on the stage hears the persona", 60)
    assert simulator.status()["open_sessions"] == 1
    assert run.end(signal.SIGTERM) == 0, run.log
    assert_clean(run)
    status = simulator.status()
    assert [session["stops"] for session in status["sessions"]] == [1]
    assert (status["open_sessions"], status["whip_ends"]) == (0, [200])
    assert run.report["errors"] == []
    assert run.report["video"]["painted"] > 10
    everything = run.log + run.report_path.read_text(encoding="utf-8")
    assert not [secret for secret in simulator.env.values() if secret in everything]
    assert not [word for word in ("eyJ", "/w/", "sk_") if word in everything], "no key of the WHIP address"


def test_a_viewer_before_an_empty_stage_waits_calmly(desk: Desk) -> None:
    simulator = desk.simulator("tenbyte", *SMALL)
    simulator.command("avatar_leave")
    run = desk.kiosk(simulator, "--windowed", "640x480", "--auto-start")
    run.wait_for("nobody is on the stage")
    simulator.command("avatar_join")
    run.wait_for("first frame painted")
    assert run.end(signal.SIGTERM) == 0, run.log
    assert_clean(run)
    assert run.phases()[:3] == ["attract", "connecting", "live"]
    assert run.report["errors"] == []
    assert simulator.count("/end") == 0, "a viewer ends nothing"
