"""Pictures and sound straight from LiveKit's library, from a track of this process: right, bounded, given back."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import psutil
import pytest
from livekit import rtc
from livekit.rtc._ffi_client import FfiClient

from kiosk.links.video_tap import Picture, VideoTap, size_of
from kiosk.links.voice_tap import BACKLOG, VoiceTap
from kiosk.media.frames import PixelFormat

FULL = (1920, 1080)
STALL_S = 2.0
FPS = 30
RATE = 48_000
PIECE = RATE // 100  # samples
MB = 1_000_000


def grey(width: int, height: int, luma: int) -> rtc.VideoFrame:
    data = bytearray([luma]) * (width * height) + bytearray([128]) * (
        size_of(PixelFormat.I420, width, height) - width * height
    )
    return rtc.VideoFrame(width, height, rtc.VideoBufferType.I420, data)


async def until(condition: Callable[[], object], within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.01)


async def feed_until(source: rtc.VideoSource, frame: rtc.VideoFrame, condition: Callable[[], object]) -> None:
    async def feed() -> None:
        while True:
            source.capture_frame(frame)
            await asyncio.sleep(1 / FPS)

    feeding = asyncio.create_task(feed())
    try:
        await until(condition)
    finally:
        feeding.cancel()
        with suppress(asyncio.CancelledError):
            await feeding


@pytest.mark.parametrize("form", list(PixelFormat))
async def test_pictures_come_as_they_were_sent_and_outlive_the_stream(form: PixelFormat) -> None:
    width, height = 324, 180
    source = rtc.VideoSource(width, height)
    pictures: list[Picture] = []
    tap = VideoTap(rtc.LocalVideoTrack.create_video_track("v", source), form, pictures.append)
    await feed_until(source, grey(width, height, 126), lambda: len(pictures) >= 3)
    await tap.aclose()
    await tap.aclose()
    count, newest = len(pictures), pictures[-1]
    pixels = np.frombuffer(newest.data, np.uint8)
    assert (newest.width, newest.height, newest.rotation) == (width, height, 0)
    assert pixels.size == size_of(form, width, height)
    if form is PixelFormat.I420:
        assert set(pixels[: width * height]) == {126}
        assert set(pixels[width * height :]) == {128}
    else:
        assert np.abs(pixels.reshape(height, width, 4)[:, :, :3].astype(int) - 128).max() <= 2
    stamps = [picture.timestamp_us for picture in pictures]
    assert stamps == sorted(stamps)
    source.capture_frame(grey(width, height, 126))
    await asyncio.sleep(0.1)
    assert len(pictures) == count


async def test_a_loop_that_stands_still_piles_up_no_pictures_and_sees_the_newest_next() -> None:
    source = rtc.VideoSource(*FULL)
    process = psutil.Process()
    shown: list[int] = []
    held: list[Picture] = []

    def show(picture: Picture) -> None:
        held[:] = [picture]  # as a view does
        shown.append(picture.data[0])

    tap = VideoTap(rtc.LocalVideoTrack.create_video_track("v", source), PixelFormat.BGRA, show)
    warm = grey(*FULL, luma=16)
    await feed_until(source, warm, lambda: len(shown) >= 5)
    before, sent, grown = process.memory_info().rss, [0], [0]
    frames = [grey(*FULL, luma=60), grey(*FULL, luma=200)]

    def send() -> None:
        for number in range(round(STALL_S * FPS)):
            source.capture_frame(frames[number == round(STALL_S * FPS) - 1])
            sent[0] += 1
            time.sleep(1 / FPS)
        grown[0] = process.memory_info().rss - before

    sender = threading.Thread(target=send)
    shown.clear()
    sender.start()
    sender.join()  # here the loop stands still
    assert sent == [round(STALL_S * FPS)]
    assert shown == []
    await until(lambda: shown)
    assert len(shown) == 1
    assert shown[0] > 190  # only the last one was as bright
    # Sixty pictures of 8.3 MB came meanwhile.
    assert grown[0] < 60 * MB
    held.clear()
    await feed_until(source, warm, lambda: len(shown) >= 5)
    await tap.aclose()
    held.clear()
    assert process.memory_info().rss - before < 60 * MB


class Singer:
    """Sends 10 ms pieces from a loop of its own; all samples of a piece are its number."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.source = rtc.AudioSource(RATE, 1, queue_size_ms=0, loop=self.loop)
        self.track = rtc.LocalAudioTrack.create_audio_track("a", self.source)
        self._number = 0

    def sing(self, pieces: int) -> None:
        """Returns when the library has told of all of them, whoever listens."""
        told: list[None] = []
        queue = FfiClient.instance.queue.subscribe(self.loop, filter_fn=lambda event: _note(event, told))
        thread = threading.Thread(target=lambda: self.loop.run_until_complete(self._send(pieces)))
        thread.start()
        thread.join()
        deadline = time.monotonic() + 10
        while len(told) < pieces:
            assert time.monotonic() < deadline, "the library kept some of the sound"
            time.sleep(0.01)
        FfiClient.instance.queue.unsubscribe(queue)

    async def _send(self, pieces: int) -> None:
        for _ in range(pieces):
            self._number += 1
            pcm = np.full(PIECE, self._number, np.int16).tobytes()
            await self.source.capture_frame(rtc.AudioFrame(pcm, RATE, 1, PIECE))

    def end(self) -> None:
        self.loop.run_until_complete(self.source.aclose())
        self.loop.close()


async def test_sound_comes_as_it_was_sent_and_a_standstill_leaves_the_newest_second() -> None:
    singer, heard = Singer(), list[bytes]()
    tap = VoiceTap(singer.track, RATE, 1, heard.append)
    singer.sing(20)
    await until(lambda: numbers(heard)[-1:] == [20])
    assert {len(pcm) for pcm in heard} == {PIECE * 2}
    assert numbers(heard) == sorted(numbers(heard))
    heard.clear()
    singer.sing(2 * BACKLOG)  # here the loop stands still
    await until(lambda: numbers(heard)[-1:] == [20 + 2 * BACKLOG])
    assert numbers(heard) == list(range(21 + BACKLOG, 21 + 2 * BACKLOG))
    await tap.aclose()
    await asyncio.to_thread(singer.end)


@pytest.mark.parametrize("form", list(PixelFormat))
async def test_a_close_that_was_cancelled_can_be_asked_for_again(form: PixelFormat) -> None:
    """A room that is closed cancels its own tasks, one of which may just be closing a stream."""
    source = rtc.VideoSource(*FULL)
    listening = len(FfiClient.instance.queue._subscribers)
    tap = VideoTap(rtc.LocalVideoTrack.create_video_track("v", source), form, lambda picture: None)
    closing = asyncio.create_task(tap.aclose())
    await asyncio.sleep(0)  # as far as its wait
    closing.cancel()
    with suppress(asyncio.CancelledError):
        await closing
    await tap.aclose()
    assert closing.cancelled()
    assert len(FfiClient.instance.queue._subscribers) == listening
    await source.aclose()


def _note(event: Any, told: list[None]) -> bool:
    if event.WhichOneof("message") == "audio_stream_event":
        told.append(None)
    return False


def numbers(heard: list[bytes]) -> list[int]:
    return [int(np.frombuffer(pcm, np.int16)[0]) for pcm in heard]
