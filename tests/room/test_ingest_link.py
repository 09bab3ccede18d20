"""The ingest link against its simulator: a voice with a face, the microphone, words, and every way of losing it."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import json
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest

from kiosk.links import ingest_protocol
from kiosk.links.contract import (
    AvatarJoined,
    AvatarMode,
    Caption,
    Face,
    FirstFrame,
    Joined,
    LinkError,
    LinkEvent,
    Lost,
    LostReason,
    Message,
    Mode,
    Speaker,
    VoiceOnly,
)
from kiosk.links.ingest import IngestLink
from kiosk.links.ingest_room import IngestRoom, RoomPatience
from kiosk.links.ingest_socket import SocketPatience
from kiosk.media.frames import PixelFormat, VideoFrame, VideoSink
from kiosk.media.thread import MediaThread
from kiosk.persona.behaviour import Behaviour
from kiosk.persona.heard_face import HeardFace
from kiosk.persona.performer import Performer
from kiosk.providers.contract import IngestGrant, Misconfigured, Visit
from tests.contract.videosdk_ingest_rig import Rig, rig
from tests.room.avatar_guest import lag_of_mouth_s
from tests.room.mouth_lamp import MouthLamp
from tests.room.sinks import RATE, Loudspeaker, Microphone
from tests.simulators.likeness import likeness
from tests.simulators.videosdk_ingest import AGENT, Seat

LATENCY_S = 0.08
SENTENCE = "Good morning! Please take a seat, over there."
PATIENT = RoomPatience(gone=0.5)

ExpectedLog = Callable[[str], None]


class Screen:
    """Keeps when each picture of the face is due, and how bright it is: as bright as the mouth is open."""

    wanted_format = PixelFormat.BGRA

    def __init__(self) -> None:
        self.lamp: list[tuple[float, float]] = []

    def put(self, frame: VideoFrame) -> None:
        self.lamp.append((frame.due_s, float(frame.data[0])))


class Ear(Loudspeaker):
    def __init__(self) -> None:
        super().__init__()
        self.levels: list[tuple[float, float]] = []  # (time.perf_counter() at which it is heard, RMS) of each 10 ms

    def put(self, pcm: memoryview | bytes) -> None:
        super().put(pcm)
        samples = np.frombuffer(pcm, np.int16).astype(np.float64)
        self.levels.append((time.perf_counter() + LATENCY_S, float(np.sqrt(np.mean(samples**2)))))

    def latency_s(self) -> float:
        return LATENCY_S


async def lamp_face(video: VideoSink) -> Face:
    return HeardFace(Performer(MouthLamp(), Behaviour(1), video, None, latency_s=lambda: LATENCY_S))


async def no_face(video: VideoSink) -> Face:
    raise Misconfigured("no such persona")


async def eventually(condition: Callable[[], object], what: str = "", within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"did not happen in time: {what}"
        await asyncio.sleep(0.02)


class Desk:
    """A kiosk's rooms, one after the other, over one provider and its simulator."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.far = rig.simulator
        self.screen, self.ear, self.microphone = Screen(), Ear(), Microphone()
        self.events: list[LinkEvent] = []
        self.rooms: list[IngestRoom] = []

    async def grant(self, **table: Any) -> IngestGrant:
        grant = await self.rig.provider(**table).start(Visit("visit-1"))
        assert isinstance(grant, IngestGrant)
        return grant

    def room(self, patience: RoomPatience = PATIENT, **parts: Any) -> IngestRoom:
        made = {"make_face": lamp_face, "microphone": self.microphone, **parts}
        room = IngestRoom(self.screen, self.ear, emit=self.events.append, patience=patience, **made)
        self.rooms.append(room)
        return room

    async def open(self, patience: RoomPatience = PATIENT, **table: Any) -> Seat:
        """A room, joined; returns the far side's view of it."""
        count = len(self.far.seats)
        await self.room(patience).open(await self.grant(**table))
        return await self.far.seat(count + 1)

    async def refused(self, grant: IngestGrant, patience: RoomPatience = PATIENT) -> Lost:
        with pytest.raises(LinkError) as caught:
            await self.room(patience).open(grant)
        self.assert_silent(caught.value.lost.operator_line)
        return caught.value.lost

    async def lost(self) -> Lost:
        await eventually(lambda: self.of(Lost), "the loss is told")
        (lost,) = self.of(Lost)
        self.assert_silent(lost.operator_line)
        assert isinstance(lost, Lost)
        return lost

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def assert_silent(self, text: str) -> None:
        assert not [secret for secret in self.rig.secrets() if secret in text]
        assert "\n" not in text


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with rig() as made:
        desk = Desk(made)
        yield desk
        for room in desk.rooms:
            await room.close()


