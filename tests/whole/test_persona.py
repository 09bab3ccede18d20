"""The kiosk's own persona as a whole process: what a newcomer sees, with no vendor and no network."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from tests.livekit_server import REPOSITORY
from tests.simulators.speech import SpeechMaker
from tests.whole.desk import Desk, KioskRun, eventually

NO_NETWORK = """
import socket
class Refused(socket.socket):
    def connect(self, address):
        if self.family != socket.AF_UNIX:
            raise AssertionError(f"a network call to {address}")
        return super().connect(address)
socket.socket = Refused
import runpy, sys
sys.argv = ["kiosk", *sys.argv[1:]]
runpy.run_module("kiosk", run_name="__main__")
"""


def start(desk: Desk, *arguments: str, without_network: bool = False) -> KioskRun:
    """`kiosk run` with default settings, in an empty home."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("KIOSK_", "XDG_"))}
    report = desk.folder / "report.json"
    program = ["-c", NO_NETWORK] if without_network else ["-m", "kiosk"]
    process = subprocess.Popen(
        [sys.executable, "-X", "faulthandler", *program, "run", "--report", str(report), *arguments],
        env={
            **clean,
            **desk.display.env(),
            "QT_QPA_PLATFORM": "xcb",
            "NO_AT_BRIDGE": "1",
            **desk.sound.env(),
            "HOME": str(desk.folder),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        },
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )
    return desk.adopt(KioskRun(process, report))


def test_it_greets_without_any_network_call(desk: Desk) -> None:
    desk.sound.start_recording("speaker.monitor")
    run = start(desk, "--kiosk", "--auto-start", "--for", "7", without_network=True)
    run.wait_for("first frame painted")
    assert run.end() == 0, run.log
    heard = desk.sound.stop_recording()
    assert "Traceback" not in run.log
    assert "network call" not in run.log
    report = run.report
    assert report["provider"] == "local"
    assert report["video"]["painted"] > 60
    assert report["errors"] == []
    assert abs(heard).max() > 3000, "the greeting is heard"


def keys(desk: Desk, *names: str) -> None:
    """Presses keys on the kiosk's screen."""
    subprocess.run(["xdotool", "key", *names], env={**os.environ, **desk.display.env()}, check=True)


def speaks(desk: Desk) -> bool:
    return bool(abs(desk.sound.record(0.6, "speaker.monitor")).max() > 1000)


def test_a_question_on_a_chip_and_a_typed_one_are_answered_aloud(desk: Desk) -> None:
    run = start(desk, "--kiosk", "--auto-start")
    run.wait_for("first frame painted")
    eventually(lambda: speaks(desk), "the greeting is heard")
    eventually(lambda: not speaks(desk), "the greeting ends", 30)
    # The first chip is the first control.
    keys(desk, "Tab", "space")
    eventually(lambda: speaks(desk), "the chip is answered")
    eventually(lambda: not speaks(desk), "the answer ends", 30)
    picture = desk.display.framebuffer()
    assert picture.std() > 10
    assert run.end(signal.SIGTERM) == 0, run.log
    assert "Traceback" not in run.log


def test_a_second_kiosk_is_refused_and_a_crashed_one_is_not_in_the_way(desk: Desk) -> None:
    first = start(desk, "--windowed", "640x480")
    first.wait_for("kiosk ready")
    second = start(desk, "--windowed", "640x480")
    assert second.end() == 2, second.log
    assert "another kiosk runs here" in second.log
    first.end(signal.SIGKILL)
    third = start(desk, "--windowed", "640x480")
    third.wait_for("kiosk ready")
    assert third.end(signal.SIGTERM) == 0, third.log


def test_a_spoken_question_is_answered_aloud(desk: Desk) -> None:
    run = start(desk, "--kiosk", "--auto-start", "--log-level", "debug")
    run.wait_for("first frame painted")
    eventually(lambda: speaks(desk), "the greeting is heard")
    eventually(lambda: not speaks(desk), "the greeting ends", 30)
    desk.sound.play(SpeechMaker().render("Where are the toilets?").tobytes()).wait()
    eventually(lambda: speaks(desk), "the question is answered", 30)
    assert run.end(signal.SIGTERM) == 0, run.log
    assert "Traceback" not in run.log
