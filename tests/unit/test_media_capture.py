"""How finished microphone frames reach their reader: newest first, none late, every loss counted once."""

from __future__ import annotations

import asyncio
import threading

import numpy as np
import pytest

from kiosk.media import capture as capture_module
from kiosk.media.capture import BACKLOG, Capture
from kiosk.media.echo import FRAME_BYTES, EchoCanceller
from kiosk.media.frames import MicrophoneSource, VideoSink, VoiceSink
from kiosk.media.mailbox import FrameMailbox
from kiosk.media.playout import Playout


def frame(number: int) -> bytes:
    return np.full(FRAME_BYTES // 2, number, np.int16).tobytes()


def number(pcm: bytes) -> int:
    return int(np.frombuffer(pcm, np.int16)[0])


@pytest.fixture
def capture() -> Capture:
    echo = EchoCanceller(echo_cancellation=False, noise_suppression=False, high_pass=False, gain_control=False)
    return Capture("", echo, lambda: None)


async def test_frames_come_in_order_and_are_counted(capture: Capture) -> None:
    for n in range(3):
        capture._deliver(frame(n))
    assert [number(await capture.read()) for _ in range(3)] == [0, 1, 2]
    assert capture.statistics().sent_s == pytest.approx(0.03)
    assert capture.statistics().dropped == 0


async def test_a_late_reader_gets_the_newest_100_ms(capture: Capture) -> None:
    capture._deliver(frame(0))
    await capture.read()
    for n in range(1, 31):
        capture._deliver(frame(n))
    assert [number(await capture.read()) for _ in range(BACKLOG)] == list(range(21, 31))
    assert capture.statistics().dropped == 20


async def test_what_nobody_wanted_is_not_lost(capture: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture_module, "READER_S", 0.0)
    for n in range(30):
        capture._deliver(frame(n))
    await capture.read()
    assert capture.statistics().dropped == 0


async def test_a_reader_that_waits_is_woken_from_another_thread(capture: Capture) -> None:
    heard: list[int] = []

    async def listen() -> None:
        while len(heard) < 2_000:
            heard.append(number(await asyncio.wait_for(capture.read(), 5)))

    reader = asyncio.create_task(listen())
    room = threading.Semaphore(BACKLOG - 1)

    def deliver() -> None:
        for n in range(2_000):
            assert room.acquire(timeout=5)
            capture._deliver(frame(n))

    worker = threading.Thread(target=deliver)
    worker.start()
    given = 0
    while given < 2_000:
        await asyncio.sleep(0)
        for _ in range(len(heard) - given):
            room.release()
        given = len(heard)
    await reader
    worker.join(5)
    assert heard == list(range(2_000))


async def test_a_reader_may_give_up_and_come_back(capture: Capture) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(capture.read(), 0.01)
    capture._deliver(frame(7))
    assert number(await asyncio.wait_for(capture.read(), 1)) == 7


def test_a_reader_whose_loop_is_gone_does_no_harm(capture: Capture) -> None:
    async def give_up() -> None:
        waiting = asyncio.ensure_future(capture.read())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    asyncio.run(give_up())
    capture._deliver(frame(1))
    assert number(asyncio.run(capture.read())) == 1


async def test_a_muted_microphone_gives_silence(capture: Capture) -> None:
    capture.mute = True
    capture._deliver(frame(9_000))
    assert await capture.read() == bytes(FRAME_BYTES)
    assert capture.level_dbfs() == -90.0
    capture.mute = False
    capture._deliver(frame(9_000))
    assert capture.level_dbfs() == pytest.approx(-11.2, abs=0.1)


def test_without_a_microphone_nothing_is_open(capture: Capture) -> None:
    assert not capture.is_open
    assert not capture.healthy()
    capture.stop()


def test_links_may_use_these_as_their_sinks_and_source(capture: Capture) -> None:
    """The type checker proves the signatures; here it is enough that they can be had without a device."""
    source: MicrophoneSource = capture
    voice: VoiceSink = Playout()
    video: VideoSink = FrameMailbox()
    assert source is capture
    assert (voice.sample_rate, voice.channels) == (48_000, 1)
    voice.put(bytes(960))
    voice.flush()
    assert video.wanted_format == "i420"
