"""Screen, loudspeaker and microphone of the kiosk, and which of several avatars has the use of them.

Each link has a channel of its own. Exactly one channel is on air, or none while there is no link. What is off air is
neither seen nor heard and hears nothing; the newest of its frames is kept, so that it can be shown at the instant at
which the channel takes the air.

The first channel of a visit is seen and heard at once, so that no word is lost; the microphone it is given only when
`take_the_air` says that the visit lives.

While a visitor waits for the first picture of a visit, a stand-in may be shown (`await_picture`, `stand_in`). The first
picture of a channel ends that, whoever is slower to hear of it.

Links put frames and voice on the media thread, the session gives the air from the GUI thread. One lock decides: once
`take_the_air` has returned, nothing of the channel before passes any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from dataclasses import replace
from typing import Protocol

from kiosk.media.frames import STAND_IN, MicrophoneSource, PixelFormat, VideoFrame, VideoSink, VoiceSink

Waiter = tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]


class Screen(VideoSink, Protocol):
    def clear(self) -> None:
        """Drops the frames that were not shown yet; the one that is shown stays."""
        ...


class Air:
    def __init__(self, screen: Screen, speaker: VoiceSink, microphone: MicrophoneSource) -> None:
        """`put` of `screen` and `speaker` is called under a lock and must return at once."""
        self.screen = screen
        self.speaker = speaker
        self.microphone = microphone
        self.lock = threading.Lock()
        self.stand_in: VideoSink = _StandIn(self)
        self._present: Channel | None = None
        self._opened = 0
        self._awaited = False  # changed under the lock
        self.newest: VideoFrame | None = None  # of the channel that is on air

    def open_channel(self) -> Channel:
        """For one link. On air at once where nobody else is: the first avatar's voice may come before its picture."""
        self._opened += 1
        channel = Channel(self, self._opened)
        with self.lock:
            if self._present is None:
                self._change(channel)
        return channel

    def await_picture(self) -> None:
        """From now on the stand-in is seen, until a channel shows a picture."""
        with self.lock:
            self._awaited = True

    def dismiss_stand_in(self) -> None:
        """Nobody waits any more. Idempotent."""
        with self.lock:
            if self._awaited:
                self._awaited = False
                self.screen.clear()

    def show_stand_in(self, frame: VideoFrame) -> None:
        with self.lock:
            if self._awaited:
                self.screen.put(replace(frame, channel=STAND_IN))

    def show(self, frame: VideoFrame) -> None:
        """Under the lock: a picture of the channel that is on air."""
        self._awaited = False
        self.newest = frame
        self.screen.put(frame)

    def has(self, channel: Channel) -> bool:
        """Under the lock, where the answer must still hold afterwards."""
        return self._present is channel

    def hears(self, channel: Channel) -> bool:
        """Whether the visitor's voice is for this channel."""
        return self._present is channel and channel.hears

    def give(self, channel: Channel) -> None:
        with self.lock:
            if channel.closed:
                return
            if self._present is not channel:
                self._change(channel)
            channel.hears = True
            channel.wake()

    def take_from(self, channel: Channel) -> None:
        with self.lock:
            channel.closed = True
            channel.held = None
            if self._present is channel:
                self._change(None)

    def _change(self, channel: Channel | None) -> None:
        before, self._present = self._present, channel
        if before is not None:
            self.newest = None
            self.speaker.flush()
            self.screen.clear()
        if channel is None:
            return
        channel.aired = True
        held, channel.held = channel.held, None
        if held is not None:
            self.show(replace(held, due_s=0.0))


class Channel:
    """What one link sees of the kiosk. Made by `Air.open_channel`; `close` it before the link is closed."""

    def __init__(self, air: Air, number: int) -> None:
        self._air = air
        self.number = number
        self.aired = False  # at any time
        # From here on: changed under the lock of the air alone.
        self.closed = False
        self.hears = False  # the session gave it the air
        self.held: VideoFrame | None = None
        self.waiting: list[Waiter] = []
        self.video: VideoSink = _Video(air, self)
        self.voice: VoiceSink = _Voice(air, self)
        self.microphone: MicrophoneSource = _Microphone(air, self)

    @property
    def on_air(self) -> bool:
        return self._air.has(self)

    def take_the_air(self) -> None:
        """The voice before fades out within milliseconds, and the newest frame of this one is shown. From any thread;
        idempotent, and without effect after `close`."""
        self._air.give(self)

    def close(self) -> None:
        """Neither seen nor heard any more. From any thread; idempotent."""
        self._air.take_from(self)

    def wake(self) -> None:
        waiting, self.waiting = self.waiting, []
        for loop, ready in waiting:
            with contextlib.suppress(RuntimeError):  # the loop of a reader that is gone
                loop.call_soon_threadsafe(_wake, ready)


class _Video:
    def __init__(self, air: Air, channel: Channel) -> None:
        self._air = air
        self._channel = channel

    @property
    def wanted_format(self) -> PixelFormat:
        return self._air.screen.wanted_format

    def put(self, frame: VideoFrame) -> None:
        frame = replace(frame, channel=self._channel.number)
        with self._air.lock:
            if self._air.has(self._channel):
                self._air.show(frame)
            elif not self._channel.closed:
                self._channel.held = frame


class _StandIn:
    def __init__(self, air: Air) -> None:
        self._air = air

    @property
    def wanted_format(self) -> PixelFormat:
        return self._air.screen.wanted_format

    def put(self, frame: VideoFrame) -> None:
        self._air.show_stand_in(frame)


class _Voice:
    def __init__(self, air: Air, channel: Channel) -> None:
        self._air = air
        self._channel = channel
        self.sample_rate = air.speaker.sample_rate
        self.channels = air.speaker.channels

    def put(self, pcm: memoryview | bytes) -> None:
        with self._air.lock:
            if self._air.has(self._channel):
                self._air.speaker.put(pcm)

    def flush(self) -> None:
        with self._air.lock:
            if self._air.has(self._channel):
                self._air.speaker.flush()

    def latency_s(self) -> float:
        return self._air.speaker.latency_s()


class _Microphone:
    def __init__(self, air: Air, channel: Channel) -> None:
        self._air = air
        self._channel = channel

    async def read(self) -> bytes:
        """Waits while the channel is off air, and before the visit lives."""
        while True:
            await self._until_it_hears()
            pcm = await self._air.microphone.read()
            if self._air.hears(self._channel):  # what came while the air changed hands was not meant for this one
                return pcm

    async def _until_it_hears(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            with self._air.lock:
                if self._air.hears(self._channel):
                    return
                ready: asyncio.Future[None] = loop.create_future()
                waiter = (loop, ready)
                self._channel.waiting.append(waiter)
            try:
                await ready
            finally:
                with self._air.lock:
                    if waiter in self._channel.waiting:
                        self._channel.waiting.remove(waiter)


def _wake(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
