"""A visit over an ingest session as a whole process: a voice from afar, the persona's face, the visitor's voice out."""

from __future__ import annotations

import itertools
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.simulators.likeness import likeness
from tests.simulators.speech import SpeechMaker
from tests.simulators.videosdk_ingest_vendor import IngestVendor
from tests.whole.desk import Desk, KioskRun, Simulator, eventually
from tests.whole.test_visit import assert_clean, read_wav

VENDOR = IngestVendor.NAME
SENTENCE = "Good morning! Please take a seat, over there."
SIZE = ("--windowed", "640x480", "--auto-start")  # small: what is measured here is sound, and the machine may be slow


def pictures(desk: Desk, while_: Callable[[], bool]) -> list[NDArray[np.int16]]:
    """The screen, again and again as long as `while_` holds."""
    seen = []
    while while_():
        seen.append(desk.display.framebuffer()[:480, :640].mean(axis=2).astype(np.int16))
        time.sleep(0.05)
    return seen


def motion(pictures: list[NDArray[np.int16]]) -> NDArray[np.float64]:
    """How much each point of the screen changes from picture to picture."""
    return np.mean([np.abs(b - a) for a, b in itertools.pairwise(pictures)], axis=0)


def assert_private(run: KioskRun, simulator: Simulator) -> None:
    everything = run.log + (run.report_path.read_text() if run.report_path.exists() else "")
    assert not [secret for secret in simulator.env.values() if secret in everything]
    assert "vs_" not in everything, "the address is the key to the session"
    assert "eyJ" not in everything


def test_a_voice_from_afar_has_a_face_and_hears_the_visitor(desk: Desk, tmp_path: Path) -> None:
    simulator = desk.simulator(VENDOR, "--greeting", "")
    # Speech goes out as it is: what the canceller does to it is measured elsewhere.
    audio = dict.fromkeys(("echo_cancellation", "noise_suppression", "gain_control"), False)
    run = desk.kiosk(simulator, *SIZE, settings={"audio": audio})
    run.wait_for("first frame painted")
    eventually(lambda: simulator.status()["heard_s"] > 1, "the agent hears the microphone")
    speech = SpeechMaker()

    desk.sound.start_recording("speaker.monitor")
    simulator.command("talk", text=SENTENCE)
    eventually(lambda: simulator.status()["speaking"], "the agent speaks")
    talking = pictures(desk, lambda: bool(simulator.status()["speaking"]))
    time.sleep(1.0)  # what is still on its way to the loudspeaker
    heard = desk.sound.stop_recording()
    until = time.monotonic() + 2
    quiet = pictures(desk, lambda: time.monotonic() < until)
    # 8 kHz carries the words but not the hisses.
    assert likeness(speech.render(SENTENCE), heard) > 0.7
    assert len(talking) > 10
    moved, rested = motion(talking), motion(quiet)
    # The mouth is where most moves while it speaks; it rests afterwards, and only eyes and breath go on.
    mouth = moved > np.quantile(moved, 0.999)
    assert moved[mouth].mean() > 3 * max(rested[mouth].mean(), 0.5), (moved[mouth].mean(), rested[mouth].mean())

    question = speech.render("Where do I find the meeting room on the second floor?")
    answers = simulator.status()["answers"]
    desk.sound.play(question.tobytes()).wait()
    eventually(lambda: simulator.status()["answers"] > answers, "the agent answers")
    out = tmp_path / "heard.wav"
    simulator.command("save_heard", path=str(out))
    assert likeness(question, read_wav(out)) > 0.7
    status = simulator.status()
    assert status["media_sizes"] == [320], "20 ms of 16 bits at 8 kHz"
    assert status["faults"] == []
    assert [session["faults"] for session in status["sessions"]] == [[]]

    assert run.end(signal.SIGTERM) == 0, run.log
    assert_clean(run)
    assert_private(run, simulator)
    report = run.report
    assert report["provider"] == VENDOR
    assert run.phases()[:3] == ["attract", "connecting", "live"]
    assert report["video"]["painted"] > 30
    assert report["audio"]["played_s"] > 2
    assert report["microphone"]["sent_s"] > 1
    assert report["errors"] == []
    eventually(lambda: simulator.status()["open_sessions"] == 0, "the session is left")
    assert [session["stops"] for session in simulator.status()["sessions"]] == [1]


def test_a_bad_day_is_a_calm_screen(desk: Desk) -> None:
    """A flood, a break, an agent that leaves and comes no more: new sessions, then the persona; never a crash."""
    simulator = desk.simulator(VENDOR, "--greeting", "")
    run = desk.kiosk(simulator, *SIZE, settings={"providers": {VENDOR: {"agent_wait_s": 3.0}}})
    run.wait_for("first frame painted")
    simulator.command("flood", per_s=100, seconds=2)
    run.wait_for("floods messages")
    simulator.command("break")
    run.wait_for("broke off")
    eventually(lambda: run.log.count("room joined") == 2, "a new session", 30)
    assert simulator.status()["created"] == 2
    time.sleep(1.0)
    held = desk.display.framebuffer().std()
    simulator.command("switch", name="agent_comes", value=False)
    simulator.command("agent_leave")
    run.wait_for("nobody is left in the room")
    assert desk.display.framebuffer().std() > held * 0.3, "the picture is held"
    run.wait_for("did not come into the room")
    eventually(lambda: "persona ready" in run.log or "fallback" in run.log, "the persona takes over", 30)
    time.sleep(1.0)
    assert run.process.poll() is None
    run.end(signal.SIGTERM)
    assert "Traceback" not in run.log
    assert_private(run, simulator)
    assert run.phases()[-3:] == ["fallback", "goodbye", "attract"] or "fallback" in run.phases()
    assert any("agent_123" in error["message"] for error in run.report["errors"])
    assert simulator.status()["open_sessions"] == 0
