"""Playout, capture and echo canceller against real sound devices: what is asserted is what the devices heard.

PortAudio reads its environment once, so it runs in a child process (tests/sound_driver.py).
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from tests.simulators.likeness import likeness
from tests.sound import SoundServer

RATE = 48_000
Sound = NDArray[np.int16]

GREETING = "Good morning and welcome. The meeting room is on the second floor."
QUESTION = "Excuse me, where can I park my bicycle?"


class Kiosk:
    """The kiosk's devices in a process of their own."""

    def __init__(self, server: SoundServer, folder: Path, environment: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.log = (folder / "driver.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.sound_driver"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            env={**os.environ, **server.env(), **(environment or {})},
            cwd=Path(__file__).parents[2],
        )

    def do(self, *words: Any) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(words).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, (self.folder / "driver.log").read_text()
        return json.loads(line)

    def say(self, sound: Sound) -> None:
        path = self.folder / "say.raw"
        path.write_bytes(sound.tobytes())
        self.do("say", str(path))

    def recorded(self) -> Sound:
        path = self.folder / "heard.raw"
        self.do("recorded", str(path))
        return np.frombuffer(path.read_bytes(), np.int16)

    def end(self) -> None:
        """The child must end by itself and without a complaint about a task or a thread."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        try:
            code = self.process.wait(20)
        finally:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self.log.close()
        words = (self.folder / "driver.log").read_text()
        assert code == 0, words
        assert "Traceback" not in words, words
        assert "never" not in words, words


@pytest.fixture(scope="module")
def server() -> Iterator[SoundServer]:
    """A server of our own: these tests unplug its devices."""
    with SoundServer() as server:
        yield server


@pytest.fixture
def start(server: SoundServer, tmp_path: Path) -> Iterator[Callable[..., Kiosk]]:
    started: list[Kiosk] = []

    def start(**environment: str) -> Kiosk:
        kiosk = Kiosk(server, tmp_path, environment)
        started.append(kiosk)
        return kiosk

    yield start
    for kiosk in started:
        kiosk.end()


def speech(text: str, voice: str, peak: int = 12_000) -> Sound:
    spoken = subprocess.run(["espeak-ng", "-v", voice, "--stdout", text], capture_output=True, check=True).stdout
    with wave.open(io.BytesIO(spoken)) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        at_48k = soxr.resample(sound.astype(np.float32), file.getframerate(), RATE)
    loud: Sound = np.round(at_48k * (peak / np.abs(at_48k).max())).astype(np.int16)
    return loud


@pytest.fixture(scope="module")
def avatar() -> Sound:
    return speech(GREETING, "en")


@pytest.fixture(scope="module")
def visitor() -> Sound:
    return speech(QUESTION, "en+f3")


def resemblance(original: Sound, heard: Sound) -> float:
    """Median over pieces of 0.2 s: two clocks that drift apart move later words, and that is no fault of the sound."""
    size = RATE // 5
    pieces = [original[at : at + size] for at in range(0, len(original) - size, size)]
    loud = [piece for piece in pieces if np.abs(piece).max() > 2_000]
    return float(np.median([likeness(piece, heard) for piece in loud]))


def power_db(sound: Sound) -> float:
    return float(10 * np.log10(np.mean(sound.astype(np.float64) ** 2) + 1e-9))


def test_the_loudspeaker_plays_the_voice(server: SoundServer, start: Callable[..., Kiosk], avatar: Sound) -> None:
    kiosk = start()
    state = kiosk.do("open")
    assert (state["speaker"], state["microphone"], state["notice"]) == (True, True, "")
    server.start_recording("speaker.monitor")
    kiosk.say(avatar)
    time.sleep(len(avatar) / RATE + 0.5)
    heard = server.stop_recording()
    assert resemblance(avatar, heard) > 0.9
    assert power_db(heard) == pytest.approx(power_db(avatar), abs=3)
    figures = kiosk.do("figures")
    assert figures["played_s"] > len(avatar) / RATE
    assert 0.02 < figures["latency_s"] < 0.3
    assert 0 < figures["device_latency_s"] < figures["latency_s"]
    assert kiosk.do("close") == {"threads": ["stdin"]}


def test_the_microphone_hears_the_visitor(server: SoundServer, start: Callable[..., Kiosk], visitor: Sound) -> None:
    kiosk = start()
    kiosk.do("open")
    kiosk.do("record")
    assert server.play(visitor.tobytes()).wait(15) == 0
    time.sleep(0.3)
    heard = kiosk.recorded()
    assert resemblance(visitor, heard) > 0.9
    assert power_db(heard[np.abs(heard) > 0]) > power_db(visitor) - 6
    assert kiosk.do("figures")["sent_s"] >= len(heard) / RATE
    kiosk.do("mute", True)
    kiosk.do("record")
    assert server.play(visitor[:RATE].tobytes()).wait(15) == 0
    silence = kiosk.recorded()
    assert len(silence) > RATE // 2  # the track lives on
    assert not silence[RATE // 10 :].any()
    assert kiosk.do("close") == {"threads": ["stdin"]}


def test_the_avatars_own_voice_is_taken_out_and_the_visitors_passes(
    server: SoundServer, start: Callable[..., Kiosk], avatar: Sound, visitor: Sound
) -> None:
    kiosk = start()
    kiosk.do("open", True)
    server.mix_speaker_into_microphone(0.5)
    try:
        kiosk.say(np.concatenate([avatar, avatar]))
        time.sleep(len(avatar) / RATE)  # the canceller learns meanwhile
        kiosk.do("record")
        server.start_recording("microphone_source")
        time.sleep(len(avatar) / RATE - 0.5)
        echo, left = server.stop_recording(), kiosk.recorded()
        assert power_db(echo) > power_db(avatar) - 12  # there was an echo at all
        assert power_db(echo) - power_db(left) > 25
        time.sleep(1.5)  # the avatar has finished
        kiosk.do("record")
        assert server.play(visitor.tobytes()).wait(15) == 0
        time.sleep(0.3)
        heard = kiosk.recorded()
        assert resemblance(visitor, heard) > 0.7
        assert power_db(heard) > power_db(visitor) - 6
    finally:
        server.separate()
    assert kiosk.do("close") == {"threads": ["stdin"]}


def test_a_loudspeaker_that_is_unplugged_comes_back(
    server: SoundServer, start: Callable[..., Kiosk], avatar: Sound, visitor: Sound
) -> None:
    kiosk = start()
    kiosk.do("open")
    server.remove_sink("speaker")
    try:
        state = kiosk.do("state", True, False, 10)
        assert (state["speaker"], state["microphone"], state["notice"]) == (False, True, "no_speaker")
        assert "loudspeaker" in state["problems"]["speaker"]
    finally:
        server.add_sink("speaker")
    state = kiosk.do("state", True, True, 20)
    assert (state["speaker"], state["microphone"], state["notice"]) == (True, True, "")
    assert state["problems"] == {}
    server.start_recording("speaker.monitor")
    kiosk.say(avatar[: 2 * RATE])
    time.sleep(2.5)
    assert resemblance(avatar[: 2 * RATE], server.stop_recording()) > 0.8
    kiosk.do("record")
    assert server.play(visitor.tobytes()).wait(15) == 0
    assert resemblance(visitor, kiosk.recorded()) > 0.8
    assert kiosk.do("close") == {"threads": ["stdin"]}


def test_missing_devices_are_a_state_and_come_when_they_are_plugged_in(
    server: SoundServer, start: Callable[..., Kiosk], visitor: Sound
) -> None:
    server.remove_sink("speaker")
    server.remove_sink("microphone")
    try:
        kiosk = start()
        state = kiosk.do("open")
        assert (state["speaker"], state["microphone"], state["notice"]) == (False, False, "no_sound")
        assert "cannot be" in state["problems"]["microphone"]
        assert "loudspeaker" in state["problems"]["speaker"]
        assert kiosk.do("figures")["played_s"] == 0
        server.add_sink("speaker")
        state = kiosk.do("state", False, True, 20)
        assert (state["speaker"], state["notice"]) == (True, "no_microphone")
    finally:
        for name in ("speaker", "microphone"):
            if not server.has_sink(name):
                server.add_sink(name)
    state = kiosk.do("state", True, True, 30)
    assert (state["speaker"], state["microphone"], state["notice"]) == (True, True, "")
    kiosk.do("record")
    assert server.play(visitor.tobytes()).wait(15) == 0
    assert resemblance(visitor, kiosk.recorded()) > 0.8
    assert kiosk.do("close") == {"threads": ["stdin"]}


def test_devices_are_chosen_by_name_and_open_and_close_many_times(start: Callable[..., Kiosk]) -> None:
    kiosk = start()
    assert kiosk.do("choose", "speaker", "")["label"] == "default, ALSA"
    assert kiosk.do("choose", "speaker", "SPEAK")["label"] == "speaker, ALSA"
    missing = kiosk.do("choose", "microphone", "Jabra")
    assert missing["screen"] == "no_microphone"
    assert missing["error"].startswith('audio.microphone = "Jabra" is no microphone of this machine: choose one of:')
    for _ in range(5):
        state = kiosk.do("open", False, "speaker", "microphone, ALSA")
        assert (state["speaker"], state["microphone"]) == (True, True)
        assert kiosk.do("close") == {"threads": ["stdin"]}
    state = kiosk.do("open", False, "", "Jabra")
    assert (state["speaker"], state["microphone"], state["notice"]) == (True, False, "no_microphone")
    assert kiosk.do("close") == {"threads": ["stdin"]}
