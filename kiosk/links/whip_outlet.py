"""The persona's way onto a stage over WHIP, as the media loop sees it.

Encoding and sending have a thread of their own: the media loop, which carries the visitor's sound, only puts pictures
and ticks into two short queues.
"""

from __future__ import annotations

import asyncio
import logging

from kiosk.links.own_loop import OwnLoop
from kiosk.links.participants import ParticipantFacts
from kiosk.links.stage_voice import StageVoice
from kiosk.links.waiting import either
from kiosk.links.whip import WhipClient
from kiosk.links.whip_queues import PictureQueue, VoiceQueue
from kiosk.providers.contract import WhipTarget
from kiosk.providers.http import HttpClient

log = logging.getLogger("kiosk.whip")

END_S = 8.0  # the last call, the connection and the thread together


class WhipOutlet:
    """Implements `StageOutlet`. Create and use it on the media loop."""

    def __init__(self, target: WhipTarget):
        self.video = PictureQueue()
        self._queue = VoiceQueue()
        self.voice = StageVoice(self._queue.put)
        self._http = HttpClient(secrets=[token for _, token in target.credentials if token])
        self._client = WhipClient(target, self._http)
        self._media = asyncio.get_running_loop()
        self._up, self._given_up = asyncio.Event(), asyncio.Event()
        self._own: OwnLoop | None = None
        self._sending: asyncio.Task[None] | None = None  # on its own loop

    async def open(self) -> bool:
        self._own = OwnLoop("whip")
        await self._own.run(self._start())
        await either(self._up, self._given_up)
        return self._up.is_set()

    async def close(self) -> None:
        own, self._own = self._own, None
        if own is None:
            return
        ending = asyncio.ensure_future(self._end(own))
        _, late = await asyncio.wait({ending}, timeout=END_S)
        if late:
            log.warning("WHIP did not end within %.0f s", END_S)
            ending.cancel()
            await asyncio.gather(ending, return_exceptions=True)

    def is_ours(self, participant: ParticipantFacts) -> bool:
        """What comes from outside into the room of a session that takes WHIP is what we send."""
        return participant.is_ingress or participant.sid in self._client.names

    async def _end(self, own: OwnLoop) -> None:
        await own.run(self._stop())
        await own.retire()

    def _tell(self, event: asyncio.Event) -> None:
        """From its own loop."""
        if not self._media.is_closed():
            self._media.call_soon_threadsafe(event.set)

    # --- on its own loop ---

    async def _start(self) -> None:
        self._sending = asyncio.get_running_loop().create_task(self._send(), name="whip")

    async def _send(self) -> None:
        try:
            # An extra of the package, and slow to load: here nobody waits for it.
            from kiosk.links.whip_publisher import WhipPublisher

            await WhipPublisher(self._client, self.video, self._queue, lambda: self._tell(self._up)).run()
        except Exception:
            log.exception("WHIP failed in an unforeseen way")
        finally:
            self._tell(self._given_up)

    async def _stop(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)
        await self._http.aclose()