class TestVisit:
    async def test_the_agent_is_heard_and_its_face_speaks(self, desk: Desk) -> None:
        seat = await desk.open(agent={"id": AGENT})
        await eventually(lambda: desk.of(FirstFrame), "the face is there")
        assert desk.events[0] == Joined()
        assert desk.of(AvatarJoined) == [AvatarJoined(f"peer-{AGENT}")]
        assert desk.of(FirstFrame) == [FirstFrame(320, 240)]
        assert not desk.of(VoiceOnly)
        began = time.perf_counter()
        assert seat.agent is not None
        await seat.agent.say(SENTENCE)
        await eventually(lambda: Mode(AvatarMode.SPEAKING) in desk.events, "it speaks")
        await eventually(lambda: seat.agent is not None and not seat.agent.voice.speaking, "it ends")
        await eventually(lambda: desk.events[-1] == Mode(AvatarMode.LISTENING), "it listens again")
        await eventually(lambda: desk.screen.lamp[-1][1] < 60, "the mouth closes in the silence")
        lag_s, fit = lag_of_mouth_s(desk.ear.levels, desk.screen.lamp, began, time.perf_counter())
        assert abs(lag_s) <= 0.06, (lag_s, fit)
        assert fit > 0.4, (lag_s, fit)
        original = await asyncio.to_thread(desk.far._speech.render, SENTENCE)
        # 8 kHz takes away what lies above 4 kHz: hisses, which are little of the energy.
        assert await asyncio.to_thread(likeness, original, desk.ear.heard()) > 0.8
        assert seat.faults == []

    async def test_the_visitor_is_heard_and_answered(self, desk: Desk) -> None:
        seat = await desk.open(agent={"id": AGENT})
        await eventually(lambda: seat.agent is not None and len(seat.media_sizes) > 20)
        question = await asyncio.to_thread(desk.far._speech.render, "Where is the meeting room on the second floor?")
        desk.microphone.say(np.concatenate([question, np.zeros(RATE, np.int16)]))
        assert seat.agent is not None
        agent = seat.agent
        await eventually(lambda: agent.answers, "it answers")
        await eventually(lambda: not agent.voice.speaking, "the answer ends")
        await asyncio.sleep(0.5)  # what is still on its way
        assert await asyncio.to_thread(likeness, question, agent.heard.samples()) > 0.8
        assert await asyncio.to_thread(likeness, question, desk.ear.heard()) > 0.7
        assert set(seat.media_sizes) == {320}
        assert seat.faults == []

    async def test_the_way_there_and_back_is_known_from_the_signs_of_life(self, desk: Desk) -> None:
        assert await desk.room().network() is None
        await desk.open(dataclasses.replace(PATIENT, socket=SocketPatience(ping=0.2)))
        room = desk.rooms[-1]
        deadline = time.monotonic() + 20
        while (network := await room.network()) is None:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        assert network.rtt_s is not None
        assert 0 < network.rtt_s < 5
        assert (network.video, network.voice) == (None, None)
        await room.close()
        assert await room.network() is None

    async def test_every_frame_and_only_documented_ones(self, desk: Desk) -> None:
        seat = await desk.open(transcript_topic="WORDS")
        await desk.rooms[0].send_text("Hello, you")
        await desk.rooms[0].send_message(Message("NEWS", "ä".encode()))
        await eventually(lambda: len(seat.said) >= 5)
        await desk.rooms[0].close()
        await eventually(lambda: not seat.open)
        assert seat.said == [
            {"event": "start"},
            {"event": "subscribe", "topic": "WORDS"},
            {"event": "subscribe", "topic": "CHAT"},
            {"event": "message", "topic": "CHAT", "data": "Hello, you"},
            {"event": "message", "topic": "NEWS", "data": "ä"},
            {"event": "stop"},
        ]
        assert seat.stopped
        assert seat.faults == []

    async def test_no_topic_no_subscription(self, desk: Desk, expected_log: ExpectedLog) -> None:
        expected_log("no chat_topic is set")
        seat = await desk.open(chat_topic="")
        await desk.rooms[0].send_text("lost")
        await eventually(lambda: len(seat.media_sizes) > 3)
        assert seat.said == [{"event": "start"}]

    async def test_silence_goes_out_without_a_microphone(self, desk: Desk) -> None:
        desk.microphone = Microphone(absent=True)
        seat = await desk.open()
        await eventually(lambda: len(seat.media_sizes) > 50)
        assert set(seat.media_sizes) == {320}

    async def test_half_duplex_sends_silence_while_the_far_side_speaks(self, desk: Desk) -> None:
        seat = await desk.open(agent={"id": AGENT}, half_duplex=True)
        await eventually(lambda: seat.agent is not None)
        assert seat.agent is not None
        agent = seat.agent
        desk.microphone.say(np.full(60 * RATE, 5000, np.int16))
        await eventually(lambda: agent.heard.loud_s > 0.5, "the visitor is heard")
        await agent.say(4 * SENTENCE)
        await eventually(lambda: Mode(AvatarMode.SPEAKING) in desk.events)
        await asyncio.sleep(0.5)
        loud_s = agent.heard.loud_s
        await asyncio.sleep(1)
        assert desk.events[-1] == Mode(AvatarMode.SPEAKING)
        assert agent.heard.loud_s - loud_s < 0.1

    async def test_an_interrupted_voice_is_silent_at_once(self, desk: Desk) -> None:
        seat = await desk.open(agent={"id": AGENT})
        await eventually(lambda: seat.agent is not None)
        assert seat.agent is not None
        await seat.agent.say(SENTENCE)
        await eventually(lambda: Mode(AvatarMode.SPEAKING) in desk.events)
        await desk.rooms[0].interrupt()
        assert desk.ear.flushed == 1
        begin = len(desk.ear.levels) + 2  # what is in the resampler
        await asyncio.sleep(1)
        assert max(level for _, level in desk.ear.levels[begin:]) == 0
        await eventually(lambda: seat.agent is not None and not seat.agent.voice.speaking)
        await asyncio.sleep(1)
        await seat.agent.say("Once more.")
        await eventually(lambda: desk.ear.levels[-1][1] > 500, "it is heard again")

    async def test_who_awaits_nobody_has_a_face_at_once(self, desk: Desk) -> None:
        desk.far.switches.sends_media = False
        await desk.open()
        await eventually(lambda: desk.of(FirstFrame))
        assert not desk.of(AvatarJoined)

    async def test_a_voice_counts_as_company(self, desk: Desk) -> None:
        """An agent that was there first is announced by no document: whoever is heard is there."""
        desk.far.switches.agent_delay_s = 1000
        seat = await desk.open(agent={"id": AGENT})
        await asyncio.sleep(0.3)
        assert not desk.of(FirstFrame), "nobody to talk to yet"
        await seat.send({"event": "message", "topic": "CHAT", "data": {"senderId": "somebody", "message": "Hi"}})
        await eventually(lambda: desk.of(FirstFrame))

    async def test_without_a_face_the_voice_has_to_do(self, desk: Desk, expected_log: ExpectedLog) -> None:
        expected_log("the voice has no face: no such persona")
        patience = dataclasses.replace(PATIENT, face=0.2)
        await desk.room(patience, make_face=no_face).open(await desk.grant())
        await eventually(lambda: VoiceOnly() in desk.events)
        assert not desk.of(FirstFrame)

    async def test_as_the_controller_uses_it(self, desk: Desk) -> None:
        """The facade: events on this loop, work on the media thread; at the end nothing is left."""
        desk.far._greeting = "Welcome."
        media = MediaThread()
        try:
            link = IngestLink(media, desk.screen, desk.ear, desk.microphone, lamp_face)
            await link.open(await desk.grant(agent={"id": AGENT}))
            async with asyncio.timeout(30):
                async for event in link.events():
                    desk.events.append(event)
                    if event == Mode(AvatarMode.SPEAKING):
                        break
            await link.send_text("Hello")
            await link.interrupt()
            with pytest.raises(RuntimeError):
                await link.speak(b"", RATE)
            await link.close()
            await link.close()
            async with asyncio.timeout(30):
                async for event in link.events():
                    assert not isinstance(event, Lost)
        finally:
            await asyncio.to_thread(media.stop)
        assert desk.events[0] == Joined()


