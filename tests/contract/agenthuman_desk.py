"""A kiosk's provider at a desk opposite the simulated vendor."""

from __future__ import annotations

import logging
import traceback
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from kiosk.clock import SystemClock
from kiosk.providers.agenthuman import PROVIDER, AgentHuman, AgentHumanSettings
from kiosk.providers.contract import LiveKitGrant, ProviderError, SessionRef, Visit
from kiosk.providers.http import HttpClient
from kiosk.providers.own_room import OwnRoom, OwnRoomSettings
from kiosk.providers.registry import ProviderContext
from tests.contract.plain_http import plain_http
from tests.simulators.agenthuman import AgentHumanSimulator

AVATAR = "avat_01H3Z8G9YR3K2N5M6P7Q8W4T"
ROOM_KEY = "testkey"
ROOM_SECRET = "a-planted-room-secret-of-32-characters"
ROOM_URL = "wss://rooms.example"
VISIT = Visit("visit-1")


@dataclass
class Desk:
    vendor: AgentHumanSimulator
    http: HttpClient
    room: OwnRoomSettings = field(default_factory=lambda: OwnRoomSettings(url=ROOM_URL))

    def secrets(self) -> dict[str, str]:
        return {
            "KIOSK_AGENTHUMAN_API_KEY": self.vendor.api_key,
            "KIOSK_LIVEKIT_API_KEY": ROOM_KEY,
            "KIOSK_LIVEKIT_API_SECRET": ROOM_SECRET,
        }

    def provider(self, secrets: Mapping[str, str] | None = None, **settings: Any) -> AgentHuman:
        table = {"base_url": self.vendor.base_url, "avatar": AVATAR, **settings}
        return self.provider_of(table, self.secrets() if secrets is None else secrets)

    def provider_of(self, table: Mapping[str, Any], secrets: Mapping[str, str]) -> AgentHuman:
        clock = SystemClock()
        context = ProviderContext(self.http, secrets, OwnRoom(self.room, secrets, self.http, clock), clock)
        provider = PROVIDER.create(AgentHumanSettings.model_validate(table), context)
        assert isinstance(provider, AgentHuman)
        return provider

    def planted(self) -> list[str]:
        """Every secret that must not be told: keys, and the tokens that went over the wire."""
        told = [self.vendor.api_key, ROOM_SECRET]
        for call in self.vendor.server.calls("create"):
            room = call.body.get("room") if isinstance(call.body, dict) else None
            if isinstance(room, dict):
                told.append(room["token"])
        return told

    async def failed_start(self, provider: AgentHuman) -> ProviderError:
        """The error of a start, after a look at all that it would tell."""
        with pytest.raises(ProviderError) as caught:
            await provider.start(VISIT)
        self.tells_no_secret(caught.value)
        return caught.value

    def tells_no_secret(self, error: ProviderError) -> None:
        told = "".join(traceback.format_exception(error)) + repr(error) + error.operator_line
        for secret in self.planted():
            assert secret not in told
        assert "\n" not in error.operator_line
        assert error.operator_line


@asynccontextmanager
async def desk(timeout_s: float = 5.0) -> AsyncIterator[Desk]:
    vendor = AgentHumanSimulator()
    await vendor.start()
    http = plain_http(timeout_s)
    await http.warm_up()  # its first call must not pay for the import within a short limit
    try:
        yield Desk(vendor, http)
    finally:
        await http.aclose()
        await vendor.stop()


async def started(provider: AgentHuman) -> LiveKitGrant:
    grant = await provider.start(VISIT)
    assert isinstance(grant, LiveKitGrant)
    assert grant.session.session_id is not None
    return grant


def unanswered() -> SessionRef:
    """What the ledger holds of a start whose answer never came."""
    return SessionRef("agenthuman", VISIT.id, None, 0.0)


class Records(logging.Handler):
    """Every text that was logged, tracebacks included."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(logging.Formatter().format(record))
