"""The two tracks of an avatar worker: sound in ticks of 10 ms, and pictures that leave beside their sound."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable

from livekit import rtc

from kiosk.links.worker_speech import RATE, TICK_S, WorkerSpeech
from kiosk.media.frames import PixelFormat, VideoFrame

log = logging.getLogger("kiosk.worker")

LATE_S = 0.2  # later than this, ticks are left out instead of being caught up in a burst
MAX_HELD = 8  # pictures that wait for their sound
BITS_PER_PIXEL = 0.09
_BUFFER_TYPE = {PixelFormat.I420: rtc.VideoBufferType.I420, PixelFormat.BGRA: rtc.VideoBufferType.BGRA}


class SoundTrack:
    """Sends without a pause, silence too: the far side's clock, and with it the lips, hang on this sound."""

    def __init__(self, speech: WorkerSpeech, on_lips: Callable[[bytes], None]):
        """`on_lips` gets each 10 ms (s16le mono, 48 kHz) before it is heard."""
        self._speech = speech
        self._on_lips = on_lips
        # No queue: a frame goes straight to the encoder; anything but exactly 10 ms raises there.
        self._source = rtc.AudioSource(RATE, 1, queue_size_ms=0)
        self.track = rtc.LocalAudioTrack.create_audio_track("avatar_audio", self._source)

    def options(self) -> rtc.TrackPublishOptions:
        # Redundant packets make receivers buffer some 50 ms more, which no face can afford.
        return rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False, red=False)

    async def run(self) -> None:
        due = time.perf_counter()
        while True:
            due += TICK_S
            wait = due - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            elif wait < -LATE_S:
                due = time.perf_counter()
            lips, sound = self._speech.step()
            self._on_lips(lips)
            try:
                await self._source.capture_frame(rtc.AudioFrame(sound, RATE, 1, len(sound) // 2))
            except Exception as error:  # noqa: BLE001 - the library raises bare Exception for a refused frame
                log.debug("a tick of sound was refused: %s", error)

    async def aclose(self) -> None:
        await self._source.aclose()


class VideoTrack:
    """A VideoSink. A picture that is due later is held until then. Lives on one loop."""

    wanted_format = PixelFormat.BGRA

    def __init__(self, width: int, height: int, fps: int):
        self._source = rtc.VideoSource(width, height)
        self._encoding = rtc.VideoEncoding(
            max_framerate=fps, max_bitrate=max(300_000, int(width * height * fps * BITS_PER_PIXEL))
        )
        self._held: deque[asyncio.TimerHandle] = deque()
        self._closed = False
        self.sent = 0
        self.track = rtc.LocalVideoTrack.create_video_track("avatar_video", self._source)

    def options(self) -> rtc.TrackPublishOptions:
        return rtc.TrackPublishOptions(
            source=rtc.TrackSource.SOURCE_CAMERA, simulcast=False, video_encoding=self._encoding
        )

    def put(self, frame: VideoFrame) -> None:
        while self._held and self._held[0].when() <= asyncio.get_running_loop().time():
            self._held.popleft()
        if self._closed or len(self._held) >= MAX_HELD:
            return
        wait = max(0.0, frame.due_s - time.perf_counter()) if frame.due_s else 0.0
        self._held.append(asyncio.get_running_loop().call_later(wait, self._send, frame))

    async def aclose(self) -> None:
        self._closed = True
        while self._held:
            self._held.popleft().cancel()
        await self._source.aclose()

    def _send(self, frame: VideoFrame) -> None:
        picture = rtc.VideoFrame(frame.width, frame.height, _BUFFER_TYPE[frame.format], frame.data)
        self._source.capture_frame(picture, timestamp_us=int(time.perf_counter() * 1e6))
        self.sent += 1
