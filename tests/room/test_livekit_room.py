"""The LiveKit link in a real room: picture, voice, microphone, words, and every way of losing it."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from livekit import api, rtc
from numpy.typing import NDArray

from kiosk.links.abandoned import AbandonedConnects
from kiosk.links.contract import (
    AvatarJoined,
    AvatarMode,
    Caption,
    FirstFrame,
    Joined,
    LinkError,
    LinkEvent,
    Lost,
    LostReason,
    Message,
    Mode,
    Resumed,
    Speaker,
    Stalled,
    VoiceOnly,
)
from kiosk.links.livekit_room import LiveKitRoom, RoomTiming
from kiosk.providers.contract import LiveKitGrant, SessionRef, SpeechRoute
from tests.livekit_server import LiveKitServer
from tests.room.sinks import RATE, Loudspeaker, Microphone, Screen
from tests.simulators.avatar import AvatarOptions, SimulatedAvatar
from tests.simulators.likeness import likeness
from tests.simulators.picture_track import Gallery, PictureOptions
from tests.simulators.speech import SpeechMaker

SMALL = PictureOptions(width=320, height=240, fps=15, frame_code=True)
QUICK = RoomTiming(connect_s=12, stall_s=0.6, avatar_gone_s=1.0, voice_only_s=1.0)
LIBRARY = "livekit: "  # its own account of a fault that the test provokes
SESSION = SessionRef("livekit", "visit", None, 0.0)


@pytest.fixture(scope="module")
def server() -> Iterator[LiveKitServer]:
    with LiveKitServer() as running:
        yield running


@pytest.fixture(scope="module")
def gallery() -> Gallery:
    return Gallery()


@pytest.fixture(scope="module")
def speech() -> SpeechMaker:
    return SpeechMaker()


async def eventually(condition: Callable[[], object], within_s: float = 15.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.02)


async def alike(original: NDArray[np.int16], heard: Callable[[], NDArray[np.int16]], within_s: float = 20.0) -> None:
    """Waits until `original` is found in what is heard, off the loop that carries the sound."""
    best, deadline = 0.0, time.monotonic() + within_s
    while best < 0.8:
        assert time.monotonic() < deadline, f"likeness {best:.2f} only"
        await asyncio.sleep(0.5)
        best = await asyncio.to_thread(likeness, original, heard())


@dataclass
class Kiosk:
    """A room of the kiosk's with sinks that remember."""

    timing: RoomTiming = QUICK
    screen: Screen = field(default_factory=Screen)
    speaker: Loudspeaker = field(default_factory=Loudspeaker)
    microphone: Microphone = field(default_factory=lambda: Microphone(absent=True))
    abandoned: AbandonedConnects = field(default_factory=AbandonedConnects)
    events: list[LinkEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.room = LiveKitRoom(
            self.screen, self.speaker, self.microphone, self.abandoned, self.events.append, self.timing
        )

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@dataclass
class Stage:
    """Who is in the room of one test; all leave at its end."""

    server: LiveKitServer
    gallery: Gallery
    speech: SpeechMaker
    name: str
    leaving: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    def grant(
        self, *, kind: str = "standard", speech: SpeechRoute = SpeechRoute.MICROPHONE, **more: Any
    ) -> LiveKitGrant:
        token = self.server.token("kiosk", self.name, kind=kind, **more.pop("grants", {}))  # type: ignore[arg-type]
        return LiveKitGrant(SESSION, self.server.url, token, self.name, speech=speech, **more)

    async def avatar(self, identity: str = "avatar", **options: Any) -> SimulatedAvatar:
        attributes = options.pop("attributes", None)
        kind = options.pop("kind", "agent")
        token = self.server.token(identity, self.name, kind=kind, attributes=attributes, can_update_own_metadata=True)
        chosen = dataclasses.replace(AvatarOptions(SMALL, transcripts=False), **options)
        avatar = SimulatedAvatar(self.server.url, token, chosen, speech=self.speech, gallery=self.gallery)
        await avatar.join()
        self.leaving.append(avatar.leave)
        return avatar

    async def kiosk(self, grant: LiveKitGrant | None = None, **parts: Any) -> Kiosk:
        kiosk = Kiosk(**parts)
        self.leaving.insert(0, kiosk.room.close)
        await kiosk.room.open(grant or self.grant())
        return kiosk

    async def end(self) -> None:
        for leave in self.leaving:
            await leave()


@pytest.fixture
async def stage(
    server: LiveKitServer, gallery: Gallery, speech: SpeechMaker, request: pytest.FixtureRequest
) -> AsyncIterator[Stage]:
    stage = Stage(server, gallery, speech, request.node.name)
    yield stage
    await stage.end()


async def test_the_avatar_is_seen_and_heard(stage: Stage) -> None:
    greeting = "Good day, and welcome to our house."
    await stage.avatar(greeting=greeting)
    kiosk = await stage.kiosk()
    await eventually(lambda: len(kiosk.screen.numbers) > 20)
    original = stage.speech.render(greeting)
    await alike(original[RATE // 2 : RATE], kiosk.speaker.heard)
    assert kiosk.events[0] == Joined()
    assert kiosk.of(AvatarJoined) == [AvatarJoined("avatar")]
    assert kiosk.of(FirstFrame) == [FirstFrame(320, 240)]
    assert kiosk.screen.numbers == sorted(kiosk.screen.numbers)
    assert Mode(AvatarMode.SPEAKING) in kiosk.events


async def test_the_network_is_told_as_long_as_the_room_is_open(stage: Stage) -> None:
    await stage.avatar(respond="talk")
    kiosk = Kiosk()
    assert await kiosk.room.network() is None
    kiosk = await stage.kiosk()
    await eventually(lambda: len(kiosk.screen.numbers) > 20)
    first = await kiosk.room.network()
    seen = len(kiosk.screen.numbers)
    await eventually(lambda: len(kiosk.screen.numbers) > seen + 10)
    second = await kiosk.room.network()
    assert first is not None
    assert second is not None
    assert second.rtt_s is not None
    assert 0 <= second.rtt_s < 1
    for one, other in ((first.video, second.video), (first.voice, second.voice)):
        assert one is not None
        assert other is not None
        assert one.source == other.source
        assert other.packets > one.packets
        assert other.emitted > one.emitted
        assert 0 <= (other.buffered_s - one.buffered_s) / (other.emitted - one.emitted) < 5
    assert second.video is not None
    assert second.video.freezes is not None
    await kiosk.room.close()
    assert await kiosk.room.network() is None


async def test_the_visitor_is_heard_and_answered(stage: Stage) -> None:
    avatar = await stage.avatar()
    kiosk = await stage.kiosk(microphone=Microphone())
    await eventually(lambda: kiosk.screen.numbers and len(avatar.heard.samples()) > RATE)
    question = stage.speech.render("Where is the meeting room on the second floor?")
    kiosk.microphone.say(np.concatenate([question, np.zeros(RATE, np.int16)]))
    await alike(question, avatar.heard.samples)
    await alike(question, kiosk.speaker.heard)


async def test_captions_and_unknown_messages(stage: Stage) -> None:
    avatar = await stage.avatar(transcripts=True)
    kiosk = await stage.kiosk(microphone=Microphone())
    await eventually(lambda: kiosk.screen.numbers)
    await avatar.say("The lift is behind you.")
    await eventually(lambda: any(c.final and "lift" in c.text for c in kiosk.of(Caption)))
    assert {c.speaker for c in kiosk.of(Caption)} == {Speaker.AVATAR}
    assert len({c.segment for c in kiosk.of(Caption)}) == 1
    await avatar.send_data(b"\x00\xff not json", "vendor.secret-topic")
    await eventually(lambda: kiosk.of(Message))
    assert kiosk.of(Message)[0] == Message("vendor.secret-topic", b"\x00\xff not json", "avatar")
    avatar.flood(200, 1.0)
    await asyncio.sleep(1.5)
    assert len(kiosk.of(Message)) <= 60
    assert not kiosk.of(Lost)


async def test_a_vendors_words_about_its_state_change_nothing(stage: Stage) -> None:
    """Some vendors send them (topic `session.state`) without a full list of them: only the room itself counts."""
    avatar = await stage.avatar(session_state=True)
    kiosk = await stage.kiosk()
    await eventually(lambda: kiosk.screen.numbers)
    await avatar.send_state("disconnected", "a word that nobody documents")
    await eventually(lambda: kiosk.of(Message))
    assert {message.topic for message in kiosk.of(Message)} == {"session.state"}
    seen = len(kiosk.screen.numbers)
    await eventually(lambda: len(kiosk.screen.numbers) > seen)
    assert not kiosk.of(Lost)


async def test_an_interruption_is_silent_at_once(stage: Stage) -> None:
    avatar = await stage.avatar(respond="talk")
    kiosk = await stage.kiosk()
    await eventually(lambda: Mode(AvatarMode.SPEAKING) in kiosk.events)
    before = len(kiosk.speaker.heard())
    await kiosk.room.interrupt()
    assert kiosk.speaker.flushed == 1
    assert avatar.connected
    await asyncio.sleep(0.3)
    assert len(kiosk.speaker.heard()) - before < RATE // 20


async def test_finished_speech_reaches_the_worker_and_can_be_cleared(stage: Stage) -> None:
    avatar = await stage.avatar("face", respond="silent", attributes={"lk.publish_on_behalf": "kiosk"})
    grant = stage.grant(kind="agent", speech=SpeechRoute.STREAM, avatar_identity="face")
    kiosk = await stage.kiosk(grant)
    await eventually(lambda: kiosk.screen.numbers)
    answer = stage.speech.render("Your host will be with you in a minute.")
    await kiosk.room.speak(answer.tobytes(), RATE)
    await alike(answer, kiosk.speaker.heard)
    long_answer = np.tile(stage.speech.render("And then you go straight on."), 5)
    await kiosk.room.speak(long_answer.tobytes(), RATE)
    await eventually(lambda: avatar.voice.speaking)
    await asyncio.sleep(0.5)
    await kiosk.room.interrupt()
    await eventually(lambda: not avatar.voice.speaking, within_s=3)
    assert kiosk.events[-1] == Mode(AvatarMode.LISTENING) or kiosk.of(Mode)


async def test_agent_and_worker_are_told_apart(stage: Stage) -> None:
    await stage.avatar("brain", respond="silent", picture=SMALL)
    kiosk = await stage.kiosk()
    await eventually(lambda: kiosk.of(AvatarJoined))
    await stage.avatar("face", attributes={"lk.publish_on_behalf": "brain"})
    await eventually(lambda: AvatarJoined("face") in kiosk.events)


async def test_a_voice_without_a_picture_is_told(stage: Stage) -> None:
    room = rtc.Room()
    await room.connect(stage.server.url, stage.server.token("voice", stage.name, kind="agent"))
    stage.leaving.append(room.disconnect)
    source = rtc.AudioSource(RATE, 1, queue_size_ms=0)
    stage.leaving.insert(0, source.aclose)
    await room.local_participant.publish_track(rtc.LocalAudioTrack.create_audio_track("v", source))
    kiosk = await stage.kiosk()
    await eventually(lambda: kiosk.of(VoiceOnly))
    assert kiosk.of(AvatarJoined) == [AvatarJoined("voice")]


async def test_a_frozen_picture_is_told_and_heals(stage: Stage) -> None:
    avatar = await stage.avatar()
    kiosk = await stage.kiosk()
    await eventually(lambda: kiosk.screen.numbers)
    avatar.freeze()
    await eventually(lambda: kiosk.of(Stalled))
    avatar.thaw()
    await eventually(lambda: Resumed() in kiosk.events)
    assert not kiosk.of(Lost)


async def test_another_size_in_mid_stream(stage: Stage) -> None:
    avatar = await stage.avatar()
    kiosk = await stage.kiosk()
    await eventually(lambda: kiosk.screen.numbers)
    await avatar.resize(426, 318)
    # The encoder rounds sizes as its codec wants them.
    await eventually(lambda: any(abs(w - 426) <= 4 and abs(h - 318) <= 4 for w, h in kiosk.screen.sizes))


async def test_an_avatar_that_leaves_is_lost(stage: Stage, expected_log: Callable[[str], None]) -> None:
    expected_log("link lost")
    expected_log(LIBRARY)
    avatar = await stage.avatar()
    kiosk = await stage.kiosk()
    await eventually(lambda: kiosk.screen.numbers)
    await avatar.leave()
    await eventually(lambda: kiosk.of(Lost))
    assert (kiosk.of(Lost)[0].reason, kiosk.of(Lost)[0].retry) == (LostReason.AVATAR_LEFT, True)


@pytest.mark.parametrize("scenario", ["FULL_RECONNECT", "NODE_FAILURE", "MIGRATION", "SIGNAL_RECONNECT"])
async def test_a_reconnect_that_heals_loses_nothing(
    stage: Stage, scenario: str, expected_log: Callable[[str], None]
) -> None:
    expected_log(LIBRARY)
    await stage.avatar()
    kiosk = await stage.kiosk(timing=RoomTiming(stall_s=8, avatar_gone_s=4))
    await eventually(lambda: kiosk.screen.numbers)
    room: rtc.Room = kiosk.room._room
    await room.simulate_scenario(getattr(rtc.SimulateScenarioKind, f"SIMULATE_{scenario}"))
    await asyncio.sleep(0.5)
    after = len(kiosk.screen.numbers)
    await eventually(lambda: len(kiosk.screen.numbers) > after + 15)
    assert not kiosk.of(Lost)


async def test_a_server_that_sends_us_away_is_lost_at_once(stage: Stage, expected_log: Callable[[str], None]) -> None:
    expected_log("link lost")
    expected_log(LIBRARY)
    await stage.avatar()
    kiosk = await stage.kiosk()
    await eventually(lambda: kiosk.screen.numbers)
    await kiosk.room._room.simulate_scenario(rtc.SimulateScenarioKind.SIMULATE_SERVER_LEAVE)
    await eventually(lambda: kiosk.of(Lost))
    assert (kiosk.of(Lost)[0].reason, kiosk.of(Lost)[0].retry) == (LostReason.SERVER, True)


async def test_being_removed_is_final(stage: Stage, expected_log: Callable[[str], None]) -> None:
    expected_log("link lost")
    expected_log(LIBRARY)
    await stage.avatar()
    kiosk = await stage.kiosk()
    await eventually(lambda: kiosk.screen.numbers)
    http = stage.server.url.replace("ws://", "http://")
    async with api.LiveKitAPI(http, stage.server.key, stage.server.secret) as server:
        await server.room.remove_participant(api.RoomParticipantIdentity(room=stage.name, identity="kiosk"))
    await eventually(lambda: kiosk.of(Lost))
    assert (kiosk.of(Lost)[0].reason, kiosk.of(Lost)[0].retry) == (LostReason.EXPELLED, False)


async def test_a_token_that_forbids_publishing_is_no_fault(stage: Stage, expected_log: Callable[[str], None]) -> None:
    expected_log("does not allow publishing")
    await stage.avatar()
    kiosk = await stage.kiosk(stage.grant(grants={"can_publish": False}), microphone=Microphone())
    await eventually(lambda: kiosk.screen.numbers)
    assert not kiosk.of(Lost)


async def test_a_refused_token_tells_no_secret(stage: Stage, expected_log: Callable[[str], None]) -> None:
    expected_log(LIBRARY)
    token = stage.server.token("kiosk", stage.name) + "x"
    kiosk = Kiosk()
    with pytest.raises(LinkError) as refused:
        await kiosk.room.open(LiveKitGrant(SESSION, stage.server.url, token))
    await kiosk.room.close()
    assert (refused.value.lost.reason, refused.value.lost.retry) == (LostReason.REFUSED, False)
    assert token[-20:] not in str(refused.value) + repr(refused.value.__context__)


async def test_nobody_there_is_a_lost_network(expected_log: Callable[[str], None]) -> None:
    expected_log(LIBRARY)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        kiosk = Kiosk()
        with pytest.raises(LinkError) as refused:
            await kiosk.room.open(LiveKitGrant(SESSION, f"ws://127.0.0.1:{closed.getsockname()[1]}", "token"))
        await kiosk.room.close()
    assert (refused.value.lost.reason, refused.value.lost.retry) == (LostReason.NETWORK, True)


async def test_a_late_join_leaves_no_ghost_and_no_abort(stage: Stage, expected_log: Callable[[str], None]) -> None:
    """A cancelled native connect would join later and abort the process ten seconds after that."""
    expected_log("connect is late")
    expected_log(LIBRARY)
    port = int(stage.server.url.rsplit(":", 1)[1])

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(1.5)
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)

        async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            while data := await source.read(65_536):
                target.write(data)
            target.close()

        await asyncio.gather(copy(reader, there_writer), copy(there_reader, writer), return_exceptions=True)

    slow = await asyncio.start_server(relay, "127.0.0.1", 0)
    kiosk = Kiosk(timing=RoomTiming(connect_s=0.5))
    address = f"ws://127.0.0.1:{slow.sockets[0].getsockname()[1]}"
    with pytest.raises(LinkError) as late:
        await kiosk.room.open(LiveKitGrant(SESSION, address, stage.server.token("kiosk", stage.name)))
    assert late.value.lost.reason is LostReason.TIMEOUT
    await kiosk.room.close()
    assert await kiosk.abandoned.settle(20)
    slow.close()
    await slow.wait_closed()
    async with api.LiveKitAPI(
        stage.server.url.replace("ws", "http", 1), stage.server.key, stage.server.secret
    ) as server:
        there = await server.room.list_participants(api.ListParticipantsRequest(room=stage.name))
    assert [p.identity for p in there.participants if p.state == api.ParticipantInfo.State.ACTIVE] == []
