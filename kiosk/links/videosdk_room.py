"""One VideoSDK room, joined once: casts it, shows and plays its avatar, sends the microphone. On the media loop.

The package itself works on a loop of its own (videosdk_client); what it says comes over here in bounded queues. Its
agents leave 5 s after the last visitor, a connection that ends cleanly ends silently, and nothing joins again by
itself. So the signalling is asked for a sign of life, silence of the media is watched, and a room that is lost is told
as `Lost`: the session then opens a new link with a new token, or starts a new session.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kiosk.links import videosdk_losses as losses
from kiosk.links.abandoned import AbandonedConnects
from kiosk.links.contract import (
    AvatarJoined,
    AvatarMode,
    FaceMaker,
    FirstFrame,
    Joined,
    LinkError,
    LinkEvent,
    Lost,
    LostReason,
    Message,
    Mode,
    Resumed,
    Stalled,
    VoiceOnly,
)
from kiosk.links.handover import Handover
from kiosk.links.own_loop import OwnLoop
from kiosk.links.paced_voice import TICK_S, PacedVoice
from kiosk.links.videosdk_cast import Cast, Peer, choose
from kiosk.links.videosdk_facts import (
    AgentState,
    Data,
    Fact,
    PeerCame,
    PeerLeft,
    Published,
    RoomClosed,
    TrackCame,
    TrackLeft,
    Transcript,
    Trouble,
)
from kiosk.links.videosdk_words import RoomWords
from kiosk.links.voice_activity import VoiceActivity
from kiosk.links.voice_face import VoiceFace
from kiosk.media.av_sync import ClockMap, VideoDelay
from kiosk.media.frames import MicrophoneSource, VideoFrame, VideoSink, VoiceSink
from kiosk.media.levels import level_dbfs
from kiosk.media.statistics import LipSync, NetworkStatistics
from kiosk.providers.contract import VideoSdkGrant
from kiosk.providers.videosdk_token import token_fault

if TYPE_CHECKING:
    from kiosk.links.videosdk_client import VideoSdkClient
    from kiosk.links.videosdk_tracks import Picture

log = logging.getLogger("kiosk.link")

WATCH_S = 0.25
HUSH_S = 1.0  # an interrupted avatar may be about to speak: its first words are not to be heard either
CLOSE_S = 4.0
CALL_S = 5.0
FIGURES_S = 1.0
SHORTEST_PULSE_S = 0.5
HELD_BACK_S = 0.08
"""The package's own buffer holds voice back by four packets of 20 ms, pictures not at all."""
LATE_S = 0.2  # later than this, ticks are left out instead of being caught up

_MODES = {
    "idle": AvatarMode.LISTENING,
    "listening": AvatarMode.LISTENING,
    "thinking": AvatarMode.THINKING,
    "speaking": AvatarMode.SPEAKING,
}


@dataclass(frozen=True, slots=True)
class RoomTiming:
    """How patient a room is, in seconds."""

    join_s: float = 15.0
    agent_s: float = 30.0  # from joining to somebody to look at or to hear
    agent_notice_s: float = 10.0  # from here on the operator's log says what is awaited
    stall_s: float = 1.5
    avatar_gone_s: float = 4.0
    voice_only_s: float = 5.0
    pulse_s: float = 4.0  # between two questions for a sign of life; at once where there is doubt
    pulse_answer_s: float = 5.0
    media_alive_s: float = 3.0  # media that came within this time outvotes a signalling that does not answer


