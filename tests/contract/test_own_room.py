"""The kiosk's own room: tokens minted here or by a relay, and what the operator reads when neither works."""

from __future__ import annotations

import traceback
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from livekit import api, rtc
from pydantic import ValidationError

from kiosk.clock import SystemClock
from kiosk.providers.contract import Broken, Busy, Misconfigured, ProviderError, Unavailable
from kiosk.providers.http import HttpClient
from kiosk.providers.livekit_token import AgentDispatch, ParticipantKind, ParticipantRequest
from kiosk.providers.own_room import OwnRoom, OwnRoomSettings
from tests.contract.plain_http import plain_http
from tests.livekit_server import LiveKitServer
from tests.simulators.relay import Shape, TokenRelay
from tests.simulators.vendor_http import Fault, Reply

ExpectedLog = Callable[[str], None]

KEY = "testkey"
SECRET = "a-planted-room-secret-of-32-characters"
BEARER = "planted-relay-key-0123456789"
URL = "wss://rooms.example"
KEYS = {"KIOSK_LIVEKIT_API_KEY": KEY, "KIOSK_LIVEKIT_API_SECRET": SECRET}

KIOSK = ParticipantRequest(identity="kiosk", name="Kiosk", dispatch=AgentDispatch("concierge", "front"))
WORKER = ParticipantRequest(
    identity="worker",
    kind=ParticipantKind.AGENT,
    attributes={"lk.publish_on_behalf": "kiosk"},
    room_empty_timeout_s=3600,
)


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    client = plain_http()
    yield client
    await client.aclose()


@pytest.fixture
async def relay() -> AsyncIterator[TokenRelay]:
    relay = TokenRelay(KEY, SECRET, server_url=URL, bearer=BEARER)
    await relay.start()
    yield relay
    await relay.stop()


def own_room(http: HttpClient, secrets: Mapping[str, str], **table: Any) -> OwnRoom:
    return OwnRoom(OwnRoomSettings(**table), secrets, http, SystemClock())


def by_relay(http: HttpClient, relay: TokenRelay, **table: Any) -> OwnRoom:
    return own_room(http, {"KIOSK_LIVEKIT_RELAY_KEY": BEARER}, token_url=relay.url, **table)


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, SECRET, algorithms=["HS256"], issuer=KEY)
    return {key: value for key, value in claims.items() if key not in ("nbf", "exp")}


async def refusal(room: OwnRoom, *participants: ParticipantRequest) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await room.access("r", participants or [KIOSK])
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    for secret in (SECRET, BEARER, "eyJ"):
        assert secret not in told
    assert "\n" not in caught.value.operator_line
    return caught.value


async def test_minted_and_relayed_tokens_say_the_same(http: HttpClient, relay: TokenRelay) -> None:
    minted = await own_room(http, KEYS, url=URL).access("r", [KIOSK, WORKER])
    relayed = await by_relay(http, relay).access("r", [KIOSK, WORKER])
    assert minted.url == relayed.url == URL
    assert minted.room == relayed.room == "r"
    for identity in ("kiosk", "worker"):
        ours, theirs = claims_of(minted.tokens[identity]), claims_of(relayed.tokens[identity])
        if identity == "worker":
            # A relay wants a display name; here the identity serves.
            assert theirs.pop("name") == "worker"
        theirs = {key: value for key, value in theirs.items() if value != {}}
        assert ours == theirs
    assert minted.tokens["kiosk"] not in repr(minted)


async def test_the_request_is_the_standard_one(http: HttpClient, relay: TokenRelay) -> None:
    await by_relay(http, relay).access("r", [KIOSK, WORKER])
    calls = {call.body["participant_identity"]: call for call in relay.server.requests}
    assert calls["kiosk"].method == "POST"
    assert calls["kiosk"].headers["Authorization"] == f"Bearer {BEARER}"
    assert calls["kiosk"].body == {
        "room_name": "r",
        "participant_identity": "kiosk",
        "participant_name": "Kiosk",
        "participant_kind": "standard",
        "room_config": {"agents": [{"agentName": "concierge", "metadata": "front"}]},
    }
    assert calls["worker"].body["participant_kind"] == "agent"
    assert calls["worker"].body["participant_attributes"] == {"lk.publish_on_behalf": "kiosk"}
    assert calls["worker"].body["room_config"] == {"emptyTimeout": 3600}


