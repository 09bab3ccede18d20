"""WHIP without a network: the servers that an answer offers, the delay of the voice, and queues that never grow."""

from __future__ import annotations

import time

import numpy as np
import pytest

from kiosk.links.stage_voice import LEAD_S, TICK_BYTES, TICK_S, StageVoice
from kiosk.links.whip import IceServer, ice_servers
from kiosk.links.whip_queues import ENOUGH_TICKS, MOST_TICKS, PictureQueue, VoiceQueue
from kiosk.media.frames import PixelFormat, VideoFrame

STUN = '<stun:stun.example.net>; rel="ice-server"'
TURN = '<turn:turn.example.net:3478?transport=udp>; rel=ice-server; username="me"; credential="a, \\"b\\"; c"'


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", ()),
        (STUN, (IceServer("stun:stun.example.net"),)),
        (
            f"{STUN}, {TURN}",
            (IceServer("stun:stun.example.net"), IceServer("turn:turn.example.net:3478?transport=udp")),
        ),
        ('<https://example.net/next>; rel="next"', ()),
        ('<stun:stun.example.net>; rel="something-else"', ()),
        ("<stun:", ()),
        ("\x00\xff", ()),
        (", ".join([STUN] * 100), (IceServer("stun:stun.example.net"),) * 8),
    ],
)
def test_the_servers_of_link_headers(header: str, expected: tuple[IceServer, ...]) -> None:
    found = ice_servers({"Link": header})
    assert tuple(server.url for server in found) == tuple(server.url for server in expected)


def test_a_turn_server_comes_with_its_credential_and_hides_it() -> None:
    (server,) = ice_servers({"Link": TURN})
    assert server.username == "me"
    assert server.credential.startswith("a, ")
    assert "a, " not in repr(server)


def tick(value: int) -> bytes:
    return np.full(TICK_BYTES // 2, value, "<i2").tobytes()


def test_the_voice_leaves_a_fixed_time_after_it_came() -> None:
    out: list[bytes] = []
    voice = StageVoice(out.append)
    for value in range(1, 21):
        voice.put(tick(value))
    behind = round(LEAD_S / TICK_S)
    assert out == [bytes(TICK_BYTES)] * behind + [tick(value) for value in range(1, 21 - behind)]
    assert voice.latency_s() == LEAD_S


def test_an_interrupted_voice_falls_to_silence_without_a_step() -> None:
    out: list[bytes] = []
    voice = StageVoice(out.append)
    for _ in range(10):
        voice.put(tick(8_000))
    voice.flush()
    out.clear()
    for _ in range(10):
        voice.put(bytes(TICK_BYTES))
    samples = np.frombuffer(b"".join(out), "<i2").astype(int)
    assert samples[0] == 8_000
    assert np.abs(np.diff(samples)).max() < 50
    assert not samples[TICK_BYTES // 2 :].any()


def test_an_odd_tick_is_made_one_tick_long() -> None:
    out: list[bytes] = []
    voice = StageVoice(out.append)
    for pcm in (b"", b"\1" * 100, b"\1" * 5_000):
        voice.put(pcm)
    voice.flush()
    assert {len(ticks) for ticks in out} == {TICK_BYTES}


def test_a_voice_that_nobody_takes_does_not_pile_up_and_leaves_no_delay_behind() -> None:
    queue = VoiceQueue()
    assert queue.take() == bytes(TICK_BYTES)
    for number in range(10 * MOST_TICKS):
        queue.put(tick(number))
    taken = [queue.take() for _ in range(MOST_TICKS)]
    newest = 10 * MOST_TICKS - 1
    assert taken[:ENOUGH_TICKS] == [tick(newest - ENOUGH_TICKS + 1 + number) for number in range(ENOUGH_TICKS)]
    assert taken[ENOUGH_TICKS:] == [bytes(TICK_BYTES)] * (MOST_TICKS - ENOUGH_TICKS)


def picture(due_s: float) -> VideoFrame:
    return VideoFrame(PixelFormat.BGRA, 2, 2, bytes(16), due_s=due_s)


def test_a_picture_leaves_when_it_is_due_and_of_late_ones_only_the_newest() -> None:
    queue, now = PictureQueue(), time.perf_counter()
    assert queue.take(now) is None
    queue.put(picture(now + 0.5))
    assert queue.take(now) is None
    first, second = queue.take(now + 0.6), queue.take(now + 0.6)
    assert first is not None
    assert second is None
    for number in range(100):
        queue.put(picture(now + number / 100))
    late = queue.take(now + 60)
    assert late is not None
    assert late.due_s == pytest.approx(now + 0.99)
    assert queue.take(now + 60) is None
