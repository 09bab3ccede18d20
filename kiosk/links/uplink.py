"""The visitor's voice on its way into the room: 10 ms frames of the microphone as a published track."""

from __future__ import annotations

import asyncio
import logging

from livekit import rtc

from kiosk.links.sound_outlet import SoundOutlet
from kiosk.media.frames import MicrophoneSource
from kiosk.redact import redact

log = logging.getLogger("kiosk.link")

SAMPLE_RATE = 48_000  # Hz


class MicrophoneUplink:
    """Publishes the microphone once its first frame has come, so that no silent track appears without one."""

    def __init__(self, participant: rtc.LocalParticipant, microphone: MicrophoneSource):
        self._participant = participant
        self._microphone = microphone
        self._source: rtc.AudioSource | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name="microphone uplink")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self._source is not None:
            await self._source.aclose()
            self._source = None

    async def _run(self) -> None:
        await self._microphone.read()
        source = self._source = rtc.AudioSource(SAMPLE_RATE, 1, queue_size_ms=0)
        track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=True, red=True)
        try:
            await self._participant.publish_track(track, options)
        except rtc.participant.PublishTrackError as error:
            log.error(
                "the room does not take the microphone: %s; check that the token allows publishing", redact(str(error))
            )
            return
        log.info("microphone published")
        outlet = SoundOutlet(source, SAMPLE_RATE)
        try:
            while True:
                await outlet.send(await self._microphone.read())
        finally:
            outlet.close()
