"""One VideoSDK room joined with the vendor's package. Everything here runs on the package's own loop.

The package (`videosdk` 0.4.1, pinned) asks for its room with a blocking call and without a time limit, so its loop is
a thread of its own. Its public handlers hang on participants that it makes from `newPeer` messages only; tracks of
those who were there before would be lost. So this file listens to the emitter under them, which says everything.

What it does not do and others must: tell a failed join by an exception, notice a connection that ended cleanly, join
again, read the tracks that nobody wants.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from videosdk import Meeting, VideoSDK
from videosdk._events import Events
from vsaiortc.exceptions import InvalidStateError

from kiosk.links import videosdk_facts as facts
from kiosk.links.videosdk_facts import Fact, PeerCame, RoomClosed, TrackCame, TrackLeft, Trouble
from kiosk.links.videosdk_log import PackageLog
from kiosk.links.videosdk_tracks import MicrophoneTrack, Picture, PicturePump, VoicePump
from kiosk.media.frames import PixelFormat
from kiosk.media.statistics import StreamStatistics
from kiosk.providers.contract import VideoSdkGrant

log = logging.getLogger("kiosk.link")

LEAVE_S = 12.0  # the package waits 10 s for a server that does not answer to its closing
CHANNEL_OPENS_S = 4.0
CHANNEL_POLL_S = 0.2
RELIABLE = {"reliability": "RELIABLE"}
UNFINISHED, ASKED, REACHED, IN = "init", "socket", "room", "in"


class JoinFailed(Exception):
    """The package could not join. `stage`: how far it came; `text`: what it wrote into its log, redacted."""

    def __init__(self, stage: str, text: str):
        super().__init__(text)
        self.stage = stage
        self.text = text


@dataclass(frozen=True, slots=True)
class Outlets:
    """Where what comes in goes; each is called on the package's loop and must not wait."""

    fact: Callable[[Fact], None]
    voice: Callable[[bytes], None]
    picture: Callable[[Picture], None]
    voice_rate: int  # Hz
    voice_channels: int
    picture_format: PixelFormat


