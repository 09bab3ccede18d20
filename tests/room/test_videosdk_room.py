"""The link into a VideoSDK room: the vendor's own package joins a stand-in over loopback, with real media."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import logging
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
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
from kiosk.links.videosdk_room import RoomTiming, VideoSdkRoom
from kiosk.media.frames import VideoFrame, VideoSink
from kiosk.providers.contract import SessionRef, VideoSdkGrant
from kiosk.providers.videosdk_token import mint
from kiosk.redact import RedactingFilter
from tests.contract.certificates import Authority
from tests.room.sinks import RATE, Loudspeaker, Microphone, Screen
from tests.simulators.likeness import likeness
from tests.simulators.picture_track import Gallery
from tests.simulators.speech import SpeechMaker
from tests.simulators.videosdk_guest import Guest, GuestOptions
from tests.simulators.videosdk_rooms import Peer, Room, SimulatedRooms

KEY, SECRET = "room-key", "a-secret-of-at-least-32-characters"
LONG_S = 7200  # some tokens are made when tests are collected, long before their test runs
ROOM = "abcd-efgh-ijkl"
QUICK = RoomTiming(
    join_s=60, stall_s=0.8, avatar_gone_s=1.0, voice_only_s=1.0, pulse_s=0.8, pulse_answer_s=2.0, media_alive_s=1.0
)
SESSION = SessionRef("videosdk-agent", "visit", None, 0.0)
LOST = "link lost:"


@pytest.fixture(autouse=True)
def losses_are_logged(expected_log: Callable[[str], None]) -> None:
    expected_log(LOST)


@pytest.fixture(scope="module")
def gallery() -> Gallery:
    return Gallery()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def trusted(authority: Authority) -> Iterator[Path]:
    """The package asks for its room over https only; it trusts whom `requests` is told to trust."""
    root = authority.write_root()
    before = os.environ.get("REQUESTS_CA_BUNDLE")
    os.environ["REQUESTS_CA_BUNDLE"] = str(root)
    yield root
    os.environ.pop("REQUESTS_CA_BUNDLE")
    if before is not None:
        os.environ["REQUESTS_CA_BUNDLE"] = before


@pytest.fixture
async def rooms(authority: Authority, trusted: Path) -> AsyncIterator[SimulatedRooms]:
    rooms = SimulatedRooms(KEY, SECRET)
    rooms.create(ROOM)
    await rooms.start(authority.server_context())
    yield rooms
    await rooms.stop()


@dataclass
class Looks:
    """A face that remembers what it was given."""

    video: VideoSink
    heard: bytearray = field(default_factory=bytearray)
    modes: list[AvatarMode] = field(default_factory=list)
    closed: bool = False

    def hear(self, pcm: bytes | memoryview) -> None:
        self.heard += pcm

    def show(self, mode: AvatarMode) -> None:
        self.modes.append(mode)

    async def aclose(self) -> None:
        self.closed = True


@dataclass
class Kiosk:
    """A room of the kiosk's with sinks that remember."""

    rooms: SimulatedRooms
    timing: RoomTiming = QUICK
    screen: Screen = field(default_factory=Screen)
    speaker: Loudspeaker = field(default_factory=Loudspeaker)
    microphone: Microphone = field(default_factory=lambda: Microphone(absent=True))
    abandoned: AbandonedConnects = field(default_factory=AbandonedConnects)
    events: list[LinkEvent] = field(default_factory=list)
    faces: list[Looks] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.room = VideoSdkRoom(
            self.screen,
            self.speaker,
            self.microphone,
            self.abandoned,
            self._make_face,
            self.events.append,
            self.timing,
        )

    async def _make_face(self, video: VideoSink) -> Looks:
        face = Looks(video)
        self.faces.append(face)
        video.put(VideoFrame(video.wanted_format, 32, 32, bytes(32 * 48)))
        return face

    def grant(self, **changes: Any) -> VideoSdkGrant:
        token = mint(KEY, SECRET, now=time.time(), ttl_s=600, roles=("rtc",), room_id=ROOM, participant_id="kiosk")
        grant = VideoSdkGrant(SESSION, ROOM, token, participant="kiosk", api_host=self.rooms.host)
        return dataclasses.replace(grant, **changes)

    async def join(self, **changes: Any) -> Peer:
        await self.room.open(self.grant(**changes))
        return self.rooms.rooms[ROOM].peers["kiosk"]

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
async def kiosk(rooms: SimulatedRooms) -> AsyncIterator[Kiosk]:
    kiosk = Kiosk(rooms)
    yield kiosk
    await kiosk.room.close()
    assert await kiosk.abandoned.settle(30)


