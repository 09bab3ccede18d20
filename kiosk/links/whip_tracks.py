"""What the persona shows and says: two short queues that the media loop fills, and the tracks that aiortc reads from
them on a loop of its own. The queues outlive a connection, the tracks do not."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from fractions import Fraction

import numpy as np
from aiortc.mediastreams import MediaStreamTrack
from av import AudioFrame
from av import VideoFrame as AvVideoFrame

from kiosk.links.stage_voice import RATE, TICK_BYTES
from kiosk.media.frames import PixelFormat, VideoFrame

VIDEO_CLOCK = 90_000  # Hz, of RTP
PACKET_S = 0.02
PACKET_SAMPLES = round(RATE * PACKET_S)
MOST_TICKS = 30  # of 10 ms that wait
ENOUGH_TICKS = 6  # what is left of them when too many waited: no delay stays behind a hiccup
MOST_PICTURES = 8
LATE_S = 0.2  # later than this, packets and pictures are left out instead of being caught up in a burst
POLL_S = 0.004


class VoiceQueue:
    """10 ms ticks. One thread puts, one takes."""

    def __init__(self) -> None:
        self._ticks: deque[bytes] = deque(maxlen=MOST_TICKS)

    def put(self, tick: bytes) -> None:
        self._ticks.append(tick)

    def take(self) -> bytes:
        """The next tick, silence where there is none."""
        if len(self._ticks) > MOST_TICKS // 2:
            while len(self._ticks) > ENOUGH_TICKS:
                self._ticks.popleft()
        return self._ticks.popleft() if self._ticks else bytes(TICK_BYTES)


class PictureQueue:
    """Implements `VideoSink`. One thread puts, one takes."""

    wanted_format = PixelFormat.BGRA

    def __init__(self) -> None:
        self._pictures: deque[VideoFrame] = deque(maxlen=MOST_PICTURES)

    def put(self, frame: VideoFrame) -> None:
        self._pictures.append(frame)

    def take(self, now_s: float) -> VideoFrame | None:
        """The next picture that is due at `now_s`; of those that are late only the newest."""
        while len(self._pictures) > 1 and now_s - self._pictures[0].due_s > LATE_S:
            self._pictures.popleft()
        return self._pictures.popleft() if self._pictures and self._pictures[0].due_s <= now_s else None


class VoiceTrack(MediaStreamTrack):
    """A steady stream of packets of 20 ms."""

    kind = "audio"

    def __init__(self, queue: VoiceQueue) -> None:
        super().__init__()
        self._queue = queue
        self._start_s = 0.0
        self._packets = 0

    async def recv(self) -> AudioFrame:
        now = time.perf_counter()
        self._start_s = self._start_s or now
        wait = self._start_s + self._packets * PACKET_S - now
        if wait > 0:
            await asyncio.sleep(wait)
        elif wait < -LATE_S:
            self._packets = round((now - self._start_s) / PACKET_S)
        frame = AudioFrame(format="s16", layout="mono", samples=PACKET_SAMPLES)
        frame.planes[0].update(self._queue.take() + self._queue.take())
        frame.sample_rate = RATE
        frame.time_base = Fraction(1, RATE)
        frame.pts = self._packets * PACKET_SAMPLES
        self._packets += 1
        return frame


class PictureTrack(MediaStreamTrack):
    """Each picture when it is due; where the encoder cannot keep up, some are left out."""

    kind = "video"

    def __init__(self, queue: PictureQueue) -> None:
        super().__init__()
        self._queue = queue
        self._start_s = 0.0
        self._last_pts = -1

    async def recv(self) -> AvVideoFrame:
        # The other loop sets no event of this one: a wake-up for each picture would cost more than looking.
        while (picture := self._queue.take(time.perf_counter())) is None:  # noqa: ASYNC110
            await asyncio.sleep(POLL_S)
        now = time.perf_counter()
        self._start_s = self._start_s or now
        pixels = np.frombuffer(picture.data, np.uint8).reshape(picture.height, picture.width, 4)
        frame = AvVideoFrame.from_ndarray(pixels, format="bgra")
        frame.time_base = Fraction(1, VIDEO_CLOCK)
        frame.pts = self._last_pts = max(self._last_pts + 1, round((now - self._start_s) * VIDEO_CLOCK))
        return frame
