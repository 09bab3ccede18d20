"""The LiveAvatar provider against its strict simulator: each call as documented."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from kiosk.providers.contract import (
    Capabilities,
    EndReason,
    LiveKitGrant,
    Misconfigured,
    SessionRef,
    SpeechRoute,
    Visit,
)
from kiosk.providers.liveavatar import API_KEY, RELAY_KEY
from kiosk.providers.liveavatar_messages import LiveAvatarMessages
from tests.contract.deepbrain_rig import NOW
from tests.contract.liveavatar_rig import Rig, rig
from tests.simulators.liveavatar import (
    AVATAR_ID,
    CONTEXT_ID,
    LLM_ID,
    SANDBOX_AVATAR_ID,
    VOICE_AGENT_ID,
    VOICE_ID,
)
from tests.simulators.vendor_http import Call, Reply, VendorServer

VISIT = Visit("visit-1", "de")


@pytest.fixture
async def desk() -> AsyncIterator[Rig]:
    async with rig() as made:
        yield made


async def test_a_session_from_start_to_end(desk: Rig) -> None:
    provider = desk.provider()
    grant = await provider.start(VISIT)
    (session,) = desk.simulator.sessions.values()
    assert isinstance(grant, LiveKitGrant)
    assert grant.session == SessionRef("liveavatar", "visit-1", session.session_id, NOW)
    assert grant.url == "wss://rooms.invalid"
    assert grant.token.startswith("eyJ")
    assert grant.avatar_identity == "heygen"
    assert grant.speech is SpeechRoute.MICROPHONE
    assert grant.max_duration_s == 1200
    assert grant.messages == LiveAvatarMessages()
    await provider.end(grant.session, EndReason.VISITOR_LEFT)
    assert session.end_reason == "USER_CLOSED"
    assert desk.simulator.open_sessions() == []
    assert [call.endpoint for call in desk.simulator.requests] == ["token", "start", "stop"]


async def test_each_call_carries_its_own_credentials_and_no_other(desk: Rig) -> None:
    provider = desk.provider(keep_alive_s=0.05)
    grant = await provider.start(VISIT)
    session = desk.simulator.sessions[grant.session.session_id or ""]
    await until(lambda: session.signs_of_life)
    await provider.end(grant.session, EndReason.IDLE)
    await provider.check()
    for call in desk.simulator.requests:
        key, bearer = call.headers.get("X-API-KEY"), call.headers.get("Authorization")
        by_key = call.endpoint in ("token", "stop", "credits")
        assert key == (desk.simulator.api_key if by_key else None), call.endpoint
        assert bearer == (None if by_key else f"Bearer {session.token}"), call.endpoint
    (start,) = desk.simulator.calls("start")
    assert start.raw == b""
    assert desk.simulator.calls("keep_alive")[0].body == {"session_id": session.session_id}
    assert desk.simulator.calls("stop")[0].body == {"session_id": session.session_id, "reason": "IDLE_TIMEOUT"}


@pytest.mark.parametrize(
    ("table", "body"),
    [
        ({}, {"avatar_persona": {"language": "de", "context_id": CONTEXT_ID}}),
        ({"language": "en"}, {"avatar_persona": {"language": "en", "context_id": CONTEXT_ID}}),
        (
            {"voice_id": VOICE_ID},
            {"avatar_persona": {"language": "de", "context_id": CONTEXT_ID, "voice_id": VOICE_ID}},
        ),
        ({"context_id": ""}, {"avatar_persona": {"language": "de"}}),
        (
            {"context_id": "", "voice_agent_id": VOICE_AGENT_ID, "dynamic_variables": {"name": "Ada"}},
            {"voice_agent": {"id": VOICE_AGENT_ID, "language": "de", "dynamic_variables": {"name": "Ada"}}},
        ),
        (
            {
                "context_id": "",
                "dynamic_variables": {"name": "Ada"},
                "llm_configuration_id": LLM_ID,
                "quality": "medium",
                "encoding": "VP8",
                "max_session_duration": 300,
                "sandbox": True,
                "avatar_id": SANDBOX_AVATAR_ID,
            },
            {
                "avatar_id": SANDBOX_AVATAR_ID,
                "avatar_persona": {"language": "de"},
                "dynamic_variables": {"name": "Ada"},
                "llm_configuration_id": LLM_ID,
                "video_settings": {"quality": "medium", "encoding": "VP8"},
                "max_session_duration": 300,
                "is_sandbox": True,
            },
        ),
    ],
    ids=["least", "language", "voice", "no context", "voice agent", "all"],
)
async def test_the_token_asks_for_what_is_set_and_nothing_else(
    desk: Rig, table: dict[str, Any], body: dict[str, Any]
) -> None:
    await desk.provider(**table).start(VISIT)
    assert desk.simulator.calls("token")[0].body == {"mode": "FULL", "avatar_id": AVATAR_ID, **body}


@pytest.mark.parametrize(
    ("answered", "seconds"), [(300, 300.0), (None, None), (0, None), (-5, None), (10**9, 86_400.0)]
)
async def test_the_longest_session_is_in_seconds(desk: Rig, answered: int | None, seconds: float | None) -> None:
    desk.simulator.switches.max_session_duration = answered
    grant = await desk.provider().start(VISIT)
    assert isinstance(grant, LiveKitGrant)
    assert grant.max_duration_s == seconds


@pytest.mark.parametrize("code", [100, 1000])
async def test_either_code_of_a_success_will_do(desk: Rig, code: int) -> None:
    """The reference says 100, the vendor's own client waits for 1000."""
    desk.simulator.switches.success_code = code
    provider = desk.provider()
    await provider.end((await provider.start(VISIT)).session, EndReason.VISITOR_LEFT)
    assert desk.simulator.open_sessions() == []


