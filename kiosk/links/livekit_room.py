"""One LiveKit room, joined once: the media side of the LiveKit link. Everything here runs on the media loop.

Rules that come from the library (measured against livekit 1.2.0 and server 1.13.5):
- One `Room` per attempt; a used one raises "participant already exists".
- `Room.connect()` is never cancelled: the native attempt would go on, join as a ghost and abort the process later.
  A late attempt is handed to `AbandonedConnects`, which disconnects it when it succeeds.
- During a reconnect that heals, participants and tracks leave and come again. So nothing is concluded from one event:
  after each of them the room is cast anew (participants.choose), and an avatar counts as gone only after a while.
- The state says CONNECTED and concealed audio keeps coming while no media arrives: the age of the last video frame
  tells.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from livekit import rtc

from kiosk.links import losses
from kiosk.links.abandoned import AbandonedConnects
from kiosk.links.avatar_speech import AvatarSpeech
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
    StageEmpty,
    Stalled,
    VoiceOnly,
)
from kiosk.links.intake import VideoIntake, VoiceIntake
from kiosk.links.participants import AGENT_STATE, Cast, ParticipantFacts, choose, on_stage
from kiosk.links.room_facts import facts_of
from kiosk.links.room_network import read_network
from kiosk.links.room_outlet import RoomOutlet
from kiosk.links.room_texts import RoomTexts
from kiosk.links.stage_persona import PersonaOnStage, StageOutlet, StagePersonaMaker
from kiosk.links.token_claims import may_publish
from kiosk.links.uplink import MicrophoneUplink
from kiosk.links.voice_activity import VoiceActivity
from kiosk.links.voice_face import VoiceFace
from kiosk.links.whip_outlet import WhipOutlet
from kiosk.media.frames import MicrophoneSource, VideoFrame, VideoSink, VoiceSink
from kiosk.media.network_lag import NetworkLag
from kiosk.media.statistics import LipSync, NetworkStatistics
from kiosk.media.wav import read_speech
from kiosk.providers.contract import LiveKitGrant, SpeechRoute, StagePersona

log = logging.getLogger("kiosk.link")

DISCONNECT_TIMEOUT_S = 4.0
WATCH_S = 0.25
LAG_FIRST_S, LAG_LONGEST_S = 0.3, 3.0
HUSH_S = 1.0  # an interrupted avatar may be about to speak: its first words are not to be heard either
_AGENT_MODES = {
    "listening": AvatarMode.LISTENING,
    "idle": AvatarMode.LISTENING,
    "thinking": AvatarMode.THINKING,
    "speaking": AvatarMode.SPEAKING,
}


@dataclass(frozen=True, slots=True)
class RoomTiming:
    """How patient a room is, in seconds."""

    connect_s: float = 12.0
    stall_s: float = 1.5  # age of the last frame from which on the picture counts as standing still
    avatar_gone_s: float = 4.0  # a reconnect that heals brings the avatar back well before
    voice_only_s: float = 5.0
    stage_empty_s: float = 2.0  # after joining; whoever is there is subscribed to well before


class LiveKitRoom:
    """Joins a room, shows and plays its avatar, sends the microphone. `open` once, `close` once."""

    def __init__(
        self,
        video: VideoSink,
        voice: VoiceSink,
        microphone: MicrophoneSource | None,
        abandoned: AbandonedConnects,
        emit: Callable[[LinkEvent], None],
        timing: RoomTiming = RoomTiming(),
        *,
        make_face: FaceMaker | None = None,
        make_stage_persona: StagePersonaMaker | None = None,
    ):
        """`make_face`: for a voice that comes without a picture; None: there is no face to be had.

        `make_stage_persona`: for a grant that wants the persona on its stage.
        """
        self._timing = timing
        self._video_sink = video
        self._voice_sink = voice
        self._microphone = microphone
        self._abandoned = abandoned
        self._emit = emit
        self._room = rtc.Room()
        self._grant: LiveKitGrant | None = None
        self._closing = False
        self._lost = False
        self._cast = Cast()
        self._tracks: dict[str, rtc.Track] = {}
        self._video: VideoIntake | None = None
        self._voice: VoiceIntake | None = None
        self._uplink: MicrophoneUplink | None = None
        self._speech: AvatarSpeech | None = None
        self._texts = RoomTexts(self._room, emit)
        self._make_face = make_face
        self._make_stage_persona = make_stage_persona
        self._on_stage: PersonaOnStage | None = None
        self._face = self._new_face()
        self._voice_only = False
        self._unseen_since_s: float | None = None
        self._stage_empty = False
        self._casting = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._activity = VoiceActivity()
        self._mode: AvatarMode | None = None
        self._agent_speaks_for_itself = False
        self._last_frame_s: float | None = None
        self._stalled = False
        self._hushed_s = 0.0
        self._voice_since_s: float | None = None
        self._avatar_missing_since_s: float | None = None
        self._lag = NetworkLag()
        self.lip_sync: LipSync | None = None  # as the last frame found it

    async def open(self, grant: LiveKitGrant) -> None:
        """Joins within `timing.connect_s`. Raises LinkError."""
        self._grant = grant
        host = urlsplit(grant.url).hostname or "the media server"
        self._listen(grant)
        connecting = asyncio.get_running_loop().create_task(
            self._room.connect(grant.url, grant.token, rtc.RoomOptions(auto_subscribe=True)), name="room connect"
        )
        try:
            await asyncio.wait({connecting}, timeout=self._timing.connect_s)
        finally:
            if not connecting.done():
                self._closing = True
                self._abandoned.adopt(self._room, connecting)
        if not connecting.done():
            raise LinkError(losses.connect_timeout(host, self._timing.connect_s))
        error = connecting.exception()
        if error is not None:
            raise LinkError(losses.from_connect_error(str(error), host)) from None
        if self._closing:
            await self._disconnect()
            raise LinkError(Lost(LostReason.TIMEOUT, False, "the link was closed while it was being opened"))
        log.info("room joined")
        self._emit(Joined())
        self._start_sending(grant)
        self._spawn(self._watch(), "room watch")
        self._spawn(self._compare_ways(), "voice and picture")
        self._sweep()
        await self._recast()

    async def close(self) -> None:
        """Stops consumers, then streams and sources, then leaves the room. Idempotent."""
        self._closing = True
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        async with self._casting:
            await self._attach_video(None)
            await self._attach_voice(None)
        await self._face.aclose()
        if self._speech is not None:
            await self._speech.stop()
        if self._on_stage is not None:
            await self._on_stage.close()
        if self._uplink is not None:
            await self._uplink.stop()
        await self._texts.close()
        await self._disconnect()

    async def send_text(self, text: str) -> None:
        """To the agent in the room; where the persona is on the stage, to the persona."""
        await (self._on_stage.take(text) if self._on_stage is not None else self._texts.send(text))

    async def send_message(self, message: Message) -> None:
        await self._room.local_participant.publish_data(message.payload, topic=message.topic)

    async def speak(self, pcm: bytes, sample_rate: int) -> None:
        if self._speech is None:
            raise RuntimeError("this room takes no finished speech: its grant's speech route is not STREAM")
        self._speech.say(pcm, sample_rate)

    async def interrupt(self) -> None:
        """Local silence first, then the far side is told."""
        self._voice_sink.flush()
        self._hushed_s = time.perf_counter()
        if self._voice is not None:
            self._voice.hush(True)
            self._face.fall_silent()
        if self._speech is not None:
            await self._speech.interrupt()
        if self._on_stage is not None:
            await self._on_stage.interrupt()
        await self._texts.interrupt()

    async def network(self) -> NetworkStatistics | None:
        if self._closing:
            return None
        video, voice = self._tracks.get(self._cast.video_sid or ""), self._tracks.get(self._cast.audio_sid or "")
        return await read_network(video, voice)

    # --- the room's events: short, synchronous, each ends in a new casting ---

    def _listen(self, grant: LiveKitGrant) -> None:
        room = self._room
        for event in ("participant_connected", "participant_disconnected", "participant_attributes_changed"):
            room.on(event, self._on_people)
        room.on("track_subscribed", self._on_track)
        room.on("track_unsubscribed", self._on_track_gone)
        room.on("track_muted", self._on_people)
        room.on("track_unmuted", self._on_people)
        room.on("disconnected", self._on_disconnected)
        room.on("reconnecting", self._on_reconnecting)
        room.on("reconnected", self._on_reconnected)
        self._texts.listen(self._is_avatar, grant.messages, self._lose)

    def _on_people(self, *_: object) -> None:
        self._spawn(self._recast(), "recast")

    def _on_track(self, track: rtc.Track, publication: rtc.RemoteTrackPublication, _: rtc.RemoteParticipant) -> None:
        self._tracks[publication.sid] = track
        self._spawn(self._recast(), "recast")

    def _on_track_gone(self, _: rtc.Track, publication: rtc.RemoteTrackPublication, __: rtc.RemoteParticipant) -> None:
        self._tracks.pop(publication.sid, None)
        self._spawn(self._recast(), "recast")

    def _on_reconnecting(self) -> None:
        log.info("room reconnecting")

    def _on_reconnected(self) -> None:
        log.info("room reconnected")
        self._spawn(self._recast(), "recast")

    def _on_disconnected(self, reason: int) -> None:
        if not self._closing:
            self._lose(losses.from_disconnect(int(reason)))

    # --- casting ---

    def _sweep(self) -> None:
        """Tracks that were there before us raise no event in every version: take them from the publications."""
        for participant in self._room.remote_participants.values():
            for publication in participant.track_publications.values():
                if publication.track is not None:
                    self._tracks.setdefault(publication.sid, publication.track)

    async def _recast(self) -> None:
        async with self._casting:
            if self._closing or self._grant is None:
                return
            before, cast = self._cast, self._choose(self._grant)
            self._cast = cast
            if cast.avatar is not None and cast.avatar != before.avatar:
                self._emit(AvatarJoined(cast.avatar))
            self._note_agent_state(cast)
            await self._attach_video(cast.video_sid)
            await self._attach_voice(cast.audio_sid)
            if cast.avatar is not None and not self._grant.video:
                self._do_without_a_picture()
            if self._speech is not None and cast.avatar is not None and cast.video_sid is not None:
                self._speech.avatar_is_here()

    def _choose(self, grant: LiveKitGrant) -> Cast:
        people = facts_of(self._room, self._tracks)
        if not grant.may_be_empty:
            return choose(people, grant.avatar_identity)
        return choose(on_stage(people, self._is_ours), grant.avatar_identity, shown=self._cast.avatar)

    async def _attach_video(self, sid: str | None) -> None:
        track = self._tracks.get(sid) if sid else None
        if self._video is not None and (self._video.sid != sid or track is None):
            await self._video.stop()
            self._video = None
        if track is not None and sid is not None and self._video is None:
            self._video = VideoIntake(track, sid, self._video_sink, self._voice_lateness_s, self._on_frame)

    async def _attach_voice(self, sid: str | None) -> None:
        track = self._tracks.get(sid) if sid else None
        if self._voice is not None and (self._voice.sid != sid or track is None):
            await self._voice.stop()
            self._voice = None
            self._face.fall_silent()
        if track is not None and sid is not None and self._voice is None:
            self._voice_since_s = time.perf_counter()
            self._voice = VoiceIntake(track, sid, self._voice_sink, self._on_level, lambda pcm: self._face.hear(pcm))

    def _is_ours(self, participant: ParticipantFacts) -> bool:
        return self._on_stage is not None and self._on_stage.is_ours(participant)

    def _is_avatar(self, identity: str) -> bool:
        return identity in (self._cast.avatar, self._cast.agent)

    # --- what the media says ---

    def _on_frame(self, frame: VideoFrame) -> None:
        first = self._last_frame_s is None
        self._last_frame_s = frame.arrived_s
        if self._video is not None:
            self.lip_sync = LipSync(self._voice_sink.latency_s(), self._video.offset_s)
        if first:
            self._face.step_aside()
            self._spawn(self._face.aclose(), "face leaves")
            self._on_face(frame)
        elif self._stalled:
            self._stalled = False
            self._emit(Resumed())

    def _on_level(self, level: float) -> None:
        speaking = self._activity.update(level, time.perf_counter())
        if not speaking and self._voice is not None and time.perf_counter() - self._hushed_s >= HUSH_S:
            self._voice.hush(False)
        if not self._agent_speaks_for_itself:
            self._set_mode(AvatarMode.SPEAKING if speaking else AvatarMode.LISTENING)

    def _note_agent_state(self, cast: Cast) -> None:
        agent = self._room.remote_participants.get(cast.agent) if cast.agent else None
        state = agent.attributes.get(AGENT_STATE) if agent is not None else None
        mode = _AGENT_MODES.get(state or "")
        self._agent_speaks_for_itself = mode is not None
        if mode is not None:
            self._set_mode(mode)

    def _set_mode(self, mode: AvatarMode) -> None:
        if mode is not self._mode:
            self._mode = mode
            self._face.show(mode)
            self._emit(Mode(mode))

    def _new_face(self) -> VoiceFace:
        return VoiceFace(self._make_face, self._video_sink, self._voice_sink.channels, self._on_face)

    def _on_face(self, frame: VideoFrame) -> None:
        """There is something to look at: the first frame of the avatar's picture, or of our face beside its voice."""
        self._emit(FirstFrame(frame.width, frame.height))

    def _do_without_a_picture(self) -> None:
        if not self._voice_only and self._last_frame_s is None:
            self._voice_only = True
            self._emit(VoiceOnly())
            self._spawn(self._face.appear(), "face appears")

    async def _watch(self) -> None:
        """Tells stalls, a voice without a picture, and an avatar that left: none of them raises an event of its own."""
        reported_s = 0.0
        while not self._lost:
            await asyncio.sleep(WATCH_S)
            now = time.perf_counter()
            if self._watches_a_stage:
                self._watch_stage(now)
            if self._last_frame_s is not None and self._unseen_since_s is None:
                age = now - self._last_frame_s
                if age > self._timing.stall_s and (not self._stalled or now - reported_s >= 1.0):
                    self._stalled, reported_s = True, now
                    self._emit(Stalled(age))
            elif self._voice_since_s is not None and now - self._voice_since_s > self._timing.voice_only_s:
                self._do_without_a_picture()
            if not self._watches_a_stage:
                self._watch_avatar(now)

    async def _compare_ways(self) -> None:
        """How much later than the picture the voice comes out of the network: asked often at first, then seldom."""
        pause_s = LAG_FIRST_S
        while not self._lost:
            await asyncio.sleep(pause_s)
            network = await self.network() if self._video is not None and self._voice is not None else None
            if network is not None:
                self._lag.update(network)
                pause_s = min(LAG_LONGEST_S, pause_s * 1.5)

    def _voice_lateness_s(self) -> float | None:
        """Without a voice, or a loudspeaker, no picture waits."""
        latency_s = self._voice_sink.latency_s() if self._voice is not None else 0.0
        return latency_s + self._lag.lag_s if latency_s > 0 else None

    @property
    def _watches_a_stage(self) -> bool:
        return self._grant is not None and self._grant.may_be_empty

    def _watch_stage(self, now: float) -> None:
        """People come and go there: no picture is no stall, and nobody at all is no loss."""
        seen, heard = self._cast.video_sid is not None, self._cast.audio_sid is not None
        if seen or self._room.connection_state != rtc.ConnectionState.CONN_CONNECTED:
            self._unseen_since_s = None
            self._stage_empty = self._stage_empty and not seen
            return
        if self._unseen_since_s is None:
            self._unseen_since_s = now
        was_here = self._last_frame_s is not None or self._voice_since_s is not None
        if now - self._unseen_since_s <= (self._timing.avatar_gone_s if was_here else self._timing.stage_empty_s):
            return
        if self._last_frame_s is not None:
            self._forget_picture()  # from now on a voice alone gets a face
        if heard:
            self._stage_empty = False
        elif not self._stage_empty:
            self._stage_empty = True
            self._voice_since_s = None
            self._forget_picture()
            log.info("nobody is on the stage")
            self._emit(StageEmpty())

    def _forget_picture(self) -> None:
        """Whoever comes next is a first picture, or a first voice without one."""
        self._last_frame_s = None
        self._stalled = self._voice_only = False
        self._face.step_aside()
        self._spawn(self._face.aclose(), "face leaves")
        self._face = self._new_face()

    def _watch_avatar(self, now: float) -> None:
        was_here = self._last_frame_s is not None or self._voice_since_s is not None
        here = self._cast.video_sid is not None or self._cast.audio_sid is not None
        connected = self._room.connection_state == rtc.ConnectionState.CONN_CONNECTED
        if here or not was_here or not connected:
            self._avatar_missing_since_s = None
        elif self._avatar_missing_since_s is None:
            self._avatar_missing_since_s = now
        elif now - self._avatar_missing_since_s > self._timing.avatar_gone_s:
            self._lose(losses.avatar_left())

    def _lose(self, lost: Lost) -> None:
        if not self._lost:
            self._lost = True
            log.warning("link lost: %s", lost.operator_line)
            self._emit(lost)

    # --- sending ---

    def _start_sending(self, grant: LiveKitGrant) -> None:
        me = self._room.local_participant
        if grant.speech is SpeechRoute.STREAM and grant.avatar_identity is not None:
            self._speech = AvatarSpeech(me, grant.avatar_identity, grant.stream_sample_rate, self._set_mode)
            self._speech.start()
            if grant.greeting_wav is not None:
                self._spawn(self._greet(self._speech, grant.greeting_wav), "greeting")
        if grant.stage_persona is not None and self._make_stage_persona is not None:
            outlet = self._outlet(grant.stage_persona)
            self._on_stage = PersonaOnStage(grant.stage_persona, self._make_stage_persona, outlet, self._emit)
            self._on_stage.start()
        if grant.speech is SpeechRoute.MICROPHONE and self._microphone is not None:
            if not may_publish(grant.token):
                log.warning("the room token does not allow publishing: the avatar will not hear the visitor")
                return
            self._uplink = MicrophoneUplink(me, self._microphone)
            self._uplink.start()

    def _outlet(self, plan: StagePersona) -> StageOutlet:
        if plan.whip is None:
            return RoomOutlet(self._room.local_participant, plan.width, plan.height, plan.fps)
        return WhipOutlet(plan.whip)

    async def _greet(self, speech: AvatarSpeech, path: Path) -> None:
        try:
            speech.say(*await asyncio.to_thread(read_speech, path))
        except ValueError as error:
            log.error("no greeting: %s", error)

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
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

    async def _disconnect(self) -> None:
        leaving = asyncio.ensure_future(self._room.disconnect())
        _, late = await asyncio.wait({leaving}, timeout=DISCONNECT_TIMEOUT_S)
        if late:
            log.warning("the room did not confirm the leaving within %.0f s", DISCONNECT_TIMEOUT_S)
            self._abandoned.keep(leaving)
        else:
            log.info("room left")
