"""Sinks and a microphone for a link under test: they keep what they are given."""

from __future__ import annotations

import asyncio
import time

import numpy as np
from numpy.typing import NDArray

from kiosk.media.frames import PixelFormat, VideoFrame
from tests.simulators.frame_code import FrameCode

RATE = 48_000
FRAME_BYTES = 960


class Screen:
    """A VideoSink that reads the frame code of each I420 frame."""

    wanted_format = PixelFormat.I420

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.sizes: set[tuple[int, int]] = set()

    def put(self, frame: VideoFrame) -> None:
        self.sizes.add((frame.width, frame.height))
        luma = np.frombuffer(frame.data, np.uint8, count=frame.width * frame.height)
        reading = FrameCode(frame.width, frame.height).read(luma.reshape(frame.height, frame.width))
        if reading is not None:
            self.numbers.append(reading.number)


class Loudspeaker:
    """A VoiceSink without a device."""

    sample_rate = RATE
    channels = 1

    def __init__(self) -> None:
        self._chunks: list[NDArray[np.int16]] = []
        self.flushed = 0

    def put(self, pcm: memoryview | bytes) -> None:
        self._chunks.append(np.frombuffer(bytes(pcm), np.int16))

    def flush(self) -> None:
        self.flushed += 1

    def latency_s(self) -> float:
        return 0.06

    def heard(self) -> NDArray[np.int16]:
        return np.concatenate(self._chunks) if self._chunks else np.zeros(0, np.int16)


class Microphone:
    """A MicrophoneSource in real time: silence, and what `say` is given. `absent` gives no frame at all."""

    def __init__(self, *, absent: bool = False) -> None:
        self._absent = absent
        self._left = b""
        self._due = 0.0

    def say(self, samples: NDArray[np.int16]) -> None:
        self._left += samples.tobytes()

    async def read(self) -> bytes:
        if self._absent:
            await asyncio.Event().wait()
        now = time.perf_counter()
        self._due = max(self._due + 0.01, now - 0.05)
        await asyncio.sleep(max(0.0, self._due - now))
        frame, self._left = self._left[:FRAME_BYTES], self._left[FRAME_BYTES:]
        return frame.ljust(FRAME_BYTES, b"\0")
