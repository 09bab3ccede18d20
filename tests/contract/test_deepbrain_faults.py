"""What the DeepBrain provider makes of every refusal, and of answers that no document allows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from kiosk.providers.contract import (
    Broken,
    Busy,
    EndReason,
    Misconfigured,
    ProviderError,
    SessionRef,
    Unavailable,
    Visit,
)
from kiosk.providers.deepbrain import DeepBrain
from kiosk.providers.deepbrain_answers import USER_KEY
from kiosk.providers.http import AnswerLost
from tests.contract.deepbrain_rig import Rig, assert_silent, client, make_provider, rig, told
from tests.simulators.deepbrain import APP_ID, AVATAR_ID
from tests.simulators.deepbrain import USER_KEY as KEY_VALUE
from tests.simulators.vendor_http import Fault, Reply

VISIT = Visit("visit-1")
KNOWN = SessionRef("deepbrain", "visit-1", "session-1", 0.0)
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2lnbmF0dXJl"

CALLS: dict[str, Callable[[DeepBrain], Awaitable[object]]] = {
    "token": lambda provider: provider.start(VISIT),
    "start": lambda provider: provider.start(VISIT),
    "talk": lambda provider: provider.say(KNOWN, "Hello."),
    "stop": lambda provider: provider.end(KNOWN, EndReason.FAULT),
    "list": lambda provider: provider.check(),
    "detail": lambda provider: provider.detail("session-1"),
}

ExpectedLog = Callable[[str], None]


@pytest.fixture
async def stage() -> AsyncIterator[Rig]:
    async with rig() as made:
        yield made


async def failure(stage: Rig, endpoint: str, provider: DeepBrain | None = None) -> ProviderError:
    """The error of the call that uses `endpoint`; it tells nothing that it must not."""
    with pytest.raises(ProviderError) as caught:
        await CALLS[endpoint](provider or stage.provider())
    assert_silent(told(caught.value), stage.secrets())
    assert "\n" not in caught.value.operator_line
    assert "127.0.0.1" in caught.value.operator_line, "it says where"
    return caught.value


CODES = [
    (4000, 400, Misconfigured, "check [providers.deepbrain]"),
    (4000, 422, Misconfigured, "check [providers.deepbrain]"),
    (4010, 401, Misconfigured, "KIOSK_DEEPBRAIN_USER_KEY"),
    (4030, 403, Misconfigured, "plan"),
    (4040, 404, Misconfigured, "avatar_id"),
    (4290, 429, Busy, "waits"),
    (5000, 500, Unavailable, "tries again"),
]

# "Gone" is an answer there, not a mistake of the settings.
ANSWERED = [("stop", 4040), ("detail", 4040), ("talk", 4040)]


@pytest.mark.parametrize(("code", "status", "kind", "remedy"), CODES)
async def test_every_documented_code(
    stage: Rig, code: int, status: int, kind: type[ProviderError], remedy: str
) -> None:
    for endpoint in CALLS:
        if (endpoint, code) in ANSWERED:
            continue
        body = {"code": code, "data": None, "message": f"as ordered for {KEY_VALUE} and {JWT}"}
        stage.simulator.fail(endpoint, Fault(Reply(status, body)), times=2)
        error = await failure(stage, endpoint)
        stage.simulator.heal()
        assert type(error) is kind, endpoint
        assert f"code {code} (HTTP {status}: as ordered for *** and ***)" in error.operator_line, endpoint
        assert remedy in error.operator_line
        assert error.session is None


async def test_what_is_gone(stage: Rig) -> None:
    provider = stage.provider()
    error = await failure(stage, "talk", provider)
    assert type(error) is Unavailable
    assert "needs a new one" in error.operator_line
    await provider.end(KNOWN, EndReason.FAULT)
    assert await provider.detail("session-1") is None


@pytest.mark.parametrize("code", [4040, 4000])
async def test_speaking_in_a_session_that_has_ended(stage: Rig, code: int) -> None:
    stage.simulator.switches.talk_after_stop_code = code
    provider = stage.provider()
    grant = await provider.start(VISIT)
    await stage.simulator.expire(grant.session.session_id or "")
    with pytest.raises(ProviderError, match=str(code)):
        await provider.say(grant.session, "Anybody there?")


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [(None, None), ("7", 7.0), ("600", 60.0), ("-1", 0.0), ("soon", None), ("Sun, 01 Mar 2026 12:00:09 GMT", 9.0)],
)
@pytest.mark.parametrize("passed", [0, 1])
async def test_a_rate_limit(stage: Rig, retry_after: str | None, seconds: float | None, passed: int) -> None:
    stage.simulator.switches.rate_limit_after = passed
    stage.simulator.switches.retry_after = retry_after
    error = await failure(stage, "start")
    assert type(error) is Busy
    assert error.retry_after_s == seconds
    assert len(stage.simulator.requests) == passed + 1, "nothing is tried again in here"
    stage.simulator.heal()
    await stage.provider().start(VISIT)


async def test_too_many_sessions(stage: Rig) -> None:
    stage.simulator.switches.concurrency = 1
    await stage.provider().start(VISIT)
    assert type(await failure(stage, "start")) is Busy


@pytest.mark.parametrize("reply", [None, Reply(401, "<html>unauthorized</html>")], ids=["4010", "bare 401"])
async def test_a_token_that_is_not_accepted_is_replaced_once(stage: Rig, reply: Reply | None) -> None:
    refused = reply or Reply(401, {"code": 4010, "data": None, "message": "expired"})
    stage.simulator.fail("start", Fault(refused))
    grant = await stage.provider().start(VISIT)
    assert grant.session.session_id in stage.simulator.sessions
    assert [call.endpoint for call in stage.simulator.requests] == ["token", "start", "token", "start"]
    first, second = (call.headers["Authorization"] for call in stage.simulator.calls("start"))
    assert first != second

    stage.simulator.requests.clear()
    stage.simulator.fail("start", Fault(refused), times=9)
    assert type(await failure(stage, "start")) is Misconfigured
    assert [call.endpoint for call in stage.simulator.requests] == ["token", "start", "token", "start"]


async def test_a_token_that_expires_in_mid_session_is_replaced_once(stage: Rig) -> None:
    stage.simulator.switches.expire_tokens_after = 2  # the start and one talk
    provider = stage.provider()
    grant = await provider.start(VISIT)
    for text in ("One.", "Two.", "Three."):
        await provider.say(grant.session, text)
    assert stage.simulator.sessions[grant.session.session_id or ""].spoken == ["One.", "Two.", "Three."]
    assert len(stage.simulator.calls("token")) == 2


async def test_wrong_credentials_and_unknown_avatar(stage: Rig) -> None:
    wrong_key = stage.provider({USER_KEY: "wrong-key-planted"})
    error = await failure(stage, "token", wrong_key)
    assert type(error) is Misconfigured
    assert "4010" in error.operator_line
    assert "wrong-key-planted" not in told(error)
    assert len(stage.simulator.calls("token")) == 1, "a wrong key is not tried twice"
    error = await failure(stage, "start", stage.provider(avatar_id="nobody"))
    assert "avatar_id" in error.operator_line


async def test_without_a_key_and_without_a_relay_there_is_no_provider() -> None:
    async with client() as http:
        with pytest.raises(Misconfigured, match=f"kiosk secret set {USER_KEY}"):
            make_provider(http, {"app_id": APP_ID, "avatar_id": AVATAR_ID}, {})


UNKNOWN = [
    (Reply(400, {"code": 4099, "data": None, "message": "new"}), Misconfigured),
    (Reply(403, {"code": "4030", "message": None}), Misconfigured),
    (Reply(404, "<html>404</html>"), Misconfigured),
    (Reply(409, {"code": None}), Misconfigured),
    (Reply(429, "slow down", {"Retry-After": "3"}), Busy),
    (Reply(408, b""), Unavailable),
    (Reply(500, {"code": 1000, "data": {"session_token": "x", "session_id": "x"}, "message": "?"}), Unavailable),
    (Reply(500, [1, 2]), Unavailable),
    (Reply(502, "<html><h1>502 Bad Gateway</h1></html>"), Unavailable),
    (Reply(503, {"code": 9999999, "data": None, "message": 7}), Unavailable),
    (Reply(301, "", {"Location": "https://elsewhere.invalid/"}), Misconfigured),
    (Reply(307, "", {"Location": "/api/v2/sessions/token"}), Misconfigured),
    (Reply(200, "<html>sign in to the network</html>"), Broken),
    (Reply(200, b""), Broken),
    (Reply(200, b'{"code": 1000, "data": '), Broken),
    (Reply(200, []), Broken),
    (Reply(200, {"data": {}}), Broken),
    (Reply(200, {"code": "1000", "data": {}}), Broken),
    (Reply(200, {"code": True, "data": {}}), Broken),
    (Reply(200, {"success": False}), Broken),
    (Reply(200, {"code": 5000, "data": None, "message": "in a 200"}), Unavailable),
    (Reply(200, {"code": 7000, "data": None, "message": "in a 200"}), Broken),
]


@pytest.mark.parametrize(
    ("reply", "kind"), UNKNOWN, ids=[f"{reply.status}-{n}" for n, (reply, _) in enumerate(UNKNOWN)]
)
async def test_an_answer_of_no_documented_form(stage: Rig, reply: Reply, kind: type[Exception]) -> None:
    for endpoint in CALLS:
        stage.simulator.fail(endpoint, Fault(reply))
        error = await failure(stage, endpoint)
        assert type(error) is kind, endpoint
        assert error.retry_after_s == (3.0 if kind is Busy else None)
    assert len(stage.simulator.calls("unknown")) == 0, "no redirect is followed"


GOOD_START: dict[str, Any] = {
    "session_id": "session-9",
    "voice_id": "v",
    "max_session_duration": 20,
    "max_session_numbers": 10,
    "livekit": {"url": "wss://h", "room_name": "room", "token": JWT},
}


def changed(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in {**GOOD_START, **fields}.items() if value is not ...}


def livekit(**fields: Any) -> dict[str, Any]:
    block = {**GOOD_START["livekit"], **fields}
    return changed(livekit={name: value for name, value in block.items() if value is not ...})


@pytest.mark.parametrize(
    ("data", "at"),
    [
        (changed(livekit=...), "data.livekit"),
        (changed(livekit=None), "data.livekit"),
        (changed(livekit="wss://h"), "data.livekit"),
        (changed(livekit=[]), "data.livekit"),
        (livekit(url=...), "data.livekit.url"),
        (livekit(url=""), "data.livekit.url"),
        (livekit(url="https://h"), "data.livekit.url"),
        (livekit(url=7), "data.livekit.url"),
        (livekit(token=...), "data.livekit.token"),
        (livekit(token=""), "data.livekit.token"),
        (livekit(token=None), "data.livekit.token"),
        (livekit(token=f"{JWT} {JWT}"), "data.livekit.token"),
        (livekit(room_name=7), "data.livekit.room_name"),
        (changed(max_session_duration="20"), "data.max_session_duration"),
        (changed(max_session_duration=True), "data.max_session_duration"),
        (changed(voice_id=7), "data.voice_id"),
    ],
)
async def test_a_start_that_cannot_be_joined_names_the_session_to_end(
    stage: Rig, data: dict[str, Any], at: str
) -> None:
    stage.simulator.fail("start", Fault(Reply(200, {"code": 1000, "data": data, "message": "started"})))
    error = await failure(stage, "start")
    assert type(error) is Broken
    assert f"at {at} (" in error.operator_line
    assert error.session is not None
    assert (error.session.session_id, error.session.visit_id) == ("session-9", "visit-1")


@pytest.mark.parametrize(
    "data", [None, [], "x", {}, changed(session_id=...), changed(session_id=7), changed(session_id="")]
)
async def test_a_start_without_a_usable_id_is_remembered_as_one(stage: Rig, data: object) -> None:
    stage.simulator.fail("start", Fault(Reply(200, {"code": 1000, "data": data, "message": "started"})))
    error = await failure(stage, "start")
    assert type(error) is Broken
    assert error.session is not None
    assert error.session.session_id is None


@pytest.mark.parametrize("token", [..., None, 7, "", "two words", "line\nbreak", "umlaut-ä", ["x"]])
async def test_a_token_answer_without_a_token(stage: Rig, token: object) -> None:
    data = {} if token is ... else {"session_token": token}
    stage.simulator.fail("token", Fault(Reply(200, {"code": 1000, "data": data, "message": "created"})))
    error = await failure(stage, "token")
    assert type(error) is Broken
    assert "data.session_token" in error.operator_line
    assert error.session is None


@pytest.mark.parametrize(
    "fault",
    [
        Fault(after_work=True, hang_up=True),
        Fault(Reply(504, "<html>gateway timeout</html>"), after_work=True),
        Fault(Reply(200, "<html>"), after_work=True),
        Fault(truncated=True),
        Fault(never_ends=True),
        Fault(delay_s=30, after_work=True),
    ],
    ids=["hang-up", "504", "html", "truncated", "never-ends", "slow"],
)
async def test_a_start_whose_answer_is_lost_may_have_begun_a_session(fault: Fault, expected_log: ExpectedLog) -> None:
    expected_log("^WARNING kiosk.http: Start session: ")
    async with rig() as stage:
        stage.simulator.fail("start", fault)
        error = await failure(stage, "start", stage.provider(start_timeout_s=0.3))
        assert error.session is not None
        assert error.session.session_id is None
        assert error.session.visit_id == "visit-1"


@pytest.mark.parametrize("endpoint", [name for name in CALLS if name != "start"])
@pytest.mark.parametrize(
    "fault",
    [Fault(hang_up=True), Fault(truncated=True), Fault(never_ends=True), Fault(delay_s=30)],
    ids=["hang-up", "truncated", "never-ends", "slow"],
)
async def test_no_answer_to_another_call(endpoint: str, fault: Fault, expected_log: ExpectedLog) -> None:
    expected_log("^WARNING kiosk.http: ")
    async with rig(timeout_s=0.3) as stage:
        stage.simulator.fail(endpoint, fault)
        error = await failure(stage, endpoint)
        assert isinstance(error, AnswerLost)
        assert error.session is None


@pytest.mark.parametrize("endpoint", CALLS)
async def test_nobody_there(endpoint: str, expected_log: ExpectedLog) -> None:
    expected_log("^WARNING kiosk.http: ")
    async with rig() as stage:
        provider = stage.provider()
        await stage.simulator.stop()
        error = await failure(stage, endpoint, provider)
        assert type(error) is Unavailable
        assert error.session is None


async def test_no_such_name(expected_log: ExpectedLog) -> None:
    expected_log("^WARNING kiosk.http: ")
    async with rig() as stage:
        provider = stage.provider(base_url="https://nonexistent.invalid")
        with pytest.raises(Unavailable, match=r"nonexistent\.invalid.*DNS"):
            await provider.start(VISIT)


async def test_a_page_with_wrong_rows(stage: Rig) -> None:
    pages: list[dict[str, Any]] = [
        {"count": 1, "next": None, "previous": None, "results": [{"session_id": "wrong spelling"}]},
        {"count": "1", "next": None, "previous": None, "results": []},
        {"count": 1, "next": 2, "previous": None, "results": []},
        {"count": 1, "next": None, "previous": None},
    ]
    for page in pages:
        stage.simulator.fail("list", Fault(Reply(200, {"code": 1000, "data": page, "message": None})))
        assert type(await failure(stage, "list")) is Broken
