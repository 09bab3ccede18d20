"""The LiveAvatar provider when things go wrong: every documented error, and answers late, cut, odd or missing."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
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
from kiosk.providers.http import AnswerLost
from kiosk.providers.liveavatar import RELAY_KEY
from tests.contract.deepbrain_rig import Listener, assert_silent, told
from tests.contract.liveavatar_rig import Rig, rig
from tests.contract.test_liveavatar_calls import until
from tests.simulators.vendor_http import Fault, Reply

VISIT = Visit("visit-1", "en")
STRANGER = "7d0fb1f1-6a52-4b9e-8d5e-0f6f0f6f0f6f"  # an id that the vendor does not know


@pytest.fixture
async def desk() -> AsyncIterator[Rig]:
    async with rig(timeout_s=1.0) as made:
        yield made


def refused(status: int, message: str = "as ordered", **headers: str) -> Fault:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Fault(Reply(status, {"code": status * 10, "data": None, "message": message}, named))


async def failure(desk: Rig, **table: Any) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await desk.provider(**table).start(VISIT)
    assert_silent(told(caught.value), desk.simulator.secrets())
    return caught.value


@pytest.mark.parametrize("endpoint", ["token", "start"])
@pytest.mark.parametrize(
    ("status", "kind", "remedy"),
    [
        (400, Misconfigured, "check the ids"),
        (401, Misconfigured, "KIOSK_LIVEAVATAR_API_KEY"),
        (402, Misconfigured, "credits"),
        (403, Misconfigured, "its credits, its plan"),
        (404, Misconfigured, "base_url"),
        (409, Misconfigured, "settings"),
        (422, Misconfigured, "refuses a value"),
        (429, Busy, "waits"),
        (500, Unavailable, "tries again"),
        (503, Unavailable, "tries again"),
    ],
)
async def test_every_status_names_who_can_mend_it(
    desk: Rig, endpoint: str, status: int, kind: type[ProviderError], remedy: str
) -> None:
    desk.simulator.fail(endpoint, refused(status))
    error = await failure(desk)
    assert type(error) is kind
    assert remedy in error.operator_line
    assert f"HTTP {status} (code {status * 10} as ordered)" in error.operator_line
    # Only behind a fault of the far side may a session have begun.
    assert (error.session is not None) is (endpoint == "start" and status >= 500)


async def test_a_validation_error_names_the_field_and_not_the_value(desk: Rig) -> None:
    detail = {
        "loc": ["body", "avatar_persona", "language"],
        "msg": "Input should be a valid string",
        "input": "planted",
    }
    desk.simulator.fail("token", Fault(Reply(422, {"detail": [{**detail, "type": "string_type"}]})))
    error = await failure(desk)
    assert isinstance(error, Misconfigured)
    assert "body.avatar_persona.language: Input should be a valid string" in error.operator_line
    assert "planted" not in error.operator_line


@pytest.mark.parametrize("detail", [None, [], [None], [{}], [{"loc": 5, "msg": []}], "Not Found", {"a": 1}])
async def test_a_validation_error_of_another_form(desk: Rig, detail: Any) -> None:
    desk.simulator.fail("token", Fault(Reply(422, {"detail": detail})))
    assert isinstance(await failure(desk), Misconfigured)


async def test_a_rate_limit_says_how_long_to_wait(desk: Rig) -> None:
    desk.simulator.switches.rate_limit_after = 1
    desk.simulator.switches.retry_after = "7"
    error = await failure(desk)
    assert isinstance(error, Busy)
    assert error.retry_after_s == 7


async def test_no_credits_are_for_the_operator_to_buy(desk: Rig) -> None:
    desk.simulator.switches.refuse_start = (403, 4033, "Insufficient credits")
    error = await failure(desk)
    assert isinstance(error, Misconfigured)
    assert "code 4033 Insufficient credits" in error.operator_line
    assert error.session is None


@pytest.mark.parametrize("name", ["avatar_id", "context_id", "voice_id", "llm_configuration_id"])
async def test_an_id_that_the_vendor_does_not_know(desk: Rig, name: str) -> None:
    error = await failure(desk, **{name: STRANGER})
    assert isinstance(error, Misconfigured)
    assert "not found in your space" in error.operator_line


async def test_the_sandbox_has_one_avatar(desk: Rig) -> None:
    assert "sandbox" in (await failure(desk, sandbox=True)).operator_line


SLOW = Fault(delay_s=30)
CUT = Fault(truncated=True)
ENDLESS = Fault(never_ends=True)
GONE = Fault(hang_up=True)
AFTERWARDS = Fault(hang_up=True, after_work=True)


@pytest.mark.parametrize("fault", [CUT, ENDLESS, GONE, AFTERWARDS], ids=["cut", "endless", "hang up", "worked first"])
async def test_a_lost_token_costs_nothing(desk: Rig, fault: Fault, expected_log: Callable[[str], None]) -> None:
    expected_log("Fetch session token: RemoteProtocolError")
    desk.simulator.fail("token", fault)
    error = await failure(desk)
    assert isinstance(error, AnswerLost)
    assert error.session is None
    assert desk.simulator.calls("start") == []


@pytest.mark.parametrize("fault", [CUT, ENDLESS, GONE, AFTERWARDS], ids=["cut", "endless", "hang up", "worked first"])
async def test_a_lost_start_is_ended_by_its_id(desk: Rig, fault: Fault, expected_log: Callable[[str], None]) -> None:
    """The token's answer named the session before the start, so nothing is left behind."""
    expected_log("Start session: RemoteProtocolError")
    desk.simulator.fail("start", fault)
    provider = desk.provider(start_timeout_s=0.5)
    with pytest.raises(AnswerLost) as caught:
        await provider.start(VISIT)
    session = caught.value.session
    assert session is not None
    assert session.session_id in desk.simulator.sessions
    if desk.simulator.open_sessions():
        await provider.end(session, EndReason.FAULT)
    assert desk.simulator.open_sessions() == []


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "text",
        {},
        {"livekit_url": "wss://rooms.invalid", "livekit_client_token": None},
        {"livekit_url": "https://rooms.invalid", "livekit_client_token": "t"},
        {"livekit_url": "wss://rooms.invalid", "livekit_client_token": "two words"},
        {"livekit_url": "wss://rooms.invalid", "livekit_client_token": "t", "max_session_duration": "long"},
    ],
)
async def test_a_start_that_the_documents_exclude_is_ended(desk: Rig, data: Any) -> None:
    desk.simulator.fail("start", Fault(Reply(201, {"code": 100, "data": data, "message": ""}), after_work=True))
    provider = desk.provider()
    with pytest.raises(Broken) as caught:
        await provider.start(VISIT)
    assert "at data" in caught.value.operator_line
    assert caught.value.session is not None
    await provider.end(caught.value.session, EndReason.FAULT)
    assert desk.simulator.open_sessions() == []