@pytest.fixture
async def room(rooms: SimulatedRooms) -> Room:
    return rooms.rooms[ROOM]


async def eventually(condition: Callable[[], object], within_s: float = 60.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.02)


async def alike(
    original: NDArray[np.int16],
    say: Callable[[NDArray[np.int16]], None],
    heard: Callable[[], NDArray[np.int16]],
    within_s: float = 80.0,
) -> None:
    """Says `original` until it is found in what is heard: on a busy machine a word may be lost on the way."""
    best, deadline, again = 0.0, time.monotonic() + within_s, 0.0
    while best < 0.8:
        now = time.monotonic()
        assert now < deadline, f"likeness {best:.2f} only"
        if now >= again:
            again = now + len(original) / RATE + 4.0
            say(original)
        await asyncio.sleep(0.5)
        recent = heard()[-round((len(original) / RATE + 8.0) * RATE) :]
        best = await asyncio.to_thread(likeness, original, recent)


def guest(gallery: Gallery, peer_id: str = "receptionist", **options: Any) -> Guest:
    small = {"width": 320, "height": 240, **options}
    return Guest(peer_id, GuestOptions(**small), gallery)


async def test_picture_voice_and_microphone_pass_both_ways(
    kiosk: Kiosk, rooms: SimulatedRooms, gallery: Gallery
) -> None:
    """The agent that was there before the kiosk is seen and heard, hears the visitor, and answers with an echo."""
    speech = SpeechMaker().render("Good morning, I have an appointment with Anna.")
    agent = guest(gallery, echo=True)
    await rooms.enter(ROOM, agent)
    kiosk.microphone = Microphone()
    kiosk.__post_init__()
    peer = await kiosk.join()
    assert kiosk.of(Joined)
    await eventually(lambda: len(kiosk.screen.numbers) > 10)
    assert kiosk.screen.sizes == {(320, 240)}
    assert kiosk.of(FirstFrame) == [FirstFrame(320, 240)]
    assert kiosk.of(AvatarJoined) == [AvatarJoined("receptionist")]
    # Frames come in order, and not each of them twice.
    numbers = kiosk.screen.numbers
    assert numbers == sorted(set(numbers))
    await eventually(lambda: agent.heard.total_s > 0.5)
    await alike(speech, kiosk.microphone.say, agent.heard.samples)
    await alike(speech, kiosk.microphone.say, kiosk.speaker.heard)  # the echo
    network = await kiosk.room.network()
    assert network is not None
    assert network.rtt_s is None, "the package does not tell"
    for stream in (network.video, network.voice):
        assert stream is not None
        assert stream.packets > 10
        assert stream.jitter_s is not None
        assert 0 <= stream.jitter_s < 2
    # Only a microphone: neither a dummy picture nor a track of silence before it.
    assert peer.produced == ["audio"]
    await eventually(lambda: Mode(AvatarMode.SPEAKING) in kiosk.events)


async def test_no_track_is_published_while_there_is_no_microphone(
    kiosk: Kiosk, rooms: SimulatedRooms, gallery: Gallery
) -> None:
    peer = await kiosk.join()
    await rooms.enter(ROOM, guest(gallery))
    await eventually(lambda: kiosk.of(FirstFrame))
    assert peer.produced == []
    assert peer.meta == {"enableAgentEvents": True}


async def test_an_agent_that_was_never_announced_is_found_among_those_present(
    kiosk: Kiosk, rooms: SimulatedRooms, gallery: Gallery
) -> None:
    await rooms.enter(ROOM, guest(gallery, announced=False))
    await kiosk.join()
    await eventually(lambda: kiosk.of(FirstFrame))
    assert kiosk.of(AvatarJoined) == [AvatarJoined("receptionist")]