@pytest.mark.parametrize("shape", ["standard", "camel", "short"])
async def test_every_shape_of_a_relays_answer(http: HttpClient, relay: TokenRelay, shape: Shape) -> None:
    relay.shape = shape
    access = await by_relay(http, relay).access("r", [KIOSK])
    assert access.url == URL
    assert claims_of(access.tokens["kiosk"])["sub"] == "kiosk"


async def test_a_relay_may_leave_the_server_to_the_settings(http: HttpClient, relay: TokenRelay) -> None:
    relay.server_url = None
    room = by_relay(http, relay, url="ws://desk.example:7880")
    assert (await room.access("r", [KIOSK])).url == "ws://desk.example:7880"
    error = await refusal(by_relay(http, relay))
    assert isinstance(error, Misconfigured)
    assert "[livekit] url" in error.operator_line


async def test_the_setting_wins_over_the_relays_server(http: HttpClient, relay: TokenRelay) -> None:
    assert (await by_relay(http, relay, url="wss://inside.example").access("r", [KIOSK])).url == "wss://inside.example"


async def test_a_relay_wins_over_key_and_secret(http: HttpClient, relay: TokenRelay) -> None:
    room = own_room(http, {**KEYS, "KIOSK_LIVEKIT_RELAY_KEY": BEARER}, token_url=relay.url, url=URL)
    await room.access("r", [KIOSK])
    assert len(relay.server.requests) == 1


async def test_an_open_relay_gets_no_credential(http: HttpClient, relay: TokenRelay) -> None:
    relay.bearer = ""
    await own_room(http, {}, token_url=relay.url).access("r", [KIOSK])
    assert "Authorization" not in relay.server.requests[0].headers


@pytest.mark.parametrize("field", ["room_name", "participant_identity", "participant_kind"])
async def test_a_relay_that_ignores_what_it_was_asked(http: HttpClient, relay: TokenRelay, field: str) -> None:
    relay.ignores = {field}
    error = await refusal(by_relay(http, relay), WORKER)
    assert isinstance(error, Misconfigured)
    assert field in error.operator_line


async def test_a_relay_may_decide_where_that_is_wanted(http: HttpClient, relay: TokenRelay) -> None:
    relay.ignores = {"room_name", "participant_identity"}
    access = await by_relay(http, relay).access("r", [KIOSK], relay_decides=True)
    assert claims_of(access.tokens["kiosk"])["sub"] == "somebody"


@pytest.mark.parametrize(
    ("status", "kind", "word"),
    [
        (400, Misconfigured, "token_url"),
        (401, Misconfigured, "KIOSK_LIVEKIT_RELAY_KEY"),
        (403, Misconfigured, "KIOSK_LIVEKIT_RELAY_KEY"),
        (404, Misconfigured, "token_url"),
        (302, Misconfigured, "token_url"),
        (408, Unavailable, "again"),
        (429, Busy, "waits"),
        (500, Unavailable, "again"),
        (503, Unavailable, "again"),
    ],
)
async def test_every_status_of_a_relay(
    http: HttpClient, relay: TokenRelay, status: int, kind: type[ProviderError], word: str
) -> None:
    relay.server.fail("token", Fault(Reply(status, {"error": f"no {BEARER} {SECRET}"}, {"Retry-After": "7"})), times=2)
    error = await refusal(by_relay(http, relay), KIOSK, WORKER)
    assert isinstance(error, kind)
    assert word in error.operator_line
    assert error.retry_after_s == (7 if error.retry else None)


