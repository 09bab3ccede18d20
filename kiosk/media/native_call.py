"""A request to LiveKit's native library that is made over and over: its words are put together once.

Each 10 ms of the microphone takes three requests. Building one anew each time, and taking its answer apart, costs
several times what the library needs for its own part.
"""

from __future__ import annotations

import ctypes

from livekit.rtc._ffi_client import FfiClient
from livekit.rtc._proto import ffi_pb2


class NativeCall:
    """Called from one thread at a time. What `request` points to must live as long as this."""

    def __init__(self, request: ffi_pb2.FfiRequest) -> None:
        words = request.SerializeToString()
        self._library = FfiClient.instance._ffi_lib  # noqa: SLF001 - there is no other way to it
        self._words = (ctypes.c_ubyte * len(words)).from_buffer_copy(words)
        self._size = len(words)
        self._answer = ctypes.POINTER(ctypes.c_ubyte)()
        self._answer_size = ctypes.c_size_t()
        self._answer_at, self._size_at = ctypes.byref(self._answer), ctypes.byref(self._answer_size)
        self._last = b""
        self._last_read = ffi_pb2.FfiResponse()

    def __call__(self) -> ffi_pb2.FfiResponse:
        """The same object as before where the answer is the same: not to be changed."""
        handle = self._library.livekit_ffi_request(self._words, self._size, self._answer_at, self._size_at)
        answer = ctypes.string_at(self._answer, self._answer_size.value)
        self._library.livekit_ffi_drop_handle(handle)
        if answer != self._last:
            self._last, self._last_read = answer, ffi_pb2.FfiResponse.FromString(answer)
        return self._last_read
