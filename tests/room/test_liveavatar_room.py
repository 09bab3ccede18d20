"""A session of LiveAvatar in a real room: commands and events in data messages, and every way in which it ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from kiosk.links.abandoned import AbandonedConnects
from kiosk.links.contract import Caption, FirstFrame, LinkEvent, Lost, LostReason, Message, Speaker, TookLeave
from kiosk.links.livekit_room import LiveKitRoom
from kiosk.providers.contract import EndReason, LiveKitGrant, Visit
from kiosk.providers.liveavatar import PROVIDER, LiveAvatar
from kiosk.providers.own_room import OwnRoom, OwnRoomSettings
from kiosk.providers.registry import ProviderContext
from tests.contract.deepbrain_rig import StoppedClock, client
from tests.livekit_server import LiveKitServer
from tests.room.sinks import Loudspeaker, Microphone, Screen
from tests.simulators.avatar import AvatarOptions
from tests.simulators.liveavatar_vendor import LiveAvatarVendor
from tests.simulators.picture_track import PictureOptions
from tests.simulators.stage import JsonLog, Stage

SMALL = PictureOptions(width=320, height=240, fps=15)
LIBRARY = "livekit: "  # its own account of a room that is closed behind it


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
class Desk:
    """One visit, joined: the vendor on its stage, the provider, and a room of the kiosk's with sinks that remember."""

    vendor: LiveAvatarVendor
    provider: LiveAvatar
    grant: LiveKitGrant
    speaker: Loudspeaker = field(default_factory=Loudspeaker)
    events: list[LinkEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        sinks = (Screen(), self.speaker, Microphone(absent=True))
        self.room = LiveKitRoom(*sinks, AbandonedConnects(), self.events.append)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def captions(self, speaker: Speaker) -> list[str]:
        return [caption.text for caption in self.of(Caption) if caption.speaker is speaker and caption.final]

    def status(self, key: str) -> Any:
        return self.vendor.status()[key]


@pytest.fixture
async def desk(server: LiveKitServer) -> AsyncIterator[Desk]:
    stage = Stage(server, AvatarOptions(SMALL, respond="silent"), log=JsonLog(None))
    vendor = LiveAvatarVendor(stage, "")
    await vendor.start(0)
    async with client() as http:
        secrets, clock = vendor.env, StoppedClock()
        context = ProviderContext(http, secrets, OwnRoom(OwnRoomSettings(), secrets, http, clock), clock)
        table = vendor.settings["providers"]["liveavatar"]
        provider = PROVIDER.create(PROVIDER.settings.model_validate(table), context)
        assert isinstance(provider, LiveAvatar)
        grant = await provider.start(Visit("visit-1"))
        assert isinstance(grant, LiveKitGrant)
        desk = Desk(vendor, provider, grant)
        await desk.room.open(grant)
        await eventually(lambda: desk.of(FirstFrame))
        yield desk
        await desk.room.close()
        await provider.end(grant.session, EndReason.VISITOR_LEFT)
        await provider.aclose()
    await vendor.stop()
    await stage.close()
    assert desk.status("misunderstood") == []
    assert desk.of(Message) == [], "every message of the vendor's is one of those that it documents"


async def test_typed_text_is_answered_and_comes_as_a_caption(desk: Desk) -> None:
    await desk.room.send_text("Where is the lift?")
    await eventually(lambda: desk.captions(Speaker.AVATAR) == ["You wrote: Where is the lift?"])
    assert desk.status("commands") == ["avatar.speak_response"]
    await eventually(lambda: len(desk.speaker.heard()) > 0)


async def test_an_interruption_reaches_the_avatar(desk: Desk) -> None:
    await desk.room.send_text(" ".join(["Tell me about the house, its rooms and everybody who works here."] * 5))
    await eventually(lambda: desk.vendor.speaking)
    await desk.room.interrupt()
    await eventually(lambda: not desk.vendor.speaking, within_s=15)  # it would speak for 20 s
    assert desk.status("commands") == ["avatar.speak_response", "avatar.interrupt"]
    assert desk.speaker.flushed == 1


@pytest.mark.parametrize("reason", ["MAX_DURATION_REACHED", "AGENT_HANG_UP"])
async def test_a_vendor_that_hangs_up_says_goodbye(desk: Desk, reason: str) -> None:
    await desk.vendor.command({"do": "announce", "reason": reason})
    await eventually(lambda: desk.of(TookLeave))
    assert desk.of(Lost) == []


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("NO_CREDITS", (LostReason.EXPELLED, False)), ("SERVER_ERROR", (LostReason.AVATAR_LEFT, True))],
)
async def test_a_vendor_that_gives_up_says_why(
    desk: Desk, reason: str, expected: tuple[LostReason, bool], expected_log: Callable[[str], None]
) -> None:
    expected_log("link lost: the vendor ended the session")
    await desk.vendor.command({"do": "announce", "reason": reason})
    await eventually(lambda: desk.of(Lost))
    (lost,) = desk.of(Lost)
    assert (lost.reason, lost.retry) == expected
    assert lost.operator_line.startswith("the vendor ended the session: ")


async def test_a_room_that_is_closed_behind_everybody_is_lost_for_good(
    desk: Desk, expected_log: Callable[[str], None]
) -> None:
    """The last word may be lost with the room."""
    expected_log("link lost: ")
    expected_log(LIBRARY)
    await desk.vendor.command({"do": "expire", "reason": "UNKNOWN"})
    await eventually(lambda: desk.of(Lost))
    assert len(desk.of(Lost)) == 1
