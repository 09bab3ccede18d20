"""Sound devices that come, go, move and are slow, and a sound server that is started anew.

What is asserted is what the devices heard. How soon a device is used again is asserted on a clock of its own in
tests/unit/test_media_device_repair.py, and measured by `python -m tests.benchmarks.device_return`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from tests.room.test_sound_devices import RATE, Kiosk, Sound, resemblance, speech
from tests.room.test_sound_devices import server as server  # fixtures
from tests.room.test_sound_devices import start as start
from tests.sound import SoundServer

ALIKE = 0.6  # other words, or none: below 0.35
TRIES = 4  # a busy machine breaks sound into pieces
ENOUGH_S = 20.0  # for a state that comes within 3 s on a machine of its own


@pytest.fixture(scope="module")
def words() -> Sound:
    return speech("Good morning and welcome.", "en")


def heard(server: SoundServer, kiosk: Kiosk, words: Sound, source: str = "speaker.monitor") -> bool:
    """The avatar's words reach a loudspeaker."""
    for _ in range(TRIES):
        server.start_recording(source)
        kiosk.say(words)
        time.sleep(len(words) / RATE + 1.0)
        if resemblance(words, server.stop_recording()) > ALIKE:
            return True
    return False


def understood(server: SoundServer, kiosk: Kiosk, words: Sound) -> bool:
    """The visitor's words reach the kiosk."""
    for _ in range(TRIES):
        kiosk.do("record")
        assert server.play(words.tobytes()).wait(15) == 0
        time.sleep(0.5)
        if resemblance(words, kiosk.recorded()) > ALIKE:
            return True
    return False


def test_a_microphone_comes_and_goes_while_the_voice_goes_on(
    server: SoundServer, start: Callable[..., Kiosk], words: Sound
) -> None:
    kiosk = start()
    kiosk.do("open")
    server.remove_sink("microphone")
    try:
        assert kiosk.do("state", False, True, ENOUGH_S)["notice"] == "no_microphone"
        server.start_recording("speaker.monitor")
        kiosk.say(np.concatenate([words] * 3))
        time.sleep(len(words) / RATE * 1.5)
    finally:
        server.add_sink("microphone")
    assert kiosk.do("state", True, True, ENOUGH_S)["microphone"]
    time.sleep(len(words) / RATE * 1.5 + 0.6)
    assert resemblance(np.concatenate([words] * 3), server.stop_recording()) > ALIKE
    assert understood(server, kiosk, words)
    assert kiosk.do("close") == {"threads": ["stdin"]}


def test_named_devices_are_used_again_once_the_sound_server_is_started_anew(
    server: SoundServer, start: Callable[..., Kiosk], words: Sound
) -> None:
    kiosk = start()
    kiosk.do("open", False, "speaker", "microphone, ALSA")
    server.end_server()
    assert kiosk.do("state", False, False, ENOUGH_S)["notice"] == "no_sound"
    server.start()
    state = kiosk.do("state", True, True, ENOUGH_S)
    assert (state["notice"], state["problems"]) == ("", {})
    assert heard(server, kiosk, words)
    assert understood(server, kiosk, words)
    assert kiosk.do("close") == {"threads": ["stdin"]}


def test_the_system_moves_the_sound_to_a_mono_headset_at_44_khz_and_back(
    server: SoundServer, start: Callable[..., Kiosk], words: Sound
) -> None:
    server.make_default(sink="speaker", source="microphone_source")
    kiosk = start()
    state = kiosk.do("open", False, "desktop", "desktop")
    assert (state["speaker"], state["microphone"]) == (True, True)
    server.add_sink("headset", rate=44_100, channels=1)
    try:
        server.make_default(sink="headset", source="headset.monitor")
        kiosk.do("record")
        assert heard(server, kiosk, words, "headset.monitor")
        assert resemblance(words, kiosk.recorded()) > ALIKE, "its microphone hears what it plays"
    finally:
        server.move_away("headset")
    server.make_default(sink="speaker", source="microphone_source")
    assert kiosk.do("state", True, True, ENOUGH_S)["notice"] == ""
    assert heard(server, kiosk, words)
    assert kiosk.do("close") == {"threads": ["stdin"]}


def test_a_loudspeaker_that_is_300_ms_late_plays_without_a_break_and_says_so(
    server: SoundServer, start: Callable[..., Kiosk], words: Sound
) -> None:
    server.add_late_sink("bluetooth", "speaker", 0.3)
    try:
        server.make_default(sink="bluetooth")
        kiosk = start()
        assert kiosk.do("open", False, "desktop")["speaker"]
        assert heard(server, kiosk, words)
        assert kiosk.do("figures")["device_latency_s"] > 0.2, (
            "pictures can only wait for a voice whose lateness is known"
        )
        assert kiosk.do("close") == {"threads": ["stdin"]}
    finally:
        server.move_away("bluetooth")
