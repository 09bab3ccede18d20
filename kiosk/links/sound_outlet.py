"""10 ms of sound after the other into a published track, without LiveKit's own waiting.

`AudioSource.capture_frame` listens to every event of the library while it waits for its answer, those of the picture
included, and sets a timer for a queue that is not there: a fifth of what the microphone costs. Here the answer is only
looked at, so that two pieces never overtake each other.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
from collections import deque

from livekit import rtc
from livekit.rtc._ffi_client import FfiClient
from livekit.rtc._proto import ffi_pb2

from kiosk.media.native_call import NativeCall

log = logging.getLogger("kiosk.link")

SAMPLE_BYTES = 2
LOOK_S = 0.001
LOOKS = 20  # then the answer is lost, and the next piece goes all the same
REMEMBERED = 32  # answers; other sources of this process get theirs too


class SoundOutlet:
    """Lives on the loop that was running when it was made; `close` it there.

    `source`: mono, with `queue_size_ms=0`; it takes a piece straight to the encoder and refuses all but exactly 10 ms.
    """

    def __init__(self, source: rtc.AudioSource, rate: int) -> None:
        self._samples = rate // 100
        self._buffer = bytearray(self._samples * SAMPLE_BYTES)
        self._answered: deque[int] = deque(maxlen=REMEMBERED)
        self._asked: int | None = None
        request = ffi_pb2.FfiRequest()
        capture = request.capture_audio_frame
        capture.source_handle = source._ffi_handle.handle  # noqa: SLF001 - as the source itself does
        capture.buffer.data_ptr = ctypes.addressof(ctypes.c_char.from_buffer(self._buffer))
        capture.buffer.sample_rate = rate
        capture.buffer.num_channels = 1
        capture.buffer.samples_per_channel = self._samples
        self._capture = NativeCall(request)
        self._queue = FfiClient.instance.queue.subscribe(asyncio.get_running_loop(), filter_fn=self._catch)

    async def send(self, pcm: bytes) -> None:
        """Raises `ValueError` for anything but 10 ms of s16le samples."""
        if len(pcm) != len(self._buffer):
            raise ValueError(f"{len(pcm)} bytes are not 10 ms of sound")
        for _ in range(LOOKS):
            if self._asked is None or self._asked in self._answered:
                break
            await asyncio.sleep(LOOK_S)
        self._buffer[:] = pcm  # the library copies it before it answers the request
        self._asked = self._capture().capture_audio_frame.async_id

    def close(self) -> None:
        FfiClient.instance.queue.unsubscribe(self._queue)

    def _catch(self, event: ffi_pb2.FfiEvent) -> bool:
        """On the library's threads; lets nothing through."""
        if event.WhichOneof("message") == "capture_audio_frame":
            answer = event.capture_audio_frame
            self._answered.append(answer.async_id)
            if answer.error:
                log.debug("a piece of sound was refused: %s", answer.error)
        return False