@pytest.mark.parametrize("body", [b"", b"not json", "<html></html>", {"code": 100, "message": "no data"}, [1]])
@pytest.mark.parametrize("endpoint", ["token", "start"])
async def test_a_success_without_data_is_broken(desk: Rig, endpoint: str, body: Any) -> None:
    desk.simulator.fail(endpoint, Fault(Reply(200, body)))
    assert isinstance(await failure(desk), Broken)


async def test_an_answer_that_never_comes(desk: Rig) -> None:
    desk.simulator.fail("start", SLOW)
    error = await failure(desk, start_timeout_s=0.3)
    assert isinstance(error, AnswerLost)
    assert "0.3 s" in error.operator_line


async def test_a_vendor_that_is_not_there(desk: Rig, expected_log: Callable[[str], None]) -> None:
    expected_log("Fetch session token: ConnectError")
    provider = desk.provider()
    await desk.simulator.stop()
    with pytest.raises(Unavailable, match="refuses the connection"):
        await provider.start(VISIT)


@pytest.mark.parametrize("status", [401, 403, 422, 429, 500])
async def test_a_stop_that_fails_is_told_and_may_be_tried_again(desk: Rig, status: int) -> None:
    provider = desk.provider()
    session = (await provider.start(VISIT)).session
    desk.simulator.fail("stop", refused(status))
    with pytest.raises(ProviderError) as caught:
        await provider.end(session, EndReason.VISITOR_LEFT)
    assert_silent(told(caught.value), desk.simulator.secrets())
    await provider.end(session, EndReason.VISITOR_LEFT)
    assert desk.simulator.open_sessions() == []