async def test_states_and_transcripts_of_the_agent(kiosk: Kiosk, rooms: SimulatedRooms, gallery: Gallery) -> None:
    """They come only because the kiosk asks for them, once for each event, however many agents there are."""
    await rooms.enter(ROOM, guest(gallery, video=False))
    await rooms.enter(ROOM, guest(gallery, "avatar_0a1b2c3d", peer_type="normal", name="Face"))
    await kiosk.join()
    await eventually(lambda: kiosk.of(FirstFrame))
    for state in ("thinking", "speaking", "dancing", "idle"):
        assert await rooms.agent_event(ROOM, "agentStateChanged", {"state": state}) == 1
    transcripts: list[tuple[str, str, str]] = [
        ("kiosk", "Where is", "interim"),
        ("kiosk", "Where is Anna?", "final"),
        ("receptionist", "On the second", "interim"),
        ("receptionist", "On the second floor.", "final"),
        ("receptionist", "Shall I call her?", "final"),
    ]
    for who, text, kind in transcripts:
        await rooms.agent_event(
            ROOM, "agentTranscript", {"text": text, "peerId": who, "timestamp": "1750000000000", "type": kind}
        )
    await eventually(lambda: len(kiosk.of(Caption)) == 5)
    assert kiosk.of(Caption) == [
        Caption(Speaker.VISITOR, "visitor-1", "Where is", False),
        Caption(Speaker.VISITOR, "visitor-1", "Where is Anna?", True),
        Caption(Speaker.AVATAR, "avatar-1", "On the second", False),
        Caption(Speaker.AVATAR, "avatar-1", "On the second floor.", True),
        Caption(Speaker.AVATAR, "avatar-2", "Shall I call her?", True),
    ]
    told = [event.mode for event in kiosk.of(Mode)]
    assert told[-3:] == [AvatarMode.THINKING, AvatarMode.SPEAKING, AvatarMode.LISTENING]
    # The face is the second participant: its picture and its voice.
    assert kiosk.of(AvatarJoined)[-1] == AvatarJoined("avatar_0a1b2c3d")


async def test_other_people_in_the_room_are_not_shown(kiosk: Kiosk, rooms: SimulatedRooms, gallery: Gallery) -> None:
    kiosk.timing = dataclasses.replace(QUICK, agent_s=1.5)
    kiosk.__post_init__()
    await rooms.enter(ROOM, guest(gallery, "somebody", peer_type="normal", name="Somebody"))
    await kiosk.join()
    await eventually(lambda: kiosk.of(Lost))
    assert not kiosk.of(FirstFrame)
    assert not kiosk.screen.numbers
    assert "did not reach the room" in kiosk.of(Lost)[0].operator_line


async def test_typed_text_goes_out_and_an_answer_comes_in(
    kiosk: Kiosk, rooms: SimulatedRooms, room: Room, gallery: Gallery
) -> None:
    await rooms.enter(ROOM, guest(gallery, video=False))
    peer = await kiosk.join()
    await eventually(lambda: "CHAT" in peer.topics)
    await kiosk.room.send_text("Where is the lift?")
    assert [(one["topic"], one["message"]) for one in room.published] == [("CHAT", "Where is the lift?")]
    await rooms.publish(ROOM, "receptionist", "CHAT", "Behind you.")
    await eventually(lambda: kiosk.of(Caption))
    # Our own words come back from the room and are not shown as somebody's answer.
    assert kiosk.of(Caption) == [Caption(Speaker.AVATAR, "avatar-1", "Behind you.", True)]
    await kiosk.room.send_message(Message("desk", b'{"door": "open"}'))
    assert room.published[-1]["topic"] == "desk"
    await kiosk.room.send_message(Message("", b"\x00\x01"))
    await eventually(lambda: b"\x00\x01" in peer.received)


