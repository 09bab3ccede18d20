"""Every documented error, every way in which an answer can go wrong, and the stray session behind a lost answer."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from kiosk.providers.contract import Broken, Busy, EndReason, Misconfigured, ProviderError, Unavailable, Visit
from tests.contract.agenthuman_desk import VISIT, Desk, desk, started
from tests.simulators.vendor_http import Fault, Reply

ExpectedLog = Callable[[str], None]

CLEANUP_FAILED = "after a failed start"


@pytest.fixture
async def bench() -> AsyncIterator[Desk]:
    async with desk() as bench:
        yield bench


def error_body(shape: str) -> dict[str, Any]:
    if shape == "text":
        return {"success": False, "error": "the vendor says no"}
    return {"success": False, "error": {"message": "the vendor", "suggestion": "says no"}}


@pytest.mark.parametrize("shape", ["text", "object"])
@pytest.mark.parametrize(
    ("status", "kind", "remedy"),
    [
        (400, Misconfigured, "avatar"),
        (401, Misconfigured, "KIOSK_AGENTHUMAN_API_KEY"),
        (402, Busy, "plan"),
        (403, Busy, "plan"),
        (404, Misconfigured, "avatar"),
        (409, Busy, "plan"),
        (429, Busy, "waits"),
        (408, Unavailable, "again"),
        (499, Unavailable, ""),
        (500, Unavailable, "again"),
        (502, Unavailable, "again"),
        (503, Unavailable, "again"),
        (302, Misconfigured, "base_url"),
        (418, Misconfigured, "settings"),
    ],
)
async def test_every_status(bench: Desk, status: int, kind: type[ProviderError], remedy: str, shape: str) -> None:
    bench.vendor.server.fail("create", Fault(Reply(status, error_body(shape))))
    error = await bench.failed_start(bench.provider())
    assert isinstance(error, kind)
    assert "the vendor says no" in error.operator_line
    assert str(status) in error.operator_line
    assert remedy in error.operator_line
    assert error.session is None
    assert bench.vendor.open_sessions == []
    # Nothing was created by a plain refusal, so nobody looks for strays.
    searched = len(bench.vendor.server.calls("sessions"))
    assert searched == (1 if isinstance(error, Unavailable) else 0)


async def test_the_simulated_vendors_own_refusals(bench: Desk) -> None:
    vendor = bench.vendor
    for shape in (False, True):
        vendor.errors_are_texts = shape
        unknown = await bench.failed_start(bench.provider(avatar="avat_nobody"))
        assert isinstance(unknown, Misconfigured)
        assert "Avatar not found" in unknown.operator_line
        foreign = await bench.failed_start(bench.provider(avatar="avat_01SOMEBODYELSES0000000000"))
        assert "another account" in foreign.operator_line


@pytest.mark.parametrize("key", ["ah_live_wrongwrongwrongwrongwrongwrong12", "x"])
async def test_an_unknown_key(bench: Desk, key: str) -> None:
    error = await bench.failed_start(bench.provider({**bench.secrets(), "KIOSK_AGENTHUMAN_API_KEY": key}))
    assert isinstance(error, Misconfigured)
    assert "KIOSK_AGENTHUMAN_API_KEY" in error.operator_line
    assert "ah_live" not in error.operator_line


@pytest.mark.parametrize("key", ["ah_live_schlüssel", "ah_live_two\nlines"])
async def test_a_key_that_no_header_can_carry(bench: Desk, key: str, expected_log: ExpectedLog) -> None:
    expected_log("kiosk.http")
    error = await bench.failed_start(bench.provider({**bench.secrets(), "KIOSK_AGENTHUMAN_API_KEY": key}))
    assert isinstance(error, Misconfigured)
    assert key not in error.operator_line


@pytest.mark.parametrize("avatar", ["https://example.com/face.jpg", "data:image/png;base64,iVBORw0KGgo="])
async def test_an_image_on_the_free_plan(bench: Desk, avatar: str) -> None:
    bench.vendor.plan.paid = False
    error = await bench.failed_start(bench.provider(avatar=avatar))
    assert isinstance(error, Misconfigured)
    assert "avat_" in error.operator_line
    assert bench.vendor.sessions == {}


@pytest.mark.parametrize("status", [402, 403, 409, 429])
@pytest.mark.parametrize("limit", ["minutes", "concurrent"])
async def test_usage_limits_are_no_fault(bench: Desk, status: int, limit: str) -> None:
    bench.vendor.limit_status = status
    setattr(bench.vendor.plan, limit, 0)
    error = await bench.failed_start(bench.provider())
    assert isinstance(error, Busy)
    assert error.retry
    assert error.screen == "busy"
    assert error.retry_after_s is not None
    assert 1 <= error.retry_after_s <= 60


async def test_a_freed_place_can_be_taken(bench: Desk) -> None:
    bench.vendor.plan.concurrent = 1
    provider = bench.provider()
    grant = await started(provider)
    assert isinstance(await bench.failed_start(provider), Busy)
    await provider.end(grant.session, EndReason.VISITOR_LEFT)
    await started(provider)


async def test_the_rate_limit_says_when(bench: Desk) -> None:
    bench.vendor.calls_per_minute = 1
    provider = bench.provider()
    await provider.api.usage()
    error = await bench.failed_start(provider)
    assert isinstance(error, Busy)
    assert error.retry_after_s is not None
    assert 50 < error.retry_after_s <= 60
    assert "Rate limit" in error.operator_line


@pytest.mark.parametrize(
    ("reset", "low", "high"),
    [
        (lambda now: str(int(now) + 20), 18, 20),
        (lambda now: str(int(now) + 3600), 60, 60),
        (lambda now: str(int(now) - 3600), 1, 1),
        (lambda now: "soon", 60, 60),
        (lambda now: "-5", 60, 60),
        (lambda now: "", 60, 60),
        (lambda now: "9" * 400, 60, 60),
    ],
)
async def test_waiting_for_the_reset(bench: Desk, reset: Callable[[float], str], low: float, high: float) -> None:
    headers = {"X-RateLimit-Reset": reset(time.time())}
    bench.vendor.server.fail("create", Fault(Reply(429, error_body("text"), headers)))
    error = await bench.failed_start(bench.provider())
    assert error.retry_after_s is not None
    assert low <= error.retry_after_s <= high


GOOD: dict[str, Any] = {"session_id": "sess_1", "status": "started", "started_at": None, "expiration": None}


@pytest.mark.parametrize(
    "body",
    [
        {"success": False, "error": "no"},
        {"success": False, "session": GOOD},
        {"success": "yes", "session": GOOD},
        {"success": None, "session": GOOD},
        {},
        {"success": True},
        {"success": True, "session": None},
        {"success": True, "session": []},
        {"success": True, "session": {}},
        {"success": True, "session": {**GOOD, "session_id": None}},
        {"success": True, "session": {**GOOD, "session_id": 7}},
        {"success": True, "session": {**GOOD, "session_id": ""}},
        {"success": True, "session": {**GOOD, "session_id": "../usage"}},
        {"success": True, "session": {**GOOD, "session_id": "a\n"}},
        {"success": True, "session": {**GOOD, "session_id": "s" * 300}},
        {"success": True, "session": {**GOOD, "status": "ended"}},
        {"success": True, "session": {**GOOD, "status": 3}},
        {"success": True, "session": {**GOOD, "expiration": 1_700_000_000}},
        {"success": True, "session": {**GOOD, "metadata": []}},
        {"success": True, "data": {"session": 1}},
        [],
        None,
        7,
        "<html>a captive portal</html>",
        '{"success": true, "session": {"session_id": "sess_1"',
        b"\xff\xfe\x00",
        b"",
        "[" * 20_000,
        '{"success": true, "session": NaN}',
    ],
    ids=lambda body: repr(body)[:60],
)
async def test_answers_that_the_documents_exclude(bench: Desk, body: Any) -> None:
    """The session was created all the same: it is found by its metadata and ended."""
    bench.vendor.server.fail("create", Fault(Reply(200, body), after_work=True))
    error = await bench.failed_start(bench.provider())
    assert isinstance(error, Broken)
    assert error.session is None
    assert len(bench.vendor.sessions) == 1
    assert bench.vendor.open_sessions == []


AMBIGUOUS = {
    "slow": Fault(after_work=True, delay_s=30),
    "never ends": Fault(never_ends=True),
    "truncated": Fault(truncated=True),
    "hang-up": Fault(hang_up=True, after_work=True),
    "500": Fault(Reply(500, error_body("text")), after_work=True),
    "408": Fault(Reply(408, error_body("text")), after_work=True),
    "499": Fault(Reply(499, error_body("text")), after_work=True),
    "too long": Fault(Reply(201, "x" * (2 << 20)), after_work=True),
}


@pytest.mark.parametrize("how", AMBIGUOUS)
async def test_a_lost_answer_leaves_no_session_behind(
    bench: Desk, how: str, expected_log: ExpectedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected_log("kiosk.http")
    if how in ("slow", "never ends"):
        monkeypatch.setattr("kiosk.providers.agenthuman_api.CREATE_TIMEOUT_S", 0.8)
    provider = bench.provider()
    other = await provider.start(Visit("another-visit"))
    bench.vendor.server.fail("create", AMBIGUOUS[how])
    error = await bench.failed_start(provider)
    assert isinstance(error, Unavailable)
    assert error.retry
    assert error.session is None
    # Only the other visit's session still runs.
    assert [session.session_id for session in bench.vendor.open_sessions] == [other.session.session_id]
    if how != "slow":  # there the vendor was still thinking when the kiosk gave up
        assert len(bench.vendor.sessions) == 2


@pytest.mark.parametrize(
    ("endpoint", "fault"),
    [
        ("sessions", Fault(Reply(500, {}))),
        ("sessions", Fault(Reply(200, {"success": True}))),
        ("sessions", Fault(Reply(200, {"success": True, "sessions": {}}))),
        ("sessions", Fault(Reply(401, {"success": False, "error": "no"}))),
        ("sessions", Fault(never_ends=True)),
        ("sessions", Fault(hang_up=True)),
        ("end", Fault(Reply(503, {}))),
        ("end", Fault(Reply(200, {"success": False, "error": "no"}))),
    ],
)
async def test_a_stray_that_cannot_be_ended_stays_on_record(
    bench: Desk, endpoint: str, fault: Fault, expected_log: ExpectedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected_log("kiosk.http")
    expected_log(CLEANUP_FAILED)
    if fault.never_ends:
        monkeypatch.setattr("kiosk.providers.agenthuman.CLEANUP_TIMEOUT_S", 0.3)
    provider = bench.provider()
    bench.vendor.server.fail("create", Fault(Reply(500, "oops"), after_work=True))
    bench.vendor.server.fail(endpoint, fault)
    error = await bench.failed_start(provider)
    assert error.session is not None
    assert (error.session.visit_id, error.session.session_id) == (VISIT.id, None)
    assert len(bench.vendor.open_sessions) == 1
    # What the ledger does later:
    await provider.end(error.session, EndReason.ORPHAN)
    assert bench.vendor.open_sessions == []


async def test_a_vendor_that_is_not_there(bench: Desk, expected_log: ExpectedLog) -> None:
    """Nothing was sent, so nothing can be left behind and nobody looks for it."""
    expected_log("kiosk.http")
    provider = bench.provider()
    await bench.vendor.server.stop()
    error = await bench.failed_start(provider)
    assert isinstance(error, Unavailable)
    assert error.session is None


@pytest.mark.parametrize("base_url", ["", "agenthuman", "ftp://127.0.0.1/v1", "http://"])
async def test_a_base_url_that_is_none(bench: Desk, base_url: str, expected_log: ExpectedLog) -> None:
    expected_log("kiosk.http")
    assert isinstance(await bench.failed_start(bench.provider(base_url=base_url)), Misconfigured)


async def test_a_base_url_of_somebody_else(bench: Desk) -> None:
    """A web server's own 404 page is not the vendor saying that there is no such avatar."""
    error = await bench.failed_start(bench.provider(base_url=f"{bench.vendor.server.base_url}/nothing"))
    assert isinstance(error, Misconfigured)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 429, 500])
async def test_an_error_that_quotes_what_it_was_sent(bench: Desk, status: int) -> None:
    provider = bench.provider()
    await started(provider)
    token = bench.vendor.server.calls("create")[0].body["room"]["token"]
    quoted = {"message": f"x-api-key: {bench.vendor.api_key}", "suggestion": f"room.token {token} of {token[:200]}"}
    bench.vendor.server.fail("create", Fault(Reply(status, {"success": False, "error": quoted})))
    error = await bench.failed_start(provider)
    assert "ah_test_" not in error.operator_line
    assert "eyJ" not in error.operator_line