async def test_a_wrong_relay_key(http: HttpClient, relay: TokenRelay) -> None:
    room = own_room(http, {"KIOSK_LIVEKIT_RELAY_KEY": "planted-wrong-relay-key"}, token_url=relay.url)
    error = await refusal(room)
    assert isinstance(error, Misconfigured)
    assert "planted" not in error.operator_line


@pytest.mark.parametrize(
    "fault",
    [Fault(hang_up=True), Fault(truncated=True), Fault(never_ends=True), Fault(delay_s=20)],
    ids=["hang-up", "truncated", "never ends", "slow"],
)
async def test_a_relay_that_breaks_off(relay: TokenRelay, fault: Fault, expected_log: ExpectedLog) -> None:
    """One of two participants fails: the other call does not go on behind the caller's back."""
    expected_log("kiosk.http")
    hurried = plain_http(timeout_s=0.4)
    await hurried.warm_up()
    relay.server.fail("token", fault)
    assert isinstance(await refusal(by_relay(hurried, relay), KIOSK, WORKER), Unavailable)
    await hurried.aclose()


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "<html>",
        {},
        {"server_url": URL},
        {"server_url": URL, "participant_token": None},
        {"server_url": URL, "participant_token": ""},
        {"server_url": URL, "participant_token": 5},
        {"server_url": URL, "participant_token": "no token"},
        {"server_url": URL, "participant_token": "a.b.c"},
        {"server_url": URL, "participant_token": "e30.e30.e30"},
    ],
    ids=repr,
)
async def test_a_relay_without_a_token(http: HttpClient, relay: TokenRelay, body: Any) -> None:
    relay.server.fail("token", Fault(Reply(200, body)))
    assert isinstance(await refusal(by_relay(http, relay)), Broken)


@pytest.mark.parametrize("url", ["https://x", "wss://", "x", "wss://a b", "wss://h:port", "wss://h\n"])
async def test_a_server_that_is_none(http: HttpClient, relay: TokenRelay, url: str) -> None:
    relay.server_url = url
    assert isinstance(await refusal(by_relay(http, relay)), Misconfigured)
    assert isinstance(await refusal(own_room(http, KEYS, url=url)), Misconfigured)


async def test_two_servers_for_one_room(http: HttpClient, relay: TokenRelay) -> None:
    token = (await by_relay(http, relay).access("r", [KIOSK])).tokens["kiosk"]
    body = {"server_url": "wss://elsewhere.example", "participant_token": token}
    relay.server.fail("token", Fault(Reply(201, body)))
    room = by_relay(http, relay)
    with pytest.raises(Broken, match="different servers"):
        await room.access("r", [KIOSK, WORKER], relay_decides=True)


@pytest.mark.parametrize(
    ("secrets", "table", "words"),
    [
        ({}, {}, ["KIOSK_LIVEKIT_API_KEY", "KIOSK_LIVEKIT_API_SECRET", "token_url"]),
        ({}, {"url": URL}, ["KIOSK_LIVEKIT_API_KEY", "KIOSK_LIVEKIT_API_SECRET"]),
        ({"KIOSK_LIVEKIT_API_KEY": KEY}, {"url": URL}, ["KIOSK_LIVEKIT_API_SECRET"]),
        ({"KIOSK_LIVEKIT_API_SECRET": SECRET}, {"url": URL}, ["KIOSK_LIVEKIT_API_KEY"]),
        (KEYS, {}, ["[livekit] url"]),
        (KEYS, {"url": "http://x"}, ["wss://"]),
        ({}, {"token_url": "wss://x"}, ["https://"]),
        ({}, {"token_url": "https://"}, ["https://"]),
    ],
)
async def test_what_is_missing_is_named(
    http: HttpClient, secrets: dict[str, str], table: dict[str, str], words: list[str]
) -> None:
    room = own_room(http, secrets, **table)
    error = await refusal(room)
    assert isinstance(error, Misconfigured)
    for word in words:
        assert word in error.operator_line
    with pytest.raises(Misconfigured):
        room.require()


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValidationError):
        OwnRoomSettings.model_validate({"uri": URL})