class VideoSdkRoom:
    """`open` once, `close` once."""

    def __init__(
        self,
        video: VideoSink,
        voice: VoiceSink,
        microphone: MicrophoneSource | None,
        abandoned: AbandonedConnects,
        make_face: FaceMaker | None,
        emit: Callable[[LinkEvent], None],
        timing: RoomTiming = RoomTiming(),
    ):
        self._video_sink = video
        self._voice_sink = voice
        self._microphone = microphone
        self._abandoned = abandoned
        self._emit = emit
        self._timing = timing
        self._face = VoiceFace(make_face, video, voice.channels, self._on_first_picture)
        loop = asyncio.get_running_loop()
        self._facts: Handover[Fact] = Handover(loop, self._on_fact, 500)
        # The package hands on what the network delivers when it delivers it; so voice is gathered and paced here.
        self._paced = PacedVoice(voice.sample_rate, voice.channels)
        self._voice: Handover[bytes] = Handover(loop, self._paced.put, 50)
        self._pictures: Handover[Picture] = Handover(loop, self._on_picture, 1)  # megabytes each: the newest wins
        self._own: OwnLoop | None = None
        self._client: VideoSdkClient | None = None
        self._grant: VideoSdkGrant | None = None
        self._peers: dict[str, Peer] = {}
        self._cast = Cast()
        self._words = RoomWords("", self._is_avatar, emit)
        self._tasks: set[asyncio.Task[None]] = set()
        self._activity = VoiceActivity()
        self._clock = ClockMap()
        self._delay = VideoDelay()
        self._mode: AvatarMode | None = None
        self._agent_speaks_for_itself = False
        self._joined_s = 0.0
        self._seen = False  # something to look at was told
        self._last_frame_s: float | None = None
        self._last_voice_s: float | None = None
        self._voice_since_s: float | None = None
        self._stalled = False
        self._stall_told_s = 0.0
        self._voice_only = False
        self._missing_since_s: float | None = None
        self._notice_told = False
        self._hushed = False
        self._hushed_s = 0.0
        self._doubt = asyncio.Event()  # something happened that a connection which ended would explain
        self._lost = False
        self._closing = False
        self.lip_sync: LipSync | None = None

    async def open(self, grant: VideoSdkGrant) -> None:
        """Joins within `timing.join_s`. Raises LinkError."""
        self._grant = grant
        self._words = RoomWords(grant.topic, self._is_avatar, self._emit)
        self._own = OwnLoop("videosdk")
        try:
            lost = await self._enter(self._own, grant)
        except BaseException:
            self._retreat()
            raise
        if lost is not None:
            self._retreat()
            raise LinkError(lost)
        log.info("room joined")
        self._joined_s = time.perf_counter()
        self._emit(Joined())
        self._spawn(self._play(), "room voice")
        self._spawn(self._watch(), "room watch")
        self._spawn(self._feel_pulse(), "room pulse")
        if grant.topic:
            self._spawn(self._subscribe(grant.topic), "room topic")
        if self._microphone is not None:
            self._spawn(self._send_microphone(self._microphone), "microphone uplink")

    async def close(self) -> None:
        """Leaves the room. Idempotent. What the package does not end in time ends by itself later."""
        self._closing = True
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for way in (self._facts, self._voice, self._pictures):
            way.close()
        await self._face.aclose()
        own, self._own = self._own, None
        if own is None:
            return
        leaving = asyncio.get_running_loop().create_task(self._leave(own), name="room leave")
        _, late = await asyncio.wait({leaving}, timeout=CLOSE_S)
        if late:
            log.info("the room is left in the background")
            self._abandoned.keep(leaving)
        else:
            log.info("room left")

    async def send_text(self, text: str) -> None:
        if self._grant is not None and self._grant.topic:
            await self._publish(self._grant.topic, text)

    async def send_message(self, message: Message) -> None:
        """A topic makes it a pub/sub message; without one the bytes go over the data channel."""
        if message.topic:
            await self._publish(message.topic, message.payload.decode("utf-8", "replace"))
        else:
            own, client = self._present
            await own.run(client.send(message.payload))

    async def interrupt(self) -> None:
        """Silent here at once, until the far side falls silent too; no document says how to tell it."""
        self._paced.clear()
        self._voice_sink.flush()
        self._hushed, self._hushed_s = True, time.perf_counter()
        self._face.fall_silent()

    async def network(self) -> NetworkStatistics | None:
        own, client = self._own, self._client
        if own is None or client is None or self._closing:
            return None
        try:
            async with asyncio.timeout(FIGURES_S):
                video = await own.run(client.counted(self._cast.video))
                voice = await own.run(client.counted(self._cast.audio))
        except TimeoutError:
            return None
        return NetworkStatistics(None, video, voice)

    @property
    def _present(self) -> tuple[OwnLoop, VideoSdkClient]:
        if self._own is None or self._client is None:
            raise RuntimeError("the room is not joined")
        return self._own, self._client

    async def _enter(self, own: OwnLoop, grant: VideoSdkGrant) -> Lost | None:
        """None when the room is joined."""
        joining = asyncio.ensure_future(own.run(self._join(grant)))
        try:
            await asyncio.wait({joining}, timeout=self._timing.join_s)
        finally:
            if not joining.done():
                joining.cancel()
        if self._closing:
            return Lost(LostReason.TIMEOUT, False, "the link was closed while it was being opened")
        if not joining.done() or joining.cancelled():
            stage = self._client.stage if self._client is not None else "init"
            return losses.join_timeout(stage, grant.api_host, self._timing.join_s)
        return joining.result()

    def _retreat(self) -> None:
        """Nobody closes a link that did not open: what is left of it ends in the background."""
        own, self._own = self._own, None
        if own is not None:
            self._abandoned.keep(asyncio.get_running_loop().create_task(self._leave(own), name="room retreat"))

    # --- on the package's loop ---

    async def _join(self, grant: VideoSdkGrant) -> Lost | None:
        """None when the room is joined."""
        try:
            # Seconds on a slow machine, and on this thread nobody waits for it.
            from kiosk.links.videosdk_client import JoinFailed, Outlets, VideoSdkClient
        except ImportError as error:
            log.error("the package of VideoSDK's rooms cannot be loaded: %s", error)
            return losses.not_installed()
        sink = self._voice_sink
        self._client = VideoSdkClient(
            grant,
            Outlets(
                fact=self._facts.put,
                voice=self._voice.put,
                picture=self._pictures.put,
                voice_rate=sink.sample_rate,
                voice_channels=sink.channels,
                picture_format=self._video_sink.wanted_format,
            ),
        )
        try:
            await self._client.join()
        except JoinFailed as error:
            fault = token_fault(grant.token, time.time(), joins=grant.room_id)
            return losses.from_join(error.stage, error.text, grant.api_host, fault)
        return None

    async def _leave(self, own: OwnLoop) -> None:
        if self._client is not None:
            await own.run(self._client.leave())
        await own.retire()

    # --- what the room says: short, synchronous; each change of company ends in a new casting ---

    def _on_fact(self, fact: Fact) -> None:
        if self._lost:
            return
        match fact:
            case PeerCame(peer, is_agent):
                known = self._peers.get(peer, Peer(peer))
                self._peers[peer] = replace(known, is_agent=is_agent, known=True)
                self._recast()
            case PeerLeft(peer):
                self._peers.pop(peer, None)
                self._recast()
            case TrackCame(track, peer, kind):
                known = self._peers.get(peer, Peer(peer, known=False))
                self._peers[peer] = replace(known, video=track) if kind == "video" else replace(known, audio=track)
                self._recast()
            case TrackLeft(track):
                self._doubt.set()
                self._peers = {name: _without(peer, track) for name, peer in self._peers.items()}
                self._recast()
            case AgentState(state):
                self._on_agent_state(state)
            case Transcript():
                self._words.transcript(fact)
            case Published():
                self._words.published(fact)
            case Data():
                self._words.data(fact)
            case Trouble(text):
                # Its words are also used for a single message that it did not understand: the pulse decides.
                log.info("the room's package reports: %s", text)
                self._doubt.set()
            case RoomClosed():
                self._lose(losses.closed())

    def _recast(self) -> None:
        before = self._cast
        cast = self._cast = choose(list(self._peers.values()), self._grant.agent if self._grant else None)
        if cast.avatar is not None and cast.avatar != before.avatar:
            self._emit(AvatarJoined(cast.avatar))
        if cast.audio != before.audio:
            self._paced.clear()
        if cast.audio is None:
            self._voice_since_s = None
            self._face.fall_silent()
        elif cast.audio != before.audio:
            self._voice_since_s = time.perf_counter()
        if cast.video != before.video:
            self._clock = ClockMap()
        if self._own is not None and self._client is not None:
            client, wanted = self._client, frozenset(t for t in (cast.video, cast.audio) if t is not None)
            self._own.post(lambda: client.select(wanted))

    def _is_avatar(self, peer: str) -> bool:
        return peer in (self._cast.agent, self._cast.avatar)

    def _on_agent_state(self, state: str) -> None:
        """Whoever of the agents said it: the package does not tell."""
        mode = _MODES.get(state)
        if mode is not None:
            self._agent_speaks_for_itself = True
            self._set_mode(mode)

    # --- what the media says ---

    async def _play(self) -> None:
        due_s = time.perf_counter()
        while True:
            due_s += TICK_S
            now = time.perf_counter()
            if now - due_s > LATE_S:
                due_s = now
            await asyncio.sleep(max(0.0, due_s - now))
            pcm = self._paced.tick()
            if pcm is not None:
                self._on_voice(pcm)

    def _on_voice(self, pcm: bytes) -> None:
        now = time.perf_counter()
        self._last_voice_s = now
        level = level_dbfs(pcm)
        speaking = self._activity.update(level, now)
        if self._hushed and not speaking and now - self._hushed_s >= HUSH_S:
            self._hushed = False
        if not self._hushed:
            self._voice_sink.put(pcm)
            self._face.hear(pcm)
        if not self._agent_speaks_for_itself:
            self._set_mode(AvatarMode.SPEAKING if speaking else AvatarMode.LISTENING)

    def _on_picture(self, picture: Picture) -> None:
        first = self._last_frame_s is None
        self._last_frame_s = picture.arrived_s
        played_s = self._voice_sink.latency_s()
        latency_s = played_s + HELD_BACK_S + self._paced.target_s
        delay = self._delay.update(latency_s if played_s > 0 else None)
        # The face is to be there at once; only from the second frame on does it wait for its voice.
        wait = not first and delay > 0 and picture.timestamp_us is not None
        due_s = self._clock.due_s(picture.timestamp_us or 0, picture.arrived_s) + delay if wait else 0.0
        frame = VideoFrame(
            picture.format, picture.width, picture.height, picture.data, due_s=due_s, arrived_s=picture.arrived_s
        )
        if first:
            self._face.step_aside()
            self._spawn(self._face.aclose(), "face leaves")
        self._video_sink.put(frame)
        self.lip_sync = LipSync(latency_s, self._delay.offset_s)
        if first:
            self._on_first_picture(frame)
        elif self._stalled:
            self._stalled = False
            self._emit(Resumed())

    def _on_first_picture(self, frame: VideoFrame) -> None:
        """The avatar's own, or that of the face beside its voice."""
        if not self._seen:
            self._seen = True
            self._emit(FirstFrame(frame.width, frame.height))

    def _set_mode(self, mode: AvatarMode) -> None:
        if mode is not self._mode:
            self._mode = mode
            self._face.show(mode)
            self._emit(Mode(mode))

    # --- what nothing tells by itself ---

    async def _watch(self) -> None:
        while not self._lost:
            await asyncio.sleep(WATCH_S)
            now = time.perf_counter()
            self._watch_picture(now)
            self._watch_avatar(now)

    def _watch_picture(self, now: float) -> None:
        if self._last_frame_s is not None:
            age = now - self._last_frame_s
            if age > self._timing.stall_s and (not self._stalled or now - self._stall_told_s >= 1.0):
                self._stalled, self._stall_told_s = True, now
                self._emit(Stalled(age))
        elif not self._voice_only and self._voice_since_s is not None and self._cast.video is None:
            self._voice_only = now - self._voice_since_s > self._timing.voice_only_s
            if self._voice_only:
                self._emit(VoiceOnly())
                self._spawn(self._face.appear(), "face appears")

    def _watch_avatar(self, now: float) -> None:
        if self._cast.video is not None or self._cast.audio is not None:
            self._missing_since_s = None
            return
        if self._last_frame_s is None and self._last_voice_s is None:
            waited = now - self._joined_s
            if waited > self._timing.agent_s:
                self._lose(losses.agent_missing(self._timing.agent_s))
            elif waited > self._timing.agent_notice_s and not self._notice_told:
                self._notice_told = True
                log.info("no agent has come into the room for %.0f s", waited)
            return
        if self._missing_since_s is None:
            self._missing_since_s = now
        elif now - self._missing_since_s > self._timing.avatar_gone_s:
            # Its tracks ended and the room says that it is still there: then the way to it is gone.
            self._lose(losses.avatar_left() if self._cast.avatar is None else losses.media_ended())

    async def _feel_pulse(self) -> None:
        """The package keeps silent when its socket ends; media that still flows outvotes a slow server."""
        own, client = self._present
        while not self._lost:
            await asyncio.sleep(SHORTEST_PULSE_S)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._doubt.wait(), self._timing.pulse_s - SHORTEST_PULSE_S)
            self._doubt.clear()
            asked_s = time.perf_counter()
            try:
                async with asyncio.timeout(self._timing.pulse_answer_s):
                    alive = await own.run(client.alive())
            except TimeoutError:
                newest = max(self._last_frame_s or 0.0, self._last_voice_s or 0.0)
                alive = asked_s - newest < self._timing.media_alive_s
            if not alive:
                self._lose(losses.signalling_ended())

    def _lose(self, lost: Lost) -> None:
        if not self._lost and not self._closing:
            self._lost = True
            log.warning("link lost: %s", lost.operator_line)
            self._emit(lost)

    # --- sending ---

    async def _subscribe(self, topic: str) -> None:
        own, client = self._present
        if not await own.run(client.subscribe(topic)):
            log.info("the room does not deliver the topic %s", topic)

    async def _publish(self, topic: str, text: str) -> None:
        own, client = self._present
        async with asyncio.timeout(CALL_S):
            await own.run(client.publish(topic, text))

    async def _send_microphone(self, microphone: MicrophoneSource) -> None:
        own, client = self._present
        way: Handover[bytes] = Handover(own.loop, client.feed, 20)
        while True:
            way.put(await microphone.read())

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


def _without(peer: Peer, track: str) -> Peer:
    return replace(
        peer,
        video=None if peer.video == track else peer.video,
        audio=None if peer.audio == track else peer.audio,
    )
