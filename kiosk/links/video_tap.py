"""The pictures of one subscribed track, without a copy: only the newest waits."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from livekit import rtc
from livekit.rtc._ffi_client import FfiHandle
from livekit.rtc._proto import ffi_pb2, video_frame_pb2

from kiosk.links.stream_tap import StreamTap
from kiosk.media.frames import PixelFormat

_BUFFER_TYPE = {PixelFormat.I420: rtc.VideoBufferType.I420, PixelFormat.BGRA: rtc.VideoBufferType.BGRA}
_DEGREES = {0: 0, 1: 90, 2: 180, 3: 270}


@dataclass(frozen=True, slots=True)
class Picture:
    """`data` is the library's own memory, laid out as its format says; it is given back with the last reference.

    `timestamp_us` is the decoder's, on a clock of unknown origin; `arrived_s` on `time.perf_counter`.
    """

    width: int
    height: int
    data: memoryview
    rotation: int
    timestamp_us: int
    arrived_s: float


class VideoTap(StreamTap[Picture]):
    def __init__(self, track: rtc.Track, form: PixelFormat, on_picture: Callable[[Picture], None]) -> None:
        """`on_picture` is called on the loop that is running now."""
        super().__init__(track, "video_stream_event", capacity=1)
        self._form = form
        self._on_picture = on_picture
        request = ffi_pb2.FfiRequest()
        wanted = request.new_video_stream
        wanted.track_handle = track._ffi_handle.handle  # noqa: SLF001 - as the library's own streams do
        wanted.type = video_frame_pb2.VideoStreamType.VIDEO_STREAM_NATIVE
        wanted.format = _BUFFER_TYPE[form]
        wanted.normalize_stride = True
        self._open(request)

    def _piece(self, received: video_frame_pb2.VideoFrameReceived) -> Picture:
        info = received.buffer.info
        pixels = (ctypes.c_uint8 * size_of(self._form, info.width, info.height)).from_address(info.data_ptr)
        # The view holds the pixels and they hold the handle: when nobody looks any more, the memory is given back.
        pixels.handle = FfiHandle(received.buffer.handle.id)  # type: ignore[attr-defined]
        return Picture(
            width=info.width,
            height=info.height,
            data=memoryview(pixels).cast("B"),
            rotation=_DEGREES.get(cast(int, received.rotation), 0),
            timestamp_us=received.timestamp_us,
            arrived_s=time.perf_counter(),
        )

    def _hand_over(self, piece: Picture) -> None:
        self._on_picture(piece)


def size_of(form: PixelFormat, width: int, height: int) -> int:
    """Bytes of a picture without gaps between its rows."""
    if form is PixelFormat.BGRA:
        return width * height * 4
    return width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2)
