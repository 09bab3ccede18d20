"""The simulated avatar in a real room: what it shows, says, hears and answers."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import soxr
from livekit import rtc

from tests.livekit_server import LiveKitServer, ParticipantKind
from tests.simulators.agent import SimulatedAgent
from tests.simulators.avatar import AvatarOptions, Respond, SimulatedAvatar
from tests.simulators.frame_code import FrameCode
from tests.simulators.likeness import likeness
from tests.simulators.picture_track import Gallery, PictureOptions
from tests.simulators.speech import FRAME, RATE, Samples, SpeechMaker, level_dbfs
from tests.simulators.speech_inbox import ON_BEHALF

SMALL = PictureOptions(width=320, height=240, fps=15, frame_code=True)


@pytest.fixture(scope="module")
def gallery() -> Gallery:
    return Gallery()


@pytest.fixture(scope="module")
def speech() -> SpeechMaker:
    return SpeechMaker()


async def eventually(condition: Callable[[], object], within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.02)


@dataclass
class Guest:
    """A plain subscriber: no code of the kiosk's."""

    room: rtc.Room = field(default_factory=rtc.Room)
    numbers: list[int] = field(default_factory=list)
    flashes: int = 0
    sizes: set[tuple[int, int]] = field(default_factory=set)
    last_size: tuple[int, int] = (0, 0)
    sound: list[Samples] = field(default_factory=list)
    texts: list[tuple[str, str, str]] = field(default_factory=list)  # (speaker, text, final)
    packets: list[tuple[str | None, int]] = field(default_factory=list)
    reports: list[dict[str, object]] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def join(self, url: str, token: str) -> None:
        self.room.on("track_subscribed", self._on_track)
        self.room.on("data_received", lambda packet: self.packets.append((packet.topic, len(packet.data))))
        self.room.register_text_stream_handler("lk.transcription", self._on_text)
        await self.room.connect(url, token)

        async def finished(call: rtc.RpcInvocationData) -> str:
            self.reports.append(json.loads(call.payload))
            return "ok"

        self.room.local_participant.register_rpc_method("lk.playback_finished", finished)

    async def leave(self) -> None:
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.room.disconnect()

    def heard(self) -> Samples:
        return np.concatenate(self.sound) if self.sound else np.zeros(0, np.int16)

    async def speak(self, samples: Samples) -> None:
        """Publishes a microphone and sends `samples`, then silence."""
        source = rtc.AudioSource(RATE, 1, queue_size_ms=0)
        track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await self.room.local_participant.publish_track(track, options)
        half = np.zeros(RATE // 2, np.int16)
        stretch = np.concatenate([half, samples, half, half, half])
        due = time.monotonic()
        for start in range(0, len(stretch) - FRAME, FRAME):
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            due += FRAME / RATE
            await source.capture_frame(rtc.AudioFrame(stretch[start : start + FRAME].tobytes(), RATE, 1, FRAME))
        await self.room.local_participant.unpublish_track(track.sid)
        await source.aclose()

    def _on_track(self, track: rtc.Track, *_: object) -> None:
        watch = self._watch(track) if track.kind == rtc.TrackKind.KIND_VIDEO else self._hear(track)
        self._keep(asyncio.ensure_future(watch))

    def _on_text(self, reader: rtc.TextStreamReader, speaker: str) -> None:
        self._keep(asyncio.ensure_future(self._read(reader, speaker)))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _read(self, reader: rtc.TextStreamReader, speaker: str) -> None:
        text = await reader.read_all()
        self.texts.append((speaker, text, (reader.info.attributes or {})["lk.transcription_final"]))

    async def _watch(self, track: rtc.Track) -> None:
        stream = rtc.VideoStream(track, capacity=1)
        try:
            async for event in stream:
                frame = event.frame
                self.sizes.add((frame.width, frame.height))
                self.last_size = (frame.width, frame.height)
                luma = np.frombuffer(frame.data, np.uint8, count=frame.width * frame.height)
                reading = FrameCode(frame.width, frame.height).read(luma.reshape(frame.height, frame.width))
                if reading is not None:
                    self.numbers.append(reading.number)
                    self.flashes += reading.flash
        finally:
            await stream.aclose()

    async def _hear(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1)
        try:
            async for event in stream:
                self.sound.append(np.frombuffer(bytes(event.frame.data), np.int16))
        finally:
            await stream.aclose()


@dataclass
class Company:
    guest: Guest
    avatar: SimulatedAvatar


class Meeting:
    """Brings an avatar and a guest together, and parts them at the end of the test."""

    def __init__(self, server: LiveKitServer, gallery: Gallery, speech: SpeechMaker, room: str) -> None:
        self._server, self._gallery, self._speech, self._room = server, gallery, speech, room
        self._met: list[Company] = []

    async def arrange(
        self,
        *,
        guest_kind: ParticipantKind = "standard",
        respond: Respond = "echo",
        greeting: str = "",
        on_behalf_of: str = "",
        session_state: bool = False,
        beep_flash: bool = False,
    ) -> Company:
        attributes = {ON_BEHALF: on_behalf_of} if on_behalf_of else None
        token = self._server.token(
            "avatar", self._room, kind="agent", attributes=attributes, can_update_own_metadata=True
        )
        picture = replace(SMALL, beep_flash=beep_flash)
        options = AvatarOptions(picture, respond=respond, greeting=greeting, session_state=session_state)
        avatar = SimulatedAvatar(self._server.url, token, options, speech=self._speech, gallery=self._gallery)
        guest = Guest()
        company = Company(guest, avatar)
        self._met.append(company)
        await guest.join(self._server.url, self._server.token("guest", self._room, kind=guest_kind))
        await avatar.join()
        await eventually(lambda: guest.numbers and guest.sound)
        return company

    async def end(self) -> None:
        for company in self._met:
            await company.avatar.leave()
            await company.guest.leave()
            assert company.avatar.faults == []


@pytest.fixture
async def meeting(
    livekit_server: LiveKitServer,
    gallery: Gallery,
    speech: SpeechMaker,
    request: pytest.FixtureRequest,
    expected_log: Callable[[str], None],
) -> AsyncIterator[Meeting]:
    # The library's own complaints about its teardown; nothing of ours can prevent them.
    expected_log(r"^WARNING livekit: .*Attempted to drop unknown FFI handle")
    expected_log(r"^ERROR livekit: .*failed to negotiate the publisher: .*wrong state: closed")
    made = Meeting(livekit_server, gallery, speech, request.node.name)
    yield made
    await made.end()


async def test_frames_advance_flash_change_size_and_stop_on_demand(meeting: Meeting) -> None:
    met = await meeting.arrange(respond="silent", session_state=True, beep_flash=True)
    guest, avatar = met.guest, met.avatar
    await eventually(lambda: guest.flashes > 0 and len(guest.numbers) > 35)
    assert guest.numbers == sorted(guest.numbers)
    assert guest.last_size == (320, 240)
    beeps = np.concatenate(guest.sound)
    assert level_dbfs(beeps[np.abs(beeps.astype(np.int32)) > 6000]) > -12  # the beep came along with the flash

    await avatar.resize(240, 320)
    await eventually(lambda: (240, 320) in guest.sizes)
    avatar.rotate(90)  # turned by the library before it is sent
    await eventually(lambda: guest.last_size == (320, 240))
    avatar.rotate(0)

    avatar.freeze()
    await asyncio.sleep(0.5)
    held = len(guest.numbers)
    await asyncio.sleep(0.5)
    assert len(guest.numbers) == held
    avatar.thaw()
    await eventually(lambda: len(guest.numbers) > held)

    avatar.flood(50, 0.4)
    await eventually(lambda: sum(size == 14848 for _, size in guest.packets) == 20)
    assert ("session.state", len('{"state": "connected"}')) in guest.packets


async def test_greets_then_answers_with_what_it_heard(meeting: Meeting, speech: SpeechMaker) -> None:
    greeting = speech.render("Hello, how may I help you?")
    met = await meeting.arrange(greeting="Hello, how may I help you?")
    guest, avatar = met.guest, met.avatar
    await eventually(lambda: guest.sound and level_dbfs(guest.heard()[-RATE // 5 :]) > -40)
    await eventually(lambda: not avatar.voice.speaking)
    await asyncio.sleep(0.7)
    assert likeness(greeting, guest.heard()) >= 0.8

    words = speech.render("I have an appointment at ten.")
    before = len(guest.sound)
    await guest.speak(words)
    await eventually(lambda: avatar.answers == 1)
    await eventually(lambda: not avatar.voice.speaking)
    await asyncio.sleep(0.5)
    assert likeness(words, avatar.heard.samples()) >= 0.8  # it arrived there
    assert likeness(words, np.concatenate(guest.sound[before:])) >= 0.8  # and came back here

    await eventually(lambda: len(guest.texts) >= 4)
    assert ("avatar", "Hello, how may I help you?", "true") in guest.texts
    assert {(who, final) for who, text, final in guest.texts if text.startswith("[heard ")} == {
        ("guest", "false"),
        ("guest", "true"),
    }
    assert guest.room.remote_participants["avatar"].attributes["lk.agent.state"] == "listening"


async def test_a_guest_who_is_no_agent_cannot_feed_it(meeting: Meeting, expected_log: Callable[[str], None]) -> None:
    expected_log(r"simulator\.speech: refused a stream")
    met = await meeting.arrange(respond="silent", on_behalf_of="somebody-else")
    await met.guest.room.local_participant.send_bytes(b"\0" * 640, topic="lk.audio_stream")
    await eventually(lambda: len(met.avatar.inbox.refused) == 1)
    writer = await met.guest.room.local_participant.stream_bytes(
        "AUDIO_1", topic="lk.audio_stream", attributes={"sample_rate": "16000", "num_channels": "1"}
    )
    await writer.aclose()
    await eventually(lambda: len(met.avatar.inbox.refused) == 2)
    assert await clear(met.guest) == "reject"


async def test_speaks_streams_of_its_agent_and_reports_the_end(meeting: Meeting, speech: SpeechMaker) -> None:
    met = await meeting.arrange(guest_kind="agent", respond="silent", on_behalf_of="guest")
    words = speech.render("The meeting room is on the second floor.")
    await stream(met.guest, words)
    await eventually(lambda: met.guest.reports)
    report = met.guest.reports[0]
    assert set(report) == {"playback_position", "interrupted", "synchronized_transcript"}
    assert report["interrupted"] is False
    assert report["playback_position"] == pytest.approx(len(words) / RATE, abs=0.05)
    await asyncio.sleep(0.5)
    narrow = np.asarray(soxr.resample(soxr.resample(words, RATE, 16_000), 16_000, RATE), np.int16)
    assert likeness(narrow, met.guest.heard()) >= 0.8


async def test_clear_buffer_silences_it_at_once(meeting: Meeting, speech: SpeechMaker) -> None:
    met = await meeting.arrange(guest_kind="agent", respond="silent", on_behalf_of="guest")
    words = np.tile(speech.render("This sentence will never be finished."), 4)
    await stream(met.guest, words)
    await eventually(lambda: met.avatar.voice.speaking and level_dbfs(met.guest.heard()[-RATE // 5 :]) > -40)
    assert await clear(met.guest) == "ok"
    await eventually(lambda: met.guest.reports)
    assert met.guest.reports[0]["interrupted"] is True
    position = met.guest.reports[0]["playback_position"]
    assert isinstance(position, float)
    assert 0 < position < len(words) / RATE - 1
    await asyncio.sleep(0.4)
    assert level_dbfs(met.guest.heard()[-RATE // 5 :]) < -50
    assert await clear(met.guest) == "ok"  # nothing plays: no second report
    await asyncio.sleep(0.2)
    assert len(met.guest.reports) == 1


async def test_an_agent_speaks_through_the_face(
    meeting: Meeting, livekit_server: LiveKitServer, speech: SpeechMaker
) -> None:
    met = await meeting.arrange(respond="silent", on_behalf_of="agent")
    room = met.guest.room.name
    token = livekit_server.token("agent", room, kind="agent", can_update_own_metadata=True)
    agent = SimulatedAgent(livekit_server.url, token, "avatar", speech=speech)
    await agent.join()
    try:
        words = speech.render("Please call the lift.")
        await met.guest.speak(words)
        await eventually(lambda: met.avatar.inbox.segments == 1 and not met.avatar.voice.speaking)
        await asyncio.sleep(0.5)
        assert likeness(words, agent.heard.samples()) >= 0.8
        assert likeness(words, met.guest.heard()) >= 0.7  # 16 kHz on the way, and two codecs
        await eventually(
            lambda: met.guest.room.remote_participants["agent"].attributes["lk.agent.state"] == "listening"
        )
    finally:
        await agent.leave()
    assert agent.faults == []


async def test_leaves_and_comes_back(meeting: Meeting) -> None:
    met = await meeting.arrange(respond="talk")
    await met.avatar.leave()
    await eventually(lambda: not met.guest.room.remote_participants)
    seen = len(met.guest.numbers)
    await met.avatar.join()
    await eventually(lambda: len(met.guest.numbers) > seen)
    await eventually(lambda: level_dbfs(met.guest.heard()[-RATE // 5 :]) > -40)


async def clear(guest: Guest) -> str:
    return await guest.room.local_participant.perform_rpc(
        destination_identity="avatar", method="lk.clear_buffer", payload="", response_timeout=5.0
    )


async def stream(guest: Guest, words: Samples) -> None:
    """One utterance over the avatar contract, at 16 kHz."""
    writer = await guest.room.local_participant.stream_bytes(
        "AUDIO_7",
        topic="lk.audio_stream",
        destination_identities=["avatar"],
        attributes={"sample_rate": "16000", "num_channels": "1"},
    )
    await writer.write(np.asarray(soxr.resample(words, RATE, 16_000), np.int16).tobytes())
    await writer.aclose()
