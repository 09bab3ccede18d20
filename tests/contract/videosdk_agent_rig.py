"""A VideoSDK agent provider beside its simulator."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from kiosk.clock import SystemClock
from kiosk.providers.http import HttpClient
from kiosk.providers.own_room import OwnRoom, OwnRoomSettings
from kiosk.providers.registry import ProviderContext
from kiosk.providers.videosdk_agent import Pace, VideoSdkAgent
from kiosk.providers.videosdk_agent_settings import VideoSdkAgentSettings
from kiosk.providers.videosdk_token import API_KEY, API_SECRET
from tests.simulators import videosdk
from tests.simulators.videosdk import VideoSdkSimulator

KEYS = {API_KEY: videosdk.API_KEY, API_SECRET: videosdk.SECRET}
QUICK = Pace(first_poll_s=0.03, longest_poll_s=0.1, between_dispatches_s=0.02)


class Rig:
    """One simulator and one client; providers by the settings and secrets that a test wants."""

    def __init__(self, simulator: VideoSdkSimulator, http: HttpClient) -> None:
        self.simulator = simulator
        self.http = http

    def provider(self, secrets: dict[str, str] | None = None, **table: Any) -> VideoSdkAgent:
        held = KEYS if secrets is None else secrets
        clock = SystemClock()
        context = ProviderContext(self.http, held, OwnRoom(OwnRoomSettings(), held, self.http, clock), clock)
        settings = VideoSdkAgentSettings.model_validate({"base_url": self.simulator.base_url, **table})
        return VideoSdkAgent(settings, context, QUICK)

    def secrets(self) -> list[str]:
        """All that must never be told, as far as it passed here."""
        tokens = [call.headers.get("Authorization", "") for call in self.simulator.server.requests]
        return [*KEYS.values(), *(token for token in tokens if token)]


@asynccontextmanager
async def rig(timeout_s: float = 5.0) -> AsyncIterator[Rig]:
    """Without TLS roots: the simulator speaks plain HTTP, and loading roots takes its time."""
    simulator = VideoSdkSimulator()
    await simulator.start()
    http = HttpClient(timeout_s=timeout_s, ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    try:
        yield Rig(simulator, http)
    finally:
        await http.aclose()
        await simulator.stop()
