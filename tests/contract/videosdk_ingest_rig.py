"""An ingest provider beside its simulator."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from kiosk.clock import SystemClock
from kiosk.providers.http import HttpClient
from kiosk.providers.own_room import OwnRoom, OwnRoomSettings
from kiosk.providers.registry import ProviderContext
from kiosk.providers.videosdk_ingest import PROVIDER, VideoSdkIngest
from kiosk.providers.videosdk_token import API_KEY, API_SECRET
from tests.simulators import videosdk_ingest
from tests.simulators.videosdk_ingest import ROOM, IngestSimulator

KEYS = {API_KEY: videosdk_ingest.API_KEY, API_SECRET: videosdk_ingest.API_SECRET}


class Rig:
    """One simulator and one client; providers by the settings and secrets that a test wants."""

    def __init__(self, simulator: IngestSimulator, http: HttpClient) -> None:
        self.simulator = simulator
        self.http = http

    def provider(self, secrets: dict[str, str] | None = None, **table: Any) -> VideoSdkIngest:
        held = KEYS if secrets is None else secrets
        clock = SystemClock()
        context = ProviderContext(self.http, held, OwnRoom(OwnRoomSettings(), held, self.http, clock), clock)
        whole = {"base_url": self.simulator.base_url or "http://127.0.0.1:9", "room_id": ROOM, **table}
        provider = PROVIDER.create(PROVIDER.settings.model_validate(whole), context)
        assert isinstance(provider, VideoSdkIngest)
        return provider

    def secrets(self) -> list[str]:
        """All that must never be told, as far as it passed here."""
        tokens = [call.headers.get("Authorization", "") for call in self.simulator.server.requests]
        return [*KEYS.values(), *(token for token in tokens if token), *self.simulator.sessions]


@asynccontextmanager
async def rig(timeout_s: float = 30.0) -> AsyncIterator[Rig]:
    """Without TLS roots: the simulator speaks plain HTTP, and loading roots takes its time."""
    simulator = IngestSimulator()
    await simulator.start()
    http = HttpClient(timeout_s=timeout_s, ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    try:
        yield Rig(simulator, http)
    finally:
        await http.aclose()
        await simulator.stop()
