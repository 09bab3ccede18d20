"""Starting: what is sent, what both tokens say, what the grant holds, how a token is renewed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import jwt
import pytest
from livekit import rtc
from pydantic import ValidationError

from kiosk.providers.agenthuman import PROVIDER, AgentHumanSettings
from kiosk.providers.contract import Broken, LiveKitGrant, Misconfigured, SpeechRoute, Visit
from kiosk.providers.own_room import OwnRoomSettings
from tests.contract.agenthuman_desk import AVATAR, ROOM_KEY, ROOM_SECRET, ROOM_URL, VISIT, Desk, desk, started
from tests.livekit_server import LiveKitServer
from tests.simulators.agenthuman import Session
from tests.simulators.relay import TokenRelay
from tests.simulators.vendor_http import Fault, Reply

WORKER = "agenthuman-avatar-agent"


@pytest.fixture
async def bench() -> AsyncIterator[Desk]:
    async with desk() as bench:
        yield bench


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, ROOM_SECRET, algorithms=["HS256"], issuer=ROOM_KEY)
    return claims


async def test_the_request_is_the_documented_one(bench: Desk) -> None:
    await started(bench.provider(aspect_ratio="3:4", metadata={"kiosk": "front-1", "floor": 2, "tags": ["a", None]}))
    call = bench.vendor.server.calls("create")[0]
    assert (call.method, call.path) == ("POST", "/v1/sessions")
    assert call.headers["x-api-key"] == bench.vendor.api_key
    assert call.headers["Content-Type"] == "application/json"
    token = call.body["room"].pop("token")
    assert call.body == {
        "avatar": AVATAR,
        "aspect_ratio": "3:4",
        "room": {"platform": "livekit", "url": ROOM_URL},
        "metadata": {"kiosk": "front-1", "floor": 2, "tags": ["a", None], "kiosk_visit": VISIT.id},
    }
    assert claims_of(token)["sub"] == WORKER


@pytest.mark.parametrize("ratio", ["4:3", "3:4", "1:1"])
async def test_every_aspect_ratio(bench: Desk, ratio: str) -> None:
    await started(bench.provider(aspect_ratio=ratio))
    assert [session.aspect_ratio for session in bench.vendor.open_sessions] == [ratio]


@pytest.mark.parametrize(
    "avatar", ["PUBLIC/Avatars/anna", "https://example.com/face.jpg", "data:image/png;base64,iVBO"]
)
async def test_every_way_to_name_an_avatar(bench: Desk, avatar: str) -> None:
    await started(bench.provider(avatar=avatar))
    assert [session.avatar for session in bench.vendor.open_sessions] == [avatar]


async def test_streaming_grant_and_tokens(bench: Desk) -> None:
    provider = bench.provider()
    grant = await started(provider)
    assert grant.session.provider == "agenthuman"
    assert grant.session.visit_id == VISIT.id
    assert grant.session.session_id in bench.vendor.sessions
    assert grant.url == ROOM_URL
    assert grant.avatar_identity == WORKER
    assert (grant.speech, grant.stream_sample_rate) == (SpeechRoute.STREAM, 16_000)
    assert grant.max_duration_s == pytest.approx(4 * 3600)
    assert grant.token not in repr(grant)

    kiosk = claims_of(grant.token)
    worker = claims_of(bench.vendor.server.calls("create")[0].body["room"]["token"])
    assert (kiosk["sub"], kiosk["kind"], kiosk["video"]["room"]) == ("kiosk", "agent", grant.room)
    assert (worker["sub"], worker["kind"], worker["video"]["room"]) == (WORKER, "agent", grant.room)
    assert worker["name"] == WORKER
    assert worker["attributes"] == {"lk.publish_on_behalf": "kiosk"}
    assert "attributes" not in kiosk  # with the attribute it would pass for a worker itself
    # A room with agents only counts as empty: whoever creates it must ask for the time of a visit.
    assert worker["roomConfig"] == kiosk["roomConfig"] == {"emptyTimeout": 4 * 3600}

    can = provider.capabilities
    assert (can.interrupts, can.hosted_dialogue, can.renews, can.says, can.video) == (True, False, True, False, True)


async def test_a_real_server_seats_both_as_the_contract_says(bench: Desk, livekit_server: LiveKitServer) -> None:
    """Kind and attribute are what the two find each other by."""
    bench.room = OwnRoomSettings(url=livekit_server.url)
    secrets = bench.secrets()
    secrets |= {"KIOSK_LIVEKIT_API_KEY": livekit_server.key, "KIOSK_LIVEKIT_API_SECRET": livekit_server.secret}
    face, kiosk = rtc.Room(), rtc.Room()

    async def join(session: Session, url: str, token: str, body: dict[str, Any]) -> None:
        await face.connect(url, token)

    bench.vendor.on_start = join
    try:
        provider = bench.provider(secrets)
        grant = await started(provider)
        await kiosk.connect(grant.url, grant.token)
        seen = kiosk.remote_participants[WORKER]
        assert kiosk.name == face.name == grant.room
        assert (seen.kind, seen.name) == (rtc.ParticipantKind.PARTICIPANT_KIND_AGENT, WORKER)
        assert seen.attributes["lk.publish_on_behalf"] == kiosk.local_participant.identity
        assert kiosk.local_participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
    finally:
        await kiosk.disconnect()
        await face.disconnect()


async def test_agent_grant_and_tokens(bench: Desk) -> None:
    provider = bench.provider(speech="agent", agent_name="concierge")
    grant = await started(provider)
    assert grant.speech is SpeechRoute.MICROPHONE
    kiosk = claims_of(grant.token)
    worker = claims_of(bench.vendor.server.calls("create")[0].body["room"]["token"])
    assert kiosk["kind"] == "standard"
    assert worker["kind"] == "agent"
    assert worker["attributes"] == {"lk.publish_on_behalf": "concierge"}
    # Dispatch counts only in the token of whoever creates the room, and that may be either.
    assert kiosk["roomConfig"] == worker["roomConfig"] == {"agents": [{"agentName": "concierge"}]}
    can = provider.capabilities
    assert (can.interrupts, can.hosted_dialogue, can.renews) == (False, True, True)


async def test_an_agent_that_joins_by_itself(bench: Desk) -> None:
    grant = await started(bench.provider(speech="agent", agent_identity="agent-7"))
    worker = claims_of(bench.vendor.server.calls("create")[0].body["room"]["token"])
    assert worker["attributes"] == {"lk.publish_on_behalf": "agent-7"}
    assert "roomConfig" not in worker
    assert "roomConfig" not in claims_of(grant.token)


async def test_another_avatar_identity(bench: Desk) -> None:
    grant = await started(bench.provider(avatar_identity="face"))
    assert grant.avatar_identity == "face"
    assert claims_of(bench.vendor.server.calls("create")[0].body["room"]["token"])["sub"] == "face"


async def test_each_start_has_a_room_of_its_own(bench: Desk) -> None:
    provider = bench.provider()
    first, second = await started(provider), await started(provider)
    assert first.room != second.room
    assert first.room.startswith("kiosk-visit-1")


async def test_both_success_statuses_and_the_data_wrapper(bench: Desk) -> None:
    provider = bench.provider()
    for wrapped in (False, True):
        bench.vendor.wraps_data = wrapped
        for _ in range(2):  # the simulator alternates between 200 and 201
            grant = await started(provider)
            assert grant.session.session_id in bench.vendor.sessions


@pytest.mark.parametrize(
    ("started_at", "expiration", "expected"),
    [
        ("2024-01-15T10:30:00Z", "2024-01-15T14:30:00Z", 14_400.0),
        ("2024-01-15T10:30:00", "2024-01-15T10:40:00+00:00", 600.0),
        ("2024-01-15T10:30:00Z", "2024-01-15T10:30:00Z", None),
        ("2024-01-15T10:30:00Z", None, None),
        (None, "2024-01-15T10:30:00Z", None),
        ("yesterday", "tomorrow", None),
        ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", 315_537_998_399.0),
    ],
)
async def test_the_longest_duration_is_told_by_the_vendors_own_clock(
    bench: Desk, started_at: str | None, expiration: str | None, expected: float | None
) -> None:
    session = {"session_id": "sess_1", "status": "started", "started_at": started_at, "expiration": expiration}
    bench.vendor.server.fail("create", Fault(Reply(201, {"success": True, "session": session})))
    grant = await started(bench.provider())
    if expected is None:
        assert grant.max_duration_s is None
    else:
        assert grant.max_duration_s == pytest.approx(expected, rel=1e-3)


async def test_unknown_and_missing_fields_do_no_harm(bench: Desk) -> None:
    session = {"session_id": "sess_1", "status": "started", "mood": "good", "room": {"daily_room": 1}}
    bench.vendor.server.fail("create", Fault(Reply(200, {"success": True, "session": session, "extra": [1]})))
    grant = await started(bench.provider())
    assert grant.session.session_id == "sess_1"


async def test_renewing_gives_a_fresh_token_for_the_same_room(bench: Desk) -> None:
    provider = bench.provider()
    grant = await started(provider)
    stale = replace(grant, token="stale")
    renewed = await provider.renew(stale)
    assert isinstance(renewed, LiveKitGrant)
    assert renewed == replace(stale, token=renewed.token)
    before, after = claims_of(grant.token), claims_of(renewed.token)
    for times in ("nbf", "exp"):
        before.pop(times)
        after.pop(times)
    assert before == after
    assert len(bench.vendor.server.calls("create")) == 1


async def test_tokens_from_a_relay(bench: Desk) -> None:
    relay = TokenRelay(ROOM_KEY, ROOM_SECRET, server_url="wss://relayed.example")
    bench.room = OwnRoomSettings(token_url=await relay.start())
    try:
        secrets = {"KIOSK_AGENTHUMAN_API_KEY": bench.vendor.api_key}
        grant = await started(bench.provider(secrets))
    finally:
        await relay.stop()
    room = bench.vendor.server.calls("create")[0].body["room"]
    assert grant.url == room["url"] == "wss://relayed.example"
    assert claims_of(grant.token)["roomConfig"] == {"emptyTimeout": 4 * 3600}
    assert claims_of(room["token"])["attributes"] == {"lk.publish_on_behalf": "kiosk"}


async def test_a_relay_that_knows_no_kinds_is_named_before_money_is_spent(bench: Desk) -> None:
    relay = TokenRelay(ROOM_KEY, ROOM_SECRET, server_url="wss://relayed.example")
    relay.ignores = {"participant_kind"}
    bench.room = OwnRoomSettings(token_url=await relay.start())
    try:
        error = await bench.failed_start(bench.provider())
    finally:
        await relay.stop()
    assert isinstance(error, Misconfigured)
    assert "participant_kind" in error.operator_line
    assert bench.vendor.server.requests == []


@pytest.mark.parametrize(
    ("dropped", "settings", "word"),
    [
        ("KIOSK_AGENTHUMAN_API_KEY", {}, "KIOSK_AGENTHUMAN_API_KEY"),
        ("KIOSK_LIVEKIT_API_SECRET", {}, "KIOSK_LIVEKIT_API_SECRET"),
        ("", {"avatar": ""}, "avatar"),
        ("", {"speech": "websocket"}, '"stream" or "agent"'),
        ("", {"speech": "agent"}, "agent_name"),
        ("", {"avatar_identity": "kiosk"}, "avatar_identity"),
    ],
)
async def test_what_cannot_work_is_refused_when_it_is_made(
    bench: Desk, dropped: str, settings: dict[str, Any], word: str
) -> None:
    secrets = {name: value for name, value in bench.secrets().items() if name != dropped}
    with pytest.raises(Misconfigured, match=word):
        bench.provider(secrets, **settings)


@pytest.mark.parametrize(
    "table",
    [
        {"aspect_ratio": "16:9"},
        {"speech": "telepathy"},
        {"metadata": [1]},
        {"metadata": {"a": object()}},
        {"room": {"platform": "daily"}},
        {"room": {"platform": "livekit", "name": "x"}},
        {"avatar_identity": ""},
        {"avatar_id": AVATAR},
    ],
)
def test_settings_outside_the_documents_are_refused(table: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AgentHumanSettings.model_validate(table)


def test_the_registry_entry() -> None:
    assert PROVIDER.name == "agenthuman"
    assert PROVIDER.settings is AgentHumanSettings
    assert "KIOSK_AGENTHUMAN_API_KEY" in PROVIDER.secrets


async def test_there_is_no_text_to_say(bench: Desk) -> None:
    provider = bench.provider()
    grant = await started(provider)
    with pytest.raises(Misconfigured):
        await provider.say(grant.session, "hello")
    await provider.aclose()
    with pytest.raises(Broken):
        await bench.provider({}, link_id="lnk_1").renew(grant)


async def test_two_visits_are_told_apart(bench: Desk) -> None:
    provider = bench.provider()
    await provider.start(Visit("visit-1"))
    await provider.start(Visit("visit-2"))
    assert sorted(s.metadata["kiosk_visit"] for s in bench.vendor.open_sessions) == ["visit-1", "visit-2"]