class TestWords:
    async def test_transcripts_are_captions(self, desk: Desk) -> None:
        seat = await desk.open(transcript_topic="WORDS")
        own = seat.participant["id"]
        for words in (
            "Plain text",
            {"text": "Where", "type": "interim", "peerId": own},
            {"text": "Where is it?", "type": "final", "peerId": own},
        ):
            await seat.send({"event": "message", "topic": "WORDS", "data": {"senderId": "a", "message": words}})
        await eventually(lambda: len(desk.of(Caption)) == 3)
        assert desk.of(Caption) == [
            Caption(Speaker.AVATAR, "avatar-0", "Plain text", True),
            Caption(Speaker.VISITOR, "visitor-0", "Where", False),
            Caption(Speaker.VISITOR, "visitor-0", "Where is it?", True),
        ]
        assert not desk.of(Message)

    async def test_other_topics_are_messages(self, desk: Desk) -> None:
        seat = await desk.open()
        await seat.send({"event": "message", "topic": "NEWS", "data": {"senderId": "a", "message": {"n": 1}}})
        await eventually(lambda: desk.of(Message))
        assert desk.of(Message) == [Message("NEWS", b'{"n": 1}', "a")]

    async def test_our_own_words_come_back_unheard(self, desk: Desk) -> None:
        desk.far.switches.echoes_messages = True
        seat = await desk.open()
        await desk.rooms[0].send_text("Hello")
        await seat.send({"event": "message", "topic": "CHAT", "data": {"senderId": "a", "message": "Hi"}})
        await eventually(lambda: len(seat.said) >= 3)
        await eventually(lambda: desk.of(Message))
        assert desk.of(Message) == [Message("CHAT", b"Hi", "a")]

    async def test_a_flood_is_cut_and_told_once(self, desk: Desk, expected_log: ExpectedLog) -> None:
        expected_log("floods messages")
        seat = await desk.open()
        for number in range(200):  # 100 a second
            await seat.send({"event": "message", "topic": "CHAT", "data": {"senderId": "a", "message": f"{number}"}})
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)
        assert 20 <= len(desk.of(Message)) < 180, "20 at once and 20 a second, however slow the machine is"
        assert not desk.of(Lost)

    async def test_messages_of_any_size_and_kind_do_no_harm(self, desk: Desk) -> None:
        seat = await desk.open()
        big = "x" * 15 * 1024
        for frame in (
            bytes(15 * 1024),
            {"event": "message", "topic": "CHAT", "data": {"senderId": "a", "message": big}},
            {"event": "message", "topic": "CHAT", "data": {"senderId": "a", "message": bytes(15 * 1024).hex()}},
            {"event": "message", "topic": "C" * 100_000, "data": {"senderId": "a", "message": "x" * 200_000}},
        ):
            await seat.send(frame)
        await eventually(lambda: len(desk.of(Message)) == 3)
        assert max(len(message.payload) for message in desk.of(Message)) <= 16_384
        assert max(len(message.topic) for message in desk.of(Message)) <= 200


