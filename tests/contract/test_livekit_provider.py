"""Any LiveKit room: the ways to a token, the grant, and the check against a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from typing import Any

import jwt
import pytest
from livekit import rtc
from pydantic import ValidationError

from kiosk.clock import SystemClock
from kiosk.providers.contract import Broken, EndReason, LiveKitGrant, Misconfigured, SpeechRoute, Unavailable, Visit
from kiosk.providers.http import HttpClient
from kiosk.providers.livekit import PROVIDER, LiveKit, LiveKitSettings
from kiosk.providers.livekit_token import ParticipantKind, ParticipantRequest, mint
from kiosk.providers.own_room import OwnRoom, OwnRoomSettings
from kiosk.providers.registry import ProviderContext, load_providers
from tests.contract.plain_http import plain_http
from tests.livekit_server import LiveKitServer
from tests.simulators.relay import TokenRelay

ExpectedLog = Callable[[str], None]
VISIT = Visit("visit-1")


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    client = plain_http()
    yield client
    await client.aclose()


def keys_of(server: LiveKitServer) -> dict[str, str]:
    return {"KIOSK_LIVEKIT_API_KEY": server.key, "KIOSK_LIVEKIT_API_SECRET": server.secret}


def provider_of(
    http: HttpClient, secrets: Mapping[str, str], own: OwnRoomSettings | None = None, **table: Any
) -> LiveKit:
    clock = SystemClock()
    context = ProviderContext(http, secrets, OwnRoom(own or OwnRoomSettings(), secrets, http, clock), clock)
    provider = PROVIDER.create(LiveKitSettings.model_validate(table), context)
    assert isinstance(provider, LiveKit)
    return provider


async def started(provider: LiveKit) -> LiveKitGrant:
    grant = await provider.start(VISIT)
    assert isinstance(grant, LiveKitGrant)
    return grant


def claims_of(token: str, server: LiveKitServer) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, server.secret, algorithms=["HS256"], issuer=server.key)
    return claims


async def join(grant: LiveKitGrant) -> tuple[str, str]:
    """Room and identity as the server knows them."""
    room = rtc.Room()
    await room.connect(grant.url, grant.token)
    try:
        return room.name, room.local_participant.identity
    finally:
        await room.disconnect()


async def test_a_minted_token_joins(http: HttpClient, livekit_server: LiveKitServer) -> None:
    provider = provider_of(http, keys_of(livekit_server), url=livekit_server.url, agent_name="concierge")
    grant = await started(provider)
    assert await join(grant) == ("kiosk-visit-1", "kiosk")
    assert grant.room == "kiosk-visit-1"
    assert grant.avatar_identity is None
    assert grant.video
    assert grant.speech is SpeechRoute.MICROPHONE
    assert (grant.session.provider, grant.session.visit_id, grant.session.session_id) == ("livekit", "visit-1", None)
    claims = claims_of(grant.token, livekit_server)
    assert claims["kind"] == "standard"
    assert claims["roomConfig"] == {"agents": [{"agentName": "concierge"}]}
    assert grant.token not in repr(grant)


async def test_a_room_without_a_picture_says_so(http: HttpClient) -> None:
    secrets = {"KIOSK_LIVEKIT_API_KEY": "key", "KIOSK_LIVEKIT_API_SECRET": "a secret of thirty-two letters or more"}
    provider = provider_of(http, secrets, url="wss://rooms.example.org", voice_only=True)
    assert not provider.capabilities.video
    assert not (await started(provider)).video


async def test_every_setting_reaches_the_grant(http: HttpClient, livekit_server: LiveKitServer) -> None:
    table: dict[str, Any] = {
        "url": livekit_server.url,
        "room": "lobby",
        "identity": "desk-2",
        "avatar_identity": "face",
    }
    grant = await started(provider_of(http, keys_of(livekit_server), **table))
    assert await join(grant) == ("lobby", "desk-2")
    assert (grant.room, grant.avatar_identity) == ("lobby", "face")
    assert "roomConfig" not in claims_of(grant.token, livekit_server)


async def test_the_room_of_the_kiosk_serves_where_none_is_named(
    http: HttpClient, livekit_server: LiveKitServer
) -> None:
    own = OwnRoomSettings(url=livekit_server.url, room_prefix="lobby-")
    grant = await started(provider_of(http, keys_of(livekit_server), own))
    assert await join(grant) == ("lobby-visit-1", "kiosk")


async def test_a_ready_token_joins_its_room(http: HttpClient, livekit_server: LiveKitServer) -> None:
    token = livekit_server.token("guest", "r7")
    provider = provider_of(http, {"KIOSK_LIVEKIT_TOKEN": token}, url=livekit_server.url, avatar_identity="face")
    grant = await started(provider)
    assert await join(grant) == ("r7", "guest")
    assert (grant.room, grant.token, grant.avatar_identity) == ("r7", token, "face")
    assert not provider.capabilities.renews
    with pytest.raises(Broken) as caught:
        await provider.renew(grant)
    assert token not in repr(caught.value)


async def test_a_relay_joins_and_wins_over_all_secrets(http: HttpClient, livekit_server: LiveKitServer) -> None:
    relay = TokenRelay(livekit_server.key, livekit_server.secret, server_url=livekit_server.url)
    await relay.start()
    try:
        secrets = {**keys_of(livekit_server), "KIOSK_LIVEKIT_TOKEN": "a.b.c"}
        provider = provider_of(http, secrets, token_url=relay.url, agent_name="concierge", room="lobby")
        grant = await started(provider)
        assert await join(grant) == ("lobby", "kiosk")
        assert relay.server.requests[0].body["room_config"] == {"agents": [{"agentName": "concierge"}]}
        assert "accepts the token" in await provider.check()
        assert provider.capabilities.renews
    finally:
        await relay.stop()


async def test_a_relay_may_choose_room_and_identity(http: HttpClient, livekit_server: LiveKitServer) -> None:
    relay = TokenRelay(livekit_server.key, livekit_server.secret, server_url=livekit_server.url)
    relay.ignores = {"room_name", "participant_identity", "participant_kind"}
    await relay.start()
    try:
        provider = provider_of(http, {}, token_url=relay.url)
        grant = await started(provider)
        assert grant.room == "somewhere"
        assert await join(grant) == ("somewhere", "somebody")
        renewed = await provider.renew(grant)
        assert isinstance(renewed, LiveKitGrant)
        assert renewed.room == "somewhere"
    finally:
        await relay.stop()


async def test_renewing_stays_in_the_room(http: HttpClient, livekit_server: LiveKitServer) -> None:
    provider = provider_of(http, keys_of(livekit_server), url=livekit_server.url)
    assert provider.capabilities.renews
    grant = await started(provider)
    renewed = await provider.renew(replace(grant, token="stale"))
    assert isinstance(renewed, LiveKitGrant)
    assert await join(renewed) == ("kiosk-visit-1", "kiosk")


async def test_there_is_nothing_to_end_and_no_text_to_say(http: HttpClient, livekit_server: LiveKitServer) -> None:
    provider = provider_of(http, keys_of(livekit_server), url=livekit_server.url)
    grant = await started(provider)
    for reason in EndReason:
        await provider.end(grant.session, reason)
    with pytest.raises(Misconfigured):
        await provider.say(grant.session, "hello")
    await provider.aclose()


async def test_the_check_of_a_ready_token(http: HttpClient, livekit_server: LiveKitServer) -> None:
    good = livekit_server.token("guest", "r")
    line = await provider_of(http, {"KIOSK_LIVEKIT_TOKEN": good}, url=livekit_server.url).check()
    assert "accepts the token" in line
    assert good not in line


@pytest.mark.parametrize(
    ("key", "secret", "age_s", "word"),
    [
        ("", "", 86_400.0, "clock"),
        ("", "", -86_400.0, "clock"),
        ("", "planted-wrong-secret-of-32-characters", 0.0, "belongs"),
        ("planted-unknown-key", "", 0.0, "belongs"),
    ],
    ids=["expired", "not valid yet", "bad signature", "unknown key"],
)
async def test_the_check_of_a_bad_token_tells_why_and_not_what(
    http: HttpClient, livekit_server: LiveKitServer, key: str, secret: str, age_s: float, word: str
) -> None:
    participant = ParticipantRequest(identity="guest", kind=ParticipantKind.STANDARD)
    now = SystemClock().wall() - age_s
    token = mint(key or livekit_server.key, secret or livekit_server.secret, "r", participant, now=now)
    provider = provider_of(http, {"KIOSK_LIVEKIT_TOKEN": token}, url=livekit_server.url)
    with pytest.raises(Misconfigured, match=word) as caught:
        await provider.check()
    for part in token.split("."):
        assert part not in repr(caught.value)
    assert "401" in caught.value.operator_line


async def test_the_check_of_a_server_that_is_none(http: HttpClient, expected_log: ExpectedLog) -> None:
    expected_log("kiosk.http")
    relay = TokenRelay("k", "s" * 32, server_url=None)
    await relay.start()
    url = relay.server.base_url.replace("http", "ws")
    secrets = {"KIOSK_LIVEKIT_API_KEY": "k", "KIOSK_LIVEKIT_API_SECRET": "s" * 32}
    with pytest.raises(Misconfigured, match="404"):
        await provider_of(http, secrets, url=url).check()
    await relay.stop()
    with pytest.raises(Unavailable):
        await provider_of(http, secrets, url=url).check()


TOKEN = mint("k", "s" * 32, "r", ParticipantRequest(identity="guest"), now=0)


@pytest.mark.parametrize(
    ("secrets", "table", "word"),
    [
        ({}, {}, "KIOSK_LIVEKIT_API_KEY"),
        ({}, {"url": "wss://x"}, "KIOSK_LIVEKIT_API_SECRET"),
        ({"KIOSK_LIVEKIT_API_KEY": "k", "KIOSK_LIVEKIT_API_SECRET": "s"}, {}, "url"),
        ({"KIOSK_LIVEKIT_API_KEY": "k", "KIOSK_LIVEKIT_API_SECRET": "s"}, {"url": "https://x"}, "providers.livekit"),
        ({"KIOSK_LIVEKIT_TOKEN": TOKEN}, {}, "url"),
        ({"KIOSK_LIVEKIT_TOKEN": TOKEN}, {"url": "x"}, "wss://"),
        ({"KIOSK_LIVEKIT_TOKEN": "planted"}, {"url": "wss://x"}, "KIOSK_LIVEKIT_TOKEN"),
        ({}, {"token_url": "x"}, "token_url"),
    ],
)
async def test_what_is_missing_is_named(
    http: HttpClient, secrets: dict[str, str], table: dict[str, Any], word: str
) -> None:
    with pytest.raises(Misconfigured, match=word) as caught:
        provider_of(http, secrets, **table)
    assert "planted" not in repr(caught.value)
    assert "eyJ" not in repr(caught.value)


@pytest.mark.parametrize("table", [{"uri": "wss://x"}, {"identity": ""}, {"room": "x" * 300}])
def test_settings_that_cannot_be_are_refused(table: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        LiveKitSettings.model_validate(table)


def test_the_registry_finds_it() -> None:
    entry = load_providers()["livekit"]
    assert entry is PROVIDER
    assert {"KIOSK_LIVEKIT_TOKEN", "KIOSK_LIVEKIT_API_KEY", "KIOSK_LIVEKIT_API_SECRET"} <= set(entry.secrets)
