"""Whatever the vendor answers: a grant that can be joined, or a ProviderError; never another exception or a secret."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kiosk.providers.contract import EndReason, LiveKitGrant, ProviderError, SessionRef, Visit
from tests.contract.deepbrain_rig import Listener, told
from tests.contract.liveavatar_rig import Rig, rig
from tests.simulators.liveavatar import API_KEY
from tests.simulators.vendor_http import Fault, Reply

SESSION_ID = "9c4b7c8e-0c0d-4f57-9e58-3d2c1b0a9f8e"
SESSION_TOKEN = "eyJwbGFudGVkIjoyfQ.eyJzZXNzaW9uIjoidG9rZW4ifQ.c2Vzc2lvbg"
ROOM_TOKEN = "eyJwbGFudGVkIjoxfQ.eyJyb29tIjoidG9rZW4ifQ.c2lnbmF0dXJl"
SECRETS = (API_KEY, SESSION_TOKEN, ROOM_TOKEN)

DOCUMENTED: dict[str, dict[str, Any]] = {
    "token": {"session_id": SESSION_ID, "session_token": SESSION_TOKEN},
    "start": {
        "session_id": SESSION_ID,
        "livekit_url": "wss://rooms.invalid",
        "livekit_client_token": ROOM_TOKEN,
        "livekit_agent_token": None,
        "max_session_duration": 1200,
        "ws_url": None,
    },
    "stop": {},
    "session": {"id": SESSION_ID, "duration": 3, "end_at": "2026-04-07T02:37:50Z", "end_reason": "USER_CLOSED"},
    "credits": {"credits_left": "42.5"},
}
TEXTS = st.text(max_size=20) | st.sampled_from([*SECRETS, f"no {API_KEY}\r\nX: {ROOM_TOKEN}", "wss://", "\ud800", ".."])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.sampled_from([10**400, -1, 1e999]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
STATUSES = st.sampled_from([200, 200, 200, 201, 204, 301, 400, 401, 402, 403, 404, 409, 410, 422, 429, 500, 503, 599])


@st.composite
def answers(draw: st.DrawFn, endpoint: str) -> Reply:
    data: Any = copy.deepcopy(DOCUMENTED[endpoint])
    if data and draw(st.booleans()):
        data[draw(st.sampled_from(sorted(data)))] = draw(VALUES)
    body: Any = {"code": draw(st.sampled_from([100, 1000, 4000]) | VALUES), "data": data, "message": draw(VALUES)}
    match draw(st.integers(0, 5)):
        case 0:
            body = draw(VALUES)
        case 1:
            body = {"detail": draw(VALUES)}
        case 2:
            body = {"detail": [{"loc": draw(VALUES), "msg": draw(VALUES), "type": draw(TEXTS)}]}
        case _:
            pass
    raw = json.dumps(body).encode()
    status = draw(STATUSES)
    return Reply(status, b"" if status == 204 else raw[: draw(st.sampled_from([len(raw), len(raw), 7]))])


@pytest.fixture
def desk() -> Iterator[tuple[asyncio.Runner, Rig]]:
    """One server for all examples: starting one for each would take most of the time."""
    with asyncio.Runner() as runner:
        made = rig()
        yield runner, runner.run(made.__aenter__())
        runner.run(made.__aexit__(None, None, None))


def test_any_answer_is_a_result_or_a_typed_error(desk: tuple[asyncio.Runner, Rig], expected_log: Any) -> None:
    expected_log("^WARNING kiosk.(http|liveavatar): ")
    runner, made = desk
    listener = Listener()
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.DEBUG)
    root.addHandler(listener)

    @settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
    @given(replies=st.fixed_dictionaries({endpoint: answers(endpoint) for endpoint in DOCUMENTED}))
    def check(replies: dict[str, Reply]) -> None:
        listener.lines.clear()
        runner.run(visit(made, replies, listener.lines))

    try:
        check()
    finally:
        root.removeHandler(listener)
        root.setLevel(level)


async def visit(made: Rig, replies: dict[str, Reply], lines: list[str]) -> None:
    """A start, an end and a look by the doctor; `lines` is all that was logged meanwhile."""
    made.simulator.heal()
    for endpoint, reply in replies.items():
        made.simulator.fail(endpoint, Fault(reply), times=3)
    provider = made.provider()
    session = SessionRef("liveavatar", "visit-1", SESSION_ID, 0.0)
    try:
        grant = await provider.start(Visit("visit-1"))
        assert isinstance(grant, LiveKitGrant)
        assert grant.url.startswith(("ws://", "wss://"))
        assert grant.token.isascii()
        assert grant.max_duration_s is None or 0 < grant.max_duration_s <= 86_400
        assert grant.token not in repr(grant) or grant.token in grant.url
    except ProviderError as error:
        lines.append(assert_tellable(error))
    for call in (provider.end(session, EndReason.FAULT), provider.check()):
        try:
            await call
        except ProviderError as error:
            lines.append(assert_tellable(error))
    await provider.aclose()
    assert [secret for secret in SECRETS if secret in "\n".join(lines)] == []


def assert_tellable(error: ProviderError) -> str:
    """Everything that the error could show to somebody."""
    assert error.operator_line.isprintable(), "one line"
    assert len(error.operator_line) < 600
    assert error.retry_after_s is None or 0 <= error.retry_after_s <= 60
    return told(error)