GARBAGE = [
    "",
    "{",
    "[" * 60_000,
    "null",
    '{"event": null}',
    '{"event": {}}',
    '{"event": "applause", "loud": true}',
    '{"event": "media"}',
    '{"event": "media", "payload": 7}',
    '{"event": "media", "payload": "***"}',
    '{"event": "media", "payload": "AQ=="}',
    '{"event": "message"}',
    '{"event": "message", "topic": [], "data": []}',
    '{"event": "participant-joined", "participant": [1]}',
    '{"event": "participant-joined", "participant": {"id": {}, "metadata": 5}}',
    '{"event": "participant-left", "participant": {"id": "nobody-we-know"}}',
    '{"event": "participant-left"}',
    '{"event": "meeting-joined", "roomId": 7}',
]


class TestWire:
    async def test_garbage_does_no_harm(self, desk: Desk) -> None:
        seat = await desk.open(agent={"id": AGENT})
        await eventually(lambda: desk.of(FirstFrame))
        for frame in (*GARBAGE, bytes(320), b""):
            await seat.send(frame)
        seen = len(desk.screen.lamp)
        sent = len(seat.media_sizes)
        await eventually(lambda: len(desk.screen.lamp) > seen + 10 and len(seat.media_sizes) > sent + 10)
        assert not desk.of(Lost)

    async def test_an_error_frame_is_logged_and_nothing_more(self, desk: Desk, expected_log: ExpectedLog) -> None:
        expected_log("the far side reports: bad things, ref=")
        seat = await desk.open()
        ref = seat.session.ref
        for _ in range(50):
            await seat.send({"event": "error", "error": f"bad things, ref={ref}"})
        await eventually(lambda: len(seat.media_sizes) > 20)
        assert not desk.of(Lost)

    async def test_a_voice_that_comes_badly_is_understood(self) -> None:
        """All at once, each with a vendor of its own: what is waited for is mostly the voice."""
        faults: list[tuple[dict[str, Any], float]] = [
            ({"burst_s": 1.0}, 0.75),
            ({"odd": True}, 0.8),
            ({"loss": 0.05}, 0.5),
            ({"continuous": False}, 0.75),
        ]
        found = await asyncio.gather(*(self._likeness_under(fault) for fault, _ in faults))
        for (fault, at_least), likely in zip(faults, found, strict=True):
            assert likely > at_least, (fault, likely)

    async def _likeness_under(self, fault: dict[str, Any]) -> float:
        async with rig() as made:
            desk = Desk(made)
            try:
                seat = await desk.open(agent={"id": AGENT})
                await eventually(lambda: seat.agent is not None)
                assert seat.agent is not None
                for name, value in fault.items():
                    setattr(desk.far.switches, name, value)
                await seat.agent.say(SENTENCE)
                await eventually(lambda: Mode(AvatarMode.SPEAKING) in desk.events)
                await eventually(lambda: seat.agent is not None and not seat.agent.voice.speaking)
                await asyncio.sleep(1.6)  # the last burst, and what waits before it
                original = await asyncio.to_thread(desk.far._speech.render, SENTENCE)
                return await asyncio.to_thread(likeness, original, desk.ear.heard())
            finally:
                for room in desk.rooms:
                    await room.close()

    async def test_a_far_side_that_takes_nothing(self, desk: Desk, expected_log: ExpectedLog) -> None:
        """Sound is thrown away, not gathered; in the end the session is given up."""
        expected_log("took no sound|took nothing")
        patience = dataclasses.replace(PATIENT, socket=SocketPatience(ping=60, send=1.0))
        seat = await desk.open(patience)
        desk.far.switches.reads = False
        seat.transport.pause_reading()
        outbox = desk.rooms[0]._socket
        for _ in range(60):  # more than the buffers of this machine's kernel hold
            outbox.send(ingest_protocol.message("CHAT", "x" * 200_000))
        lost = await desk.lost()
        assert (lost.reason, lost.retry) == (LostReason.NETWORK, True)
        assert outbox.sound_dropped > 10
        assert len(outbox._sound) <= 10

    async def test_a_flood_of_everything_takes_no_memory(self, desk: Desk, expected_log: ExpectedLog) -> None:
        expected_log("floods messages|far side reports")
        seat = await desk.open()
        await eventually(lambda: desk.of(FirstFrame))
        frames = [
            {"event": "message", "topic": "CHAT", "data": {"senderId": "a", "message": "x" * 15_000}},
            {"event": "media", "payload": "AAAA" * 4000},
            {"event": "applause"},
            {"event": "error", "error": "y" * 15_000},
            bytes(15 * 1024),
        ]
        texts = [frame if isinstance(frame, bytes) else json.dumps(frame) for frame in frames]

        async def flood(rounds: int) -> None:
            for number in range(rounds):
                person = {"id": f"p{number}", "name": "x" * 1000, "metadata": {"a": "b" * 1000}}
                await seat.send({"event": "participant-joined", "participant": person})
                for text in texts:
                    await seat.send(text)
            seen = len(desk.screen.lamp)
            await eventually(lambda: len(desk.screen.lamp) > seen + 15, "the face goes on")

        await flood(100)
        desk.events.clear()
        tracemalloc.start()
        try:
            gc.collect()
            before, _ = tracemalloc.get_traced_memory()
            await flood(400)
            desk.events.clear()
            desk.ear._chunks.clear()
            desk.ear.levels.clear()
            desk.screen.lamp.clear()
            gc.collect()
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert after - before < 2_000_000, "30 MB came in"
        assert not desk.of(Lost)


