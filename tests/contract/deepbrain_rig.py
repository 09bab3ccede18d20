"""A DeepBrain provider beside its simulator, and a look at everything that it tells."""

from __future__ import annotations

import logging
import ssl
import traceback
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from kiosk.providers.contract import ProviderError
from kiosk.providers.deepbrain import PROVIDER, DeepBrain
from kiosk.providers.deepbrain_answers import USER_KEY
from kiosk.providers.http import HttpClient
from kiosk.providers.own_room import OwnRoom, OwnRoomSettings
from kiosk.providers.registry import ProviderContext
from tests.simulators.deepbrain import APP_ID, AVATAR_ID, DeepBrainSimulator
from tests.simulators.deepbrain import USER_KEY as KEY_VALUE

NOW = 1_772_366_400.0  # Unix seconds: 2026-03-01 12:00 UTC


class StoppedClock:
    def monotonic(self) -> float:
        return 100.0

    def wall(self) -> float:
        return NOW


class Listener(logging.Handler):
    """Hears every record at every level, as a log file would print it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@asynccontextmanager
async def client(timeout_s: float = 5.0) -> AsyncIterator[HttpClient]:
    """Without TLS roots: the simulators speak plain HTTP, and loading roots takes its time."""
    http = HttpClient(timeout_s=timeout_s, ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    try:
        yield http
    finally:
        await http.aclose()


def make_provider(http: HttpClient, table: dict[str, Any], secrets: dict[str, str]) -> DeepBrain:
    clock = StoppedClock()
    context = ProviderContext(http, secrets, OwnRoom(OwnRoomSettings(), secrets, http, clock), clock)
    provider = PROVIDER.create(PROVIDER.settings.model_validate(table), context)
    assert isinstance(provider, DeepBrain)
    return provider


class Rig:
    """One simulator and one client; providers by the settings that a test wants."""

    def __init__(self, simulator: DeepBrainSimulator, http: HttpClient):
        self.simulator = simulator
        self.http = http

    def provider(self, secrets: dict[str, str] | None = None, **table: Any) -> DeepBrain:
        whole = {"base_url": self.simulator.base_url, "app_id": APP_ID, "avatar_id": AVATAR_ID, **table}
        return make_provider(self.http, whole, {USER_KEY: KEY_VALUE} if secrets is None else secrets)

    def secrets(self) -> list[str]:
        """All that must never be told, as far as it passed here."""
        tokens = [call.headers["Authorization"] for call in self.simulator.requests if "Authorization" in call.headers]
        return [KEY_VALUE, *(token.removeprefix("Bearer ") for token in tokens)]


@asynccontextmanager
async def rig(timeout_s: float = 5.0) -> AsyncIterator[Rig]:
    simulator = DeepBrainSimulator()
    await simulator.start()
    try:
        async with client(timeout_s) as http:
            yield Rig(simulator, http)
    finally:
        await simulator.stop()


def told(error: ProviderError) -> str:
    """Everything that an error could show to somebody."""
    return "".join(traceback.format_exception(error)) + repr(error) + str(error) + error.operator_line


def assert_silent(text: str, secrets: Iterable[str]) -> None:
    for secret in secrets:
        assert secret not in text
    assert "eyJ" not in text
