"""The persona's face beside a voice: when it is made, what it hears, and how it makes room for a picture."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np
import pytest

from kiosk.links.contract import AvatarMode, Face
from kiosk.links.voice_face import CHUNK_BYTES, VoiceFace
from kiosk.media.frames import PixelFormat, VideoFrame, VideoSink
from kiosk.providers.contract import Misconfigured

FRAME = VideoFrame(PixelFormat.BGRA, 2, 2, bytes(16))


class Screen:
    wanted_format = PixelFormat.BGRA

    def __init__(self) -> None:
        self.frames: list[VideoFrame] = []

    def put(self, frame: VideoFrame) -> None:
        self.frames.append(frame)


class Listener:
    """A face that keeps what it is told."""

    def __init__(self, video: VideoSink) -> None:
        self.video = video
        self.heard: list[bytes] = []
        self.modes: list[AvatarMode] = []
        self.closed = 0

    def hear(self, pcm: bytes | memoryview) -> None:
        self.heard.append(bytes(pcm))

    def show(self, mode: AvatarMode) -> None:
        self.modes.append(mode)

    async def aclose(self) -> None:
        self.closed += 1


class Scene:
    """A voice's face on a screen; `ready` lets the making of it come to its end."""

    def __init__(self, channels: int = 1) -> None:
        self.screen = Screen()
        self.firsts: list[VideoFrame] = []
        self.made: list[Listener] = []
        self.ready = asyncio.Event()
        self.ready.set()
        self.face = VoiceFace(self._make, self.screen, channels, self.firsts.append)

    async def _make(self, video: VideoSink) -> Face:
        self.made.append(Listener(video))
        await self.ready.wait()
        return self.made[-1]


async def test_it_is_made_once_and_told_what_went_before() -> None:
    scene = Scene()
    scene.face.hear(bytes(CHUNK_BYTES))
    scene.face.show(AvatarMode.SPEAKING)
    await scene.face.appear()
    await scene.face.appear()
    scene.made[0].video.put(FRAME)
    scene.made[0].video.put(FRAME)
    assert len(scene.made) == 1
    assert scene.made[0].modes == [AvatarMode.SPEAKING]
    assert scene.made[0].heard == []
    assert (scene.screen.frames, scene.firsts) == ([FRAME, FRAME], [FRAME])
    await scene.face.aclose()
    await scene.face.aclose()
    assert scene.made[0].closed == 1


async def test_any_voice_comes_as_ten_milliseconds_of_mono() -> None:
    scene = Scene(channels=2)
    await scene.face.appear()
    left = np.arange(0, 1440, dtype=np.int16)
    stereo = np.stack([left, left + 100], axis=1).tobytes()
    scene.face.hear(stereo[:1200])
    scene.face.hear(memoryview(stereo)[1200:])
    assert [len(chunk) for chunk in scene.made[0].heard] == [CHUNK_BYTES] * 3
    assert np.array_equal(np.frombuffer(b"".join(scene.made[0].heard), np.int16), left + 50)


async def test_the_mouth_closes_when_nothing_more_is_played() -> None:
    scene = Scene()
    await scene.face.appear()
    scene.face.hear(b"\x10" * (CHUNK_BYTES + 2))
    scene.face.fall_silent()
    heard = scene.made[0].heard
    assert heard[0] == b"\x10" * CHUNK_BYTES
    assert len(heard) > 10
    assert set(heard[1:]) == {bytes(CHUNK_BYTES)}


async def test_no_frame_comes_after_it_stepped_aside() -> None:
    scene = Scene()
    await scene.face.appear()
    scene.face.step_aside()
    scene.made[0].video.put(FRAME)
    assert scene.screen.frames == []
    await scene.face.aclose()
    assert scene.made[0].closed == 1


async def test_a_picture_that_comes_while_it_is_made_wins() -> None:
    scene = Scene()
    scene.ready.clear()
    making = asyncio.create_task(scene.face.appear())
    await asyncio.sleep(0)
    scene.face.step_aside()
    await scene.face.aclose()
    scene.ready.set()
    await making
    scene.made[0].video.put(FRAME)
    assert scene.screen.frames == []
    assert scene.made[0].closed == 1
    scene.face.hear(bytes(CHUNK_BYTES))
    assert scene.made[0].heard == []


@pytest.mark.parametrize("makes", [True, False])
async def test_without_a_face_nothing_happens(makes: bool, expected_log: Callable[[str], None]) -> None:
    expected_log("the voice has no face: no such persona")

    async def fail(video: VideoSink) -> Face:
        raise Misconfigured("no such persona")

    face = VoiceFace(fail if makes else None, Screen(), 1, lambda frame: None)
    await face.appear()
    face.hear(bytes(CHUNK_BYTES))
    face.show(AvatarMode.SPEAKING)
    face.fall_silent()
    await face.aclose()
