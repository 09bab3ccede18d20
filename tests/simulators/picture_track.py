"""The avatar's camera: pictures at a steady rate, of any size, with a frame code and flashes where they are wanted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from livekit import rtc

from tests.simulators.frame_code import LIMIT, FrameCode
from tests.simulators.portrait import MOUTHS, POSES, Portrait
from tests.simulators.speech import beep
from tests.simulators.voice import Voice

FLASH_EVERY_S = 2
FLASH_FRAMES = 3
BREATH_S = 4.8
BLINK_EVERY = 107  # frames
BLINK = (1, 1, 2, 2, 1)  # half, half, shut, shut, half
QUIET_DBFS, LOUD_DBFS = -44.0, -16.0  # mouth closed .. wide open
HOPELESS_S = 0.25  # later than this, frames are left out instead of being sent in a burst

Log = Callable[[Mapping[str, object]], None]

ROTATIONS = {
    0: rtc.VideoRotation.VIDEO_ROTATION_0,
    90: rtc.VideoRotation.VIDEO_ROTATION_90,
    180: rtc.VideoRotation.VIDEO_ROTATION_180,
    270: rtc.VideoRotation.VIDEO_ROTATION_270,
}


class Gallery:
    """The portraits drawn so far, one per size: drawing one takes about a second."""

    def __init__(self, caption: str = "") -> None:
        self._caption = caption
        self._portraits: dict[tuple[int, int], Portrait] = {}

    def portrait(self, width: int, height: int) -> Portrait:
        key = (width, height)
        if key not in self._portraits:
            self._portraits[key] = Portrait(width, height, caption=self._caption)
        return self._portraits[key]


@dataclass(frozen=True, slots=True)
class PictureOptions:
    width: int = 960
    height: int = 720
    fps: int = 30
    frame_code: bool = False
    beep_flash: bool = False  # a flash under the code and a beep at the same instant, every 2 s
    max_bitrate: int = 3_000_000


class PictureTrack:
    """One published camera track. `run` sends until it is cancelled; `frozen` holds the picture at the far side."""

    def __init__(self, options: PictureOptions, gallery: Gallery, voice: Voice, log: Log) -> None:
        self._options = options
        self._gallery = gallery
        self._voice = voice
        self._log = log
        self._portrait = gallery.portrait(options.width, options.height)
        self._code = FrameCode(options.width, options.height)
        self._source = rtc.VideoSource(options.width, options.height)
        self._mouth = 0.0
        self._beeps = 0
        self.frozen = False
        self.rotation = 0  # clockwise degrees; the library turns the pixels before they are sent
        self.sent = 0
        self.track = rtc.LocalVideoTrack.create_video_track("avatar_video", self._source)

    @property
    def size(self) -> tuple[int, int]:
        return self._portrait.width, self._portrait.height

    def publish_options(self) -> rtc.TrackPublishOptions:
        encoding = rtc.VideoEncoding(max_framerate=self._options.fps, max_bitrate=self._options.max_bitrate)
        return rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA, simulcast=False, video_encoding=encoding)

    async def resize(self, width: int, height: int) -> None:
        """Mid-stream: the next frame has the new size."""
        portrait = await asyncio.to_thread(self._gallery.portrait, width, height)
        self._portrait, self._code = portrait, FrameCode(width, height)

    async def run(self) -> None:
        period = 1 / self._options.fps
        due = time.monotonic()
        while True:
            wait = due - time.monotonic()
            if wait < -HOPELESS_S:
                due = time.monotonic()
            await asyncio.sleep(max(0.0, wait))
            if not self.frozen:
                self._send()
            due += period

    async def aclose(self) -> None:
        await self._source.aclose()

    def _send(self) -> None:
        number = self.sent
        picture = self._portrait.picture(self._pose(number), self._mouth_step(), self._eyes(number))
        flash_at = FLASH_EVERY_S * self._options.fps
        beats = self._options.beep_flash and number >= flash_at
        if beats and number % flash_at == 0:
            self._voice.overlay(beep())
            self._log({"beep": self._beeps, "frame": number, "t": time.monotonic()})
            self._beeps += 1
        if self._options.frame_code:
            self._code.draw(picture, number % LIMIT, flash=beats and number % flash_at < FLASH_FRAMES)
        width, height = self.size
        frame = rtc.VideoFrame(width, height, rtc.VideoBufferType.I420, picture.tobytes())
        now = time.monotonic()
        self._source.capture_frame(frame, timestamp_us=int(now * 1e6), rotation=ROTATIONS[self.rotation])
        if self._options.frame_code:
            self._log({"frame": number, "t": now})
        self.sent += 1

    def _pose(self, number: int) -> int:
        return int(number / self._options.fps / BREATH_S * POSES) % POSES

    def _eyes(self, number: int) -> int:
        step = number % BLINK_EVERY
        return BLINK[step] if step < len(BLINK) else 0

    def _mouth_step(self) -> int:
        """Follows the level of what is being said, quicker to open than to close."""
        opening = (self._voice.level_dbfs - QUIET_DBFS) / (LOUD_DBFS - QUIET_DBFS)
        target = min(1.0, max(0.0, opening))
        self._mouth += (target - self._mouth) * (0.7 if target > self._mouth else 0.45)
        return round(self._mouth * (MOUTHS - 1))