async def test_without_a_context_nobody_is_listened_to(desk: Rig) -> None:
    provider = desk.provider(context_id="", avatar_identity="")
    assert provider.capabilities == Capabilities(interrupts=True)
    grant = await provider.start(VISIT)
    assert isinstance(grant, LiveKitGrant)
    assert grant.speech is SpeechRoute.NONE
    assert grant.avatar_identity is None
    assert "answers nothing" in await provider.check()


@pytest.mark.parametrize("table", [{}, {"context_id": "", "voice_agent_id": VOICE_AGENT_ID}])
async def test_with_a_context_the_vendor_answers(desk: Rig, table: dict[str, Any]) -> None:
    assert desk.provider(**table).capabilities == Capabilities(interrupts=True, hosted_dialogue=True)


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (EndReason.VISITOR_LEFT, "USER_CLOSED"),
        (EndReason.SHUTDOWN, "USER_CLOSED"),
        (EndReason.SWITCHED, "USER_CLOSED"),
        (EndReason.IDLE, "IDLE_TIMEOUT"),
        (EndReason.TIME_LIMIT, "MAX_DURATION_REACHED"),
        (EndReason.FAULT, "UNKNOWN"),
        (EndReason.ORPHAN, "UNKNOWN"),
    ],
)
async def test_the_vendor_is_told_why(desk: Rig, reason: EndReason, told: str) -> None:
    provider = desk.provider()
    grant = await provider.start(VISIT)
    await provider.end(grant.session, reason)
    assert desk.simulator.sessions[grant.session.session_id or ""].end_reason == told


@pytest.mark.parametrize("again", [200, 400, 404, 409])
@pytest.mark.parametrize("history", [True, False])
async def test_ending_twice_is_ending_once(desk: Rig, again: int, history: bool) -> None:
    desk.simulator.switches.stopped_again = again
    desk.simulator.switches.history_knows = history
    provider = desk.provider()
    session = (await provider.start(VISIT)).session
    await provider.end(session, EndReason.VISITOR_LEFT)
    await provider.end(session, EndReason.VISITOR_LEFT)
    assert desk.simulator.sessions[session.session_id or ""].end_reason == "USER_CLOSED"


async def test_a_session_of_an_earlier_run_is_ended_with_the_key(desk: Rig) -> None:
    session = (await desk.provider().start(VISIT)).session
    await desk.provider().end(session, EndReason.ORPHAN)
    assert desk.simulator.open_sessions() == []


async def test_signs_of_life_are_sent_until_the_end(desk: Rig) -> None:
    provider = desk.provider(keep_alive_s=0.02)
    grant = await provider.start(VISIT)
    session = desk.simulator.sessions[grant.session.session_id or ""]
    await until(lambda: session.signs_of_life >= 3)
    await provider.end(grant.session, EndReason.VISITOR_LEFT)
    seen = len(desk.simulator.calls("keep_alive"))
    await asyncio.sleep(0.1)
    assert len(desk.simulator.calls("keep_alive")) == seen


async def test_closing_ends_the_signs_of_life(desk: Rig) -> None:
    provider = desk.provider(keep_alive_s=0.02)
    await provider.start(VISIT)
    await until(lambda: desk.simulator.calls("keep_alive"))
    await provider.aclose()
    seen = len(desk.simulator.calls("keep_alive"))
    await asyncio.sleep(0.1)
    assert len(desk.simulator.calls("keep_alive")) == seen


async def test_the_doctor_reads_the_credits_and_starts_nothing(desk: Rig) -> None:
    seen = await desk.provider().check()
    assert "accepts the key" in seen
    assert "42.5" in seen
    assert desk.simulator.sessions == {}


async def test_what_the_vendor_cannot_do_says_so(desk: Rig) -> None:
    provider = desk.provider()
    grant = await provider.start(VISIT)
    with pytest.raises(Misconfigured):
        await provider.renew(grant)
    with pytest.raises(Misconfigured):
        await provider.say(grant.session, "Hello.")


def test_a_key_or_a_relay_is_needed(desk: Rig) -> None:
    with pytest.raises(Misconfigured, match=API_KEY):
        desk.provider(secrets={})


@pytest.mark.parametrize("wrapped", [True, False])
async def test_a_relay_keeps_the_key(desk: Rig, wrapped: bool) -> None:
    """The kiosk holds no key of the account; what it starts it stops with the session's own token."""
    relay = VendorServer()
    issuer = desk.provider()

    async def serve(call: Call) -> Reply:
        assert call.headers["Authorization"] == "Bearer relay-secret"
        answer = await desk.http.request(
            "POST",
            f"{desk.simulator.base_url}/v1/sessions/token",
            what="relay",
            headers={"X-API-KEY": desk.simulator.api_key},
            json=call.body,
        )
        assert isinstance(answer.json, dict)
        return Reply(200, answer.json if wrapped else answer.json["data"])

    relay.route("POST", "/liveavatar", "relay", serve)
    await relay.start()
    try:
        provider = desk.provider(secrets={RELAY_KEY: "relay-secret"}, token_url=f"{relay.base_url}/liveavatar")
        assert "gives session tokens" in await provider.check()
        grant = await provider.start(VISIT)
        await provider.end(grant.session, EndReason.VISITOR_LEFT)
        assert desk.simulator.open_sessions() == []
        assert all("X-API-KEY" not in call.headers for call in desk.simulator.calls("stop"))
    finally:
        await relay.stop()
    assert issuer.capabilities.hosted_dialogue


async def until(condition: Callable[[], object], within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.01)