class VideoSdkClient:
    """`join` once, `leave` once."""

    def __init__(self, grant: VideoSdkGrant, outlets: Outlets):
        self._grant = grant
        self._outlets = outlets
        self._log = PackageLog()
        self._meeting: Meeting | None = None
        self._stage = UNFINISHED
        self._joining: asyncio.Task[Any] | None = None
        self._left = asyncio.Event()
        self._leaving = False
        self._pumps: dict[str, VoicePump | PicturePump] = {}
        self._consumers: dict[str, Any] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._microphone: MicrophoneTrack | None = None

    async def join(self) -> None:
        """Returns when the room is joined. Raises `JoinFailed`; bounded by the caller."""
        self._joining = asyncio.current_task()
        self._log.open()
        meeting = self._meeting = VideoSDK.init_meeting(
            meeting_id=self._grant.room_id,
            token=self._grant.token,
            name=self._grant.name,
            participant_id=self._grant.participant,
            mic_enabled=False,  # else silence is sent until a microphone is there
            webcam_enabled=False,  # else a dummy picture is sent
            auto_consume=True,
            mode="SEND_AND_RECV",
            meta_data={"enableAgentEvents": True},  # without it an agent sends neither state nor transcript
            signaling_base_url=self._grant.api_host,
            debug_mode=False,
            loop=asyncio.get_running_loop(),
        )
        self._listen(meeting)
        await meeting.async_join()
        if self._stage != IN:
            raise JoinFailed(self._stage, self._log.last)

    async def subscribe(self, topic: str) -> bool:
        """Its messages come as `Published`."""
        answer = await self._joined.pubsub.subscribe({"topic": topic, "cb": self._on_published})
        return answer is not None

    async def publish(self, topic: str, text: str) -> None:
        await self._joined.pubsub.publish(
            {"topic": topic, "message": text, "options": {"persist": False}, "payload": None}
        )

    async def send(self, payload: bytes) -> None:
        """At most 15 KiB, over the reliable data channel, which opens a little after joining. Raises as the package."""
        tries = round(CHANNEL_OPENS_S / CHANNEL_POLL_S)
        for left in reversed(range(tries)):
            try:
                await self._joined.send(payload, dict(RELIABLE))
            except (InvalidStateError, ConnectionError):
                if not left or self._leaving:
                    raise
                await asyncio.sleep(CHANNEL_POLL_S)
            else:
                return

    async def alive(self) -> bool:
        """Whether the signalling answers: nothing of the package tells when it ended. Bounded by the caller."""
        return bool(await self._joined.local_participant.async_get_transport_stats())

    def feed(self, chunk: bytes) -> None:
        """10 ms of the microphone; the first one publishes it."""
        if self._stage != IN or self._leaving:
            return
        if self._microphone is None:
            self._microphone = MicrophoneTrack()
            self._joined.enable_mic(self._microphone)
            log.info("microphone published")
        self._microphone.feed(chunk)

    def select(self, wanted: frozenset[str]) -> None:
        """Only the tracks of these ids are unpacked; the others are read and thrown away."""
        for track, pump in self._pumps.items():
            pump.wanted = track in wanted

    async def counted(self, track: str | None) -> StreamStatistics | None:
        """What came for one track; None where the package does not tell. It knows neither delays nor freezes."""
        consumer = self._consumers.get(track or "")
        if consumer is None or self._leaving:
            return None
        try:
            return facts.stream_statistics(await consumer.getStats())
        except Exception as error:  # noqa: BLE001 - it raises nothing finer, for instance where the track just left
            log.debug("the package does not tell its figures: %s", type(error).__name__)
            return None

    async def leave(self) -> None:
        """Within `LEAVE_S`. Idempotent; also after a join that failed."""
        self._leaving = True
        if self._joining is not None and not self._joining.done():
            # Else it would go on to open a socket that nobody closes.
            self._joining.cancel()
            await asyncio.wait({self._joining})
        if self._meeting is not None and not self._left.is_set():
            self._meeting.leave()
            try:
                await asyncio.wait_for(self._left.wait(), LEAVE_S)
            except TimeoutError:
                log.warning("the room did not let the kiosk go within %.0f s", LEAVE_S)
        if self._microphone is not None:
            self._microphone.stop()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._log.close()

    @property
    def stage(self) -> str:
        """How far joining came."""
        return self._stage

    @property
    def _joined(self) -> Meeting:
        if self._meeting is None:
            raise RuntimeError("the room is not joined")
        return self._meeting

    # --- what the package emits: nothing here may raise, or the handlers after it are not called ---

    def _listen(self, meeting: Meeting) -> None:
        emitter = meeting.local_participant._room_client  # noqa: SLF001  (see the head of this file)
        tell = self._tell
        for event, take in (
            (Events.MEETING_STATE_CHANGED, self._on_state),
            (Events.MEETING_JOINED, self._on_joined),
            (Events.MEETING_LEFT, self._on_left),
            (Events.ERROR, self._on_error),
            (Events.ADD_PEER, lambda data: tell(facts.peer_came(data))),
            (Events.REMOVE_PEER, lambda data: tell(facts.peer_left(data))),
            (Events.ADD_CONSUMER, self._on_consumer),
            (Events.REMOVE_CONSUMER, self._on_consumer_gone),
            (Events.AGENT_STATE_CHANGED, lambda data: tell(facts.agent_state(data))),
            (Events.AGENT_TRANSCRIPT, lambda data: tell(facts.transcript(data))),
            (Events.CHAT_MESSAGE, lambda data: tell(facts.data_received(data))),
        ):
            emitter.on(event, take)

    def _tell(self, fact: Fact | None) -> None:
        if fact is not None and not self._leaving:
            self._outlets.fact(fact)

    def _on_state(self, data: object) -> None:
        match facts.text_of(data, "state"):
            case "CONNECTING":  # it knows where the room is, and opens a socket
                self._stage = ASKED
            case "CONNECTED":  # the socket only: the room is not joined yet
                self._stage = REACHED

    def _on_joined(self, data: object) -> None:
        present = data.get("participants") if isinstance(data, dict) else None
        if not isinstance(present, list):
            return  # the server did not confirm; `join` fails
        self._stage = IN
        for one in present:
            self._tell(_remote(facts.peer_came(one), self._grant.participant))

    def _on_left(self, _: object) -> None:
        self._left.set()
        self._tell(RoomClosed())

    def _on_error(self, data: object) -> None:
        self._tell(Trouble(data[: facts.MAX_ID] if isinstance(data, str) else "no words"))

    def _on_published(self, data: object) -> None:
        self._tell(facts.published(data, self._grant.participant))

    def _on_consumer(self, consumer: Any) -> None:
        peer = facts.text_of(consumer.appData, "peerId")
        kind = consumer.kind  # besides these two: "share" and "shareAudio", a screen that somebody shows
        outlets = self._outlets
        pump: VoicePump | PicturePump
        if kind == "video":
            pump = PicturePump(consumer.track, outlets.picture_format, outlets.picture)
        else:
            pump = VoicePump(consumer.track, outlets.voice_rate, outlets.voice_channels, outlets.voice)
        self._pumps[consumer.id] = pump
        self._consumers[consumer.id] = consumer
        self._spawn(self._pump(consumer.id, pump), f"{kind} pump")
        if kind in ("audio", "video") and peer:
            self._tell(TrackCame(consumer.id, peer, kind))

    def _on_consumer_gone(self, consumer: Any) -> None:
        self._pumps.pop(consumer.id, None)
        self._consumers.pop(consumer.id, None)
        self._tell(TrackLeft(consumer.id))

    async def _pump(self, track: str, pump: VoicePump | PicturePump) -> None:
        await pump.run()
        # Without a word from the room: its media path ended.
        self._consumers.pop(track, None)
        if self._pumps.pop(track, None) is not None:
            self._tell(TrackLeft(track))

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s failed: %s", task.get_name(), type(error).__name__, exc_info=error)


def _remote(fact: PeerCame | None, me: str) -> PeerCame | None:
    return fact if fact is not None and fact.peer != me else None