async def test_the_prefix_begins_the_name(http: HttpClient) -> None:
    assert own_room(http, KEYS, url=URL, room_prefix="lobby-").room_name("v1") == "lobby-v1"


async def test_a_real_server_takes_our_tokens(http: HttpClient, livekit_server: LiveKitServer) -> None:
    secrets = {"KIOSK_LIVEKIT_API_KEY": livekit_server.key, "KIOSK_LIVEKIT_API_SECRET": livekit_server.secret}
    line = await own_room(http, secrets, url=livekit_server.url).check()
    assert "accepts the token" in line
    assert livekit_server.secret not in line


class ClockThatIsWrong(SystemClock):
    def __init__(self, by_s: float):
        self._by_s = by_s

    def wall(self) -> float:
        return super().wall() + self._by_s


@pytest.mark.parametrize("by_s", [-86_400.0, 86_400.0])
async def test_a_wrong_clock_is_named(http: HttpClient, livekit_server: LiveKitServer, by_s: float) -> None:
    secrets = {"KIOSK_LIVEKIT_API_KEY": livekit_server.key, "KIOSK_LIVEKIT_API_SECRET": livekit_server.secret}
    room = OwnRoom(OwnRoomSettings(url=livekit_server.url), secrets, http, ClockThatIsWrong(by_s))
    with pytest.raises(Misconfigured, match="clock") as caught:
        await room.check()
    assert "eyJ" not in repr(caught.value)


@pytest.mark.parametrize("wrong", ["KIOSK_LIVEKIT_API_KEY", "KIOSK_LIVEKIT_API_SECRET"])
async def test_a_wrong_key_or_secret_is_named(http: HttpClient, livekit_server: LiveKitServer, wrong: str) -> None:
    secrets = {"KIOSK_LIVEKIT_API_KEY": livekit_server.key, "KIOSK_LIVEKIT_API_SECRET": livekit_server.secret}
    secrets[wrong] = "planted-and-wrong-and-32-characters-long"
    with pytest.raises(Misconfigured, match="KIOSK_LIVEKIT_API_SECRET") as caught:
        await own_room(http, secrets, url=livekit_server.url).check()
    assert "planted" not in repr(caught.value)
    assert "eyJ" not in repr(caught.value)


async def test_a_server_that_is_not_there(http: HttpClient, relay: TokenRelay, expected_log: ExpectedLog) -> None:
    expected_log("kiosk.http")
    gone = relay.server.base_url.replace("http", "ws")
    await relay.stop()
    with pytest.raises(Unavailable):
        await own_room(http, KEYS, url=gone).check()
    with pytest.raises(Unavailable):
        await by_relay(http, relay).check()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(url=st.text(max_size=30) | st.text("ws:/.@[]?#%: \tx1\x00", max_size=20))
def test_any_url_is_taken_or_refused(url: str) -> None:
    room = OwnRoom(OwnRoomSettings(url=url), KEYS, plain_http(), SystemClock())
    try:
        room.require()
    except Misconfigured:
        return
    assert url.lower().startswith(("ws://", "wss://"))


async def test_a_room_with_agents_only_is_kept_as_long_as_asked(
    http: HttpClient, livekit_server: LiveKitServer
) -> None:
    """The server counts such a room as empty and would close it in the middle of the visit."""
    secrets = {"KIOSK_LIVEKIT_API_KEY": livekit_server.key, "KIOSK_LIVEKIT_API_SECRET": livekit_server.secret}
    access = await own_room(http, secrets, url=livekit_server.url).access("agents-only", [WORKER])
    room = rtc.Room()
    server = api.LiveKitAPI(livekit_server.http_url, livekit_server.key, livekit_server.secret)
    try:
        await room.connect(access.url, access.tokens["worker"])
        listed = await server.room.list_rooms(api.ListRoomsRequest(names=["agents-only"]))
        assert [entry.empty_timeout for entry in listed.rooms] == [3600]
    finally:
        await room.disconnect()
        await server.aclose()
