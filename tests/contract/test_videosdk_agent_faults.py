"""What the VideoSDK agent provider makes of errors, of answers that nobody documented, and of silence."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kiosk.providers.contract import Broken, Busy, EndReason, Misconfigured, ProviderError, Unavailable, Visit
from kiosk.providers.http import AnswerLost
from kiosk.providers.videosdk_sessions import read_session
from kiosk.providers.videosdk_token import API_KEY, API_SECRET, TOKEN
from tests.contract.videosdk_agent_rig import Rig, rig
from tests.simulators import videosdk
from tests.simulators.vendor_http import Fault, Reply

VISIT = Visit("visit-1")
HTTP_LOG = "kiosk.http"


@pytest.fixture
async def desk() -> AsyncIterator[Rig]:
    async with rig(timeout_s=0.6) as made:
        yield made


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Misconfigured),
        (401, Misconfigured),
        (402, Misconfigured),
        (403, Misconfigured),
        (404, Misconfigured),
        (409, Misconfigured),
        (429, Busy),
        (500, Unavailable),
        (502, Unavailable),
        (503, Unavailable),
        (301, Misconfigured),
    ],
)
@pytest.mark.parametrize("name", ["message", "error", "msg", "statusMessage"])
async def test_each_status_is_told_in_the_vendors_words(
    desk: Rig, status: int, kind: type[ProviderError], name: str
) -> None:
    desk.simulator.fail("start", Fault(Reply(status, {name: "the moon is full"})))
    with pytest.raises(kind) as caught:
        await desk.provider().start(VISIT)
    assert "the moon is full" in caught.value.operator_line
    assert "Start session" in caught.value.operator_line
    # Only where it may have been carried out all the same there is something to clean up.
    assert (caught.value.session is not None) == (status >= 500)


async def test_retry_after_is_honoured(desk: Rig) -> None:
    desk.simulator.fail("start", Fault(Reply(429, {"message": "slow down"}, {"Retry-After": "7"})))
    with pytest.raises(Busy) as caught:
        await desk.provider().start(VISIT)
    assert caught.value.retry_after_s == 7.0


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"exp": 1_600_000_000}, "expired"),
        ({"roles": ["rtc"]}, "may not call the API"),
        ({"version": 1}, TOKEN),
        ({"apikey": "another"}, TOKEN),
    ],
)
async def test_a_given_token_that_does_not_serve_is_explained(desk: Rig, claims: dict[str, Any], words: str) -> None:
    token = desk.simulator.token(**claims)
    with pytest.raises(Misconfigured) as caught:
        await desk.provider({TOKEN: token}).start(VISIT)
    assert words in caught.value.operator_line
    assert token not in caught.value.operator_line


@pytest.mark.parametrize("secrets", [{API_KEY: videosdk.API_KEY, API_SECRET: "wrong"}, {TOKEN: "no token at all"}])
async def test_wrong_secrets_name_the_secret_to_mend(desk: Rig, secrets: dict[str, str]) -> None:
    with pytest.raises(Misconfigured) as caught:
        await desk.provider(secrets).check()
    assert next(iter(secrets)) in caught.value.operator_line


async def test_the_simulator_refuses_a_prefix(desk: Rig) -> None:
    for prefix, status in (("Bearer ", 401), ("Basic ", 401), ("", 200)):
        answer = await desk.http.request(
            "GET",
            f"{desk.simulator.base_url}/ai/v1/ai-deployment-sessions",
            what="List",
            headers={"Authorization": prefix + desk.simulator.token()},
        )
        assert answer.status == status


GARBLED: list[object] = [
    None,
    [],
    "started",
    {},
    {"data": None},
    {"data": []},
    {"data": {"sessionId": 5}},
    {"data": {"sessionId": ""}},
    {"data": {"sessionId": "../../rooms"}},
    {"data": {"sessionId": "x" * 5000}},
    {"data": {"sessionId": {"a": 1}}},
]


@pytest.mark.parametrize("body", GARBLED)
async def test_a_start_without_a_session_id_is_broken_and_looked_for(desk: Rig, body: object) -> None:
    desk.simulator.fail("start", Fault(Reply(200, body), after_work=True))
    provider = desk.provider()
    with pytest.raises(Broken) as caught:
        await provider.start(VISIT)
    session = caught.value.session
    assert session is not None
    await provider.end(session, EndReason.FAULT)
    assert not desk.simulator.open_sessions()


@pytest.mark.parametrize("body", [None, [], {"roomId": 7}, {"roomId": "a/b"}, {"data": {"roomId": None}}])
async def test_a_room_without_an_id_is_broken(desk: Rig, body: object) -> None:
    desk.simulator.fail("create_room", Fault(Reply(200, body)))
    with pytest.raises(Broken):
        await desk.provider().start(VISIT)
    assert not desk.simulator.calls("start")


@pytest.mark.parametrize("body", [[], {"data": {}}, {"data": "x"}, {"sessions": []}])
async def test_a_list_that_is_none_is_broken(desk: Rig, body: object) -> None:
    desk.simulator.fail("list", Fault(Reply(200, body)))
    with pytest.raises(Broken):
        await desk.provider().sessions.all()


async def test_entries_that_are_no_sessions_are_passed_over(desk: Rig) -> None:
    entries = [None, 5, {"status": "x"}, {"sessionId": "s1", "status": 7, "metadata": "none"}]
    desk.simulator.fail("list", Fault(Reply(200, {"data": entries})))
    found = await desk.provider().sessions.page(1)
    assert found is not None
    assert [one.session_id for one in found] == ["s1"]


@pytest.mark.parametrize(
    "fault",
    [Fault(delay_s=30), Fault(never_ends=True), Fault(truncated=True), Fault(hang_up=True, after_work=True)],
    ids=["slow", "never ends", "truncated", "hung up"],
)
async def test_an_answer_that_does_not_come_leaves_it_open_whether_a_session_exists(
    desk: Rig, fault: Fault, expected_log: Any
) -> None:
    expected_log(HTTP_LOG)
    desk.simulator.fail("start", fault)
    with pytest.raises(AnswerLost) as caught:
        await desk.provider().start(VISIT)
    assert caught.value.session is not None


async def test_nobody_answers_at_all(desk: Rig, expected_log: Any) -> None:
    expected_log(HTTP_LOG)
    provider = desk.provider()
    await desk.simulator.stop()
    with pytest.raises(Unavailable, match="refuses the connection"):
        await provider.start(VISIT)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["data", "sessionId", "status", "message", "metadata", "metaData", "roomId", "error"])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=JSON | st.dictionaries(NAMES, JSON | st.dictionaries(NAMES, JSON, max_size=3), max_size=4))
def test_no_entry_makes_reading_raise(body: object) -> None:
    read_session(body)


async def test_no_answer_whatsoever_raises_anything_but_a_provider_error(desk: Rig, expected_log: Any) -> None:
    expected_log(HTTP_LOG)
    bodies = [b"\xff\xfe", "<html>", json.dumps({"data": {"a": "\ud800"}}), "[" * 2000, "", '{"data": 1e999}']
    for endpoint in ("create_room", "start", "get", "end", "list"):
        for status in (200, 500):
            for body in bodies:
                desk.simulator.server.heal()
                desk.simulator.fail(endpoint, Fault(Reply(status, body)), 30)
                provider = desk.provider(ready_s=0.1 if endpoint == "get" else 0)
                with suppress(ProviderError):
                    grant = await provider.start(VISIT)
                    await provider.end(grant.session, EndReason.FAULT)
                    await provider.sessions.all()


async def test_no_secret_is_told(desk: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """Neither in an error nor in the log, whatever the vendor repeats in its answer."""
    caplog.set_level(logging.DEBUG, logger="kiosk")
    provider = desk.provider()
    told = []
    for status in (400, 401, 403, 500):
        echo = f"bad token {desk.simulator.token()} for {videosdk.SECRET} of {videosdk.API_KEY}"
        desk.simulator.fail("start", Fault(Reply(status, {"message": echo})))
        with pytest.raises(ProviderError) as caught:
            await provider.start(VISIT)
        told.append("".join(traceback.format_exception(caught.value)))
    everything = caplog.text + "".join(told) + repr(provider)
    assert [secret for secret in desk.secrets() if secret in everything] == []
