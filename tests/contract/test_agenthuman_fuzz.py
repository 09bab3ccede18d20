"""Whatever the vendor answers: a valid grant or a ProviderError, never another exception, never a secret told."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kiosk.providers.agenthuman import AgentHuman
from kiosk.providers.contract import EndReason, LiveKitGrant, ProviderError
from tests.contract.agenthuman_desk import VISIT, Desk, Records, desk, unanswered
from tests.simulators.vendor_http import Fault, Reply

LINK = "lnk_planted_0123456789"
TOKEN = "planted-participant-token-0123456789"

GOOD_SESSION = {
    "session_id": "sess_01H3Z8G9YR3K2N5M6P7Q8W4T",
    "status": "started",
    "started_at": "2024-01-15T10:30:00Z",
    "ended_at": None,
    "expiration": "2024-01-15T14:30:00Z",
    "metadata": {"kiosk_visit": VISIT.id},
    "session_token": TOKEN,
}
GOOD_CREATE = {"success": True, "session": GOOD_SESSION, "usage": {"concurrency": {"current": 1}}, "message": "ok"}
GOOD_LINK = {
    "success": True,
    "session_id": "sess_01H3Z8G9YR3K2N5M6P7Q8W4T",
    "livekit_url": "wss://x.livekit.cloud",
    "participant_token": TOKEN,
    "agent_identity": "agenthuman-avatar-agent",
}
GOOD_LIST = {"success": True, "sessions": [GOOD_SESSION]}

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False),
    st.text(max_size=20),
    st.sampled_from(
        ["", "ended", "\ud800", "sess_x", "../x", "wss://", "0001-01-01", "9999-12-31T23:59:59Z", "x" * 9000]
    ),
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner))
STATUSES = st.just(200) | st.sampled_from([201, 204, 301, 400, 401, 402, 403, 404, 405, 408, 409, 429, 499, 500, 503])


@st.composite
def bent(draw: st.DrawFn, good: dict[str, Any]) -> Any:
    """`good` with some of its fields dropped, renamed or retyped, at any depth."""
    answer = json.loads(json.dumps(good))
    for _ in range(draw(st.integers(0, 3))):
        place = answer
        while True:
            key = draw(st.sampled_from(sorted(place))) if place else None
            deeper = place.get(key) if key is not None else None
            if isinstance(deeper, dict) and deeper and draw(st.booleans()):
                place = deeper
                continue
            break
        if key is None:
            break
        match draw(st.sampled_from(["drop", "rename", "retype"])):
            case "drop":
                del place[key]
            case "rename":
                place[draw(st.text(max_size=8))] = place.pop(key)
            case _:
                place[key] = draw(VALUES)
    return answer


def bodies(good: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Bent answers, errors of all shapes, any JSON, any bytes."""
    errors = st.fixed_dictionaries({"success": st.just(False), "error": VALUES})
    return st.one_of(bent(good), bent(good), st.builds(dict, data=bent(good)), errors, VALUES, st.binary(max_size=60))


class Bench:
    """One vendor and one event loop for all examples."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self.records = Records()
        self.desk: Desk = self.run(self._stack.enter_async_context(desk()))
        self.desk.vendor.calls_per_minute = 10**9
        self.by_key = self.desk.provider()
        self.by_link = self.desk.provider({}, link_id=LINK)

    def run[T](self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def answer(self, endpoint: str, status: int, body: Any) -> None:
        server = self.desk.vendor.server
        server.requests.clear()
        server.heal()
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        server.fail(endpoint, Fault(Reply(status, raw)))

    def judge(self, outcome: object) -> None:
        if isinstance(outcome, ProviderError):
            self.desk.tells_no_secret(outcome)
            assert TOKEN not in repr(outcome)
            assert LINK not in repr(outcome)
            assert len(outcome.operator_line) < 700
        else:
            assert isinstance(outcome, LiveKitGrant)
            assert outcome.session.session_id
            assert outcome.url.startswith(("ws://", "wss://"))
            assert outcome.token
            assert outcome.token not in repr(outcome)
            assert outcome.max_duration_s is None or outcome.max_duration_s > 0
        for text in self.records.texts:
            assert not any(secret in text for secret in (*self.desk.planted(), TOKEN, LINK))
        self.records.texts.clear()

    def close(self) -> None:
        self.run(self._stack.aclose())
        self._runner.close()


@pytest.fixture
def bench() -> Iterator[Bench]:
    # The kiosk's loggers only, and quietly: thousands of warnings are expected here.
    logger = logging.getLogger("kiosk")
    before = (logger.level, logger.propagate)
    bench = Bench()
    logger.addHandler(bench.records)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    yield bench
    logger.removeHandler(bench.records)
    logger.level, logger.propagate = before
    bench.close()


async def attempt(provider: AgentHuman) -> object:
    try:
        return await provider.start(VISIT)
    except ProviderError as error:
        return error


FUZZ = settings(max_examples=70, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@FUZZ
@given(status=STATUSES, body=bodies(GOOD_CREATE))
def test_any_answer_to_a_start(bench: Bench, status: int, body: Any) -> None:
    bench.answer("create", status, body)
    bench.judge(bench.run(attempt(bench.by_key)))


@FUZZ
@given(status=STATUSES, body=bodies(GOOD_LINK))
def test_any_answer_to_a_link(bench: Bench, status: int, body: Any) -> None:
    bench.answer("link", status, body)
    bench.judge(bench.run(attempt(bench.by_link)))


@FUZZ
@given(status=STATUSES, body=bodies(GOOD_LIST))
def test_any_list_while_cleaning_up(bench: Bench, status: int, body: Any) -> None:
    bench.answer("sessions", status, body)
    bench.desk.vendor.server.fail("create", Fault(Reply(500, "oops")))
    outcome = bench.run(attempt(bench.by_key))
    assert isinstance(outcome, ProviderError)
    bench.judge(outcome)


@FUZZ
@given(status=STATUSES, body=bodies({"success": True, "session": GOOD_SESSION}))
def test_any_answer_to_an_end(bench: Bench, status: int, body: Any) -> None:
    async def end() -> ProviderError | None:
        try:
            await bench.by_key.end(replace(unanswered(), session_id="sess_1"), EndReason.IDLE)
        except ProviderError as error:
            return error
        return None

    bench.answer("end", status, body)
    if (error := bench.run(end())) is not None:
        bench.judge(error)


@FUZZ
@given(status=STATUSES, body=bodies({"success": True, "plan": {"name": "x"}, "concurrency": {"max": 1}}))
def test_any_answer_about_usage(bench: Bench, status: int, body: Any) -> None:
    async def usage() -> ProviderError | None:
        try:
            await bench.by_key.api.usage()
        except ProviderError as error:
            return error
        return None

    bench.answer("usage", status, body)
    if (error := bench.run(usage())) is not None:
        bench.judge(error)
