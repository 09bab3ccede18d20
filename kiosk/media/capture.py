"""The visitor's voice from the microphone, in 10 ms frames."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import soxr
from numpy.typing import NDArray

from kiosk.media.device_state import DeviceKind
from kiosk.media.echo import FRAME_BYTES, RATE, EchoCanceller
from kiosk.media.levels import level_dbfs
from kiosk.media.playout import STALL_S, START_S, FarEnd
from kiosk.media.portaudio import LATENCY_S, OpenStream, open_stream, start_stream
from kiosk.media.priority import raise_priority
from kiosk.media.ring import PcmRing
from kiosk.media.statistics import MicrophoneStatistics
from kiosk.media.thread_name import show_name

log = logging.getLogger("kiosk.media")

FRAME: Final = FRAME_BYTES // 2  # samples
BACKLOG: Final = 10  # frames: 100 ms
RING_S: Final = 1.0
READER_S: Final = 5.0  # a reader that comes back later than this was gone in between, not late
SILENCE: Final = bytes(FRAME_BYTES)
LOWEST_DBFS: Final = -90.0
LEVEL_FALL: Final = 0.9  # per frame: the meter falls by half within 70 ms


class Capture:
    """A `MicrophoneSource`.

    PortAudio's callback copies into a ring and does nothing else. One worker thread takes 10 ms at a time out of it,
    removes echo and noise, and keeps the newest 100 ms for `read`. A thread and not a task of the media loop, so that
    the canceller hears both ends in step also while that loop is busy, and the loop only gets finished frames.
    """

    def __init__(
        self, device: str, echo: EchoCanceller, far_end: Callable[[], FarEnd | None], *, mute: bool = False
    ) -> None:
        """`device`: as in the settings, '' for the default. `far_end`: what the loudspeaker plays at present."""
        self._device = device
        self._echo = echo
        self._far_end = far_end
        self.mute = mute  # `read` then gives silence: the track lives on
        self._microphone: _Microphone | None = None
        self._lock = threading.Lock()  # between worker and reader; the audio callback never takes it
        self._frames: deque[bytes] = deque(maxlen=BACKLOG)
        self._waiter: tuple[asyncio.AbstractEventLoop, asyncio.Future[None]] | None = None
        self._read_s = -READER_S
        self._level_dbfs = LOWEST_DBFS
        self._sent = 0
        self._dropped = 0
        self._missed = 0  # since the last read: dropped if the reader comes back, else nobody wanted them
        self._past_lost = 0

    def start(self) -> None:
        """Opens the microphone. Blocks as PortAudio does; raises `DeviceError`."""
        if self._microphone is None:
            self._microphone = _Microphone(self._device, self._echo, self._far_end, self._deliver)

    def stop(self) -> None:
        """Idempotent. `read` waits until the microphone is started again."""
        microphone, self._microphone = self._microphone, None
        if microphone is not None:
            microphone.end()
            self._past_lost += microphone.lost // FRAME
        with self._lock:
            self._frames.clear()
        self._level_dbfs = LOWEST_DBFS

    @property
    def is_open(self) -> bool:
        return self._microphone is not None

    def healthy(self) -> bool:
        """False once the device has died under us, or while none is open."""
        microphone = self._microphone
        return microphone is not None and microphone.alive()

    def level_dbfs(self) -> float:
        """Loudness of what `read` gives, -90 to 0 dBFS, falling slowly as a meter does."""
        return self._level_dbfs

    @property
    def overflows(self) -> int:
        """How often the sound card lost sound before it reached us, since the microphone was opened."""
        microphone = self._microphone
        return 0 if microphone is None else microphone.overflows

    def statistics(self) -> MicrophoneStatistics:
        microphone = self._microphone
        lost = self._past_lost + (0 if microphone is None else microphone.lost // FRAME)
        return MicrophoneStatistics(sent_s=round(self._sent * 0.01, 2), dropped=self._dropped + lost)

    async def read(self) -> bytes:
        """The next 10 ms: 960 bytes of s16le mono at 48 kHz. One reader at a time."""
        loop = asyncio.get_running_loop()
        while True:
            with self._lock:
                now_s = time.perf_counter()
                if now_s - self._read_s < READER_S:
                    self._dropped += self._missed
                self._missed = 0
                self._read_s = now_s
                if self._frames:
                    self._sent += 1
                    return self._frames.popleft()
                ready: asyncio.Future[None] = loop.create_future()
                self._waiter = (loop, ready)
            await ready

    def _deliver(self, pcm: bytes) -> None:
        """On the worker thread."""
        if self.mute:
            pcm = SILENCE
        self._level_dbfs = max(
            LOWEST_DBFS, level_dbfs(pcm), LOWEST_DBFS + (self._level_dbfs - LOWEST_DBFS) * LEVEL_FALL
        )
        with self._lock:
            self._missed += len(self._frames) == BACKLOG
            self._frames.append(pcm)
            waiter, self._waiter = self._waiter, None
        if waiter is not None:
            loop, ready = waiter
            with contextlib.suppress(RuntimeError):  # the loop of a reader that is gone
                loop.call_soon_threadsafe(_wake, ready)


class _Microphone:
    """One opening of the microphone, with its worker."""

    def __init__(
        self,
        device: str,
        echo: EchoCanceller,
        far_end: Callable[[], FarEnd | None],
        deliver: Callable[[bytes], None],
    ) -> None:
        self.overflows = 0
        self.lost = 0  # samples
        self._echo = echo
        self._far_end = far_end
        self._deliver = deliver
        self._finished = False
        self._called_s = 0.0
        self._delay_s = LATENCY_S  # from the air to the callback
        self._ended = threading.Event()
        self._rang = threading.Lock()  # a bell: the callback releases it and never waits for it
        self._rang.acquire()
        self._opened: OpenStream = open_stream(DeviceKind.MICROPHONE, device, self._callback, self._on_finished)
        self._rate, self._channels = self._opened.rate, self._opened.channels
        self._ring = PcmRing(round(RING_S * self._rate) * self._channels)
        self._started_s = time.perf_counter()
        start_stream(DeviceKind.MICROPHONE, self._opened)
        self._worker = threading.Thread(target=self._work, name="microphone", daemon=True)
        self._worker.start()
        log.info("microphone open: %s, %d Hz, %d channel(s)", self._opened.device.label, self._rate, self._channels)

    def alive(self) -> bool:
        if self._finished or not self._worker.is_alive():
            return False
        now_s = time.perf_counter()
        return now_s - self._called_s < STALL_S if self._called_s else now_s - self._started_s < START_S

    def end(self) -> None:
        self._ended.set()
        self._opened.end(abort=True)
        self._worker.join(2)
        if self._worker.is_alive():
            log.error("the microphone's worker did not end")
        log.info("microphone closed")

    def _callback(self, data: Any, frames: int, timing: Any, status: Any) -> None:
        if not self._called_s:
            show_name("microphone card")
            raise_priority()
        self._called_s = time.perf_counter()
        if status.input_overflow:
            self.overflows += 1
        delay_s = timing.currentTime - timing.inputBufferAdcTime
        if 0 < delay_s < 1:
            self._delay_s = delay_s
        self.lost += frames - self._ring.write(data) // self._channels
        if self._rang.locked():
            self._rang.release()

    def _on_finished(self) -> None:
        self._finished = True

    def _work(self) -> None:
        show_name("microphone")
        try:
            self._process()
        except RuntimeError as error:  # the library's; without a worker we count as dead and are opened anew
            log.error("the sound from the microphone cannot be processed: %s", error)

    def _process(self) -> None:
        block = np.zeros(self._opened.block * self._channels, np.int16)
        convert = soxr.ResampleStream(self._rate, RATE, 1, dtype="int16") if self._rate != RATE else None
        pending: NDArray[np.int16] = np.zeros(0, np.int16)
        self._echo.follow(None)  # what was played before is not in this microphone
        while not self._ended.is_set():
            self._rang.acquire(timeout=0.1)
            self._echo.follow(self._far_end())
            while not self._ended.is_set() and self._ring.available() >= block.size:
                delay_s = self._delay_s + self._ring.available() / (self._rate * self._channels)
                self._ring.read_into(block)
                mono = block if self._channels == 1 else block[:: self._channels]
                if convert is None:
                    frames = [np.ascontiguousarray(mono)]
                else:
                    pending = np.concatenate([pending, convert.resample_chunk(np.ascontiguousarray(mono))])
                    whole = len(pending) // FRAME * FRAME
                    frames = [pending[at : at + FRAME] for at in range(0, whole, FRAME)]
                    pending = pending[whole:]
                left = self._ring.available() // block.size
                for frame in frames:
                    self._deliver(self._echo.process(memoryview(frame).cast("B"), left, delay_s))


def _wake(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