async def test_a_flood_of_messages_and_large_binary_data_pass_in_small_numbers(
    kiosk: Kiosk, rooms: SimulatedRooms, gallery: Gallery
) -> None:
    agent = guest(gallery)
    await rooms.enter(ROOM, agent)
    peer = await kiosk.join()
    await eventually(lambda: kiosk.of(FirstFrame) and "CHAT" in peer.topics)
    await rooms.open_data(ROOM)
    await eventually(lambda: peer.data_down is not None and peer.data_down.readyState == "open")
    for number in range(200):
        await rooms.publish(ROOM, "troll", "CHAT", f"spam {number}")
        if number % 10 == 0:
            rooms.send_data(ROOM, os.urandom(15_000))
            rooms.send_data(ROOM, "INTERRUPT")
            rooms.send_data(ROOM, '{"type":"segment_end"}')
        await asyncio.sleep(0.005)
    seen = len(kiosk.screen.numbers)
    await eventually(lambda: len(kiosk.screen.numbers) > seen + 5)
    assert 0 < len(kiosk.of(Message)) < 150
    assert max(len(event.payload) for event in kiosk.of(Message)) <= 15_000
    assert not kiosk.of(Caption)  # not the agent's words
    assert not kiosk.of(Lost)


async def test_garbled_notifications_change_nothing(kiosk: Kiosk, rooms: SimulatedRooms, gallery: Gallery) -> None:
    await rooms.enter(ROOM, guest(gallery))
    peer = await kiosk.join()
    await eventually(lambda: kiosk.of(FirstFrame))
    garbled: list[tuple[str, Any]] = [
        ("newPeer", {"id": 7}),
        ("newPeer", {"id": "x", "displayName": None}),
        ("peerClosed", {"peerId": {"a": 1}}),
        ("agentStateChanged", ["speaking"]),
        ("agentTranscript", {"text": 5, "peerId": None}),
        ("pubsubMessage", {"topic": "CHAT", "message": {"a": [1]}, "senderId": 3}),
        ("participantMediaStateChanged", {}),
        ("consumerClosed", {"consumerId": "unknown"}),
        ("neverHeardOf", {"x": 1}),
    ]
    for method, data in garbled:
        await peer.notify(method, data)
    seen = len(kiosk.screen.numbers)
    await eventually(lambda: len(kiosk.screen.numbers) > seen + 10)
    assert not kiosk.of(Lost)
    assert not kiosk.of(Caption)


async def test_an_agent_without_a_picture_gets_a_face_that_hears_exactly_what_is_played(
    kiosk: Kiosk, rooms: SimulatedRooms, gallery: Gallery
) -> None:
    agent = guest(gallery, video=False)
    await rooms.enter(ROOM, agent)
    await kiosk.join()
    await eventually(lambda: kiosk.of(VoiceOnly) and kiosk.faces)
    face = kiosk.faces[0]
    speech = SpeechMaker().render("Welcome to our house.")
    await alike(speech, agent.voice.say, lambda: np.frombuffer(bytes(face.heard), np.int16))
    heard, played = np.frombuffer(bytes(face.heard), np.int16), kiosk.speaker.heard()
    assert np.array_equal(heard[-RATE:], played[-RATE:])
    assert AvatarMode.SPEAKING in face.modes
    assert kiosk.of(FirstFrame) == [FirstFrame(32, 32)]
    await kiosk.room.close()
    assert face.closed


