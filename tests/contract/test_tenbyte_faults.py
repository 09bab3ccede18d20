"""What the Tenbyte provider makes of every refusal, of slow and broken answers, and of JSON of the wrong types."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from kiosk.providers.contract import (
    Broken,
    Busy,
    EndReason,
    LiveKitGrant,
    Misconfigured,
    ProviderError,
    SessionRef,
    Unavailable,
    Visit,
)
from kiosk.providers.http import AnswerLost
from kiosk.providers.tenbyte import Tenbyte
from kiosk.providers.tenbyte_answers import API_KEY, TOKEN
from tests.contract.deepbrain_rig import NOW, Listener, assert_silent, told
from tests.contract.tenbyte_rig import Rig, rig
from tests.simulators.vendor_http import Fault, Reply

VISIT = Visit("visit-1")


@pytest.fixture
async def stage() -> AsyncIterator[Rig]:
    async with rig() as made:
        yield made


def known(stage: Rig) -> SessionRef:
    return SessionRef("tenbyte", "visit-1", stage.session.session_id, 0.0)


CALLS: dict[str, Callable[[Rig], Awaitable[object]]] = {
    "start": lambda stage: stage.host().start(VISIT),
    "join": lambda stage: stage.viewer().start(VISIT),
    "end": lambda stage: stage.host().end(known(stage), EndReason.FAULT),
    "stats": lambda stage: stage.host().check(),
    "create": lambda stage: stage.host(
        room_id=stage.simulator.room_id, preset_id=stage.simulator.preset_id
    ).start(VISIT),
}  # fmt: skip


async def failure(stage: Rig, work: Awaitable[object]) -> ProviderError:
    """The error; it tells nothing that it must not, on one line that says where."""
    with pytest.raises(ProviderError) as caught:
        await work
    assert_silent(told(caught.value), stage.simulator.secrets())
    assert "\n" not in caught.value.operator_line
    return caught.value


def envelope(status: int, text: str) -> list[Reply]:
    """The documented shapes of an error: the application's and the gateway's."""
    return [
        Reply(status, {"success": False, "error": text, "timestamp": 1}),
        Reply(status, {"success": False, "message": text}),
        Reply(status, {"success": False, "message": "x", "errors": [{"field": "id", "message": text}]}),
    ]


STATUSES = [
    (401, Misconfigured, TOKEN),
    (403, Misconfigured, "only the host"),
    (404, Misconfigured, "base_url"),
    (429, Busy, "waits"),
    (500, Unavailable, "tries again"),
    (502, Unavailable, "tries again"),
    (503, Unavailable, "tries again"),
]


@pytest.mark.parametrize(("status", "kind", "remedy"), STATUSES)
async def test_every_documented_refusal(stage: Rig, status: int, kind: type[ProviderError], remedy: str) -> None:
    for endpoint, call in CALLS.items():
        if (endpoint, status) == ("end", 404):
            continue  # then it is over
        for reply in envelope(status, "as ordered"):
            stage.session.status = "scheduled"
            stage.simulator.fail(endpoint, Fault(reply))
            error = await failure(stage, call(stage))
            assert type(error) is kind, endpoint
            assert f"HTTP {status}" in error.operator_line
            assert "as ordered" in error.operator_line
            assert remedy in error.operator_line
            may_be_live = endpoint == "start" and status >= 500
            assert (error.session is not None) == may_be_live, (endpoint, status)


async def test_wrong_and_expired_credentials(stage: Rig) -> None:
    cases = [
        ({TOKEN: "wrong-token-planted"}, TOKEN),
        ({TOKEN: stage.simulator.expired_token}, "expired"),
        ({API_KEY: "wrong-key-planted"}, API_KEY),
    ]
    for secrets, says in cases:
        error = await failure(stage, stage.host(secrets).start(VISIT))
        assert type(error) is Misconfigured
        assert says in error.operator_line
        assert_silent(told(error), secrets.values())
    error = await failure(stage, stage.host({TOKEN: stage.simulator.viewer_token}).start(VISIT))
    assert "only the host" in error.operator_line
    assert len(stage.simulator.calls("start")) == 4, "nothing is tried again in here"


@pytest.mark.parametrize("over", [400, 409, 422])
@pytest.mark.parametrize("status", ["ended", "expired"])
async def test_a_session_that_is_over(stage: Rig, over: int, status: Any) -> None:
    stage.simulator.switches.over, stage.session.status = over, status
    for provider in (stage.host(), stage.viewer()):
        error = await failure(stage, provider.start(VISIT))
        assert type(error) is Misconfigured
        assert f"the session is {status}" in error.operator_line
        assert error.session is None


async def test_a_session_that_has_not_begun(stage: Rig) -> None:
    error = await failure(stage, stage.viewer().start(VISIT))
    assert type(error) is Unavailable
    assert "not begun" in error.operator_line


@pytest.mark.parametrize("status", [400, 403, 409, 422, 451])
async def test_a_full_stage(stage: Rig, status: int) -> None:
    stage.session.status, stage.session.viewers, stage.simulator.switches.join_limit = "live", 3, 3
    stage.simulator.fail("join", Fault(envelope(status, "no more")[0]))
    error = await failure(stage, stage.viewer().start(VISIT))
    assert type(error) is Busy
    assert "it may be full" in error.operator_line


async def test_a_room_that_does_not_exist(stage: Rig) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    assert "session_id" in (await failure(stage, stage.host(session_id=nobody).start(VISIT))).operator_line
    assert "session_id" in (await failure(stage, stage.viewer(session_id=nobody).start(VISIT))).operator_line
    anew = stage.host(room_id=nobody, preset_id=stage.simulator.preset_id)
    assert "room_id and preset_id" in (await failure(stage, anew.start(VISIT))).operator_line
    await stage.host().end(SessionRef("tenbyte", "v", nobody, 0.0), EndReason.ORPHAN)


@pytest.mark.parametrize(("retry_after", "seconds"), [(None, None), ("7", 7.0), ("600", 60.0), ("soon", None)])
async def test_a_rate_limit(stage: Rig, retry_after: str | None, seconds: float | None) -> None:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    stage.simulator.fail("start", Fault(Reply(429, {"success": False, "error": "rate_limited"}, headers)))
    error = await failure(stage, stage.host().start(VISIT))
    assert (type(error), error.retry_after_s) == (Busy, seconds)


FAULTS = {
    "slow": Fault(delay_s=3.0),
    "never ends": Fault(never_ends=True),
    "truncated": Fault(truncated=True),
    "hangs up": Fault(hang_up=True),
    "done, then hangs up": Fault(hang_up=True, after_work=True),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_an_answer_that_never_comes_names_the_session_to_end(fault: Fault, expected_log: Any) -> None:
    expected_log("kiosk.http: ")
    async with rig(timeout_s=0.4) as stage:
        stage.simulator.fail("start", fault)
        error = await failure(stage, stage.host(start_timeout_s=0.4).start(VISIT))
        assert type(error) is AnswerLost
        assert error.session is not None
        await stage.host().end(error.session, EndReason.FAULT)
        assert stage.session.status == "ended"


async def test_a_failure_after_the_start_names_the_session_to_end(stage: Rig) -> None:
    stage.simulator.switches.start_without_token = True
    for reply in (Reply(500, {"success": False, "error": "no"}), Reply(200, {"success": True, "data": None})):
        stage.simulator.fail("join", Fault(reply))
        error = await failure(stage, stage.host().start(VISIT))
        assert error.session == replace(known(stage), started_at=NOW)


@pytest.mark.parametrize("endpoint", ["session", "go_live"])
async def test_a_stage_that_may_not_be_live_is_joined_all_the_same(
    stage: Rig, endpoint: str, expected_log: Any
) -> None:
    expected_log("may not be live")
    stage.simulator.switches.start_goes_live = False
    stage.simulator.fail(endpoint, Fault(Reply(500, {"success": False, "error": "no"})))
    grant = await stage.host().start(VISIT)
    assert isinstance(grant, LiveKitGrant)
    assert grant.token


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, "<html>sign in to the network</html>"),
        Reply(404, "<html>404</html>"),
        Reply(200, {"success": False, "error": "not now"}),
        Reply(403, {"success": False, "message": "forbidden"}),
        Reply(500, b""),
    ],
    ids=["portal", "wrong address", "no success", "not the host", "500"],
)
async def test_an_end_that_nobody_confirmed_is_none(stage: Rig, reply: Reply) -> None:
    stage.simulator.fail("end", Fault(reply))
    await failure(stage, stage.host().end(known(stage), EndReason.FAULT))


ODD: list[Any] = [None, 7, True, "text", [], {}, ["x"], {"a": {"b": []}}, 1e308, "x" * 40_000, "\u2028\x00"]


@pytest.mark.parametrize("member", ["session", "rtmp", "rtmp_setup", "whip_url", "livekit_token"])
async def test_members_of_wrong_types(stage: Rig, member: str, expected_log: Any) -> None:
    """The visit goes on without them; without a token it asks for one by joining."""
    expected_log("answered what its documents exclude, at data")
    expected_log("stays off the stage")  # a token by joining is a viewer's
    provider = stage.host(persona="room")
    stage.session.status = "live"
    for odd in ODD:
        good = {"livekit_token": LATER_TOKEN, "session": {"status": "live"}}
        stage.simulator.fail("start", Fault(Reply(200, {"success": True, "data": {**good, member: odd}})))
        try:
            grant = await provider.start(VISIT)
        except Broken as broken:
            missing = broken.session
            assert (member, missing) == ("livekit_token", replace(known(stage), started_at=NOW))
        else:
            assert isinstance(grant, LiveKitGrant)
            assert all(fact.value.isprintable() and len(fact.value) < 3_000 for fact in grant.facts)


async def test_data_of_wrong_types(stage: Rig, expected_log: Any) -> None:
    expected_log("answered what its documents exclude, at data")
    for odd in ODD:
        stage.simulator.fail("join", Fault(Reply(200, {"success": True, "data": odd})))
        error = await failure(stage, stage.viewer().start(VISIT))
        assert type(error) is Broken
        assert "data.livekit_token" in error.operator_line
    for token in ("", "no token", "a.b.c", "e30.e30.e30"):
        stage.simulator.fail("join", Fault(Reply(200, {"success": True, "data": {"livekit_token": token}})))
        assert type(await failure(stage, stage.viewer().start(VISIT))) is Broken


LATER_TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJraW9zayIsInZpZGVvIjp7InJvb20iOiJyIn19.c2lnbmF0dXJl"
BODIES: list[Any] = [b"", b"\x00\xff" * 7_680, b"[" * 60_000, "null", "[]", '"eyJ"', '{"success": true', "<html>"]


@pytest.mark.parametrize("status", [200, 201, 204, 301, 307, 400, 401, 409, 418, 422, 500, 503, 599])
async def test_any_body_with_any_status_is_a_typed_error_or_an_end(stage: Rig, status: int, expected_log: Any) -> None:
    """Also 15 KiB of binary. Nothing secret reaches the log, at any level."""
    expected_log("kiosk.(http|tenbyte): ")
    listener = Listener()
    root = logging.getLogger()
    level = root.level
    root.addHandler(listener)
    root.setLevel(logging.DEBUG)
    try:
        for body in BODIES:
            for endpoint, call in CALLS.items():
                stage.session.status = "scheduled"
                stage.simulator.heal()
                stage.simulator.fail(endpoint, Fault(Reply(status, b"" if status == 204 else body)))
                try:
                    await call(stage)
                except ProviderError as error:
                    line = error.operator_line
                    assert_silent(told(error), stage.simulator.secrets())
                    assert len(line) < 600
                    assert line.isprintable()
                else:
                    assert endpoint in ("start", "end"), "a refused start may mean that the session is live"
    finally:
        root.removeHandler(listener)
        root.setLevel(level)
    everything = "\n".join(listener.lines)
    assert not [secret for secret in stage.simulator.secrets() if secret in everything]


async def test_a_refusal_that_quotes_the_secret(stage: Rig) -> None:
    text = f"token {stage.simulator.host_token} and {LATER_TOKEN} are no good\r\nX: y"
    for reply in (*envelope(401, text), Reply(500, json.dumps(text)), Reply(500, text)):
        stage.simulator.fail("start", Fault(reply))
        assert "no good" not in (await failure(stage, stage.host().start(VISIT))).operator_line.partition("***")[0]


async def test_what_a_stage_does_not_take(stage: Rig) -> None:
    provider: Tenbyte = stage.viewer()
    assert type(await failure(stage, provider.say(known(stage), "Hello."))) is Misconfigured
    await provider.aclose()
