"""Whatever the vendor answers: a grant that can be joined, or a ProviderError; never another exception, never a secret.

Answers are grown from the documented ones: fields changed, taken away or added, bodies cut, codes and statuses mixed.
"""

from __future__ import annotations

import asyncio
import copy
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kiosk.providers.contract import EndReason, LiveKitGrant, ProviderError, SessionRef, Visit
from kiosk.providers.deepbrain import DeepBrain
from kiosk.providers.deepbrain_answers import SessionInfo
from tests.contract.deepbrain_rig import Listener, Rig, rig, told
from tests.simulators.deepbrain import USER_KEY
from tests.simulators.vendor_http import Fault, Reply

SESSION_TOKEN = "eyJwbGFudGVkIjoyfQ.eyJzZXNzaW9uIjoidG9rZW4ifQ.c2Vzc2lvbg"
ROOM_TOKEN = "eyJwbGFudGVkIjoxfQ.eyJyb29tIjoidG9rZW4ifQ.c2lnbmF0dXJl"
SECRETS = (USER_KEY, SESSION_TOKEN, ROOM_TOKEN)

DOCUMENTED: dict[str, dict[str, Any]] = {
    "token": {"code": 1000, "data": {"session_token": SESSION_TOKEN}, "message": "Session token has been created"},
    "start": {
        "code": 1000,
        "data": {
            "session_id": "session-1",
            "voice_id": "voice-1",
            "max_session_duration": 20,
            "max_session_numbers": 10,
            "livekit": {"url": "wss://rooms.invalid", "room_name": "room-1", "token": ROOM_TOKEN},
        },
        "message": "Session has been started",
    },
    "talk": {"code": 1000, "data": None, "message": "Message has been sent"},
    "stop": {"code": 1000, "data": None, "message": "Session has been stopped"},
    "list": {
        "code": 1000,
        "data": {
            "count": 1,
            "next": "<https://host/api/v2/sessions?page=2&page_size=20>",
            "previous": None,
            "results": [
                {
                    "sessionId": "session-1",
                    "created_at": "2026-04-07T02:37:50.000Z",
                    "updated_at": "2026-04-07T02:37:50.000Z",
                    "duration": 0,
                    "source": "API",
                    "credits_consumed": 0,
                }
            ],
        },
        "message": None,
    },
    "detail": {
        "code": 1000,
        "data": {"sessionId": "session-1", "duration": 123, "end_at": None, "end_reason": "USER_CLOSED"},
        "message": None,
    },
}

TEXTS = st.text(max_size=20) | st.sampled_from(
    [*SECRETS, f"no {USER_KEY}\r\nX: {ROOM_TOKEN}", "wss://", "\ud800", "../.."]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.sampled_from([10**400, -1, 1e999, 1000]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
CODES = st.sampled_from([1000, 4000, 4010, 4030, 4040, 4290, 5000, 1000.0, 0, -1, 4001])
STATUSES = st.sampled_from(
    [200, 200, 200, 201, 204, 301, 400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 503, 504, 599]
)
HEADERS = st.dictionaries(
    st.sampled_from(["Retry-After", "Location", "Content-Encoding", "X-Key"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20),
    max_size=2,
)


@st.composite
def answers(draw: st.DrawFn, endpoint: str) -> Reply:
    body: Any = copy.deepcopy(DOCUMENTED[endpoint])
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.sampled_from(list(places(body)))) if isinstance(body, dict) and body else ()
        body = changed(body, place, draw(st.sampled_from(["replace", "remove", "add"])), draw(VALUES))
    if isinstance(body, dict) and draw(st.integers(0, 3)) == 0:
        body["code"] = draw(CODES)
    status = draw(STATUSES) if draw(st.integers(0, 2)) == 0 else 200
    raw = json.dumps(body).encode()
    match draw(st.integers(0, 7)):
        case 0:
            raw = raw[: draw(st.integers(0, len(raw)))]
        case 1:
            raw = draw(st.binary(max_size=40)) + raw
        case _:
            pass
    return Reply(status, b"" if status == 204 else raw, draw(HEADERS))


def places(body: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield above
    inner = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, value in inner:
        yield from places(value, (*above, key))


def changed(body: Any, place: tuple[Any, ...], how: str, value: Any) -> Any:
    if not place:
        return value
    holder = body
    for key in place[:-1]:
        holder = holder[key]
    if how == "remove":
        del holder[place[-1]]
    elif how == "add" and isinstance(holder, dict):
        holder["invented"] = value
    else:
        holder[place[-1]] = value
    return body


SESSION = SessionRef("deepbrain", "visit-1", "session-1", 0.0)


async def start(provider: DeepBrain) -> None:
    grant = await provider.start(Visit("visit-1"))
    assert isinstance(grant, LiveKitGrant)
    assert grant.url.startswith(("ws://", "wss://"))
    assert grant.token
    assert grant.token.isprintable()
    assert grant.session.session_id
    assert isinstance(grant.room, str)
    assert grant.max_duration_s is None or 0 < grant.max_duration_s <= 86_400
    assert grant.token not in repr(grant) or grant.token in (grant.session.session_id, grant.room, grant.url)


async def detail(provider: DeepBrain) -> None:
    assert isinstance(await provider.detail("session-1"), SessionInfo | None)


async def call(provider: DeepBrain, endpoint: str) -> None:
    match endpoint:
        case "token" | "start":
            await start(provider)
        case "talk":
            await provider.say(SESSION, "Hello.")
        case "stop":
            await provider.end(SESSION, EndReason.FAULT)
        case "list":
            assert "active sessions" in await provider.check()
            assert isinstance(await provider.list_sessions(), list)
        case _:
            await detail(provider)


@pytest.fixture
def stage() -> Iterator[tuple[asyncio.Runner, Rig]]:
    """One server for all examples: starting one for each would take most of the time."""
    with asyncio.Runner() as runner:
        made = rig()
        yield runner, runner.run(made.__aenter__())
        runner.run(made.__aexit__(None, None, None))


@pytest.mark.parametrize("endpoint", DOCUMENTED)
def test_any_answer_is_a_result_or_a_typed_error(
    endpoint: str, stage: tuple[asyncio.Runner, Rig], expected_log: Any
) -> None:
    expected_log("^WARNING kiosk.(http|deepbrain): ")
    runner, made = stage
    listener = Listener()
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.DEBUG)
    root.addHandler(listener)

    @settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
    @given(reply=answers(endpoint))
    @example(reply=Reply(200, DOCUMENTED[endpoint]))
    @example(reply=Reply(401, {"code": 4010, "data": None, "message": " ".join(SECRETS)}))
    @example(reply=Reply(200, b"[" * 100_000))
    def check(reply: Reply) -> None:
        runner.run(one(reply))

    async def one(reply: Reply) -> None:
        made.simulator.heal()
        for name, answer in DOCUMENTED.items():
            if name != endpoint:
                made.simulator.fail(name, Fault(Reply(200, answer)), times=3)
        made.simulator.fail(endpoint, Fault(reply), times=3)
        listener.lines.clear()
        failed: ProviderError | None = None
        try:
            await call(made.provider(), endpoint)
        except ProviderError as error:
            failed = error
        if failed is not None:
            listener.lines.append(told(failed))
            assert failed.operator_line.isprintable(), "one line"
            assert len(failed.operator_line) < 600
            assert failed.retry_after_s is None or 0 <= failed.retry_after_s <= 60
            assert failed.session is None or endpoint == "start"
        for text in listener.lines:
            for secret in SECRETS:
                assert secret not in text

    try:
        check()
    finally:
        root.removeHandler(listener)
        root.setLevel(level)