async def test_a_refused_stop_of_a_session_that_still_runs_is_no_end(desk: Rig) -> None:
    """The vendor's own list is asked: a session without an end goes on costing."""
    provider = desk.provider()
    session = (await provider.start(VISIT)).session
    desk.simulator.fail("stop", refused(404))
    with pytest.raises(Misconfigured, match="HTTP 404"):
        await provider.end(session, EndReason.VISITOR_LEFT)
    assert len(desk.simulator.open_sessions()) == 1


async def test_a_bare_404_is_a_wrong_address_and_no_end(desk: Rig) -> None:
    provider = desk.provider()
    session = (await provider.start(VISIT)).session
    bare = Fault(Reply(404, {"detail": "Not Found"}))
    desk.simulator.fail("stop", bare)
    desk.simulator.fail("session", bare)
    with pytest.raises(Misconfigured, match="base_url"):
        await provider.end(session, EndReason.VISITOR_LEFT)


async def test_a_session_without_id_is_only_told(desk: Rig, expected_log: Callable[[str], None]) -> None:
    expected_log("may have begun, but its id is not known")
    await desk.provider().end(SessionRef("liveavatar", "visit-1", None, 0.0), EndReason.ORPHAN)
    assert desk.simulator.requests == []


async def test_without_a_key_an_earlier_run_cannot_be_stopped(desk: Rig, expected_log: Callable[[str], None]) -> None:
    expected_log("a session of an earlier run cannot be stopped")
    provider = desk.provider(secrets={RELAY_KEY: "relay"}, token_url=desk.simulator.base_url)
    await provider.end(SessionRef("liveavatar", "visit-1", STRANGER, 0.0), EndReason.ORPHAN)
    assert desk.simulator.requests == []


async def test_a_sign_of_life_that_fails_is_told_and_the_next_one_follows(
    desk: Rig, expected_log: Callable[[str], None]
) -> None:
    expected_log("Keep session alive")
    desk.simulator.fail("keep_alive", refused(500))
    provider = desk.provider(keep_alive_s=0.02)
    grant = await provider.start(VISIT)
    session = desk.simulator.sessions[grant.session.session_id or ""]
    await until(lambda: session.signs_of_life)
    await provider.end(grant.session, EndReason.VISITOR_LEFT)


async def test_no_secret_is_ever_logged(desk: Rig, expected_log: Callable[[str], None]) -> None:
    expected_log("Keep session alive")
    listener = Listener()
    logging.getLogger().addHandler(listener)
    try:
        provider = desk.provider(keep_alive_s=0.02)
        grant = await provider.start(VISIT)
        session = desk.simulator.sessions[grant.session.session_id or ""]
        desk.simulator.fail("keep_alive", refused(401, f"no {session.token} and no {desk.simulator.api_key}"))
        await until(lambda: session.signs_of_life)
        desk.simulator.fail("stop", refused(500, f"no {session.token} and no {desk.simulator.api_key}"))
        with pytest.raises(ProviderError) as caught:
            await provider.end(grant.session, EndReason.VISITOR_LEFT)
        await provider.end(grant.session, EndReason.VISITOR_LEFT)
    finally:
        logging.getLogger().removeHandler(listener)
    assert_silent("\n".join(listener.lines) + told(caught.value) + repr(grant), desk.simulator.secrets())