async def test_interrupting_silences_the_voice_here_at_once(
    kiosk: Kiosk, rooms: SimulatedRooms, gallery: Gallery
) -> None:
    agent = guest(gallery, video=False)
    await rooms.enter(ROOM, agent)
    await kiosk.join()
    agent.voice.say(np.tile(SpeechMaker().render("On and on it goes."), 6))
    await eventually(lambda: Mode(AvatarMode.SPEAKING) in kiosk.events)
    await kiosk.room.interrupt()
    assert kiosk.speaker.flushed == 1
    before = len(kiosk.speaker.heard())
    await asyncio.sleep(0.5)
    assert len(kiosk.speaker.heard()) == before
    agent.voice.clear()
    # Once the far side is silent its next words are heard again.
    await eventually(lambda: len(kiosk.speaker.heard()) > before + RATE // 2)


async def test_the_picture_stands_still_and_comes_back(kiosk: Kiosk, rooms: SimulatedRooms, gallery: Gallery) -> None:
    agent = guest(gallery)
    await rooms.enter(ROOM, agent)
    await kiosk.join()
    await eventually(lambda: kiosk.of(FirstFrame))
    agent.live.clear()
    await eventually(lambda: kiosk.of(Stalled))
    agent.live.set()
    await eventually(lambda: kiosk.of(Resumed))
    assert not kiosk.of(Lost)


async def test_an_agent_that_leaves_is_a_loss_that_a_new_session_mends(
    kiosk: Kiosk, rooms: SimulatedRooms, gallery: Gallery
) -> None:
    agent = guest(gallery)
    await rooms.enter(ROOM, agent)
    await kiosk.join()
    await eventually(lambda: kiosk.of(FirstFrame))
    await rooms.exit(ROOM, agent)
    await eventually(lambda: kiosk.of(Lost))
    lost = kiosk.of(Lost)[0]
    assert (lost.reason, lost.retry) == (LostReason.AVATAR_LEFT, True)


async def test_an_agent_that_comes_back_soon_is_no_loss(kiosk: Kiosk, rooms: SimulatedRooms, gallery: Gallery) -> None:
    kiosk.timing = dataclasses.replace(QUICK, avatar_gone_s=20)
    kiosk.__post_init__()
    agent = guest(gallery)
    await rooms.enter(ROOM, agent)
    await kiosk.join()
    await eventually(lambda: kiosk.of(FirstFrame))
    await rooms.exit(ROOM, agent)
    again = guest(gallery)
    kiosk.screen.numbers.clear()
    rooms.rooms[ROOM].peers["kiosk"].entered.clear()
    await rooms.enter(ROOM, again)
    await eventually(lambda: len(kiosk.screen.numbers) > 5)
    assert not kiosk.of(Lost)


@pytest.mark.parametrize("code", [1000, 1001, 1006, 1011])
async def test_a_signalling_connection_that_ends_is_noticed_however_it_ends(
    kiosk: Kiosk, rooms: SimulatedRooms, gallery: Gallery, code: int
) -> None:
    """The package says nothing of a clean end, and no method of it joins again."""
    await rooms.enter(ROOM, guest(gallery))
    await kiosk.join()
    await eventually(lambda: kiosk.of(FirstFrame))
    await rooms.drop(ROOM, code=code)
    await eventually(lambda: kiosk.of(Lost))
    assert kiosk.of(Lost)[0].retry
    assert kiosk.of(Lost)[0].reason is LostReason.NETWORK
    await kiosk.room.close()
    # What the session does then: a new link altogether, into the same room.
    again = Kiosk(rooms)
    await again.join()
    await eventually(lambda: again.of(FirstFrame))
    await again.room.close()
    assert await again.abandoned.settle(30)


async def test_a_slow_signalling_is_no_loss_while_media_flows(
    kiosk: Kiosk, rooms: SimulatedRooms, gallery: Gallery
) -> None:
    kiosk.timing = dataclasses.replace(QUICK, pulse_answer_s=0.3)
    kiosk.__post_init__()
    await rooms.enter(ROOM, guest(gallery))
    await kiosk.join()
    await eventually(lambda: kiosk.of(FirstFrame))
    rooms.switches.silent_methods = frozenset({"getTransportStats"})
    asked = rooms.methods.count("getTransportStats")
    await eventually(lambda: rooms.methods.count("getTransportStats") > asked + 2)
    assert not kiosk.of(Lost)
    # Now nothing comes any more, and nobody answers.
    rooms.cut(ROOM)
    await eventually(lambda: kiosk.of(Lost))


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"room_id": "nobo-dyhe-rexx"}, "bound to another room"),
        ({"token": mint(KEY, SECRET, now=time.time() - 9000, ttl_s=60)}, "expired"),
        ({"token": mint(KEY, SECRET, now=time.time(), ttl_s=LONG_S, roles=("crawler",))}, "may not join a room"),
        (
            {"token": mint(KEY, "another secret, of 32 characters", now=time.time(), ttl_s=LONG_S)},
            "refused the room token",
        ),
        ({"token": "no.token"}, "no token"),
        ({"room_id": "nobo-dyhe-rexx", "token": mint(KEY, SECRET, now=time.time(), ttl_s=LONG_S)}, "check room_id"),
    ],
)
async def test_wrong_tokens_and_rooms_that_do_not_exist_are_told_apart(
    kiosk: Kiosk, changes: dict[str, Any], line: str
) -> None:
    """A failed join raises nothing in the package: it only reports a state and writes a line into its log."""
    with pytest.raises(LinkError) as caught:
        await kiosk.join(**changes)
    lost = caught.value.lost
    assert line in lost.operator_line
    assert (lost.reason, lost.retry) == (LostReason.REFUSED, False)
    assert not kiosk.of(Joined)


