"""The persona as the avatar of an agent: LiveKit's own framework sends, a real server carries, a visitor watches."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from livekit import api, rtc

from kiosk.cli import main
from kiosk.command_persona import perform
from kiosk.exit_codes import ExitCode
from kiosk.links.avatar_worker import LEAD_S, WorkerTiming
from kiosk.links.contract import Lost, LostReason
from kiosk.links.worker_inbox import AUDIO_TOPIC, CLEAR_METHOD
from kiosk.links.worker_reports import FINISHED_METHOD, STARTED_METHOD
from kiosk.links.worker_speech import TICK_S, WorkerSpeech
from kiosk.links.worker_tracks import SoundTrack, VideoTrack
from kiosk.media.frames import VideoFrame
from kiosk.persona.behaviour import Behaviour
from kiosk.persona.look import Look
from kiosk.persona.performer import Performer
from tests.livekit_server import REPOSITORY, LiveKitServer, ParticipantKind
from tests.room.avatar_guest import AvatarGuest, lag_of_mouth_s
from tests.room.mouth_lamp import MouthLamp
from tests.simulators.likeness import likeness
from tests.simulators.speech import RATE, SpeechMaker, write_wav

WORKER, AGENT = "kiosk-persona", "desk-agent"
ON_BEHALF = "lk.publish_on_behalf"
SENTENCES = (
    "Good morning! Welcome to our house. Please take a seat; the lifts are behind you, on the left."
    " May I ask whom you have come to see today?"
)


@dataclass
class FrameworkAgent:
    """`framework_agent` as a child."""

    process: asyncio.subprocess.Process
    events: list[dict[str, Any]] = field(default_factory=list)

    def order(self, **what: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(what).encode() + b"\n")

    async def wait_for(self, event: str, count: int = 1, within_s: float = 30.0) -> dict[str, Any]:
        """The `count`-th event of that name."""
        await eventually(lambda: len(self.named(event)) >= count or self.process.returncode is not None, within_s)
        assert len(self.named(event)) >= count, f"the agent ended with {self.process.returncode}"
        return self.named(event)[count - 1]

    def named(self, event: str) -> list[dict[str, Any]]:
        return [facts for facts in self.events if facts["event"] == event]

    async def read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.events.append(json.loads(line))


async def eventually(condition: Callable[[], object], within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.02)


async def until_loud(visitor: AvatarGuest, since: float, seconds: float) -> None:
    """Until so much sound came in."""
    await eventually(lambda: len(visitor.loud_since(since)) >= seconds * 100)


@asynccontextmanager
async def framework_agent(server: LiveKitServer, room: str, errors: Path) -> AsyncIterator[FrameworkAgent]:
    token = server.token(AGENT, room, kind="agent")
    environ = {**os.environ, "AGENT_URL": server.url, "AGENT_TOKEN": token, "AGENT_WORKER": WORKER}
    with errors.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.room.framework_agent"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            cwd=REPOSITORY,
            env=environ,
        )
    agent = FrameworkAgent(process)
    reading = asyncio.create_task(agent.read())
    try:
        yield agent
        agent.order(end=True)
        assert await asyncio.wait_for(process.wait(), 15) == 0, "the agent's process failed"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await reading


@asynccontextmanager
async def worker(
    server: LiveKitServer, room: str, *, on_behalf: str | None = AGENT, timing: WorkerTiming | None = None
) -> AsyncIterator[asyncio.Task[Lost | None]]:
    token = server.token(WORKER, room, kind="agent", attributes={ON_BEHALF: on_behalf} if on_behalf else None)
    asked = asyncio.Event()
    playing = asyncio.create_task(perform(server.url, token, Look(), MouthLamp(), 30, asked, timing=timing))
    try:
        yield playing
    finally:
        asked.set()
        await playing


@asynccontextmanager
async def guest(server: LiveKitServer, room: str) -> AsyncIterator[AvatarGuest]:
    visitor = AvatarGuest()
    await visitor.join(server.url, server.token("visitor", room))
    try:
        yield visitor
    finally:
        await visitor.leave()


@dataclass
class Story:
    """What happened while the framework's agent said something, was interrupted, and said something again."""

    visitor: AvatarGuest
    said: Path
    finished: list[dict[str, Any]] = field(default_factory=list)
    cleared_s: float = 0.0
    spans: list[tuple[float, float]] = field(default_factory=list)
    complaints: str = ""


