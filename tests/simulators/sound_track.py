"""The avatar's microphone track: its voice in frames of 10 ms at 48 kHz."""

from __future__ import annotations

import asyncio
import time

from livekit import rtc

from tests.simulators.speech import FRAME, RATE
from tests.simulators.voice import Voice

HOPELESS_S = 0.25


class SoundTrack:
    """One published audio track. `run` sends until it is cancelled."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self._source = rtc.AudioSource(RATE, 1, queue_size_ms=0)
        self.frozen = False
        self.track = rtc.LocalAudioTrack.create_audio_track("avatar_audio", self._source)

    def publish_options(self) -> rtc.TrackPublishOptions:
        return rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False, red=False)

    async def run(self) -> None:
        due = time.monotonic()
        while True:
            wait = due - time.monotonic()
            if wait < -HOPELESS_S:
                due = time.monotonic()
            await asyncio.sleep(max(0.0, wait))
            if not self.frozen:
                data = self._voice.next_frame().tobytes()
                await self._source.capture_frame(rtc.AudioFrame(data, RATE, 1, FRAME))
            due += FRAME / RATE

    async def aclose(self) -> None:
        await self._source.aclose()
