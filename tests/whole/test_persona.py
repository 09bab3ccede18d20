"""The kiosk's own persona as a whole process: what a newcomer sees, with no vendor and no network."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.livekit_server import REPOSITORY
from tests.simulators.speech import SpeechMaker
from tests.whole.coloured_knowledge import ColouredKnowledge
from tests.whole.desk import Desk, KioskRun, eventually

PATIENCE_S = 30.0
CHIP_EDGE = (0x5F, 0xD4, 0xC4)  # the accent of the dark theme
NEARLY = 24  # in each of red, green and blue
THROUGH_CHIPS = 120  # a column of pixels that crosses every button of a question

BESIDE_CHIPS = (slice(622, 672), slice(430, 1240))  # rows and columns of a caption of one line, on 1280x800
BESIDE_CARD = (slice(410, 490), slice(40, 800))  # of two lines, between card and line to type in

# With no device of any name PortAudio ends the process; machines have this one, whether or not there is a card.
NO_SUCH_CARD = "pcm.!default { type hw card 99 }\nctl.!default { type hw card 99 }\n"

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


def start(desk: Desk, *arguments: str, without_network: bool = False, env: Mapping[str, str] | None = None) -> KioskRun:
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
            **(env or {}),
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


@pytest.fixture
def known(desk: Desk) -> ColouredKnowledge:
    return ColouredKnowledge(desk.folder / "knowledge")


def xdotool(desk: Desk, *words: str) -> None:
    subprocess.run(["xdotool", *words], env={**os.environ, **desk.display.env()}, check=True)


def type_question(desk: Desk, text: str) -> None:
    """By real key presses: the last control but one opens the line to type in."""
    xdotool(desk, "key", "--delay", "50", "shift+Tab", "space")
    xdotool(desk, "type", "--delay", "30", text)
    xdotool(desk, "key", "Return")


def touch_question(desk: Desk, number: int) -> None:
    """The first, second, … of the questions that stand in a column at the left."""

    def edges() -> NDArray[np.intp]:
        """The rows in which the upper and lower edges of the buttons are."""
        away = np.abs(desk.display.framebuffer()[:, THROUGH_CHIPS].astype(int) - CHIP_EDGE)
        return np.flatnonzero(np.diff((away.max(axis=1) < NEARLY).astype(int), prepend=0) == 1)

    eventually(lambda: len(edges()) >= 2 * number, "questions are shown", PATIENCE_S)
    upper, lower = edges()[2 * number - 2 : 2 * number]
    xdotool(desk, "mousemove", str(THROUGH_CHIPS), str((upper + lower) // 2), "click", "1")


def ask_aloud(desk: Desk, text: str) -> None:
    desk.sound.play(SpeechMaker().render(text).tobytes()).wait()


def speaks(desk: Desk) -> bool:
    return bool(abs(desk.sound.record(0.6, "speaker.monitor")).max() > 1000)


def falls_silent(desk: Desk) -> None:
    """For longer than between two sentences."""
    eventually(lambda: not speaks(desk) and not speaks(desk), "what was being said ends", PATIENCE_S)


def answers_aloud(desk: Desk, known: ColouredKnowledge, entry: str) -> None:
    """The card of the answer comes to the screen, and something is said."""
    eventually(lambda: known.shown(desk.display.framebuffer()) == entry, f"the answer is {entry}", PATIENCE_S)
    eventually(lambda: speaks(desk), "the answer is heard", PATIENCE_S)


def shows_caption(desk: Desk, place: tuple[slice, slice]) -> bool:
    """Bright letters on a dark panel stand in this part of the screen."""
    part = desk.display.framebuffer()[place]
    return bool((part.max(axis=2) < 60).mean() > 0.6 and (part.min(axis=2) > 200).mean() > 0.01)


def ends_well(run: KioskRun) -> None:
    assert run.end(signal.SIGTERM) == 0, run.log
    assert "Traceback" not in run.log
    assert run.report["errors"] == []


def test_without_a_network_it_greets_and_answers_what_is_touched_typed_and_said(
    desk: Desk, known: ColouredKnowledge
) -> None:
    run = start(desk, "--kiosk", "--auto-start", without_network=True, env=known.env)
    run.wait_for("first frame painted")
    eventually(lambda: speaks(desk), "the greeting is heard", PATIENCE_S)
    falls_silent(desk)
    touch_question(desk, 3)  # Where are the toilets?
    answers_aloud(desk, known, "toilets")
    type_question(desk, "Where can I park?")
    answers_aloud(desk, known, "parking")
    falls_silent(desk)
    run.wait_for("listening for")
    ask_aloud(desk, "How do I find my room?")
    answers_aloud(desk, known, "rooms")
    assert "network call" not in run.log
    ends_well(run)


def test_without_any_sound_device_the_captions_carry_on(desk: Desk, known: ColouredKnowledge) -> None:
    config = desk.folder / "asound.conf"
    config.write_text(NO_SUCH_CARD)
    run = start(desk, "--kiosk", "--auto-start", env={**known.env, "ALSA_CONFIG_PATH": str(config)})
    run.wait_for("first frame painted")
    eventually(lambda: shows_caption(desk, BESIDE_CHIPS), "the greeting can be read", PATIENCE_S)
    type_question(desk, "Where can I park?")
    eventually(lambda: known.shown(desk.display.framebuffer()) == "parking", "the answer is shown", PATIENCE_S)
    eventually(lambda: shows_caption(desk, BESIDE_CARD), "the answer can be read", PATIENCE_S)
    ends_well(run)
    assert run.report["audio"]["played_s"] == 0
    assert run.report["microphone"]["sent_s"] == 0


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
