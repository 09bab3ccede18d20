"""Tenbyte's stage in a real room: people come and go, cameras go off, nobody is there, the room is flooded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psutil
import pytest

from kiosk.links.abandoned import AbandonedConnects
from kiosk.links.contract import (
    AvatarJoined,
    FirstFrame,
    LinkError,
    LinkEvent,
    Lost,
    LostReason,
    Message,
    StageEmpty,
    Stalled,
    VoiceOnly,
)
from kiosk.links.livekit_room import LiveKitRoom, RoomTiming
from kiosk.media.frames import VideoSink, VoiceSink
from kiosk.providers.contract import EndReason, LiveKitGrant, StagePersona, Visit
from kiosk.providers.tenbyte_answers import TOKEN
from tests.contract.deepbrain_rig import client
from tests.contract.tenbyte_rig import make_provider
from tests.livekit_server import LiveKitServer
from tests.room.avatar_guest import AvatarGuest
from tests.room.sinks import Loudspeaker, Microphone, Screen
from tests.room.speaking_persona import HEIGHT, WIDTH, Speaking, spoken
from tests.simulators.avatar import AvatarOptions, SimulatedAvatar
from tests.simulators.picture_track import Gallery, PictureOptions
from tests.simulators.speech import SpeechMaker
from tests.simulators.tenbyte import SimulatedSession, TenbyteSimulator
from tests.simulators.whip_proxy import WhipProxy

SMALL = PictureOptions(width=320, height=240, fps=15, frame_code=True)
QUICK = RoomTiming(connect_s=12, stall_s=0.6, avatar_gone_s=1.0, voice_only_s=1.0, stage_empty_s=1.0)
LIBRARY = "livekit: "  # its own account of a fault that the test provokes


@pytest.fixture(scope="module")
def server() -> Iterator[LiveKitServer]:
    with LiveKitServer() as running:
        yield running


@pytest.fixture(scope="module")
def gallery() -> Gallery:
    return Gallery()


async def eventually(condition: Callable[[], object], within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.02)


@dataclass
class Theatre:
    """The vendor, its room, the people on the stage, and one kiosk before it."""

    server: LiveKitServer
    gallery: Gallery
    simulator: TenbyteSimulator
    whip: WhipProxy
    session: SimulatedSession
    speech: SpeechMaker = field(default_factory=SpeechMaker)
    screen: Screen = field(default_factory=Screen)
    speaker: Loudspeaker = field(default_factory=Loudspeaker)
    events: list[LinkEvent] = field(default_factory=list)
    people: list[SimulatedAvatar] = field(default_factory=list)
    guests: list[AvatarGuest] = field(default_factory=list)
    performances: list[Speaking] = field(default_factory=list)
    room: LiveKitRoom | None = None

    async def grant(self, **table: Any) -> LiveKitGrant:
        whole = {
            "base_url": self.simulator.base_url,
            "session_id": self.session.session_id,
            "livekit_url": self.server.url,
            **table,
        }
        async with client() as http:
            provider = make_provider(http, whole, {TOKEN: self.simulator.host_token})
            grant = await provider.start(Visit("visit-1"))
        assert isinstance(grant, LiveKitGrant)
        return grant

    async def sit_down(self, grant: LiveKitGrant | None = None, microphone: Microphone | None = None) -> None:
        self.room = LiveKitRoom(
            self.screen,
            self.speaker,
            microphone or Microphone(absent=True),
            AbandonedConnects(),
            self.events.append,
            QUICK,
            make_stage_persona=self._persona,
        )
        await self.room.open(grant or await self.grant())

    async def enter(self, identity: str, *, kind: Any = "standard", **options: Any) -> SimulatedAvatar:
        token = self.server.token(identity, self.session.room, kind=kind)
        chosen = AvatarOptions(SMALL, transcripts=False, respond="silent", **options)
        person = SimulatedAvatar(self.server.url, token, chosen, speech=self.speech, gallery=self.gallery)
        await person.join()
        self.people.append(person)
        return person

    async def _persona(
        self, plan: StagePersona, video: VideoSink, voice: VoiceSink, emit: Callable[[LinkEvent], None]
    ) -> Speaking:
        assert (plan.width, plan.height) == (WIDTH, HEIGHT)
        self.performances.append(Speaking(video, voice, await asyncio.to_thread(spoken)))
        return self.performances[-1]

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    async def end(self) -> None:
        if self.room is not None:
            await self.room.close()
        for person in self.people:
            await person.leave()
        for guest in self.guests:
            await guest.leave()
        await self.simulator.stop()
        await self.whip.stop()


@pytest.fixture
async def theatre(server: LiveKitServer, gallery: Gallery) -> AsyncIterator[Theatre]:
    whip = WhipProxy(server)
    simulator = TenbyteSimulator(server, whip=whip)
    await whip.start()
    await simulator.start()
    made = Theatre(server, gallery, simulator, whip, simulator.schedule(status="live"))
    yield made
    await made.end()


async def test_people_come_and_go_on_the_stage(theatre: Theatre) -> None:
    await theatre.sit_down()
    await eventually(lambda: theatre.of(StageEmpty))
    ada = await theatre.enter("ada")
    await eventually(lambda: theatre.screen.numbers)
    assert theatre.of(FirstFrame) == [FirstFrame(320, 240)]
    ben = await theatre.enter("ben")
    await ben.say("Hello everybody.")
    await ada.leave()
    await eventually(lambda: theatre.of(AvatarJoined)[-1] == AvatarJoined("ben"))
    shown = len(theatre.screen.numbers)
    await eventually(lambda: len(theatre.screen.numbers) > shown + 5)
    await ben.leave()
    await eventually(lambda: len(theatre.of(StageEmpty)) == 2)
    await theatre.enter("eve")
    await eventually(lambda: len(theatre.of(FirstFrame)) == 2)
    assert theatre.events.index(theatre.of(StageEmpty)[0]) < theatre.events.index(FirstFrame(320, 240))
    assert not theatre.of(Lost)


async def test_the_one_who_is_named_is_shown(theatre: Theatre) -> None:
    await theatre.enter("ada")
    await theatre.sit_down(await theatre.grant(shown="guest"))
    await eventually(lambda: theatre.of(StageEmpty))
    await theatre.enter("guest")
    await eventually(lambda: theatre.screen.numbers)
    assert theatre.of(AvatarJoined) == [AvatarJoined("guest")]


async def test_a_camera_that_is_switched_off_is_no_stall(theatre: Theatre) -> None:
    ada = await theatre.enter("ada")
    await theatre.sit_down()
    await eventually(lambda: theatre.screen.numbers)
    for publication in ada.room.local_participant.track_publications.values():
        if publication.name == "avatar_video":
            publication.track.mute()  # type: ignore[union-attr]
    await eventually(lambda: theatre.of(VoiceOnly))
    stalled = len(theatre.of(Stalled))
    await asyncio.sleep(1.5)
    assert len(theatre.of(Stalled)) == stalled
    for publication in ada.room.local_participant.track_publications.values():
        if publication.name == "avatar_video":
            publication.track.unmute()  # type: ignore[union-attr]
    await eventually(lambda: len(theatre.of(FirstFrame)) == 2)
    assert not theatre.of(Lost)


async def test_the_persona_in_the_room_is_seen_by_the_others_and_takes_what_is_typed(theatre: Theatre) -> None:
    theatre.session.status = "scheduled"
    guest = AvatarGuest()
    await guest.join(theatre.server.url, theatre.server.token("guest", theatre.session.room))
    theatre.guests.append(guest)
    grant = await theatre.grant(role="host", persona="room", persona_height=180, publish_microphone=True)
    await theatre.sit_down(grant, Microphone())
    assert theatre.room is not None
    since = time.monotonic()
    await eventually(lambda: len(guest.moved) > 10 and len(guest.loud_since(since)) > 30)
    await eventually(lambda: "microphone" in guest.sources, 10)
    assert set(guest.sources) == {"avatar_video", "persona_voice", "microphone"}
    await theatre.room.send_text("Where is the lift?")
    assert theatre.performances[0].taken == ["Where is the lift?"]
    await theatre.room.interrupt()
    await eventually(lambda: theatre.of(StageEmpty))
    assert not theatre.of(FirstFrame), "the persona is not shown to itself"
    ada = await theatre.enter("ada")
    await eventually(lambda: theatre.screen.numbers)
    await ada.leave()
    await theatre.room.close()
    await eventually(lambda: not guest.room.remote_participants, 10)


async def test_the_persona_by_whip_is_seen_by_the_others_and_not_by_itself(theatre: Theatre) -> None:
    theatre.session.status = "scheduled"
    guest = AvatarGuest()
    await guest.join(theatre.server.url, theatre.server.token("guest", theatre.session.room))
    theatre.guests.append(guest)
    await theatre.sit_down(await theatre.grant(role="host", persona="whip", persona_height=180))
    assert theatre.room is not None
    since = time.monotonic()
    await eventually(lambda: len(guest.moved) > 10 and len(guest.loud_since(since)) > 30)
    await eventually(lambda: theatre.of(StageEmpty))
    assert not theatre.of(FirstFrame)
    await theatre.room.close()
    assert theatre.whip.upstream_ends == [200]


async def test_a_flood_of_messages_is_thinned_and_keeps_no_memory(theatre: Theatre) -> None:
    """100 messages of 15 KiB a second."""
    ada = await theatre.enter("ada")
    await theatre.sit_down()
    await eventually(lambda: theatre.screen.numbers)
    process = psutil.Process()
    ada.flood(100, 2)
    await eventually(lambda: len(theatre.of(Message)) > 20)
    before = process.memory_info().rss
    theatre.events = [event for event in theatre.events if not isinstance(event, Message)]
    ada.flood(100, 4)
    shown = len(theatre.screen.numbers)
    await asyncio.sleep(4.5)
    assert all(len(message.payload) <= 16_384 for message in theatre.of(Message))
    assert len(theatre.screen.numbers) > shown + 10, "the picture goes on"
    assert process.memory_info().rss - before < 64 << 20
    assert not theatre.of(Lost)


@pytest.mark.parametrize("fault", ["expired", "another server's", "another room's"])
async def test_a_room_token_that_is_no_good_is_one_line_for_the_operator(
    theatre: Theatre, fault: str, expected_log: Callable[[str], None]
) -> None:
    expected_log(LIBRARY)
    good = await theatre.grant()
    match fault:
        case "expired":
            token = theatre.server.token("kiosk", theatre.session.room, ttl_s=-600)
        case "another server's":
            other = LiveKitServer(key=theatre.server.key, secret="another-secret-of-32-characters-or-more")
            token = other.token("kiosk", theatre.session.room)
        case _:
            token = good.token[:-4] + "AAAA"
    grant = LiveKitGrant(good.session, good.url, token, good.room, may_be_empty=True)
    with pytest.raises(LinkError) as refused:
        await theatre.sit_down(grant)
    lost = refused.value.lost
    assert (lost.reason, lost.retry) == (LostReason.REFUSED, False)
    assert "eyJ" not in lost.operator_line


async def test_a_host_who_goes_leaves_no_live_session(theatre: Theatre) -> None:
    theatre.session.status = "scheduled"
    await theatre.sit_down(await theatre.grant(role="host"))
    assert theatre.room is not None
    await theatre.room.close()
    async with client() as http:
        table = {"base_url": theatre.simulator.base_url, "livekit_url": theatre.server.url, "role": "host"}
        provider = make_provider(
            http, {**table, "session_id": theatre.session.session_id}, {TOKEN: theatre.simulator.host_token}
        )
        grant = await provider.renew(await theatre.grant(role="host"))
        for reason in EndReason:
            await provider.end(grant.session, reason)
    assert theatre.simulator.open_sessions() == []
