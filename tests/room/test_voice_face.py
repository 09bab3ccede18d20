"""A voice without a picture in a real room: the persona lends it a face, until a picture comes after all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import numpy as np
import pytest

from kiosk.links.abandoned import AbandonedConnects
from kiosk.links.contract import Face, FaceMaker, FirstFrame, LinkEvent, Stalled, VoiceOnly
from kiosk.links.livekit_room import LiveKitRoom, RoomTiming
from kiosk.media.frames import PixelFormat, VideoFrame, VideoSink
from kiosk.persona.behaviour import Behaviour
from kiosk.persona.heard_face import HeardFace
from kiosk.persona.performer import Performer
from kiosk.providers.contract import LiveKitGrant, Misconfigured, SessionRef
from tests.livekit_server import LiveKitServer
from tests.room.avatar_guest import lag_of_mouth_s
from tests.room.mouth_lamp import MouthLamp
from tests.room.sinks import RATE, Loudspeaker
from tests.simulators.avatar import AvatarOptions, SimulatedAvatar
from tests.simulators.picture_track import PictureOptions

PICTURE = PictureOptions(width=426, height=240, fps=15)
LATENCY_S = 0.08
SENTENCE = "Good morning! Please take a seat; the lifts are behind you, on the left. Whom have you come to see?"


class Screen:
    """Keeps what it is given: the face's pictures are BGRA, those of the room I420."""

    wanted_format = PixelFormat.I420

    def __init__(self) -> None:
        self.formats: list[PixelFormat] = []
        self.lamp: list[tuple[float, float]] = []  # (time.perf_counter() at which it is due, brightness) of the face

    def put(self, frame: VideoFrame) -> None:
        self.formats.append(frame.format)
        if frame.format is PixelFormat.BGRA:
            self.lamp.append((frame.due_s, float(frame.data[0])))


class Speaker(Loudspeaker):
    def __init__(self) -> None:
        super().__init__()
        self.levels: list[tuple[float, float]] = []  # (time.perf_counter() at which it is heard, RMS) of each 10 ms

    def put(self, pcm: memoryview | bytes) -> None:
        super().put(pcm)
        samples = np.frombuffer(pcm, np.int16).astype(np.float64)
        self.levels.append((time.perf_counter() + LATENCY_S, float(np.sqrt(np.mean(samples**2)))))

    def latency_s(self) -> float:
        return LATENCY_S


async def lamp_face(video: VideoSink) -> Face:
    return HeardFace(Performer(MouthLamp(), Behaviour(1), video, None, latency_s=lambda: LATENCY_S))


async def no_face(video: VideoSink) -> Face:
    raise Misconfigured("no such persona")


class Desk:
    """A kiosk's room with an avatar in it that has only a voice."""

    def __init__(self, server: LiveKitServer, name: str, make_face: FaceMaker, *, announced: bool = False) -> None:
        """`announced`: the grant says that no picture will come."""
        session, token = SessionRef("livekit", "visit", None, 0.0), server.token("kiosk", name)
        self._grant = LiveKitGrant(session, server.url, token, video=not announced)
        self.screen, self.speaker = Screen(), Speaker()
        self.events: list[LinkEvent] = []
        timing = RoomTiming(stall_s=0.6, voice_only_s=120.0 if announced else 1.0)
        self.room = LiveKitRoom(
            self.screen,
            self.speaker,
            None,
            AbandonedConnects(),
            self.events.append,
            timing,
            make_face=make_face,
        )
        token = server.token("voice", name, kind="agent", can_update_own_metadata=True)
        self.avatar = SimulatedAvatar(
            server.url, token, AvatarOptions(PICTURE, voice_only=True, respond="silent", transcripts=False)
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        await self.avatar.join()
        try:
            await self.room.open(self._grant)
            yield
        finally:
            await self.room.close()
            await self.avatar.leave()


async def eventually(condition: Callable[[], object], within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.02)


async def test_a_voice_gets_a_face_that_makes_room_for_a_picture(
    livekit_server: LiveKitServer, request: pytest.FixtureRequest
) -> None:
    desk = Desk(livekit_server, request.node.name, lamp_face)
    async with desk.open():
        await eventually(lambda: FirstFrame(320, 240) in desk.events)
        assert desk.events.index(VoiceOnly()) < desk.events.index(FirstFrame(320, 240))
        began = time.perf_counter()
        await desk.avatar.say(SENTENCE)
        await eventually(lambda: desk.avatar.voice.speaking)
        await eventually(lambda: not desk.avatar.voice.speaking)
        await asyncio.sleep(0.5)  # what is still on its way
        lag_s, fit = lag_of_mouth_s(desk.speaker.levels, desk.screen.lamp, began, time.perf_counter())
        assert abs(lag_s) <= 0.06, (lag_s, fit)
        assert fit > 0.4, (lag_s, fit)
        assert not [event for event in desk.events if isinstance(event, Stalled)]
        await desk.avatar.show_picture()
        await eventually(lambda: desk.screen.formats.count(PixelFormat.I420) > 10)
        first = desk.screen.formats.index(PixelFormat.I420)
        assert set(desk.screen.formats[first:]) == {PixelFormat.I420}
        sizes = [event for event in desk.events if isinstance(event, FirstFrame)]
        assert len(sizes) == 2
        assert sizes[1].height == PICTURE.height


async def test_a_voice_whose_face_cannot_be_made_is_heard(
    livekit_server: LiveKitServer, request: pytest.FixtureRequest, expected_log: Callable[[str], None]
) -> None:
    expected_log("the voice has no face: no such persona")
    desk = Desk(livekit_server, request.node.name, no_face, announced=True)
    async with desk.open():
        await eventually(lambda: VoiceOnly() in desk.events)
        await desk.avatar.say("Good day.")
        await eventually(lambda: desk.avatar.voice.speaking)
        await eventually(lambda: not desk.avatar.voice.speaking)
        await asyncio.sleep(0.5)
        assert not [event for event in desk.events if isinstance(event, FirstFrame)]
        assert not desk.screen.formats
        assert np.abs(desk.speaker.heard()[-RATE * 3 :]).max() > 3000
