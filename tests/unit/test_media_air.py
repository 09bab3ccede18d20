"""Which of several avatars has screen, loudspeaker and microphone: exactly one."""

from __future__ import annotations

import asyncio
import itertools
import threading
from dataclasses import replace

from kiosk.media.air import Air, Channel
from kiosk.media.frames import STAND_IN, PixelFormat, VideoFrame
from kiosk.media.mailbox import FrameMailbox
from tests.media_doubles import SilentMicrophone, VoiceLog


def frame(width: int, due_s: float = 0.0) -> VideoFrame:
    return VideoFrame(PixelFormat.BGRA, width, 1, bytes(4 * width), due_s=due_s)


class Dictation:
    """A microphone whose frames a test gives out one by one; 960 bytes are not needed here."""

    def __init__(self) -> None:
        self.frames: asyncio.Queue[bytes] = asyncio.Queue()
        self.readers = 0

    async def read(self) -> bytes:
        self.readers += 1
        return await self.frames.get()


def silent_air() -> tuple[Air, FrameMailbox, VoiceLog]:
    screen, speaker = FrameMailbox(PixelFormat.BGRA), VoiceLog()
    return Air(screen, speaker, SilentMicrophone()), screen, speaker


def shown(screen: FrameMailbox, now_s: float = 0.0) -> tuple[int, int] | None:
    """Channel and width of the frame that is to be painted now."""
    found = screen.take(now_s)
    return None if found is None else (found.channel, found.width)


def test_the_first_channel_has_the_air_at_once() -> None:
    air, screen, speaker = silent_air()
    channel = air.open_channel()
    channel.voice.put(b"hello")
    channel.video.put(frame(3))
    assert channel.on_air
    assert speaker.heard == [b"hello"], "the first word may come before the session knows of it"
    assert shown(screen) == (channel.number, 3)


def test_off_air_nothing_passes_and_the_newest_frame_is_kept() -> None:
    air, screen, speaker = silent_air()
    air.open_channel()
    coming = air.open_channel()
    for width in (1, 2, 3):
        coming.video.put(frame(width, due_s=500.0))
    coming.voice.put(b"too early")
    coming.voice.flush()
    assert (shown(screen, 1000.0), speaker.heard, coming.on_air, coming.aired) == (None, [], False, False)
    coming.take_the_air()
    assert shown(screen) == (coming.number, 3), "at once, whenever it was due"
    assert speaker.heard == [None], "the voice before fades out"


def test_nothing_of_the_one_before_comes_afterwards() -> None:
    air, screen, speaker = silent_air()
    before, coming = air.open_channel(), air.open_channel()
    before.video.put(frame(1, due_s=10.0))
    coming.take_the_air()
    before.video.put(frame(2))
    before.voice.put(b"late")
    before.voice.flush()
    assert shown(screen, 1000.0) is None, "also what waited for its due time is gone"
    assert speaker.heard == [None]
    coming.voice.put(b"mine")
    coming.video.put(frame(9))
    assert shown(screen) == (coming.number, 9)
    assert speaker.heard == [None, b"mine"]


def test_taking_the_air_twice_is_taking_it_once() -> None:
    air, screen, speaker = silent_air()
    channel = air.open_channel()
    channel.video.put(frame(1, due_s=10.0))
    channel.take_the_air()
    assert speaker.heard == []
    assert shown(screen, 20.0) == (channel.number, 1)


def test_a_closed_channel_is_silent_and_frees_the_air() -> None:
    air, screen, speaker = silent_air()
    first = air.open_channel()
    first.close()
    first.close()
    first.take_the_air()
    first.voice.put(b"late")
    first.video.put(frame(1))
    assert (shown(screen), speaker.heard) == (None, [None])
    second = air.open_channel()
    assert second.on_air, "nobody else is"


def test_closing_one_that_was_never_on_air_leaves_the_present_one() -> None:
    air, _screen, speaker = silent_air()
    present, coming = air.open_channel(), air.open_channel()
    coming.video.put(frame(1))
    coming.close()
    coming.video.put(frame(2))
    assert coming.held is None
    assert present.on_air
    assert speaker.heard == []


def test_what_links_ask_is_answered_by_the_kiosks_own() -> None:
    air, screen, _speaker = silent_air()
    channel = air.open_channel()
    assert (channel.video.wanted_format, channel.voice.latency_s()) == (PixelFormat.BGRA, 0.05)
    assert (channel.voice.sample_rate, channel.voice.channels) == (48_000, 1)
    screen.wanted_format = PixelFormat.I420
    assert channel.video.wanted_format is PixelFormat.I420


