"""One session over an ingest socket: the room's voice to loudspeaker and face, the microphone out, words both ways.

    open:  socket -> `start`, `subscribe` -> `meeting-joined` -> somebody to talk to, where one is awaited -> the face

No picture comes over this path. The face is the kiosk's own: what is handed to the loudspeaker is handed to it at the
same instant, silence included, so that its lips close. Everything here runs on the media loop.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

from kiosk.links import ingest_losses, ingest_protocol
from kiosk.links.allowance import Allowance
from kiosk.links.contract import (
    AvatarJoined,
    AvatarMode,
    FaceMaker,
    FirstFrame,
    Joined,
    LinkError,
    LinkEvent,
    Lost,
    Message,
    Mode,
    VoiceOnly,
)
from kiosk.links.face_gate import FaceGate
from kiosk.links.ingest_audio import TICK_S, Upsampler, VoiceQueue
from kiosk.links.ingest_captions import TopicCaptions
from kiosk.links.ingest_microphone import MicrophoneUplink
from kiosk.links.ingest_people import People
from kiosk.links.ingest_protocol import (
    Complaint,
    Media,
    MeetingJoined,
    MeetingLeft,
    PersonJoined,
    PersonLeft,
    TopicMessage,
)
from kiosk.links.ingest_socket import IngestSocket, SocketPatience
from kiosk.links.voice_activity import VoiceActivity
from kiosk.links.voice_face import VoiceFace
from kiosk.media.frames import MicrophoneSource, VideoFrame, VideoSink, VoiceSink
from kiosk.media.levels import level_dbfs
from kiosk.media.statistics import NetworkStatistics
from kiosk.providers.contract import IngestGrant
from kiosk.redact import one_line, redact

log = logging.getLogger("kiosk.link")

MESSAGES_PER_S = 20
COMPLAINTS_PER_S = 1
FLOOD_REPORT_S = 10.0
MAX_MESSAGE_BYTES = 16_384
LATE_S = 0.2  # later than this, ticks are left out instead of being caught up
HUSH_S = 1.0  # an interrupted voice may be about to speak: its first words are not to be heard either
WATCH_S = 0.25
SILENCE = bytes(960)


@dataclass(frozen=True, slots=True)
class RoomPatience:
    """In seconds."""

    socket: SocketPatience = field(default_factory=SocketPatience)
    join: float = 10.0  # from `start` to `meeting-joined`
    face: float = 3.0  # for the face's first picture; after that the voice alone has to do
    gone: float = 4.0  # somebody who left may come back


class IngestRoom:
    """`open` once, `close` once."""

    def __init__(
        self,
        video: VideoSink,
        voice: VoiceSink,
        microphone: MicrophoneSource,
        make_face: FaceMaker,
        emit: Callable[[LinkEvent], None],
        patience: RoomPatience = RoomPatience(),
    ) -> None:
        self._voice = voice
        self._microphone = microphone
        self._emit = emit
        self._patience = patience
        self._gate = FaceGate(video, self._on_first_frame)
        self._face = VoiceFace(make_face, self._gate, voice.channels, lambda _: None)
        self._face_due_s: float | None = None
        self._socket = IngestSocket(self._on_frame, self._lose, patience.socket)
        self._queue = VoiceQueue()
        self._activity = VoiceActivity()
        self._allowance = Allowance(MESSAGES_PER_S)
        self._complaints = Allowance(COMPLAINTS_PER_S)
        self._grant: IngestGrant | None = None
        self._people = People("")
        self._captions = TopicCaptions(self._people.is_kiosk)
        self._joining: asyncio.Future[None] | None = None
        self._announced: str | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._joined_s = 0.0
        self._alone_since_s: float | None = None
        self._mode: AvatarMode | None = None
        self._hushed = False
        self._hushed_s = 0.0
        self._reported_floods = 0
        self._lost: Lost | None = None
        self._closing = False

    async def open(self, grant: IngestGrant) -> None:
        """Raises `LinkError`, and has then left everything. Bounded by the patience for socket and joining."""
        try:
            await self._open(grant)
        except BaseException:
            await self.close()
            raise

    async def _open(self, grant: IngestGrant) -> None:
        self._grant = grant
        self._people = People(grant.own_id, grant.agent)
        self._captions = TopicCaptions(self._people.is_kiosk)
        self._joining = asyncio.get_running_loop().create_future()
        self._spawn(self._face.appear(), "ingest face")  # the first one takes a second to draw: meanwhile we join
        if grant.expires_at and time.time() >= grant.expires_at:
            raise LinkError(ingest_losses.expired("the vendor"))
        await self._socket.open(grant.ws_url)
        self._socket.send(ingest_protocol.start())
        for topic in dict.fromkeys(topic for topic in (grant.transcript_topic, grant.chat_topic) if topic):
            self._socket.send(ingest_protocol.subscribe(topic))
        await self._join()
        log.info("room joined")
        self._joined_s = time.perf_counter()
        self._emit(Joined())
        uplink = MicrophoneUplink(self._microphone, self._socket.send_sound, self._is_deaf)
        self._spawn(uplink.run(), "ingest microphone")
        self._spawn(self._play(), "ingest voice")
        self._spawn(self._watch(), "ingest watch")
        self._note_company()

    async def close(self) -> None:
        """Says `stop`, leaves, and takes the face down. Idempotent."""
        self._closing = True
        if self._joining is not None and not self._joining.done():
            self._joining.set_exception(LinkError(ingest_losses.closed_meanwhile()))
            self._joining.exception()  # whoever opens may be gone
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._socket.close()
        await self._face.aclose()

    async def send_text(self, text: str) -> None:
        topic = self._grant.chat_topic if self._grant is not None else ""
        if topic:
            self._socket.send(ingest_protocol.message(topic, text))
        else:
            log.warning("a typed text goes nowhere: no chat_topic is set")

    async def send_message(self, message: Message) -> None:
        self._socket.send(ingest_protocol.message(message.topic, message.payload.decode("utf-8", "replace")))

    async def network(self) -> NetworkStatistics | None:
        """A socket has neither packets nor a jitter buffer to tell about."""
        rtt_s = self._socket.rtt_s
        return None if rtt_s is None else NetworkStatistics(rtt_s)

    async def interrupt(self) -> None:
        """Silent here at once, until the far side falls silent too; no document says how to tell it."""
        self._hushed, self._hushed_s = True, time.perf_counter()
        self._queue.clear()
        self._voice.flush()

    # --- joining ---

    async def _join(self) -> None:
        if self._joining is None:
            raise RuntimeError("the room is not being opened")
        await asyncio.wait({self._joining}, timeout=self._patience.join)
        if not self._joining.done():
            self._joining.cancel()
            raise LinkError(ingest_losses.not_joined(self._socket.host, self._patience.join))
        self._joining.result()

    def _show_face(self) -> None:
        if not self._gate.is_open:
            self._gate.is_open = True
            self._face_due_s = time.perf_counter() + self._patience.face

    def _on_first_frame(self, frame: VideoFrame) -> None:
        self._face_due_s = math.inf
        self._emit(FirstFrame(frame.width, frame.height))

    # --- what the far side says: short, synchronous ---

    def _on_frame(self, frame: str) -> None:
        match ingest_protocol.parse(frame):
            case Media(pcm):
                self._queue.put(pcm)
            case TopicMessage() as message:
                self._on_message(message)
            case PersonJoined(person):
                self._people.joined(person)
                self._note_company()
            case PersonLeft(person):
                self._on_left(person.id)
            case MeetingJoined():
                if self._joining is not None and not self._joining.done():
                    self._joining.set_result(None)
            case MeetingLeft(why):
                self._lose(ingest_losses.meeting_over(why))
            case Complaint(words):
                if self._complaints.take(time.perf_counter()):
                    log.warning("the far side reports: %s", one_line(redact(words), 200))
            case None:
                log.debug("a frame of %d characters is not understood", len(frame))

    def _on_message(self, message: TopicMessage) -> None:
        if self._grant is None or self._people.is_kiosk(message.sender):
            return  # our own words come back
        if not self._allowance.take(time.perf_counter()):
            return
        self._people.heard()
        self._note_company()
        if message.topic == self._grant.transcript_topic:
            caption = self._captions.read(message.text)
            if caption is not None:
                self._emit(caption)
            return
        payload = message.text.encode("utf-8", "replace")[:MAX_MESSAGE_BYTES]
        log.debug("message: topic %r, %d bytes", message.topic, len(payload))
        self._emit(Message(message.topic, payload, message.sender))

    def _on_left(self, identity: str) -> None:
        if self._people.left(identity):
            self._alone_since_s = time.perf_counter()
        else:
            self._note_company()

    def _note_company(self) -> None:
        """The face appears once there is somebody to talk to; at once where nobody is awaited."""
        before, partner = self._announced, self._people.partner
        if partner is not None:
            self._alone_since_s = None
            if partner != before:
                self._announced = partner
                self._emit(AvatarJoined(partner))
        awaited = self._grant is not None and self._grant.agent_wait_s > 0
        if self._joined_s and (self._people.somebody or not awaited):
            self._show_face()

    # --- the room's voice ---

    async def _play(self) -> None:
        resampler = Upsampler()
        due = time.perf_counter()
        while True:
            due += TICK_S
            wait = due - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            elif wait < -LATE_S:
                due = time.perf_counter()
            samples = self._queue.tick()
            speaking = self._activity.update(level_dbfs(samples.tobytes()), time.perf_counter())
            self._on_activity(speaking)
            pcm = resampler.tick(samples)
            if self._hushed:
                pcm = SILENCE
            self._voice.put(pcm)
            self._face.hear(pcm)

    def _on_activity(self, speaking: bool) -> None:
        if speaking and not self._people.somebody:
            self._people.heard()
            self._note_company()
        if self._hushed and not speaking and time.perf_counter() - self._hushed_s >= HUSH_S:
            self._hushed = False
        mode = AvatarMode.SPEAKING if speaking and not self._hushed else AvatarMode.LISTENING
        if mode is not self._mode:
            self._mode = mode
            self._emit(Mode(mode))
            self._face.show(mode)

    def _is_deaf(self) -> bool:
        """Half duplex: while the far side speaks the visitor is not heard."""
        return self._grant is not None and self._grant.half_duplex and self._mode is AvatarMode.SPEAKING

    # --- what raises no event of its own ---

    async def _watch(self) -> None:
        reported_s = 0.0
        while self._lost is None:
            await asyncio.sleep(WATCH_S)
            now = time.perf_counter()
            self._watch_company(now)
            if self._face_due_s is not None and now > self._face_due_s:
                self._face_due_s = math.inf
                self._emit(VoiceOnly())
            if self._allowance.refused > self._reported_floods and now - reported_s >= FLOOD_REPORT_S:
                reported_s = now
                count = self._allowance.refused - self._reported_floods
                self._reported_floods = self._allowance.refused
                log.warning("somebody in the room floods messages: %d were left out", count)

    def _watch_company(self, now: float) -> None:
        if self._grant is None:
            return
        wait_s = self._grant.agent_wait_s
        if wait_s and not self._people.somebody and now - self._joined_s > wait_s:
            self._lose(ingest_losses.nobody_came(self._grant.agent, wait_s))
        if self._alone_since_s is not None and now - self._alone_since_s > self._patience.gone:
            self._lose(ingest_losses.partner_left())

    def _lose(self, lost: Lost) -> None:
        if self._lost is not None or self._closing:
            return
        self._lost = lost
        if self._joining is not None and not self._joining.done():
            self._joining.set_exception(LinkError(lost))
            return
        log.warning("link lost: %s", lost.operator_line)
        self._emit(lost)

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s failed: %s", task.get_name(), type(error).__name__, exc_info=error)
