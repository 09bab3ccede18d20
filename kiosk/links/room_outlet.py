"""The persona as camera and microphone of the kiosk's own participant in a LiveKit room."""

from __future__ import annotations

import asyncio
import logging
from collections import deque

from livekit import rtc

from kiosk.links.participants import ParticipantFacts
from kiosk.links.stage_voice import RATE, StageVoice
from kiosk.links.worker_tracks import VideoTrack
from kiosk.redact import redact

log = logging.getLogger("kiosk.link")

MOST_TICKS = 50  # of 10 ms that wait for the encoder: a stalled one must not pile them up


class RoomOutlet:
    """Implements `StageOutlet`. Lives on the media loop; the room is joined already."""

    def __init__(self, participant: rtc.LocalParticipant, width: int, height: int, fps: int):
        self._participant = participant
        self.video = VideoTrack(width, height, fps)
        self.voice = StageVoice(self._deliver)
        self._source = rtc.AudioSource(RATE, 1, queue_size_ms=0)
        self._ticks: deque[bytes] = deque(maxlen=MOST_TICKS)
        self._more = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    async def open(self) -> bool:
        track = rtc.LocalAudioTrack.create_audio_track("persona_voice", self._source)
        sound = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False, red=False)
        try:
            await asyncio.gather(  # together: one negotiation with the server in place of two
                self._participant.publish_track(track, sound),
                self._participant.publish_track(self.video.track, self.video.options()),
            )
        except rtc.participant.PublishTrackError as error:
            log.error(
                "the persona is not on the stage: the room does not take it: %s; the token must allow publishing",
                redact(str(error)),
            )
            return False
        self._task = asyncio.get_running_loop().create_task(self._send(), name="persona voice to the room")
        log.info("the persona is on the stage, in the room")
        return True

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.video.aclose()
        await self._source.aclose()

    def is_ours(self, participant: ParticipantFacts) -> bool:
        """Our own participant is none of the remote ones."""
        return False

    def _deliver(self, tick: bytes) -> None:
        self._ticks.append(tick)
        self._more.set()

    async def _send(self) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            while self._ticks:
                tick = self._ticks.popleft()
                try:
                    await self._source.capture_frame(rtc.AudioFrame(tick, RATE, 1, len(tick) // 2))
                except Exception as error:  # noqa: BLE001 - the library raises bare Exception for a refused frame
                    log.debug("a tick of the persona's voice was refused: %s", error)
