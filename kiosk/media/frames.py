"""Pictures and sounds in motion: immutable, no Qt, no vendor."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

STAND_IN = -1
"""The channel of pictures that only cover the wait for an avatar: they are shown, and counted nowhere."""


class PixelFormat(StrEnum):
    I420 = "i420"  # three planes, Y then U then V, rows tightly packed; chroma is ((w+1)//2) x ((h+1)//2)
    BGRA = "bgra"  # bytes B, G, R, A in memory: QImage.Format_RGB32 on little-endian


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """One decoded picture.

    `data` belongs to the frame and is never written again. `rotation` is clockwise in degrees (0, 90, 180, 270), to be
    applied when painting. `due_s` is the instant on `time.perf_counter` at which it should be on screen (0: at once).
    `channel` tells the avatars of a visit apart: where it changes, one picture fades over into the other.
    `zoom` (1 or more) shows it larger than fits, about its middle.
    """

    format: PixelFormat
    width: int
    height: int
    data: memoryview | bytes | bytearray
    rotation: int = 0
    due_s: float = 0.0
    arrived_s: float = 0.0
    channel: int = 0
    zoom: float = 1.0


class VideoSink(Protocol):
    """Takes frames from the media thread. Never blocks."""

    def put(self, frame: VideoFrame) -> None: ...

    @property
    def wanted_format(self) -> PixelFormat:
        """What the view can paint most cheaply; read when a stream is opened."""
        ...


class VoiceSink(Protocol):
    """Takes the avatar's voice from the media thread. Never blocks."""

    sample_rate: int  # Hz
    channels: int

    def put(self, pcm: memoryview | bytes) -> None:
        """s16le interleaved samples."""
        ...

    def flush(self) -> None:
        """Drops what has not been played yet, with a short fade: the voice stops at once."""
        ...

    def latency_s(self) -> float:
        """Seconds from `put` to the loudspeaker, as measured now; 0 while nothing is open."""
        ...


class MicrophoneSource(Protocol):
    """Gives 10 ms frames of s16le mono at 48 kHz (480 samples, 960 bytes), echo-cancelled. Newest data wins."""

    async def read(self) -> bytes:
        """Waits for the next 10 ms frame. Bound to the loop of the caller; raises `asyncio.CancelledError` only."""
        ...
