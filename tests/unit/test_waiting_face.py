"""Who keeps a visitor company until the avatar comes: follows the screens, on a media thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from kiosk.last_picture import NEARER, BreathingPicture, LastPictures
from kiosk.links.contract import AvatarMode
from kiosk.media.air import Air
from kiosk.media.frames import STAND_IN, PixelFormat, VideoFrame, VideoSink
from kiosk.media.mailbox import FrameMailbox
from kiosk.media.thread import MediaThread
from kiosk.providers.contract import Misconfigured
from kiosk.session.view import Phase, Situation
from kiosk.waiting_face import WaitingFace
from tests.media_doubles import SilentMicrophone, VoiceLog

PICTURE = VideoFrame(PixelFormat.BGRA, 2, 2, bytes(16))
AWAITED = Situation(Phase.CONNECTING, awaits_avatar=True)
LIVE = Situation(Phase.LIVE, picture=True)


class Guest:
    """Shows one picture and remembers whether it was sent away."""

    def __init__(self, video: VideoSink) -> None:
        self.closed = False
        video.put(PICTURE)

    async def aclose(self) -> None:
        self.closed = True


class Door:
    def __init__(self) -> None:
        self.screen = FrameMailbox(PixelFormat.BGRA)
        self.air = Air(self.screen, VoiceLog(), SilentMicrophone())
        self.media = MediaThread()
        self.guests: list[Guest] = []
        self.locked = ""
        self.face = WaitingFace(self.media, self.air, self._prepare, self._make)

    async def _prepare(self) -> None:
        if self.locked:
            raise Misconfigured(self.locked)

    async def _make(self, video: VideoSink) -> Guest:
        self.guests.append(Guest(video))
        return self.guests[-1]

    async def settled(self) -> None:
        """All that was handed to the media thread so far is done."""
        await self.media.run(asyncio.sleep(0.01))

    def channel(self) -> int | None:
        found = self.screen.take(0.0)
        return None if found is None else found.channel


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    made = Door()
    yield made
    await made.face.aclose()
    await asyncio.to_thread(made.media.stop)


async def test_it_comes_with_the_wait_and_goes_with_it(door: Door) -> None:
    assert await door.face.prepare()
    for _ in range(2):
        door.face.show_situation(AWAITED)
        door.face.show_situation(Situation(Phase.CONNECTING, notice="one_moment", awaits_avatar=True))
        await door.settled()
        assert door.channel() == STAND_IN
        door.face.show_situation(LIVE)
        await door.settled()
    assert [guest.closed for guest in door.guests] == [True, True], "one for each wait, and none stays"


async def test_a_wait_that_began_before_it_was_ready_is_covered_too(door: Door) -> None:
    door.face.show_situation(AWAITED)
    await door.settled()
    assert not door.guests
    await door.face.prepare()
    await door.settled()
    assert door.channel() == STAND_IN


async def test_a_quick_change_of_mind_leaves_what_is_wanted_last(door: Door) -> None:
    await door.face.prepare()
    for situation in (AWAITED, LIVE, AWAITED, LIVE) * 5:
        door.face.show_situation(situation)
    await door.settled()
    assert all(guest.closed for guest in door.guests)
    assert door.channel() is None


async def test_where_nobody_can_be_had_the_screens_stay_as_they_are(
    door: Door, expected_log: Callable[[str], None]
) -> None:
    expected_log(r"nobody covers the wait for the avatar: \[providers.local\] persona: unknown")
    door.locked = "[providers.local] persona: unknown"
    assert not await door.face.prepare()
    door.face.show_situation(AWAITED)
    await door.settled()
    assert not door.guests


async def test_at_the_end_nobody_is_left(door: Door) -> None:
    await door.face.prepare()
    door.face.show_situation(AWAITED)
    await door.settled()
    await door.face.aclose()
    assert [guest.closed for guest in door.guests] == [True]


def remembered(pictures: LastPictures) -> float | None:
    """When the picture arrived that a visitor would see now."""
    return None if pictures.wanted is None else pictures.wanted.arrived_s


class TestTheLastPicture:
    def test_an_avatar_is_remembered_as_it_was_last_seen_listening(self) -> None:
        screen = FrameMailbox(PixelFormat.BGRA)
        air = Air(screen, VoiceLog(), SilentMicrophone())
        provider = "one"
        pictures = LastPictures(air, lambda: provider)
        tell = pictures.show_situation
        channel = air.open_channel()
        tell(AWAITED)
        assert remembered(pictures) is None
        tell(LIVE)
        channel.video.put(replace(PICTURE, arrived_s=1.0))
        tell(replace(LIVE, mode=AvatarMode.SPEAKING))
        channel.video.put(replace(PICTURE, arrived_s=2.0))  # in the middle of a word
        tell(replace(LIVE, phase=Phase.GOODBYE))
        channel.close()
        tell(Situation(Phase.ATTRACT))
        tell(AWAITED)
        assert remembered(pictures) == 1.0
        provider = "two"
        tell(AWAITED)
        assert remembered(pictures) is None, "another face"

    async def test_it_moves_without_being_drawn_anew(self) -> None:
        shown: list[VideoFrame] = []
        enough = asyncio.Event()

        class Screen:
            wanted_format = PixelFormat.BGRA

            def put(self, frame: VideoFrame) -> None:
                shown.append(frame)
                if len(shown) == 5:
                    enough.set()

        company = BreathingPicture(Screen(), replace(PICTURE, due_s=77.0))
        async with asyncio.timeout(10):
            await enough.wait()
        await company.aclose()
        count = len(shown)
        await asyncio.sleep(0.1)
        assert len(shown) == count
        zooms = [frame.zoom for frame in shown]
        assert zooms[0] < 1.001
        assert zooms == sorted(zooms)
        assert len(set(zooms)) == count
        assert zooms[-1] <= 1.0 + NEARER
        assert all(frame.data is PICTURE.data and frame.due_s == 0.0 for frame in shown)
