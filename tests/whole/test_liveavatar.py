"""A visit with LiveAvatar as a whole process: picture, voice, microphone, signs of life, and a vendor that hangs up."""

from __future__ import annotations

import signal

from tests.whole.desk import Desk, eventually
from tests.whole.test_visit import assert_clean

SIZE = ("--windowed", "640x480", "--auto-start")


def test_a_visit_until_the_vendor_hangs_up(desk: Desk) -> None:
    simulator = desk.simulator("liveavatar", "--avatar-size", "320x240")
    table = {"providers": {"liveavatar": {"keep_alive_s": 0.5}}}
    run = desk.kiosk(simulator, *SIZE, settings=table)
    run.wait_for("first frame painted")
    eventually(lambda: simulator.status()["speaking"], "the avatar opens", 60)
    eventually(lambda: simulator.count("keep-alive") > 1, "signs of life", 60)
    eventually(lambda: simulator.status()["heard_s"] > 1, "the avatar hears the microphone", 60)
    simulator.command("announce", reason="AGENT_HANG_UP")
    eventually(lambda: simulator.status()["open_sessions"] == 0, "the session is stopped", 60)
    assert run.end(signal.SIGTERM) == 0, run.log
    assert_clean(run)
    report = run.report
    assert run.phases()[:4] == ["attract", "connecting", "live", "goodbye"]
    assert report["provider"] == "liveavatar"
    assert report["video"]["painted"] > 3
    assert report["audio"]["played_s"] > 0
    assert report["messages"] == 0, "every message of the vendor's is understood"
    assert report["errors"] == []
    (session,) = simulator.status()["sessions"]
    assert (session["stops"], session["end_reason"]) == (1, "USER_CLOSED")
    everything = run.log + run.report_path.read_text(encoding="utf-8")
    assert not [secret for secret in simulator.env.values() if secret in everything]
    assert "eyJ" not in everything
