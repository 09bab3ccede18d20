"""An avatar worker by LiveKit's avatar contract: joins a room, says what its agent streams, shows a face that says it.

Source: the avatar contract of LiveKit's agents framework. Sound and picture are published at once, not with the first
speech: an agent may wait for the picture before it sends its first byte, and a face that only appears to speak is none.
The face itself comes from outside: it gets the sound by `on_lips`, a little early, and puts pictures into `video`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from livekit import rtc

from kiosk.links import losses
from kiosk.links.abandoned import AbandonedConnects
from kiosk.links.contract import AvatarMode, LinkError, Lost, LostReason
from kiosk.links.participants import AGENT_STATE
from kiosk.links.token_claims import may_publish, may_send_data
from kiosk.links.worker_inbox import WorkerInbox, agent_of
from kiosk.links.worker_reports import WorkerReports
from kiosk.links.worker_speech import TICK_S, WorkerSpeech
from kiosk.links.worker_tracks import SoundTrack, VideoTrack
from kiosk.redact import redact

log = logging.getLogger("kiosk.worker")

LEAD_S = 0.08  # lips know the sound so long before it is heard: reading, waiting for the next picture, drawing it
WATCH_S = 0.25
DISCONNECT_TIMEOUT_S = 4.0
_ASKED_TO_LEAVE = frozenset({1, 4, 5, 10})  # LiveKit's DisconnectReason: we left, removed, room deleted, room closed
_NOT_ALLOWED = "the token does not allow {}: make one for an agent, with canPublish and canPublishData"


@dataclass(frozen=True, slots=True)
class WorkerTiming:
    """How patient a worker is, in seconds."""

    connect_s: float = 12.0
    agent_gone_s: float = 60.0  # an agent that fell over is started again by then
    agent_never_s: float = 600.0


class AvatarWorker:
    """`join` once, `stay` once, `close` once, all on one loop. The face's owner stops the face before `close`."""

    def __init__(
        self,
        width: int,
        height: int,
        fps: int,
        abandoned: AbandonedConnects,
        *,
        on_lips: Callable[[bytes], None],
        on_mode: Callable[[AvatarMode | None], None],
        timing: WorkerTiming = WorkerTiming(),
    ):
        """Pixels; even. `on_lips`: 10 ms of sound, s16le mono at 48 kHz, heard `LEAD_S` later. `on_mode`: what the
        agent and its speech make of the face; None while there is no agent."""
        self._abandoned = abandoned
        self._on_mode = on_mode
        self._timing = timing
        self._room = rtc.Room()
        self._ended: asyncio.Future[Lost | None] = asyncio.get_running_loop().create_future()
        self._tasks: set[asyncio.Task[None]] = set()
        self._joined = False
        self._closing = False
        self._mode: AvatarMode | None = None
        self.speech = WorkerSpeech(round(LEAD_S / TICK_S))
        self._reports = WorkerReports(self._room)
        self._inbox = WorkerInbox(self._room, self.speech, self._reports, self._spawn)
        self._sound = SoundTrack(self.speech, on_lips)
        self.video = VideoTrack(width, height, fps)

    async def join(self, url: str, token: str) -> None:
        """Joins and publishes. Raises LinkError; `close` is due all the same."""
        host = _host(url)
        self._check(token)
        self._inbox.listen()
        self._room.on("disconnected", self._on_disconnected)
        await self._connect(url, token, host)
        self._joined = True
        log.info("room joined as an avatar")
        self._inbox.serve_calls()
        self._reports.start()
        self._spawn(self._sound.run(), "worker sound")
        await self._publish()
        log.info("sound and picture published")

    async def stay(self) -> Lost | None:
        """Until the room ends or the agent is gone for long. None: as it should be; else what went wrong."""
        watching = asyncio.create_task(self._watch(), name="worker watch")
        try:
            return await self._ended
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def close(self) -> None:
        """Stops tasks, then sources, then leaves the room. Idempotent."""
        if self._closing:
            return
        self._closing = True
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._reports.stop()
        await self.video.aclose()
        await self._sound.aclose()
        leaving = asyncio.ensure_future(self._room.disconnect())
        _, late = await asyncio.wait({leaving}, timeout=DISCONNECT_TIMEOUT_S)
        if late:
            log.warning("the room did not confirm the leaving within %.0f s", DISCONNECT_TIMEOUT_S)
            self._abandoned.keep(leaving)
        elif self._joined:
            log.info("room left")

    def _check(self, token: str) -> None:
        for allowed, what in (
            (may_publish(token, "microphone"), "publishing sound"),
            (may_publish(token, "camera"), "publishing a picture"),
            (may_send_data(token), "telling the agent what was said"),
        ):
            if not allowed:
                raise LinkError(Lost(LostReason.REFUSED, False, _NOT_ALLOWED.format(what)))

    async def _connect(self, url: str, token: str, host: str) -> None:
        options = rtc.RoomOptions(auto_subscribe=False)  # a worker neither listens nor looks
        connecting = asyncio.create_task(self._room.connect(url, token, options), name="worker connect")
        try:
            await asyncio.wait({connecting}, timeout=self._timing.connect_s)
        finally:
            if not connecting.done():
                self._abandoned.adopt(self._room, connecting)
        if not connecting.done():
            raise LinkError(losses.connect_timeout(host, self._timing.connect_s))
        error = connecting.exception()
        if error is not None:
            raise LinkError(losses.from_connect_error(str(error), host)) from None

    async def _publish(self) -> None:
        me = self._room.local_participant
        try:
            await asyncio.gather(  # together: one negotiation with the server in place of two
                me.publish_track(self._sound.track, self._sound.options()),
                me.publish_track(self.video.track, self.video.options()),
            )
        except rtc.participant.PublishTrackError as error:
            line = f"the room does not take sound and picture: {redact(str(error))}; check what the token allows"
            raise LinkError(Lost(LostReason.REFUSED, False, line)) from None

    async def _watch(self) -> None:
        """An agent that leaves and comes back within a while finds its avatar where it was."""
        seen = False
        since = time.perf_counter()
        while True:
            agent = agent_of(self._room)
            self._show(agent)
            now = time.perf_counter()
            if agent is not None:
                if not seen:
                    log.info("the agent is here")
                seen, since = True, now
            elif self._room.connection_state != rtc.ConnectionState.CONN_CONNECTED:
                since = now
            elif seen and now - since > self._timing.agent_gone_s:
                log.info("the agent left and did not come back")
                return self._end(None)
            elif not seen and now - since > self._timing.agent_never_s:
                return self._end(_no_agent(now - since))
            await asyncio.sleep(WATCH_S)

    def _show(self, agent: str | None) -> None:
        mode: AvatarMode | None = None
        if self.speech.speaking:
            mode = AvatarMode.SPEAKING
        elif agent is not None:
            participant = self._room.remote_participants.get(agent)
            state = participant.attributes.get(AGENT_STATE) if participant is not None else None
            mode = AvatarMode.THINKING if state == "thinking" else AvatarMode.LISTENING
        if mode is not self._mode:
            self._mode = mode
            self._on_mode(mode)

    def _on_disconnected(self, reason: int) -> None:
        if self._closing:
            return
        asked = int(reason) in _ASKED_TO_LEAVE
        log.info("room ended (reason %d)", int(reason))
        self._end(None if asked else losses.from_disconnect(int(reason)))

    def _end(self, lost: Lost | None) -> None:
        if not self._ended.done():
            self._ended.set_result(lost)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        if self._closing:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s failed: %s", task.get_name(), type(error).__name__, exc_info=error)


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("ws", "wss", "http", "https") or not parts.hostname:
        raise LinkError(Lost(LostReason.REFUSED, False, "the url is no address of a media server, as wss://host is"))
    return parts.hostname


def _no_agent(seconds: float) -> Lost:
    line = (
        f"no agent came within {seconds:.0f} s; check that it joins this room as an agent, and under the identity that"
        " the token's lk.publish_on_behalf names"
    )
    return Lost(LostReason.TIMEOUT, True, line)
