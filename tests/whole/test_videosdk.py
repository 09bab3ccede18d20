"""A visit with an agent in a VideoSDK room as a whole process: its picture, its voice, the visitor's voice, the end."""

from __future__ import annotations

import signal
import time

from tests.simulators.frame_code import FrameCode
from tests.simulators.likeness import likeness
from tests.simulators.speech import RATE, SpeechMaker
from tests.whole.desk import Desk, eventually
from tests.whole.test_visit import assert_clean

SENTENCE = "Good morning! Please take a seat, over there."
WIDTH, HEIGHT = 640, 480
# Few pictures: room server and agent encode and decode in Python, beside the kiosk on the same processors.
AGENT = ("--avatar-size", f"{WIDTH}x{HEIGHT}", "--fps", "10", "--frame-code", "--respond", "silent", "--greeting", "")
WITHIN_S = 30.0


def shown_number(desk: Desk) -> int | None:
    """The frame code in the window, which has the picture's size and stands in the screen's corner."""
    reading = FrameCode(WIDTH, HEIGHT).read(desk.display.framebuffer()[:HEIGHT, :WIDTH, 1].copy())
    return None if reading is None else reading.number


def test_an_agent_is_seen_and_heard_and_hears_the_visitor(desk: Desk) -> None:
    simulator = desk.simulator("videosdk-agent", *AGENT)
    # Speech goes out as it is: what the canceller does to it is measured elsewhere.
    audio = dict.fromkeys(("echo_cancellation", "noise_suppression", "gain_control"), False)
    run = desk.kiosk(simulator, "--windowed", f"{WIDTH}x{HEIGHT}", "--auto-start", settings={"audio": audio})
    run.wait_for("first frame painted")
    seen: set[int | None] = set()

    def moves() -> bool:
        seen.add(shown_number(desk))
        return len(seen - {None}) > 5

    eventually(moves, "the frame code advances on the screen", WITHIN_S)

    speech = SpeechMaker()
    desk.sound.start_recording("speaker.monitor")
    simulator.command("talk", text=SENTENCE)
    eventually(lambda: simulator.status()["speaking"], "the agent speaks", WITHIN_S)
    eventually(lambda: not simulator.status()["speaking"], "the agent has spoken", WITHIN_S)
    time.sleep(1.0)  # what is still on its way to the loudspeaker
    heard = desk.sound.stop_recording()
    sentence = speech.render(SENTENCE)
    # By the second: where a busy machine leaves out a moment, what follows is shifted.
    seconds = [sentence[start : start + RATE] for start in range(0, len(sentence) - RATE, RATE)]
    assert max(likeness(second, heard) for second in seconds) > 0.7, "other words reach 0.5"

    eventually(lambda: simulator.status()["heard_s"] > 0, "the microphone reaches the agent", WITHIN_S)
    before = simulator.status()["heard_loud_s"]
    desk.sound.play(speech.render("Where do I find the meeting room on the second floor?").tobytes()).wait()
    eventually(lambda: simulator.status()["heard_loud_s"] > before + 1, "the agent hears the visitor", WITHIN_S)

    assert run.end(signal.SIGTERM) == 0, run.log
    assert_clean(run)
    report = run.report
    assert report["provider"] == "videosdk-agent"
    assert run.phases()[:3] == ["attract", "connecting", "live"]
    assert report["video"]["painted"] > 5
    assert report["audio"]["played_s"] > 1
    assert report["microphone"]["sent_s"] > 1
    assert report["errors"] == []
    status = simulator.status()
    assert [session["stops"] for session in status["sessions"]] == [1]
    assert (status["open_sessions"], status["faults"]) == (0, [])
    everything = run.log + run.report_path.read_text(encoding="utf-8")
    keys = [value for name, value in simulator.env.items() if name.startswith("KIOSK_")]
    assert not [secret for secret in (*keys, "eyJ") if secret in everything]
