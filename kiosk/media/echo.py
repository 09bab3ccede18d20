"""The microphone without the avatar's own voice: WebRTC's audio processing, as LiveKit ships it."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final

from kiosk.media.playout import FarEnd

if TYPE_CHECKING:
    from livekit import rtc

    from kiosk.media.native_call import NativeCall

log = logging.getLogger("kiosk.media")

RATE: Final = 48_000  # Hz
FRAME_BYTES: Final = 960  # 10 ms of s16 mono
STALE_S: Final = 0.200  # far end older than this belongs to a time when nobody listened
DELAY_EVERY: Final = 100  # frames between two messages about the delay


_LOADING = threading.Lock()


def load_library() -> None:
    """Loads LiveKit's native library, once, whichever thread comes first. Call it before any other use of it.

    Its client is a singleton that the package makes without a lock: two threads at once would make two of them, and
    what one asks for the other is told.
    """
    with _LOADING:
        from livekit.rtc._ffi_client import FfiClient

        _ = FfiClient.instance


class EchoCanceller:
    """Feeds both ends of the canceller from one thread, in the order in which the sound was played and heard.

    Each switch is one of WebRTC's stages; without a loudspeaker the canceller has nothing to take out and lets all
    pass. When the loudspeaker is opened anew, call `follow` with its far end.
    """

    def __init__(
        self,
        *,
        echo_cancellation: bool = True,
        noise_suppression: bool = True,
        high_pass: bool = True,
        gain_control: bool = True,
    ) -> None:
        self._cancels = echo_cancellation
        self._stages = {
            "echo_cancellation": echo_cancellation,
            "noise_suppression": noise_suppression,
            "high_pass_filter": high_pass,
            "auto_gain_control": gain_control,
        }
        self._loaded = False
        self._module: rtc.AudioProcessingModule | None = None
        self._near = bytearray(FRAME_BYTES)
        self._near_call: NativeCall | None = None
        self._far_end: FarEnd | None = None
        self._far = bytearray()
        self._far_call: NativeCall | None = None
        self._until_delay = 0
        self.reversed = 0  # 10 ms frames of the far end that were taken into account

    def follow(self, far_end: FarEnd | None) -> None:
        """Takes this loudspeaker from now on. What it played before nobody was listening to."""
        self._prepare()
        if far_end is self._far_end:
            return
        self._far_end = far_end
        self._until_delay = 0
        if far_end is not None:
            far_end.ring.skip(far_end.ring.available())
            self._far = bytearray(far_end.frame * 2)
            self._far_call = self._call("apm_process_reverse_stream", self._far, far_end.rate)

    def _prepare(self) -> None:
        """On the first use and on its thread: loading the library takes a quarter of a second."""
        if self._loaded:
            return
        self._loaded = True
        load_library()
        if any(self._stages.values()):
            from livekit import rtc

            self._module = rtc.AudioProcessingModule(**self._stages)
            self._near_call = self._call("apm_process_stream", self._near, RATE)

    def _call(self, name: str, samples: bytearray, rate: int) -> NativeCall | None:
        """Of one of the module's two ways in, which change the samples where they are."""
        if self._module is None:
            return None
        import ctypes

        from livekit.rtc._proto import ffi_pb2

        from kiosk.media.native_call import NativeCall

        request = ffi_pb2.FfiRequest()
        words = getattr(request, name)
        words.apm_handle = self._module._ffi_handle.handle  # noqa: SLF001 - as the module itself does
        words.data_ptr = ctypes.addressof(ctypes.c_char.from_buffer(samples))
        words.size = len(samples)
        words.sample_rate = rate
        words.num_channels = 1
        return NativeCall(request)

    def process(self, pcm: memoryview, left: int, capture_delay_s: float) -> bytes:
        """One 10 ms frame of the microphone (960 bytes) in, the same without echo and noise out.

        `left`: further frames that wait behind this one; the far end is shared out among them. `capture_delay_s`: since
        the microphone heard it.
        """
        self._prepare()
        self._near[:] = pcm
        if self._near_call is None:
            return bytes(self._near)
        if self._cancels:
            self._take_far_end(left + 1, capture_delay_s)
        if error := self._near_call().apm_process_stream.error:
            raise RuntimeError(error)
        return bytes(self._near)

    def _take_far_end(self, shares: int, capture_delay_s: float) -> None:
        far_end, call = self._far_end, self._far_call
        if far_end is None or call is None or self._module is None:
            return
        ring = far_end.ring
        stale = ring.available() - round((STALE_S + shares * 0.01) * far_end.rate)
        if stale > 0:
            ring.skip(stale)
        waiting = ring.available() // far_end.frame
        for _ in range(-(-waiting // shares)):
            ring.read_into(self._far)
            if error := call().apm_process_reverse_stream.error:
                raise RuntimeError(error)
            self.reversed += 1
        if self._until_delay == 0:
            self._until_delay = DELAY_EVERY
            delay_s = far_end.latency_s + ring.available() / far_end.rate + capture_delay_s
            self._module.set_stream_delay_ms(max(0, min(500, round(delay_s * 1000))))
        self._until_delay -= 1
