"""The visitor's voice on its way into an ingest socket. It never pauses: a silent socket may be taken for dead."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from kiosk.links.ingest_audio import FRAME_BYTES, Downsampler
from kiosk.media.frames import MicrophoneSource

log = logging.getLogger("kiosk.link")

FRAME_S = 0.02
GONE_S = 0.5  # a microphone that says nothing for so long is replaced by silence; a busy machine is late by less
SILENCE = bytes(FRAME_BYTES)


class MicrophoneUplink:
    """`send` gets 20 ms of s16le mono at 8 kHz at a time. While `muted` says so, silence goes out."""

    def __init__(
        self, microphone: MicrophoneSource, send: Callable[[bytes], None], muted: Callable[[], bool] = lambda: False
    ) -> None:
        self._microphone = microphone
        self._send = send
        self._muted = muted
        self._resampler = Downsampler()

    async def run(self) -> None:
        """Until it is cancelled."""
        log.info("the room is sent the microphone, and silence while there is none")
        heard = False
        while True:
            try:
                async with asyncio.timeout(GONE_S if heard else FRAME_S):
                    pcm = await self._microphone.read()
            except TimeoutError:
                heard = False
                self._send(SILENCE)
                continue
            heard = True
            for frame in self._resampler.feed(pcm):
                self._send(SILENCE if self._muted() else frame)