def test_a_stand_in_is_seen_until_the_first_picture() -> None:
    air, screen, _speaker = silent_air()
    air.stand_in.put(frame(7))
    assert shown(screen) is None, "nobody waits"
    air.await_picture()
    air.stand_in.put(frame(7))
    channel = air.open_channel()
    air.stand_in.put(frame(8))
    assert shown(screen) == (STAND_IN, 8)
    channel.video.put(frame(3))
    air.stand_in.put(frame(9))
    assert shown(screen) == (channel.number, 3), "whoever is slow to hear of it does not come back"
    air.dismiss_stand_in()
    channel.video.put(frame(4))
    air.dismiss_stand_in()
    assert shown(screen) == (channel.number, 4), "nothing of the avatar is dropped with it"
    statistics = screen.statistics()
    assert (statistics.received, statistics.painted, statistics.dropped) == (2, 2, 0), "only the avatar counts"


def test_a_picture_that_was_held_back_ends_the_stand_in_too() -> None:
    air, screen, _speaker = silent_air()
    air.open_channel()
    coming = air.open_channel()
    air.await_picture()
    coming.video.put(frame(2))
    air.stand_in.put(frame(8))
    coming.take_the_air()
    air.stand_in.put(frame(9))
    assert shown(screen) == (coming.number, 2)


def test_a_stand_in_that_is_dismissed_leaves_nothing_that_waits() -> None:
    air, screen, _speaker = silent_air()
    air.await_picture()
    air.stand_in.put(frame(8))
    air.dismiss_stand_in()
    air.stand_in.put(frame(9))
    assert shown(screen) is None
    assert screen.statistics().dropped == 0


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_microphone_goes_to_the_one_on_air() -> None:
    microphone = Dictation()
    air = Air(FrameMailbox(), VoiceLog(), microphone)
    present, coming = air.open_channel(), air.open_channel()
    heard: list[tuple[int, bytes]] = []

    async def listen(channel: Channel) -> None:
        while True:
            heard.append((channel.number, await channel.microphone.read()))

    tasks = [asyncio.create_task(listen(channel)) for channel in (present, coming)]
    await settle()
    assert not microphone.readers, "nobody hears the visitor before the visit lives"
    present.take_the_air()
    for word in (b"a", b"b"):
        microphone.frames.put_nowait(word)
        await settle()
    assert heard == [(1, b"a"), (1, b"b")]
    await asyncio.to_thread(coming.take_the_air)  # from another thread, as the session does
    await asyncio.sleep(0.05)
    for word in (b"c", b"d", b"e"):
        microphone.frames.put_nowait(word)
        await settle()
    assert [number for number, _ in heard[2:]] == [2] * len(heard[2:])
    assert [word for _, word in heard[2:]] in ([b"c", b"d", b"e"], [b"d", b"e"]), "one frame may fall between the two"
    coming.close()
    microphone.frames.put_nowait(b"f")
    await settle()
    assert len(heard) in (4, 5)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_read_that_is_given_up_leaves_nothing_behind() -> None:
    air = Air(FrameMailbox(), VoiceLog(), Dictation())
    air.open_channel()
    coming = air.open_channel()
    for _ in range(20):
        try:
            async with asyncio.timeout(0.001):
                await coming.microphone.read()
        except TimeoutError:
            pass
    assert coming.waiting == []


def test_a_reader_whose_loop_is_gone_does_not_keep_the_air() -> None:
    air = Air(FrameMailbox(), VoiceLog(), Dictation())
    air.open_channel()
    coming = air.open_channel()

    async def read_for_a_moment() -> None:
        reading = asyncio.create_task(coming.microphone.read())
        await asyncio.sleep(0)
        left = list(coming.waiting)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        coming.waiting.extend(left)  # as if the loop had died under it

    asyncio.run(read_for_a_moment())
    coming.take_the_air()
    assert coming.on_air


def test_two_threads_and_a_thousand_changes_never_mix_two_voices() -> None:
    """Between two fades the loudspeaker is given one voice alone."""
    air, screen, speaker = silent_air()
    present = air.open_channel()
    speaking = [present]
    ended = threading.Event()

    def talk() -> None:
        picture = frame(4)
        while not ended.is_set():
            for channel in tuple(speaking):
                channel.voice.put(bytes([channel.number % 251]))
                channel.video.put(replace(picture, width=channel.number))

    media = threading.Thread(target=talk, name="media")
    media.start()
    seen: list[int] = []
    try:
        for _ in range(1000):
            coming = air.open_channel()
            speaking.append(coming)
            coming.take_the_air()
            present.close()
            speaking.remove(present)
            present = coming
            if (found := screen.take(0.0)) is not None:
                seen.append(found.channel)
    finally:
        ended.set()
        media.join(10)
    voices = [{*group} for fade, group in itertools.groupby(speaker.heard, lambda pcm: pcm is None) if not fade]
    assert all(len(voice) == 1 for voice in voices)
    assert seen == sorted(seen), "a picture of the one before never comes again"
