"""The LiveKit link over bad networks: a real room, and a relay that loses, delays and reorders its packets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import numpy as np
import pytest

from kiosk.links.abandoned import AbandonedConnects
from kiosk.links.contract import LinkEvent, Lost
from kiosk.links.livekit_room import LiveKitRoom
from kiosk.providers.contract import LiveKitGrant, SessionRef
from tests.livekit_server import LiveKitServer
from tests.network_relay import NetworkRelay, Weather
from tests.room.sinks import RATE, Loudspeaker, Microphone, Screen
from tests.room.test_livekit_room import SMALL, eventually
from tests.simulators.avatar import AvatarOptions, SimulatedAvatar
from tests.simulators.likeness import likeness
from tests.simulators.speech import Samples, SpeechMaker

BAD = Weather(loss=0.05, jitter_s=0.060, delay_s=0.200)
WORDS = "Good morning, and welcome."
ALIKE = 0.6
ROOM = "front-desk"


@asynccontextmanager
async def avatar_at(server: LiveKitServer) -> AsyncIterator[SimulatedAvatar]:
    token = server.token("avatar", ROOM, kind="agent", can_update_own_metadata=True)
    avatar = SimulatedAvatar(server.url, token, AvatarOptions(SMALL, respond="silent", transcripts=False))
    await avatar.join()
    try:
        yield avatar
    finally:
        await avatar.leave()


async def until_understood(words: Samples, say: Callable[[], None], heard: Callable[[], Samples]) -> None:
    """Says it again where too much was lost on the way, as people do. Other words are alike by less than 0.35."""
    for _ in range(5):
        before = len(heard())
        say()
        await asyncio.sleep(len(words) / RATE + 1.5)
        if await asyncio.to_thread(likeness, words, heard()[before:]) > ALIKE:
            return
    pytest.fail("not understood")


class Kiosk:
    def __init__(self) -> None:
        self.screen, self.speaker, self.microphone = Screen(), Loudspeaker(), Microphone()
        self.events: list[LinkEvent] = []
        self.room = LiveKitRoom(self.screen, self.speaker, self.microphone, AbandonedConnects(), self.events.append)

    async def join(self, url: str, token: str) -> None:
        await self.room.open(LiveKitGrant(SessionRef("livekit", "visit", None, 0.0), url, token, ROOM))

    async def sees_and_hears(self, avatar: SimulatedAvatar) -> None:
        """A picture that moves, and what each of the two says to the other."""
        before = len(self.screen.numbers)
        await eventually(lambda: len(self.screen.numbers) > before + 30, 30)
        words = await asyncio.to_thread(SpeechMaker().render, WORDS)
        pause = np.zeros(RATE, np.int16)
        await until_understood(words, lambda: avatar.say_samples(words), self.speaker.heard)
        await until_understood(words, lambda: self.microphone.say(np.concatenate([words, pause])), avatar.heard.samples)


async def test_loss_jitter_and_delay_interrupt_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "kiosk.link")
    with LiveKitServer(path="relay") as server, NetworkRelay(server) as relay:
        async with avatar_at(server) as avatar:
            await eventually(lambda: relay.passed > 20)
            relay.spare_present()  # the bad network is the kiosk's
            relay.turn(BAD)
            kiosk = Kiosk()
            try:
                await kiosk.join(relay.url, server.token("kiosk", ROOM))
                await kiosk.sees_and_hears(avatar)
            finally:
                await kiosk.room.close()
        assert relay.lost > 10
    assert [event for event in kiosk.events if isinstance(event, Lost)] == []
    assert "room reconnecting" not in caplog.messages
    assert kiosk.screen.numbers == sorted(kiosk.screen.numbers)


async def test_where_udp_is_not_allowed_pictures_and_voices_come_over_tcp() -> None:
    with LiveKitServer(path="tcp") as server:
        async with avatar_at(server) as avatar:
            kiosk = Kiosk()
            try:
                await kiosk.join(server.url, server.token("kiosk", ROOM))
                await kiosk.sees_and_hears(avatar)
            finally:
                await kiosk.room.close()
    assert [event for event in kiosk.events if isinstance(event, Lost)] == []
