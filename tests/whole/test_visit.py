"""A visit from the first touch to the end, as a whole process against each simulated vendor and a real media server."""

from __future__ import annotations

import signal
import time
import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.simulators.frame_code import FrameCode
from tests.simulators.likeness import likeness
from tests.simulators.speech import RATE, SpeechMaker
from tests.whole.desk import Desk, KioskRun, eventually

TROUBLE = ("Traceback", "Task was destroyed", "was never awaited", "ResourceWarning", "QThread", "CRITICAL", " ERROR ")
SIZE = ("--avatar-size", "640x480", "--frame-code")


def assert_clean(run: KioskRun) -> None:
    assert not [line for line in run.lines if any(word in line for word in TROUBLE)], run.log


def shown_number(desk: Desk, width: int, height: int) -> int | None:
    """The frame code that stands on the screen; the picture is shown 1:1 in the middle."""
    screen = desk.display.framebuffer()
    top, left = (screen.shape[0] - height) // 2, (screen.shape[1] - width) // 2
    # Green carries most of the brightness; the code is black and white.
    luma = np.ascontiguousarray(screen[top : top + height, left : left + width, 1])
    reading = FrameCode(width, height).read(luma)
    return None if reading is None else reading.number


@pytest.mark.parametrize(
    ("vendor", "more"),
    [
        ("deepbrain", ()),
        ("agenthuman", ("--speech", "stream")),
        ("agenthuman", ("--speech", "agent")),
        ("agenthuman", ("--speech", "link")),
        ("livekit", ()),
    ],
)
def test_a_visit_from_start_to_end(desk: Desk, vendor: str, more: tuple[str, ...]) -> None:
    simulator = desk.simulator(vendor, *SIZE, *more)
    run = desk.kiosk(simulator, "--kiosk", "--auto-start", "--for", "9")
    run.wait_for("first frame painted")
    eventually(lambda: simulator.status()["speaking"], "the avatar speaks")
    assert run.end() == 0, run.log
    assert_clean(run)
    report = run.report
    assert run.phases()[:3] == ["attract", "connecting", "live"]
    assert report["provider"] == vendor
    assert report["renderer"] in ("raster", "opengl")
    assert report["video"]["painted"] > 30
    assert report["first_frame_s"] > 0
    assert report["audio"]["played_s"] > 1
    assert report["errors"] == []
    assert report["exit"] == 0
    figures = report["figures"]
    assert figures["fps_shown"] > 0
    assert figures["span_s"] < 9
    assert figures["voice_buffer_ms"] > 0
    assert 0 <= figures["rtt_ms"] < 1_000
    assert figures["threads"] > 5
    assert "kiosk.figures  figures of" in run.log
    # By a link the vendor ends the session itself, once everybody has left.
    eventually(lambda: simulator.status().get("open_sessions", 0) == 0, "no session is left open")
    if more != ("--speech", "stream"):  # finished speech goes out there, no microphone
        assert report["microphone"]["sent_s"] > 1


def test_the_picture_fills_the_screen_and_moves(desk: Desk) -> None:
    """The screen has no window manager; the picture has the screen's own size, so it stands there 1:1."""
    simulator = desk.simulator("livekit", "--avatar-size", "1280x800", "--frame-code")
    run = desk.kiosk(simulator, "--kiosk", "--auto-start")
    run.wait_for("first frame painted")
    seen: set[int] = set()

    def moves() -> bool:
        number = shown_number(desk, 1280, 800)
        seen.update(() if number is None else (number,))
        return len(seen) > 5

    eventually(moves, "the frame code advances on the screen")
    assert run.end(signal.SIGTERM) == 0, run.log
    assert_clean(run)


def read_wav(path: Path) -> NDArray[np.int16]:
    with wave.open(str(path)) as file:
        assert file.getframerate() == RATE
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)


@pytest.mark.parametrize(
    ("processing", "at_least"), [(False, 0.8), (True, 0.5)], ids=["as it is", "echo and noise taken out"]
)
def test_speech_goes_out_and_its_answer_comes_back(
    desk: Desk, tmp_path: Path, processing: bool, at_least: float
) -> None:
    """The canceller takes the sound apart into bands and puts it together again, which shifts phases: even alone and
    offline its output is like its input by 0.65 to 0.85 only, although nothing of what was said is missing. Speech of
    other words is like it by less than 0.35."""
    audio = dict.fromkeys(("echo_cancellation", "noise_suppression", "gain_control"), processing)
    # Small pictures: what is measured here is sound, and the machine may be slow.
    simulator = desk.simulator("deepbrain", "--avatar-size", "320x240", "--greeting", "")
    run = desk.kiosk(simulator, "--windowed", "640x480", "--auto-start", settings={"audio": audio})
    run.wait_for("microphone published")
    run.wait_for("first frame painted")
    eventually(lambda: simulator.status()["heard_s"] > 1, "the avatar hears the microphone")
    question = SpeechMaker().render("Good morning. Where do I find the meeting room on the second floor?")
    desk.sound.start_recording("speaker.monitor")
    desk.sound.play(question.tobytes()).wait()
    eventually(lambda: simulator.status()["answers"] > 0, "the avatar answers")
    time.sleep(1.5)  # the end of the question is still on its way, and the answer to its first half may be the only one
    eventually(lambda: not simulator.status()["speaking"], "the answer is over")
    answer = desk.sound.stop_recording()
    heard = tmp_path / "heard.wav"
    simulator.command("save_heard", path=str(heard))
    assert run.end(signal.SIGTERM) == 0, run.log
    assert_clean(run)
    assert likeness(question, read_wav(heard)) >= at_least
    # The avatar answers with the utterance as it heard it, cut where the visitor paused.
    assert likeness(question[RATE // 5 : RATE], answer) >= at_least


@pytest.mark.timeout(400)
def test_twenty_visits_in_a_row_leave_nothing_behind(desk: Desk) -> None:
    simulator = desk.simulator("deepbrain", "--avatar-size", "320x240", "--greeting", "")
    for _ in range(20):
        run = desk.kiosk(simulator, "--windowed", "640x480", "--auto-start", "--for", "2.5")
        assert run.end() == 0, run.log
        assert_clean(run)
    sessions = simulator.status()["sessions"]
    assert len(sessions) == 20
    assert all(not session["open"] and session["stops"] == 1 for session in sessions)
