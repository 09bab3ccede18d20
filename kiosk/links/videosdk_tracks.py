"""Media of a VideoSDK room on the package's loop: what comes in is unpacked, what goes out is fed from outside."""

from __future__ import annotations

import asyncio
import fractions
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from av import AudioFrame, AudioResampler
from av import VideoFrame as DecodedFrame
from vsaiortc.mediastreams import MediaStreamError, MediaStreamTrack

from kiosk.media.frames import PixelFormat

log = logging.getLogger("kiosk.link")

MICROPHONE_RATE = 48_000  # Hz
PACKET_CHUNKS = 2  # of 10 ms: what the package's encoder takes at a time
WAITING_CHUNKS = 20  # 200 ms: what is older is late for any ear
CHUNK_BYTES = 960


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded frame. `timestamp_us` on the sender's clock, None where it has none; `arrived_s` on perf_counter."""

    format: PixelFormat
    width: int
    height: int
    data: bytes
    timestamp_us: int | None
    arrived_s: float


class MicrophoneTrack(MediaStreamTrack):
    """The visitor's voice for the package: 20 ms frames made of the 10 ms chunks that `feed` is given."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._chunks: deque[bytes] = deque(maxlen=WAITING_CHUNKS)
        self._enough = asyncio.Event()
        self._pts = 0
        self.sent_s = 0.0

    def feed(self, chunk: bytes) -> None:
        """10 ms of s16le mono at 48 kHz; on the package's loop."""
        self._chunks.append(chunk)
        if len(self._chunks) >= PACKET_CHUNKS:
            self._enough.set()

    def stop(self) -> None:
        super().stop()
        self._enough.set()

    async def recv(self) -> AudioFrame:
        await self._enough.wait()
        if self.readyState != "live":
            raise MediaStreamError
        pcm = b"".join(self._chunks.popleft() for _ in range(PACKET_CHUNKS))
        if len(self._chunks) < PACKET_CHUNKS:
            self._enough.clear()
        samples = np.frombuffer(pcm, np.int16).reshape(1, -1)
        frame = AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = MICROPHONE_RATE, self._pts, fractions.Fraction(1, 48_000)
        self._pts += samples.shape[1]
        self.sent_s += samples.shape[1] / MICROPHONE_RATE
        return frame


class VoicePump:
    """Reads a sound track to its end. Also one that nobody hears: the package would pile it up without a bound."""

    def __init__(self, track: MediaStreamTrack, rate: int, channels: int, put: Callable[[bytes], None]):
        self._track = track
        self._put = put
        self._resampler = AudioResampler(format="s16", layout="mono" if channels == 1 else "stereo", rate=rate)
        self.wanted = False

    async def run(self) -> None:
        """Ends with the track."""
        while True:
            try:
                frame = await self._track.recv()
            except MediaStreamError:
                return
            if not self.wanted or not isinstance(frame, AudioFrame):
                continue
            for part in self._resampler.resample(frame):
                self._put(part.to_ndarray().tobytes())


class PicturePump:
    """Reads a picture track to its end and unpacks the frames that somebody wants to see."""

    def __init__(self, track: MediaStreamTrack, wanted_format: PixelFormat, put: Callable[[Picture], None]):
        self._track = track
        self._format = wanted_format
        self._put = put
        self.wanted = False

    async def run(self) -> None:
        """Ends with the track."""
        while True:
            try:
                frame = await self._track.recv()
            except MediaStreamError:
                return
            if self.wanted and isinstance(frame, DecodedFrame):
                self._put(unpack(frame, self._format))


def unpack(frame: DecodedFrame, wanted: PixelFormat) -> Picture:
    """Copies a decoded frame into tightly packed rows; decoders pad theirs."""
    now = time.perf_counter()
    native = "yuv420p" if wanted is PixelFormat.I420 else "bgra"
    if frame.format.name != native:
        frame = frame.reformat(format=native)
    width, height = frame.width, frame.height
    if wanted is PixelFormat.I420:
        half = (width + 1) // 2, (height + 1) // 2
        shapes = [(width, height), half, half]
    else:
        shapes = [(4 * width, height)]
    data = b"".join(
        np.frombuffer(plane, np.uint8)[: rows * plane.line_size].reshape(rows, plane.line_size)[:, :row].tobytes()
        for plane, (row, rows) in zip(frame.planes, shapes, strict=True)
    )
    at = None if frame.pts is None or frame.time_base is None else int(frame.pts * frame.time_base * 1_000_000)
    return Picture(wanted, width, height, data, at, now)
