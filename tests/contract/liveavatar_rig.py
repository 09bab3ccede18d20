"""A LiveAvatar provider beside its simulator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from kiosk.providers.http import HttpClient
from kiosk.providers.liveavatar import API_KEY, PROVIDER, LiveAvatar
from kiosk.providers.own_room import OwnRoom, OwnRoomSettings
from kiosk.providers.registry import ProviderContext
from tests.contract.deepbrain_rig import StoppedClock, client
from tests.simulators.liveavatar import AVATAR_ID, CONTEXT_ID, LiveAvatarSimulator


class Rig:
    """One simulator and one client; providers by the settings that a test wants, closed at its end."""

    def __init__(self, simulator: LiveAvatarSimulator, http: HttpClient):
        self.simulator = simulator
        self.http = http
        self._made: list[LiveAvatar] = []

    def provider(self, secrets: dict[str, str] | None = None, **table: Any) -> LiveAvatar:
        secrets = {API_KEY: self.simulator.api_key} if secrets is None else secrets
        whole = {"base_url": self.simulator.base_url, "avatar_id": AVATAR_ID, "context_id": CONTEXT_ID, **table}
        clock = StoppedClock()
        context = ProviderContext(self.http, secrets, OwnRoom(OwnRoomSettings(), secrets, self.http, clock), clock)
        provider = PROVIDER.create(PROVIDER.settings.model_validate(whole), context)
        assert isinstance(provider, LiveAvatar)
        self._made.append(provider)
        return provider

    async def close(self) -> None:
        for provider in self._made:
            await provider.aclose()


@asynccontextmanager
async def rig(timeout_s: float = 5.0) -> AsyncIterator[Rig]:
    simulator = LiveAvatarSimulator()
    await simulator.start()
    try:
        async with client(timeout_s) as http:
            made = Rig(simulator, http)
            yield made
            await made.close()
    finally:
        await simulator.stop()
