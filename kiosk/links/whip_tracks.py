"""What the persona shows and says, as the tracks of one connection that aiortc reads, on WHIP's own loop."""

from __future__ import annotations

import asyncio
import time
from fractions import Fraction

import numpy as np
from aiortc.mediastreams import MediaStreamTrack
from av import AudioFrame
from av import VideoFrame as AvVideoFrame

from kiosk.links.stage_voice import RATE
from kiosk.links.whip_queues import LATE_S, PictureQueue, VoiceQueue

VIDEO_CLOCK = 90_000  # Hz, of RTP
PACKET_S = 0.02
PACKET_SAMPLES = round(RATE * PACKET_S)
POLL_S = 0.004


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