class TestLosses:
    @pytest.mark.parametrize("refusal", [401, 403, 1008])
    async def test_an_address_that_was_used(self, desk: Desk, refusal: Any) -> None:
        desk.far.switches.refusal = refusal
        grant = await desk.grant()
        await desk.room().open(grant)
        lost = await desk.refused(grant)
        assert (lost.reason, lost.retry) == (LostReason.REFUSED, True)
        assert "used" in lost.operator_line
        assert desk.far.refusals == ["used"]

    async def test_an_address_that_expired_is_not_even_tried(self, desk: Desk) -> None:
        grant = dataclasses.replace(await desk.grant(), expires_at=time.time() - 1)
        lost = await desk.refused(grant)
        assert (lost.reason, lost.retry) == (LostReason.REFUSED, True)
        assert desk.far.seats == []
        assert desk.far.refusals == []

    async def test_an_address_that_expired_at_the_vendor_alone(self, desk: Desk) -> None:
        desk.far.switches.lifetime_s = 0.0
        lost = await desk.refused(await desk.grant())
        assert lost.reason is LostReason.REFUSED
        assert desk.far.refusals == ["expired"]

    async def test_nobody_at_the_address(self, desk: Desk) -> None:
        grant = dataclasses.replace(await desk.grant(), ws_url="ws://127.0.0.1:9/videosdk?ref=vs_x")
        lost = await desk.refused(grant)
        assert (lost.reason, lost.retry) == (LostReason.NETWORK, True)
        assert "127.0.0.1:9" in lost.operator_line

    async def test_no_websocket_at_the_address(self, desk: Desk) -> None:
        grant = await desk.grant()
        elsewhere = grant.ws_url.split("/videosdk", 1)[0] + "/v2/rooms/validate/x"
        lost = await desk.refused(dataclasses.replace(grant, ws_url=elsewhere))
        assert lost.reason is LostReason.REFUSED

    async def test_a_server_that_never_answers(self, desk: Desk) -> None:
        async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()  # until the kiosk goes away
            writer.close()

        silent = await asyncio.start_server(hold, "127.0.0.1", 0)
        port = silent.sockets[0].getsockname()[1]
        grant = dataclasses.replace(await desk.grant(), ws_url=f"ws://127.0.0.1:{port}/?ref=vs_x")
        try:
            patience = dataclasses.replace(PATIENT, socket=SocketPatience(connect=0.4))
            lost = await desk.refused(grant, patience)
        finally:
            silent.close()
            await silent.wait_closed()
        assert (lost.reason, lost.retry) == (LostReason.TIMEOUT, True)

    async def test_a_room_that_is_never_joined(self, desk: Desk) -> None:
        desk.far.switches.joins = False
        lost = await desk.refused(await desk.grant(), dataclasses.replace(PATIENT, join=0.4))
        await eventually(lambda: not desk.far.open_seats, "a failed try leaves by itself: nobody closes it")
        assert desk.far.seats[0].stopped
        assert (lost.reason, lost.retry) == (LostReason.TIMEOUT, True)
        assert "room_id" in lost.operator_line

    async def test_closed_before_joining(self, desk: Desk) -> None:
        desk.far.switches.join_delay_s = 1000
        opening = asyncio.create_task(desk.refused(await desk.grant()))
        seat = await desk.far.seat(1, joined=False)
        await eventually(lambda: seat.started)
        await seat.socket.close(code=1011, message=f"ref={seat.session.ref}".encode())
        assert (await opening).reason is LostReason.SERVER

    async def test_a_room_that_is_over_before_joining(self, desk: Desk) -> None:
        desk.far.switches.join_delay_s = 1000
        opening = asyncio.create_task(desk.refused(await desk.grant()))
        seat = await desk.far.seat(1, joined=False)
        await eventually(lambda: seat.started)
        await seat.send({"event": "meeting-left", "message": "deactivated"})
        assert not (await opening).retry

    @pytest.mark.parametrize(
        ("code", "reason"),
        [
            (1000, LostReason.SERVER),
            (1001, LostReason.SERVER),
            (1006, LostReason.NETWORK),
            (1008, LostReason.REFUSED),
            (1011, LostReason.SERVER),
        ],
    )
    async def test_every_close_calls_for_a_new_session(
        self, desk: Desk, code: int, reason: LostReason, expected_log: ExpectedLog
    ) -> None:
        expected_log("link lost")
        seat = await desk.open()
        if code == 1006:
            seat.abort()
        else:
            await seat.socket.close(code=code, message=b"so long")
        lost = await desk.lost()
        assert (lost.reason, lost.retry) == (reason, True)
        await desk.rooms[0].close()
        desk.events.clear()
        await desk.open()
        assert len(desk.far.sessions) == 2, "a new session for every reconnect"
        await eventually(lambda: desk.of(FirstFrame))

    @pytest.mark.parametrize("why", [{}, {"message": "the host ended it"}, {"message": {"a": 1}}], ids=str)
    async def test_an_end_from_outside_is_final(
        self, desk: Desk, why: dict[str, Any], expected_log: ExpectedLog
    ) -> None:
        expected_log("ended from outside")
        seat = await desk.open()
        await seat.send({"event": "meeting-left", **why})
        lost = await desk.lost()
        assert not lost.retry

    async def test_an_agent_that_never_comes(self, desk: Desk, expected_log: ExpectedLog) -> None:
        expected_log(f"the agent {AGENT} did not come")
        desk.far.switches.agent_comes = False
        await desk.open(agent={"id": AGENT}, agent_wait_s=0.5)
        lost = await desk.lost()
        assert (lost.reason, lost.retry) == (LostReason.AVATAR_LEFT, False)
        assert not desk.of(FirstFrame), "the visitor is not shown a face that nobody answers through"

    async def test_an_agent_that_leaves(self, desk: Desk, expected_log: ExpectedLog) -> None:
        expected_log("nobody is left in the room")
        seat = await desk.open(agent={"id": AGENT})
        await eventually(lambda: desk.of(AvatarJoined))
        await desk.far.take_agent(seat)
        lost = await desk.lost()
        assert (lost.reason, lost.retry) == (LostReason.AVATAR_LEFT, True)

    async def test_an_agent_that_comes_back_in_time(self, desk: Desk) -> None:
        seat = await desk.open(agent={"id": AGENT})
        await eventually(lambda: desk.of(AvatarJoined))
        await desk.far.take_agent(seat)
        await desk.far.bring_agent(seat)
        await asyncio.sleep(1.0)
        assert not desk.of(Lost)

    async def test_a_connection_that_falls_silent(self, desk: Desk, expected_log: ExpectedLog) -> None:
        """The far side neither reads nor writes any more, and closes nothing: only the missing pong tells."""
        expected_log("no sign of life")
        patience = dataclasses.replace(PATIENT, socket=SocketPatience(ping=0.5, send=60))
        await desk.open(patience)
        desk.far.switches.reads = False
        seat = desk.far.seats[0]
        seat.transport.pause_reading()
        lost = await desk.lost()
        assert (lost.reason, lost.retry) == (LostReason.NETWORK, True)

    async def test_closing_while_it_is_being_opened(self, desk: Desk) -> None:
        desk.far.switches.join_delay_s = 1000
        grant = await desk.grant()
        room = desk.room()
        opening = asyncio.create_task(room.open(grant))
        seat = await desk.far.seat(1, joined=False)
        await room.close()
        with pytest.raises(LinkError):
            await opening
        await eventually(lambda: not seat.open)
        assert not desk.events

    async def test_closing_before_the_socket_is_open(self, desk: Desk) -> None:
        grant = await desk.grant()
        room = desk.room()
        opening = asyncio.create_task(room.open(grant))
        await asyncio.sleep(0)
        await room.close()
        with pytest.raises(LinkError):
            await opening
        await eventually(lambda: not desk.far.open_seats)
