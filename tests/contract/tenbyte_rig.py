"""A Tenbyte provider beside its simulator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from kiosk.providers.http import HttpClient
from kiosk.providers.own_room import OwnRoom, OwnRoomSettings
from kiosk.providers.registry import ProviderContext
from kiosk.providers.tenbyte import PROVIDER, Tenbyte
from kiosk.providers.tenbyte_answers import TOKEN
from tests.contract.deepbrain_rig import StoppedClock, client
from tests.simulators.tenbyte import SimulatedSession, TenbyteSimulator

ROOM_SERVER = "wss://rooms.invalid"


def make_provider(http: HttpClient, table: dict[str, Any], secrets: dict[str, str]) -> Tenbyte:
    clock = StoppedClock()
    context = ProviderContext(http, secrets, OwnRoom(OwnRoomSettings(), secrets, http, clock), clock)
    provider = PROVIDER.create(PROVIDER.settings.model_validate(table), context)
    assert isinstance(provider, Tenbyte)
    return provider


class Rig:
    """One simulator with one scheduled session, and one client; providers by the settings that a test wants."""

    def __init__(self, simulator: TenbyteSimulator, http: HttpClient):
        self.simulator = simulator
        self.http = http
        self.session: SimulatedSession = simulator.schedule()

    def host(self, secrets: dict[str, str] | None = None, **table: Any) -> Tenbyte:
        return self._provider("host", {TOKEN: self.simulator.host_token} if secrets is None else secrets, table)

    def viewer(self, secrets: dict[str, str] | None = None, **table: Any) -> Tenbyte:
        return self._provider("viewer", {TOKEN: self.simulator.viewer_token} if secrets is None else secrets, table)

    def _provider(self, role: str, secrets: dict[str, str], table: dict[str, Any]) -> Tenbyte:
        whole = {"base_url": self.simulator.base_url, "livekit_url": ROOM_SERVER, "role": role, **table}
        if "room_id" not in table:
            whole.setdefault("session_id", self.session.session_id)
        return make_provider(self.http, whole, secrets)


@asynccontextmanager
async def rig(timeout_s: float = 5.0) -> AsyncIterator[Rig]:
    simulator = TenbyteSimulator()
    await simulator.start()
    try:
        async with client(timeout_s) as http:
            yield Rig(simulator, http)
    finally:
        await simulator.stop()
