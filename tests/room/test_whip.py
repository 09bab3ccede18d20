"""The persona on a stage by WHIP, through livekit-server's own endpoint: a guest of the room sees and hears it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from livekit import api

from kiosk.links.contract import LinkEvent
from kiosk.links.participants import ParticipantFacts
from kiosk.links.stage_persona import PersonaOnStage, StageOutlet
from kiosk.links.whip_outlet import WhipOutlet
from kiosk.media.frames import VideoSink, VoiceSink
from kiosk.providers.contract import StagePersona, WhipTarget
from tests.livekit_server import LiveKitServer
from tests.room.avatar_guest import AvatarGuest
from tests.room.speaking_persona import FPS, HEIGHT, WIDTH, Speaking, spoken
from tests.simulators.likeness import likeness
from tests.simulators.speech import RATE
from tests.simulators.vendor_http import Fault, Reply
from tests.simulators.whip_proxy import WhipProxy

SESSION, KEY, ROOM_TOKEN = "7d0fb1f1-session", "sk_planted_0123456789", "room-token-planted-0123"


@pytest.fixture(scope="module")
def server() -> Iterator[LiveKitServer]:
    with LiveKitServer() as running:
        yield running


async def eventually(condition: Callable[[], object], within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.02)


@dataclass
class Show:
    """A proxy before the server's WHIP, a guest in the room, and the persona on its way there."""

    server: LiveKitServer
    proxy: WhipProxy
    guest: AvatarGuest
    room: str
    pcm: bytes
    outlet: StageOutlet | None = None
    persona: PersonaOnStage | None = None
    events: list[LinkEvent] = field(default_factory=list)

    def begin(self, *credentials: tuple[str, str]) -> PersonaOnStage:
        url = self.proxy.address(SESSION, self.room, KEY, ROOM_TOKEN)
        target = WhipTarget(url, credentials or (("the address alone", ""),))
        self.outlet = WhipOutlet(target)
        plan = StagePersona("en", WIDTH, HEIGHT, FPS, target)

        async def make(_: StagePersona, video: VideoSink, voice: VoiceSink, emit: Any) -> Speaking:
            return Speaking(video, voice, self.pcm)

        self.persona = PersonaOnStage(plan, make, self.outlet, self.events.append)
        self.persona.start()
        return self.persona

    async def seen_and_heard(self) -> None:
        """Moving pictures and sound, from now on."""
        pictures, since = len(self.guest.moved), time.monotonic()
        await eventually(lambda: len(self.guest.loud_since(since)) > 50)
        await eventually(lambda: len(self.guest.moved) > pictures + 10 and max(self.guest.moved[pictures:]) > 0.5)

    def publisher(self) -> Any:
        return self.guest.room.remote_participants.get(self.proxy.identity(SESSION))


@asynccontextmanager
async def show(server: LiveKitServer, room: str) -> AsyncIterator[Show]:
    proxy, guest = WhipProxy(server), AvatarGuest()
    pcm = await asyncio.to_thread(spoken)
    await proxy.start()
    await guest.join(server.url, server.token("guest", room))
    made = Show(server, proxy, guest, room, pcm)
    try:
        yield made
    finally:
        if made.persona is not None:
            await made.persona.close()
        await guest.leave()
        await proxy.stop()


