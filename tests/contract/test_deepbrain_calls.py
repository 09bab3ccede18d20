"""The DeepBrain provider against its strict simulator: each call as documented."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from kiosk.providers.contract import (
    Capabilities,
    EndReason,
    LiveKitGrant,
    Misconfigured,
    ProviderError,
    SessionRef,
    SpeechRoute,
    Visit,
)
from kiosk.providers.deepbrain import RELAY_KEY
from kiosk.providers.deepbrain_answers import USER_KEY
from kiosk.providers.registry import load_providers
from tests.contract.deepbrain_rig import NOW, Rig, assert_silent, rig
from tests.simulators.deepbrain import APP_ID, AVATAR_ID
from tests.simulators.deepbrain import USER_KEY as KEY_VALUE
from tests.simulators.vendor_http import Call, Fault, Reply, VendorServer

VISIT = Visit("visit-1", "ko")


@pytest.fixture
async def stage() -> AsyncIterator[Rig]:
    async with rig() as made:
        yield made


async def test_a_session_from_start_to_end(stage: Rig) -> None:
    provider = stage.provider()
    grant = await provider.start(VISIT)
    (session,) = stage.simulator.sessions.values()
    assert isinstance(grant, LiveKitGrant)
    assert grant.session == SessionRef("deepbrain", "visit-1", session.session_id, NOW)
    assert grant.url == "wss://rooms.invalid"
    assert grant.token.startswith("eyJ")
    assert grant.room == session.room
    assert grant.avatar_identity is None
    assert grant.speech is SpeechRoute.NONE
    assert grant.max_duration_s == 20 * 60

    await provider.say(grant.session, "Good morning.")
    assert session.spoken == ["Good morning."]

    await provider.end(grant.session, EndReason.VISITOR_LEFT)
    assert session.end_reason == "USER_CLOSED"
    assert stage.simulator.open_sessions() == []
    assert [call.endpoint for call in stage.simulator.requests] == ["token", "start", "talk", "stop"]


async def test_each_call_carries_its_own_credentials_and_no_other(stage: Rig) -> None:
    provider = stage.provider()
    grant = await provider.start(VISIT)
    session_id = grant.session.session_id or ""
    await provider.say(grant.session, "Hello.")
    await provider.detail(session_id)
    await provider.list_sessions()
    await provider.end(grant.session, EndReason.IDLE)
    for call in stage.simulator.requests:
        bearer, key = "Authorization" in call.headers, call.headers.get("STUDIO-API-KEY")
        assert bearer is (call.endpoint in ("start", "talk")), call.endpoint
        assert key == (KEY_VALUE if call.endpoint in ("stop", "list", "detail") else None), call.endpoint
        assert (KEY_VALUE in call.raw.decode()) is (call.endpoint == "token"), call.endpoint
        if call.method == "POST":
            assert call.headers["Content-Type"] == "application/json"
    assert stage.simulator.calls("token")[0].body == {"appId": APP_ID, "userKey": KEY_VALUE}
    assert stage.simulator.calls("talk")[0].body == {"message": "Hello."}
    assert stage.simulator.calls("stop")[0].body == {"session_id": session_id, "reason": "TIMEOUT"}


async def test_one_token_for_each_session(stage: Rig) -> None:
    provider = stage.provider()
    for _ in range(3):
        await provider.start(VISIT)
    assert len({call.headers["Authorization"] for call in stage.simulator.calls("start")}) == 3


FULL_TABLE: dict[str, Any] = {
    "language": "en",
    "persona": {
        "language": "en-US",
        "llm_configurations": {
            "provider": "anthropic",
            "model": "a-model",
            "temperature": 0.4,
            "custom_settings": {"system_prompt": "You sit at a reception desk."},
        },
    },
    "greeting_text": "Welcome.",
    "max_session_duration": 7,
    "lip_audio_mode": "a-mode",
}


@pytest.mark.parametrize(
    ("table", "body"),
    [
        ({}, {"avatar_persona": {"language": "ko"}}),
        ({"language": "en-US"}, {"avatar_persona": {"language": "en-US"}}),
        ({"persona": {"language": "de"}, "language": "en"}, {"avatar_persona": {"language": "de"}}),
        ({"greeting_text": "Hi."}, {"avatar_persona": {"language": "ko"}, "greeting_text": "Hi."}),
        (
            {"persona": {"llm_configurations": {"temperature": 0}}},
            {"avatar_persona": {"language": "ko", "llm_configurations": {"temperature": 0}}},
        ),
        (
            FULL_TABLE,
            {name if name != "persona" else "avatar_persona": FULL_TABLE[name] for name in list(FULL_TABLE)[1:]},
        ),
    ],
)
async def test_start_sends_what_is_set_and_nothing_else(
    stage: Rig, table: dict[str, Any], body: dict[str, Any]
) -> None:
    stage.simulator.switches.reject_unknown_fields = True
    await stage.provider(**table).start(VISIT)
    assert stage.simulator.calls("start")[0].body == {"avatar_id": AVATAR_ID, **body}


async def test_only_the_server_speaks_the_greeting(stage: Rig) -> None:
    await stage.provider(greeting_text="Welcome.").start(VISIT)
    await stage.provider(greeting_text="Welcome.", lip_audio_mode="a-mode").start(VISIT)
    with_greeting, without = stage.simulator.sessions.values()
    assert with_greeting.spoken == ["Welcome."]
    assert without.spoken == []
    assert stage.simulator.calls("talk") == []


@pytest.mark.parametrize(
    ("unit", "answered", "seconds"),
    [
        ("minutes", 20, 1200.0),
        ("seconds", 20, 20.0),
        ("minutes", 0.5, 30.0),
        ("minutes", None, None),
        ("minutes", 0, None),
        ("minutes", -1, None),
        ("minutes", 1e300, 86_400.0),
    ],
)
async def test_the_longest_session(stage: Rig, unit: str, answered: float | None, seconds: float | None) -> None:
    livekit = {"url": "wss://h", "token": "t"}
    data = {"session_id": "s", "livekit": livekit, "max_session_duration": answered, "new_field": {"x": 1}}
    stage.simulator.fail("start", Fault(Reply(200, {"code": 1000, "data": data, "message": None})))
    grant = await stage.provider(max_session_duration_unit=unit).start(VISIT)
    assert grant.max_duration_s == seconds


@pytest.mark.parametrize(
    ("table", "hosted", "speech"),
    [
        ({}, False, SpeechRoute.NONE),
        ({"persona": {"language": "en"}}, False, SpeechRoute.NONE),
        ({"persona": {"llm_configurations": {"provider": "openai"}}}, True, SpeechRoute.NONE),
        ({"publish_microphone": True}, True, SpeechRoute.MICROPHONE),
    ],
)
async def test_capabilities_and_the_way_of_speech(
    stage: Rig, table: dict[str, Any], hosted: bool, speech: SpeechRoute
) -> None:
    provider = stage.provider(**table)
    assert provider.capabilities == Capabilities(says=True, hosted_dialogue=hosted)
    grant = await provider.start(VISIT)
    assert isinstance(grant, LiveKitGrant)
    assert grant.speech is speech


@pytest.mark.parametrize(
    ("reason", "sent"),
    [
        (EndReason.VISITOR_LEFT, "USER_CLOSED"),
        (EndReason.SHUTDOWN, "USER_CLOSED"),
        (EndReason.IDLE, "TIMEOUT"),
        (EndReason.TIME_LIMIT, "TIMEOUT"),
        (EndReason.FAULT, "ERROR"),
        (EndReason.ORPHAN, "ERROR"),
    ],
)
async def test_every_reason_is_one_that_the_vendor_knows(stage: Rig, reason: EndReason, sent: str) -> None:
    provider = stage.provider()
    grant = await provider.start(VISIT)
    await provider.end(grant.session, reason)
    assert stage.simulator.sessions[grant.session.session_id or ""].end_reason == sent


async def test_ending_twice_or_after_expiry_is_no_error(stage: Rig) -> None:
    provider = stage.provider()
    grant = await provider.start(VISIT)
    await provider.end(grant.session, EndReason.IDLE)
    await provider.end(grant.session, EndReason.IDLE)
    other = await provider.start(VISIT)
    await stage.simulator.expire(other.session.session_id or "")
    await provider.end(other.session, EndReason.TIME_LIMIT)
    await provider.end(SessionRef("deepbrain", "v", "never-existed", 0.0), EndReason.ORPHAN)


async def test_an_orphan_is_ended_by_another_process(stage: Rig) -> None:
    grant = await stage.provider().start(VISIT)
    await stage.provider().end(grant.session, EndReason.ORPHAN)
    assert stage.simulator.open_sessions() == []


async def test_a_session_without_an_id_is_reported_and_harms_no_other(
    stage: Rig, expected_log: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    expected_log("visit visit-9 may have begun, .* active sessions of the account: 2")
    provider = stage.provider()
    await provider.start(VISIT)
    await provider.start(VISIT)
    await provider.end(SessionRef("deepbrain", "visit-9", None, 0.0), EndReason.ORPHAN)
    assert len(stage.simulator.open_sessions()) == 2
    assert "visit-9" in caplog.text


async def test_a_session_without_an_id_while_the_vendor_is_down(
    stage: Rig, expected_log: Callable[[str], None]
) -> None:
    expected_log("visit visit-9 may have begun, .* the active sessions are not known")
    stage.simulator.fail_with("list", 5000)
    await stage.provider().end(SessionRef("deepbrain", "visit-9", None, 0.0), EndReason.ORPHAN)


async def test_a_session_cannot_be_renewed(stage: Rig) -> None:
    provider = stage.provider()
    grant = await provider.start(VISIT)
    assert provider.capabilities.renews is False
    with pytest.raises(Misconfigured, match="start a new one"):
        await provider.renew(grant)


async def test_long_speech_goes_out_in_order_and_whole(stage: Rig) -> None:
    provider = stage.provider()
    grant = await provider.start(VISIT)
    text = " ".join(f"This is sentence number {n} of a long answer." for n in range(60))
    await provider.say(grant.session, text)
    spoken = stage.simulator.sessions[grant.session.session_id or ""].spoken
    assert " ".join(spoken) == text
    assert all(len(piece) <= 500 and piece.endswith(".") for piece in spoken)


@pytest.mark.parametrize("text", ["", "  \n "])
async def test_nothing_to_say_is_no_call(stage: Rig, text: str) -> None:
    provider = stage.provider()
    grant = await provider.start(VISIT)
    await provider.say(grant.session, text)
    assert stage.simulator.calls("talk") == []


async def test_every_character_that_a_visitor_may_cause_can_be_said(stage: Rig) -> None:
    provider = stage.provider()
    grant = await provider.start(VISIT)
    await provider.say(grant.session, 'ä "quoted" 안녕하세요 😀 \\ \x00 lone \ud800 end')
    (spoken,) = stage.simulator.sessions[grant.session.session_id or ""].spoken
    assert spoken == 'ä "quoted" 안녕하세요 😀 \\ \x00 lone ? end'


async def test_speaking_after_a_restart_takes_a_new_token(stage: Rig) -> None:
    grant = await stage.provider().start(VISIT)
    await stage.provider().say(grant.session, "Still here.")
    assert stage.simulator.sessions[grant.session.session_id or ""].spoken == ["Still here."]


async def test_a_session_id_is_one_part_of_the_path(stage: Rig) -> None:
    data = {"session_id": "a/../b?c=d#e f", "livekit": {"url": "wss://h", "token": "t"}}
    stage.simulator.fail("start", Fault(Reply(200, {"code": 1000, "data": data})))
    stage.simulator.fail("talk", Fault(Reply(200, {"code": 1000, "data": None})))
    provider = stage.provider()
    grant = await provider.start(VISIT)
    await provider.say(grant.session, "Hello.")
    assert stage.simulator.calls("talk")[0].params["id"] == "a/../b?c=d#e f"


async def test_the_list_is_paged_by_number(stage: Rig) -> None:
    provider = stage.provider()
    for _ in range(5):
        await provider.start(VISIT)
    first = next(iter(stage.simulator.sessions))
    await provider.end(SessionRef("deepbrain", "v", first, 0.0), EndReason.IDLE)

    everything = await provider.list_sessions(page_size=2)
    assert [info.session_id for info in everything] == list(stage.simulator.sessions)
    assert [dict(call.query) for call in stage.simulator.calls("list")] == [
        {"page": str(number), "page_size": "2"} for number in (1, 2, 3)
    ]
    assert len(await provider.list_sessions("active")) == 4
    (historic,) = await provider.list_sessions("historic")
    assert historic.session_id == first
    assert historic.credits_consumed == 0.5
    assert historic.source == "API"
    assert stage.simulator.calls("unknown") == []


async def test_a_list_without_end_is_left_at_fifty_pages(stage: Rig) -> None:
    page = {"count": 9, "next": "<x>", "previous": None, "results": [{"sessionId": "s"}]}
    stage.simulator.fail("list", Fault(Reply(200, {"code": 1000, "data": page, "message": None})), times=60)
    assert len(await stage.provider().list_sessions()) == 50


async def test_detail_of_an_active_an_ended_and_a_foreign_session(stage: Rig) -> None:
    provider = stage.provider()
    grant = await provider.start(VISIT)
    session_id = grant.session.session_id or ""
    active = await provider.detail(session_id)
    assert active is not None
    assert (active.session_id, active.end_at, active.end_reason) == (session_id, None, None)
    await provider.end(grant.session, EndReason.FAULT)
    ended = await provider.detail(session_id)
    assert ended is not None
    assert ended.end_reason == "ERROR"
    assert ended.end_at is not None
    stage.simulator.add_app("studiov3.other@example.com", "other-key")
    other = stage.provider({USER_KEY: "other-key"}, app_id="studiov3.other@example.com")
    assert await other.detail(session_id) is None


async def test_check_with_a_key(stage: Rig) -> None:
    provider = stage.provider()
    await provider.start(VISIT)
    line = await provider.check()
    assert line.endswith("accepts the key, active sessions: 1")
    assert_silent(line, stage.secrets())
    assert dict(stage.simulator.calls("list")[0].query) == {"page": "1", "page_size": "1", "type": "active"}


async def test_the_token_path_is_a_setting(stage: Rig) -> None:
    with pytest.raises(Misconfigured, match="404"):
        await stage.provider(token_path="/api/odin/v3/avatars/customavatar").start(VISIT)
    assert stage.simulator.requests[0].path == "/api/odin/v3/avatars/customavatar"


async def test_the_log_tells_of_start_and_end_and_of_no_secret(stage: Rig, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        provider = stage.provider()
        grant = await provider.start(VISIT)
        await provider.say(grant.session, "A visitor's own words.")
        await provider.end(grant.session, EndReason.VISITOR_LEFT)
    ours = [record for record in caplog.records if record.name == "kiosk.deepbrain"]
    assert [record.levelname for record in ours] == ["INFO", "INFO"]
    assert isinstance(grant, LiveKitGrant)
    assert_silent(caplog.text + repr(grant), [*stage.secrets(), grant.token, "own words"])
    assert grant.room not in caplog.text


def test_the_walker_finds_it() -> None:
    entry = load_providers()["deepbrain"]
    assert entry.secrets == (USER_KEY, RELAY_KEY)


class Relay:
    """A small server that holds the account's key in the kiosk's stead."""

    def __init__(self, stage: Rig, *, plain: bool):
        self.server = VendorServer()
        self.server.route("POST", "/token", "token", self._token)
        self.server.route("POST", "/stop", "stop", self._stop)
        self._direct = stage.provider()
        self._stage, self._plain = stage, plain

    async def _token(self, call: Call) -> Reply:
        body = {"appId": APP_ID, "userKey": KEY_VALUE}
        answer = await self._stage.http.request(
            "POST", f"{self._stage.simulator.base_url}/api/v2/sessions/token", what="Relay", json=body
        )
        assert isinstance(answer.json, dict)
        return Reply(200, answer.json["data"] if self._plain else answer.json)

    async def _stop(self, call: Call) -> Reply:
        await self._direct.end(SessionRef("deepbrain", "", call.body["session_id"], 0.0), EndReason.VISITOR_LEFT)
        return Reply(204, b"") if self._plain else Reply(200, {"code": 1000, "data": None, "message": "stopped"})


@pytest.mark.parametrize("plain", [True, False], ids=["plain", "envelope"])
async def test_with_a_relay_the_kiosk_holds_no_key(stage: Rig, plain: bool) -> None:
    relay = Relay(stage, plain=plain)
    url = await relay.server.start()
    provider = stage.provider({RELAY_KEY: "relay-key"}, token_url=f"{url}/token", stop_url=f"{url}/stop", app_id="")
    grant = await provider.start(VISIT)
    await provider.say(grant.session, "Hello.")
    assert "gives session tokens" in await provider.check()
    await provider.end(grant.session, EndReason.VISITOR_LEFT)
    assert stage.simulator.open_sessions() == []
    assert {call.headers["Authorization"] for call in relay.server.requests} == {"Bearer relay-key"}
    assert relay.server.calls("token")[0].body == {}
    assert relay.server.calls("stop")[0].body == {"session_id": grant.session.session_id, "reason": "USER_CLOSED"}
    await relay.server.stop()


async def test_a_relay_that_only_gives_tokens_leaves_the_end_to_the_vendor(
    stage: Rig, expected_log: Callable[[str], None]
) -> None:
    expected_log("^WARNING kiosk.deepbrain: Stop session: without the secret KIOSK_DEEPBRAIN_USER_KEY or a stop_url")
    relay = Relay(stage, plain=True)
    url = await relay.server.start()
    provider = stage.provider({}, token_url=f"{url}/token")
    grant = await provider.start(VISIT)
    await provider.end(grant.session, EndReason.VISITOR_LEFT)
    assert len(stage.simulator.open_sessions()) == 1
    with pytest.raises(Misconfigured, match=USER_KEY):
        await provider.list_sessions()
    assert relay.server.calls("token")[0].body == {"appId": APP_ID}
    assert "Authorization" not in relay.server.requests[0].headers
    await relay.server.stop()


@pytest.mark.parametrize(
    "reply",
    [Reply(404, "<html>"), Reply(200, "<html>sign in</html>"), Reply(200, {"code": 4010, "message": "no"})],
    ids=["404", "portal", "refused"],
)
async def test_a_relay_that_does_not_stop_the_session_is_an_error(stage: Rig, reply: Reply) -> None:
    relay = Relay(stage, plain=True)
    url = await relay.server.start()
    provider = stage.provider({}, token_url=f"{url}/token", stop_url=f"{url}/stop")
    grant = await provider.start(VISIT)
    relay.server.fail("stop", Fault(reply))
    with pytest.raises(ProviderError, match=r"Stop session: 127\.0\.0\.1"):
        await provider.end(grant.session, EndReason.VISITOR_LEFT)
    await provider.end(grant.session, EndReason.VISITOR_LEFT)
    assert stage.simulator.open_sessions() == []
    await relay.server.stop()