async def test_a_faulty_api_is_worth_another_try(kiosk: Kiosk, rooms: SimulatedRooms) -> None:
    rooms.switches.refuse_init = 503
    with pytest.raises(LinkError) as caught:
        await kiosk.join()
    assert caught.value.lost.retry
    assert "503" in caught.value.lost.operator_line


@pytest.mark.parametrize("method", ["createWebRtcTransport", "join"])
async def test_answers_of_wrong_types_end_the_attempt_and_nothing_else(
    kiosk: Kiosk, rooms: SimulatedRooms, method: str
) -> None:
    rooms.switches.garbled_methods = frozenset({method})
    with pytest.raises(LinkError) as caught:
        await kiosk.join()
    assert caught.value.lost.retry


async def test_an_api_that_does_not_answer_blocks_nobody(kiosk: Kiosk, rooms: SimulatedRooms) -> None:
    """The package asks with a blocking call without a time limit; only its own thread waits."""
    kiosk.timing = dataclasses.replace(QUICK, join_s=1.0)
    kiosk.__post_init__()
    rooms.switches.init_delay_s = 2.0
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.02)
            ticks += 1

    ticking = asyncio.ensure_future(tick())
    with pytest.raises(LinkError) as caught:
        await kiosk.join()
    ticking.cancel()
    assert caught.value.lost.reason is LostReason.TIMEOUT
    assert ticks > 10
    assert await kiosk.abandoned.settle(30)
    assert not [thread for thread in threading.enumerate() if thread.name == "videosdk"]


async def test_closing_while_opening_leaves_no_ghost(kiosk: Kiosk, rooms: SimulatedRooms, room: Room) -> None:
    rooms.switches.init_delay_s = 1.0
    opening = asyncio.ensure_future(kiosk.join())
    await asyncio.sleep(0.3)
    await kiosk.room.close()
    with pytest.raises(LinkError):
        await opening
    assert await kiosk.abandoned.settle(30)
    assert not room.peers


async def test_closing_leaves_the_room_and_no_thread(
    kiosk: Kiosk, rooms: SimulatedRooms, room: Room, gallery: Gallery
) -> None:
    await rooms.enter(ROOM, guest(gallery))
    await kiosk.join()
    await eventually(lambda: kiosk.of(FirstFrame))
    await kiosk.room.close()
    await kiosk.room.close()
    await eventually(lambda: not room.peers)
    assert await kiosk.abandoned.settle(30)
    assert not [thread for thread in threading.enumerate() if thread.name == "videosdk" or "decoder" in thread.name]


async def test_no_token_reaches_the_log(kiosk: Kiosk, rooms: SimulatedRooms) -> None:
    """It travels in the query of the socket's URL, and the package logs what it sends below WARNING."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.addFilter(RedactingFilter())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        rooms.switches.refuse_socket = 403
        grant = kiosk.grant()
        with pytest.raises(LinkError) as caught:
            await kiosk.room.open(grant)
        assert await kiosk.abandoned.settle(30)
    finally:
        root.setLevel(before)
        root.removeHandler(handler)
    parts = grant.token.split(".")
    assert "/?roomId=" in written.getvalue()
    for text in (written.getvalue(), caught.value.lost.operator_line):
        assert parts[1] not in text
        assert parts[2] not in text