async def test_face_and_voice_arrive_and_leave_no_trace(server: LiveKitServer) -> None:
    async with show(server, "whip-plain") as stage:
        persona = stage.begin()
        await stage.seen_and_heard()
        assert stage.guest.sizes == {(WIDTH, HEIGHT)}
        said = np.frombuffer(stage.pcm, np.int16)
        deadline, best = time.monotonic() + 30, 0.0
        while best < 0.7:
            assert time.monotonic() < deadline, f"likeness {best:.2f} only"
            await asyncio.sleep(0.5)
            best = await asyncio.to_thread(likeness, said[RATE // 2 : RATE * 3 // 2], stage.guest.heard())
        publisher = stage.publisher()
        facts = ParticipantFacts(publisher.identity, False, None, (), publisher.sid)
        assert persona.is_ours(facts), "the persona is never shown to itself"
        assert not persona.is_ours(ParticipantFacts("somebody", False, None, (), "PA_somebody"))
        await persona.close()
        await eventually(lambda: stage.publisher() is None, 10)
        (end,) = stage.proxy.calls("delete")
        assert stage.proxy.upstream_ends == [200]
        assert "Authorization" not in end.headers


async def test_a_redirect_a_busy_server_and_a_demand_for_a_token(
    server: LiveKitServer, expected_log: Callable[[str], None]
) -> None:
    expected_log("not on the stage: .* HTTP 503 .*tries again")
    async with show(server, "whip-odd") as stage:
        switches = stage.proxy.switches
        switches.auth, switches.redirects, switches.busy = "stream key", 2, 1
        switches.etag, switches.absolute_location, switches.ice_servers = True, True, False
        persona = stage.begin(("the address alone", ""), ("the room token", ROOM_TOKEN), ("the stream key", KEY))
        await stage.seen_and_heard()
        posts = stage.proxy.calls("post")
        tokens = [call.headers.get("Authorization") for call in posts]
        # Redirected twice without a token, then refused; refused again with the wrong one; busy; taken.
        bearer = f"Bearer {KEY}"
        assert tokens == [None, None, None, f"Bearer {ROOM_TOKEN}", bearer, bearer]
        assert [call.headers["Content-Type"] for call in posts] == ["application/sdp"] * len(posts)
        assert len({call.raw for call in posts[:5]}) == 1, "method and body are kept"
        await persona.close()
        (end,) = stage.proxy.calls("delete")
        assert end.headers["Authorization"] == bearer
        assert stage.proxy.upstream_ends == [200]


async def test_a_lost_connection_is_built_anew(server: LiveKitServer, expected_log: Callable[[str], None]) -> None:
    expected_log("the connection broke off")
    async with show(server, "whip-lost") as stage:
        stage.proxy.switches.ice_servers = True  # of no use: nobody is there
        stage.begin()
        await stage.seen_and_heard()
        first = stage.publisher().sid
        async with api.LiveKitAPI(server.url.replace("ws", "http", 1), server.key, server.secret) as rooms:
            who = api.RoomParticipantIdentity(room=stage.room, identity=stage.proxy.identity(SESSION))
            await rooms.room.remove_participant(who)
        await eventually(lambda: stage.publisher() is not None and stage.publisher().sid != first, 60)
        await stage.seen_and_heard()
        assert len(stage.proxy.calls("post")) == 2


REFUSALS = [
    (Reply(400, "no"), "HTTP 400"),
    (Reply(422, "no"), "HTTP 422"),
    (Reply(200, b"v=0", {"Content-Type": "application/sdp"}), "HTTP 200"),
    (Reply(301, b"", {"Location": "/elsewhere"}), "HTTP 301"),
    (Reply(201, b"v=0\r\n", {"Content-Type": "application/sdp"}), "without a Location"),
    (Reply(201, b"v=0", {"Content-Type": "application/sdp", "Location": "http://whip.invalid/r"}), "https://"),
    (Reply(201, "<html>", {"Location": "/r/a/b"}), "no SDP"),
    (Reply(201, b"v=0\r\nm=", {"Content-Type": "application/sdp", "Location": "/r/a/b"}), "cannot be used"),
    (
        Reply(201, b"v=0\r\n" + b"\x00\xff" * 7_680, {"Content-Type": "application/sdp", "Location": "/r/a/b"}),
        "be used",
    ),
    (Reply(307, b"", {"Location": "http://whip.invalid/w"}), "https://"),
]


@pytest.mark.parametrize(("reply", "says"), REFUSALS, ids=[says for _, says in REFUSALS])
async def test_what_cannot_work_is_one_line_and_no_visit_is_lost(
    server: LiveKitServer,
    reply: Reply,
    says: str,
    expected_log: Callable[[str], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    expected_log("not on the stage")
    proxy = WhipProxy(server)
    await proxy.start()
    proxy.fail("post", Fault(reply), times=50)
    outlet = WhipOutlet(WhipTarget(proxy.address(SESSION, "whip-refused", KEY, ROOM_TOKEN)))
    assert await outlet.open() is False
    await outlet.close()
    await proxy.stop()
    (line,) = [record.getMessage() for record in caplog.records if "not on the stage" in record.getMessage()]
    assert says in line
    assert KEY not in line


async def test_no_credential_is_taken(
    server: LiveKitServer, expected_log: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    expected_log("answered HTTP 401 to each of: the stream key, the room token; ask the vendor")
    proxy = WhipProxy(server)
    proxy.switches.auth = "room token"
    await proxy.start()
    url = proxy.address(SESSION, "whip-refused", KEY, "another")
    outlet = WhipOutlet(WhipTarget(url, (("the stream key", KEY), ("the room token", ROOM_TOKEN))))
    assert await outlet.open() is False
    await outlet.close()
    await proxy.stop()
    assert not [secret for secret in (KEY, ROOM_TOKEN) if secret in caplog.text]


async def test_going_while_nobody_answers_is_quick(server: LiveKitServer) -> None:
    proxy = WhipProxy(server)
    await proxy.start()
    proxy.fail("post", Fault(delay_s=60))
    outlet = WhipOutlet(WhipTarget(proxy.address(SESSION, "whip-slow", KEY, ROOM_TOKEN)))
    opening = asyncio.ensure_future(outlet.open())
    await eventually(lambda: proxy.calls("post"))
    opening.cancel()
    await asyncio.gather(opening, return_exceptions=True)
    await outlet.close()
    await outlet.close()
    await proxy.stop()
