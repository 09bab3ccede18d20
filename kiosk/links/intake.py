"""Frames and voice of one subscribed track, from LiveKit's streams into the sinks. Lives on the media loop."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import cast

from livekit import rtc

from kiosk.media.av_sync import ClockMap, VideoDelay
from kiosk.media.frames import PixelFormat, VideoFrame, VideoSink, VoiceSink
from kiosk.media.levels import level_dbfs

log = logging.getLogger("kiosk.link")

_BUFFER_TYPE = {PixelFormat.I420: rtc.VideoBufferType.I420, PixelFormat.BGRA: rtc.VideoBufferType.BGRA}
_DEGREES = {0: 0, 1: 90, 2: 180, 3: 270}
CLOSE_TIMEOUT_S = 2.0


class Intake:
    """A consumer task with an end. `stop` cancels it first: LiveKit's video stream never ends by itself."""

    def __init__(self, sid: str, name: str):
        self.sid = sid
        self._name = name
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._consume(), name=self._name)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        closing = asyncio.ensure_future(self._close_stream())
        _, late = await asyncio.wait({closing}, timeout=CLOSE_TIMEOUT_S)
        if late:
            log.warning("a media stream did not close in time")
            closing.cancel()

    async def _consume(self) -> None:
        raise NotImplementedError

    async def _close_stream(self) -> None:
        raise NotImplementedError


class VideoIntake(Intake):
    """Puts each frame into the sink with the instant at which it is due beside its voice."""

    def __init__(
        self,
        track: rtc.Track,
        sid: str,
        sink: VideoSink,
        lateness_s: Callable[[], float],
        on_frame: Callable[[VideoFrame], None],
    ):
        """`lateness_s`: how much later than a picture that does not wait its sound would be."""
        super().__init__(sid, "video intake")
        self._sink = sink
        self._lateness_s = lateness_s
        self._on_frame = on_frame
        self._clock = ClockMap()
        self._delay = VideoDelay()
        self._format = sink.wanted_format
        # One frame: a stalled loop must not pile up pictures of megabytes each.
        self._stream = rtc.VideoStream(track, format=_BUFFER_TYPE[self._format], capacity=1)

    @property
    def offset_s(self) -> float:
        """By how much the sound is still later than the picture, in seconds."""
        return self._delay.offset_s

    async def _consume(self) -> None:
        first = True
        async for event in self._stream:
            now = time.perf_counter()
            delay = self._delay.update(self._lateness_s())
            frame = VideoFrame(
                format=self._format,
                width=event.frame.width,
                height=event.frame.height,
                data=event.frame.data,
                rotation=_DEGREES.get(cast(int, event.rotation), 0),
                # The face is to be there at once; only from the second frame on does it wait for its voice.
                due_s=0.0 if first or delay <= 0 else self._clock.due_s(event.timestamp_us, now) + delay,
                arrived_s=now,
            )
            first = False
            self._sink.put(frame)
            self._on_frame(frame)

    async def _close_stream(self) -> None:
        await self._stream.aclose()


class VoiceIntake(Intake):
    """Plays each 10 ms of voice and reports its level in dBFS; `hush` drops it until the avatar falls silent."""

    def __init__(
        self,
        track: rtc.Track,
        sid: str,
        sink: VoiceSink,
        on_level: Callable[[float], None],
        on_played: Callable[[memoryview], None],
    ):
        """`on_played` gets what the sink was given, at that instant."""
        super().__init__(sid, "voice intake")
        self._sink = sink
        self._on_level = on_level
        self._on_played = on_played
        self._hushed = False
        # 100 chunks of 10 ms: the ring behind the sink decides what is too late, not this queue.
        self._stream = rtc.AudioStream(
            track, sample_rate=sink.sample_rate, num_channels=sink.channels, frame_size_ms=10, capacity=100
        )

    def hush(self, on: bool) -> None:
        """While hushed nothing is played: the visitor interrupted, and the far side has not stopped yet."""
        self._hushed = on

    async def _consume(self) -> None:
        async for event in self._stream:
            pcm = event.frame.data
            if not self._hushed:
                self._sink.put(pcm.cast("B"))
                self._on_played(pcm.cast("B"))
            self._on_level(level_dbfs(pcm))

    async def _close_stream(self) -> None:
        await self._stream.aclose()