@pytest.fixture(scope="module")
def speech() -> SpeechMaker:
    return SpeechMaker()


@pytest.fixture(scope="module")
def story(livekit_server: LiveKitServer, speech: SpeechMaker, tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("story")
    return asyncio.run(tell_story(livekit_server, speech, folder))


async def tell_story(server: LiveKitServer, speech: SpeechMaker, folder: Path) -> Story:
    long, short = folder / "long.wav", folder / "short.wav"
    samples = speech.render(SENTENCES)
    write_wav(long, samples)
    write_wav(short, samples[: RATE * 5 // 2])
    room = "framework"
    async with (
        guest(server, room) as visitor,
        worker(server, room) as playing,
        framework_agent(server, room, folder / "agent.log") as agent,
    ):
        story = Story(visitor, short)
        await agent.wait_for("joined")
        await eventually(lambda: len(visitor.brightness) > 10 and len(visitor.levels) > 50)
        for number, path in enumerate((short, long), 1):
            began = time.monotonic()
            agent.order(say=str(path))
            await agent.wait_for("sent", number)
            if path is long:
                await until_loud(visitor, began, 1.5)
                agent.order(clear=True)
                story.cleared_s = (await agent.wait_for("cleared"))["t"]
            story.finished.append(await agent.wait_for("finished", number))
            await asyncio.sleep(0.8)
            story.spans.append((began, time.monotonic()))
        began = time.monotonic()
        agent.order(say=str(short))
        story.finished.append(await agent.wait_for("finished", 3))
        story.spans.append((began, time.monotonic()))
        assert not playing.done()
    story.complaints = (folder / "agent.log").read_text(errors="replace")
    return story


def test_speech_is_said_to_its_end_and_reported(story: Story) -> None:
    said_s = 2.5
    for number in (0, 2):
        assert story.finished[number]["interrupted"] is False
        assert story.finished[number]["position"] == pytest.approx(said_s, abs=0.011)
    first, span = story.finished[0], story.spans[0]
    assert first["t"] - span[0] > said_s, "it is reported when it was said, not when it came"
    assert len(story.finished) == 3


def test_what_is_heard_is_what_the_agent_sent(story: Story, speech: SpeechMaker) -> None:
    assert likeness(speech.render(SENTENCES)[: RATE * 5 // 2], story.visitor.heard()) > 0.8


def test_an_interruption_is_heard_and_reported_at_once(story: Story) -> None:
    report = story.finished[1]
    assert report["interrupted"] is True
    assert 1.0 < report["position"] < 4.0
    assert report["t"] - story.cleared_s < 0.5
    later = [at for at in story.visitor.loud_since(story.cleared_s + 0.5) if at < story.spans[1][1]]
    assert not later, f"still heard {later[-1] - story.cleared_s:.2f} s after the call"


def test_the_mouth_moves_with_the_sound(story: Story) -> None:
    start, end = story.spans[0]
    lag_s, fit = lag_of_mouth_s(story.visitor.levels, story.visitor.brightness, start, end)
    assert fit > 0.5
    assert abs(lag_s) < 0.4, f"the picture is {lag_s:+.2f} s off its sound"  # a visitor's buffer holds sound longer


def test_the_tracks_are_those_of_the_contract(story: Story) -> None:
    assert story.visitor.sources == {
        "avatar_audio": rtc.TrackSource.SOURCE_MICROPHONE,
        "avatar_video": rtc.TrackSource.SOURCE_CAMERA,
    }


def test_the_framework_has_nothing_to_complain_of(story: Story) -> None:
    assert "WARNING" not in story.complaints, story.complaints
    assert "ERROR" not in story.complaints, story.complaints
    assert "playback_finished called more times" not in story.complaints


class RecordedSound(SoundTrack):
    """Keeps when how loud a tick left."""

    def __init__(self, speech: WorkerSpeech, on_lips: Callable[[bytes], None]):
        super().__init__(speech, on_lips)
        self.levels: list[tuple[float, float]] = []
        send = self._source.capture_frame

        async def capture(frame: rtc.AudioFrame) -> None:
            samples = np.frombuffer(frame.data, np.int16).astype(np.float64)
            self.levels.append((time.monotonic(), float(np.sqrt(np.mean(samples**2)))))
            await send(frame)

        self._source.capture_frame = capture  # type: ignore[method-assign]


class RecordedPicture(VideoTrack):
    """Keeps when how bright a picture left."""

    def __init__(self) -> None:
        super().__init__(MouthLamp.width, MouthLamp.height, 30)
        self.brightness: list[tuple[float, float]] = []

    def _send(self, frame: VideoFrame) -> None:
        self.brightness.append((time.monotonic(), float(frame.data[0])))
        super()._send(frame)


async def test_the_picture_leaves_beside_its_sound(speech: SpeechMaker) -> None:
    said = WorkerSpeech(round(LEAD_S / TICK_S))
    picture = RecordedPicture()
    face = Performer(MouthLamp(), Behaviour(1), picture, None, latency_s=lambda: LEAD_S)
    sound = RecordedSound(said, lambda pcm: face.hear(pcm))
    playing = asyncio.create_task(sound.run())
    face.start()
    ended = asyncio.Event()
    segment = said.open(lambda: None, lambda _, __: ended.set())
    said.append(segment, speech.render(SENTENCES)[: RATE * 4].tobytes())
    said.close(segment)
    began = time.monotonic()
    await asyncio.wait_for(ended.wait(), 20)
    await face.stop()
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)
    await picture.aclose()
    await sound.aclose()
    lag_s, fit = lag_of_mouth_s(sound.levels, picture.brightness, began, time.monotonic())
    assert fit > 0.5
    assert abs(lag_s) <= 0.05, f"the picture leaves {lag_s:+.2f} s off its sound"


@dataclass
class PlainAgent:
    """A participant of kind AGENT without a framework, so that it can do what a framework would not."""

    room: rtc.Room
    reports: list[dict[str, Any]] = field(default_factory=list)
    starts: int = 0

    async def stream(self, samples: np.ndarray[Any, np.dtype[np.int16]], **attributes: str) -> None:
        described = attributes or {"sample_rate": str(RATE), "num_channels": "1"}
        writer = await self.room.local_participant.stream_bytes(
            name=f"AUDIO_{uuid.uuid4().hex}", topic=AUDIO_TOPIC, destination_identities=[WORKER], attributes=described
        )
        await writer.write(samples.tobytes())
        await writer.aclose()

    async def clear(self) -> str:
        return await self.room.local_participant.perform_rpc(
            destination_identity=WORKER, method=CLEAR_METHOD, payload="", response_timeout=5
        )

    async def wait_until_known(self) -> None:
        """The server tells of an agent who publishes nothing up to 3 s late."""
        for _ in range(100):
            if await self.clear() == "ok":
                return
            await asyncio.sleep(0.1)
        pytest.fail("the worker did not come to know its agent")

    async def finished(self, call: rtc.RpcInvocationData) -> str:
        self.reports.append(json.loads(call.payload))
        return "ok"

    async def started(self, _: rtc.RpcInvocationData) -> str:
        self.starts += 1
        return "ok"


@asynccontextmanager
async def plain_agent(
    server: LiveKitServer, room: str, identity: str = AGENT, *, kind: ParticipantKind = "agent"
) -> AsyncIterator[PlainAgent]:
    agent = PlainAgent(rtc.Room())
    await agent.room.connect(server.url, server.token(identity, room, kind=kind), rtc.RoomOptions(auto_subscribe=False))
    agent.room.local_participant.register_rpc_method(FINISHED_METHOD, agent.finished)
    agent.room.local_participant.register_rpc_method(STARTED_METHOD, agent.started)
    try:
        yield agent
    finally:
        await agent.room.disconnect()


async def until_here(room: rtc.Room, identity: str = WORKER) -> None:
    """Until a participant with a picture is in the room."""

    def here() -> bool:
        found = room.remote_participants.get(identity)
        return found is not None and any(p.kind == rtc.TrackKind.KIND_VIDEO for p in found.track_publications.values())

    await eventually(here)


async def test_each_dropped_segment_is_reported_with_exactly_the_contracts_keys(
    livekit_server: LiveKitServer, speech: SpeechMaker
) -> None:
    samples = speech.render(SENTENCES)
    async with plain_agent(livekit_server, "queued") as agent, worker(livekit_server, "queued"):
        await until_here(agent.room)
        await agent.stream(samples)
        await agent.stream(samples)
        await eventually(lambda: agent.starts == 1)
        await asyncio.sleep(0.5)
        assert await agent.clear() == "ok"
        await eventually(lambda: len(agent.reports) == 2)
        assert await agent.clear() == "ok"
        await asyncio.sleep(0.3)
    playing, queued = agent.reports
    assert set(playing) == {"playback_position", "interrupted", "synchronized_transcript"}
    assert playing["interrupted"] is True
    assert 0.2 < playing["playback_position"] < 4.0
    assert queued == {"playback_position": 0.0, "interrupted": True, "synchronized_transcript": None}


async def test_only_the_agent_that_it_belongs_to_is_listened_to(
    livekit_server: LiveKitServer, speech: SpeechMaker, expected_log: Callable[[str], None]
) -> None:
    expected_log("a speech stream is refused: it does not come from the agent")
    expected_log("a speech stream is refused: its attributes sample_rate and num_channels are missing")
    samples = speech.render(SENTENCES)[: RATE // 2]
    room = "callers"
    async with (
        plain_agent(livekit_server, room, "visitor", kind="standard") as stranger,
        worker(livekit_server, room, on_behalf=None),
        plain_agent(livekit_server, room, "first") as first,
    ):
        await until_here(first.room)
        await first.wait_until_known()
        async with plain_agent(livekit_server, room, "second") as second:
            await until_here(second.room)
            for other in (stranger, second):
                assert await other.clear() == "reject"
                await other.stream(samples)
            await first.stream(samples, sample_rate="24000")  # without num_channels
            await first.stream(samples)
            await eventually(lambda: first.reports)
            assert await first.clear() == "ok"
            await asyncio.sleep(0.3)
        assert [report["playback_position"] for report in first.reports] == [0.5]
        assert not stranger.reports
        assert not second.reports


async def test_it_leaves_when_its_agent_is_gone_for_long(livekit_server: LiveKitServer) -> None:
    patience = WorkerTiming(agent_gone_s=0.8)
    async with (
        guest(livekit_server, "gone"),
        worker(livekit_server, "gone", on_behalf=None, timing=patience) as playing,
    ):
        async with plain_agent(livekit_server, "gone") as agent:
            await until_here(agent.room)
            await agent.wait_until_known()
            await asyncio.sleep(1.0)
            assert not playing.done()
        assert await asyncio.wait_for(playing, 10) is None


async def test_it_does_not_wait_for_an_agent_for_ever(livekit_server: LiveKitServer) -> None:
    async with worker(livekit_server, "never", timing=WorkerTiming(agent_never_s=0.6)) as playing:
        lost = await asyncio.wait_for(playing, 10)
    assert lost is not None
    assert lost.reason is LostReason.TIMEOUT
    assert "lk.publish_on_behalf" in lost.operator_line


async def join_command(url: str, token: str, *words: str) -> asyncio.subprocess.Process:
    """`kiosk persona join`, its token from the standard input."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "kiosk", "persona", "join", "--url", url, "--token", "-", *words),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=REPOSITORY,
        env={name: value for name, value in os.environ.items() if name not in {"DISPLAY", "WAYLAND_DISPLAY"}},
    )
    assert process.stdin is not None
    process.stdin.write(token.encode())
    process.stdin.close()
    return process


async def end_of(process: asyncio.subprocess.Process) -> tuple[int, str]:
    """Exit status and all that was printed."""
    try:
        out, err = await asyncio.wait_for(process.communicate(), 25)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, (out + err).decode()


async def test_the_command_shows_a_living_face_until_it_is_asked_to_leave(livekit_server: LiveKitServer) -> None:
    token = livekit_server.token(WORKER, "face", kind="agent", attributes={ON_BEHALF: AGENT})
    async with guest(livekit_server, "face") as visitor:
        process = await join_command(livekit_server.url, token, "--persona", "mara", "--size", "480x360")
        try:
            await eventually(lambda: len(visitor.moved) > 40, 25)
            face, sizes = visitor.last_picture, set(visitor.sizes)  # a track that ends may end in black
        finally:
            process.send_signal(signal.SIGTERM)
            status, printed = await end_of(process)
        assert status == 0, printed
        assert token not in printed
        assert "Traceback" not in printed
        assert (480, 360) in sizes  # the library sends smaller ones while the machine is too busy
        assert face.std() > 20, "a face, not a flat colour"
        assert sum(change > 0.02 for change in visitor.moved) > 20, "a face that nobody talks to moves too"


async def test_an_agent_that_sends_its_avatar_away_finds_no_fault(livekit_server: LiveKitServer) -> None:
    token = livekit_server.token(WORKER, "removed", kind="agent", attributes={ON_BEHALF: AGENT})
    async with plain_agent(livekit_server, "removed") as agent:
        process = await join_command(livekit_server.url, token, "--size", "128x96")
        try:
            await until_here(agent.room)
            async with api.LiveKitAPI(livekit_server.http_url, livekit_server.key, livekit_server.secret) as server:
                await server.room.remove_participant(api.RoomParticipantIdentity(room="removed", identity=WORKER))
        except BaseException:
            process.kill()
            raise
        finally:
            status, printed = await end_of(process)
    assert status == ExitCode.OK, printed


async def test_a_forged_token_ends_the_command_with_one_line(livekit_server: LiveKitServer) -> None:
    token = livekit_server.token(WORKER, "errors", kind="agent")[:-6] + "AAAAAA"
    status, printed = await end_of(await join_command(livekit_server.url, token))
    assert status == ExitCode.MISCONFIGURED, printed
    assert "refused the room token" in printed
    assert len(printed.strip().splitlines()) == 1, printed
    assert token[-20:] not in printed


@pytest.mark.parametrize(
    ("words", "status", "line"),
    [
        ({"--url": "ws://127.0.0.1:9"}, ExitCode.FAILED, "cannot join the room"),
        ({"--url": "somewhere"}, ExitCode.MISCONFIGURED, "no address of a media server"),
        ({"--token": "mute"}, ExitCode.MISCONFIGURED, "the token does not allow publishing sound"),
        ({"--token": "-"}, ExitCode.MISCONFIGURED, "no token on the standard input"),
        ({"--persona": "nobody"}, ExitCode.MISCONFIGURED, "no such persona; known are"),
        ({"--persona": "missing.toml"}, ExitCode.MISCONFIGURED, "missing.toml"),
        ({"--size": "20x20"}, ExitCode.MISCONFIGURED, "64x64"),
        ({"--size": "9999x9999"}, ExitCode.MISCONFIGURED, "3840x2160"),
    ],
)
def test_what_the_operator_must_mend_is_one_line(
    livekit_server: LiveKitServer,
    words: dict[str, str],
    status: ExitCode,
    line: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(" \n"))
    token = livekit_server.token(WORKER, "errors", kind="agent", can_publish=words.get("--token") != "mute")
    asked = {"--url": livekit_server.url, "--token": token, "--size": "64x64"} | words
    if asked["--token"] == "mute":
        asked["--token"] = token
    assert main(["persona", "join", *(word for pair in asked.items() for word in pair)]) == status
    printed = "".join(capsys.readouterr())
    assert line in printed
    assert len(printed.strip().splitlines()) == 1, printed
    assert token not in printed
