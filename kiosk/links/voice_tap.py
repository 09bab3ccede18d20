"""The sound of one subscribed track, 10 ms at a time."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

from livekit import rtc
from livekit.rtc._ffi_client import FfiHandle
from livekit.rtc._proto import audio_frame_pb2, ffi_pb2

from kiosk.links.stream_tap import StreamTap

BACKLOG = 100  # pieces: the ring behind decides what is too late, not this queue
PIECE_MS = 10
SAMPLE_BYTES = 2


class VoiceTap(StreamTap[bytes]):
    def __init__(self, track: rtc.Track, rate: int, channels: int, on_sound: Callable[[bytes], None]) -> None:
        """`on_sound` gets s16le samples at `rate` Hz, interleaved, on the loop that is running now."""
        super().__init__(track, "audio_stream_event", capacity=BACKLOG)
        self._on_sound = on_sound
        request = ffi_pb2.FfiRequest()
        wanted = request.new_audio_stream
        wanted.track_handle = track._ffi_handle.handle  # noqa: SLF001 - as the library's own streams do
        wanted.type = audio_frame_pb2.AudioStreamType.AUDIO_STREAM_NATIVE
        wanted.sample_rate = rate
        wanted.num_channels = channels
        wanted.queue_size_frames = 0
        wanted.frame_size_ms = PIECE_MS
        self._open(request)

    def _piece(self, received: audio_frame_pb2.AudioFrameReceived) -> bytes:
        info = received.frame.info
        sound = ctypes.string_at(info.data_ptr, info.num_channels * info.samples_per_channel * SAMPLE_BYTES)
        FfiHandle(received.frame.handle.id).dispose()
        return sound

    def _hand_over(self, piece: bytes) -> None:
        self._on_sound(piece)
