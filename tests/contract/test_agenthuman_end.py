"""Ending, looking up, listing, usage and the operator's check."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any, Literal

import pytest

from kiosk.providers.contract import Broken, Busy, EndReason, Misconfigured, ProviderError, Unavailable, Visit
from kiosk.providers.own_room import OwnRoomSettings
from tests.contract.agenthuman_desk import Desk, desk, started, unanswered
from tests.livekit_server import LiveKitServer
from tests.simulators.vendor_http import Fault, Reply

ExpectedLog = Callable[[str], None]


@pytest.fixture
async def bench() -> AsyncIterator[Desk]:
    async with desk() as bench:
        yield bench


@pytest.mark.parametrize("reason", list(EndReason))
async def test_the_end_is_the_documented_call(bench: Desk, reason: EndReason) -> None:
    provider = bench.provider()
    grant = await started(provider)
    await provider.end(grant.session, reason)
    call = bench.vendor.server.calls("end")[0]
    assert (call.method, call.path) == ("POST", f"/v1/sessions/{grant.session.session_id}/end")
    assert call.raw == b""
    assert call.headers["x-api-key"] == bench.vendor.api_key
    assert bench.vendor.open_sessions == []


async def test_ending_twice_is_ending_once(bench: Desk) -> None:
    provider = bench.provider()
    grant = await started(provider)
    for _ in range(3):
        await provider.end(grant.session, EndReason.SHUTDOWN)
    assert bench.vendor.open_sessions == []


async def test_another_process_ends_it(bench: Desk) -> None:
    grant = await started(bench.provider())
    await bench.provider().end(grant.session, EndReason.ORPHAN)
    assert bench.vendor.open_sessions == []


async def test_a_vendor_that_still_wants_put(bench: Desk) -> None:
    bench.vendor.end_method = "PUT"
    provider = bench.provider()
    grant = await started(provider)
    await provider.end(grant.session, EndReason.VISITOR_LEFT)
    assert [call.method for call in bench.vendor.server.calls("end")] == ["POST", "PUT"]
    assert bench.vendor.open_sessions == []


async def test_a_post_that_is_not_found_is_tried_as_put(bench: Desk) -> None:
    provider = bench.provider()
    grant = await started(provider)
    bench.vendor.end_method = "PUT"
    bench.vendor.server.fail("end", Fault(Reply(404, "<html>no such page</html>")))
    await provider.end(grant.session, EndReason.VISITOR_LEFT)
    assert bench.vendor.open_sessions == []


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_session_that_the_vendor_does_not_know_needs_no_end(
    bench: Desk, method: Literal["POST", "PUT"], expected_log: ExpectedLog
) -> None:
    expected_log("unknown to the vendor")
    bench.vendor.end_method = method
    await bench.provider().end(replace(unanswered(), session_id="sess_gone"), EndReason.ORPHAN)


async def test_a_wrong_base_url_does_not_pass_for_an_ended_session(bench: Desk) -> None:
    grant = await started(bench.provider())
    elsewhere = bench.provider(base_url=f"{bench.vendor.server.base_url}/elsewhere")
    with pytest.raises(Misconfigured):
        await elsewhere.end(grant.session, EndReason.ORPHAN)


async def test_no_content_is_a_success(bench: Desk) -> None:
    provider = bench.provider()
    grant = await started(provider)
    bench.vendor.server.fail("end", Fault(Reply(204, b""), after_work=True))
    await provider.end(grant.session, EndReason.VISITOR_LEFT)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(Reply(401, {"success": False, "error": "no"})), Misconfigured),
        (Fault(Reply(403, {"success": False, "error": "no"})), Misconfigured),
        (Fault(Reply(429, {"success": False, "error": "no"})), Busy),
        (Fault(Reply(500, "oops")), Unavailable),
        (Fault(Reply(200, {"success": False, "error": {"message": "no"}})), Broken),
        (Fault(Reply(200, "<html>")), Broken),
        (Fault(truncated=True), Unavailable),
        (Fault(hang_up=True), Unavailable),
    ],
)
async def test_an_end_without_confirmation_is_an_error(
    bench: Desk, fault: Fault, kind: type[ProviderError], expected_log: ExpectedLog
) -> None:
    expected_log("kiosk.http")
    provider = bench.provider()
    grant = await started(provider)
    bench.vendor.server.fail("end", fault)
    with pytest.raises(kind) as caught:
        await provider.end(grant.session, EndReason.VISITOR_LEFT)
    bench.tells_no_secret(caught.value)
    await provider.end(grant.session, EndReason.VISITOR_LEFT)
    assert bench.vendor.open_sessions == []


@pytest.mark.parametrize("fault", [Fault(never_ends=True), Fault(delay_s=30)], ids=["never ends", "slow"])
async def test_an_end_has_a_limit_of_time(fault: Fault) -> None:
    async with desk(timeout_s=0.3) as bench:
        bench.vendor.server.fail("end", fault)
        with pytest.raises(Unavailable) as caught:
            await bench.provider().end(replace(unanswered(), session_id="sess_1"), EndReason.IDLE)
        bench.tells_no_secret(caught.value)


@pytest.mark.parametrize("wrapped", [False, True])
async def test_a_start_without_an_answer_is_found_by_the_visit(bench: Desk, wrapped: bool) -> None:
    bench.vendor.wraps_data = wrapped
    provider = bench.provider()
    lost, ended = await started(provider), await started(provider)
    await provider.end(ended.session, EndReason.VISITOR_LEFT)
    other = await provider.start(Visit("visit-2"))
    await provider.end(unanswered(), EndReason.ORPHAN)
    assert [session.session_id for session in bench.vendor.open_sessions] == [other.session.session_id]
    ends = {session_id: session.ends for session_id, session in bench.vendor.sessions.items()}
    assert ends == {lost.session.session_id: 1, ended.session.session_id: 1, other.session.session_id: 0}
    await provider.end(unanswered(), EndReason.ORPHAN)


@pytest.mark.parametrize("shape", ["sessions", "data", "data.sessions"])
async def test_every_shape_of_a_list(bench: Desk, shape: str) -> None:
    provider = bench.provider()
    grant = await started(provider)
    entries: list[Any] = [
        None,
        7,
        {"session_id": 5},
        {"session_id": "sess_other", "metadata": None, "status": "started"},
        {"session_id": grant.session.session_id, "metadata": {"kiosk_visit": "visit-1"}, "status": "active"},
    ]
    body = {"data": {"sessions": entries}} if shape == "data.sessions" else {shape: entries}
    bench.vendor.server.fail("sessions", Fault(Reply(200, {"success": True, **body})))
    await provider.end(unanswered(), EndReason.ORPHAN)
    assert bench.vendor.open_sessions == []


async def test_looking_a_session_up(bench: Desk) -> None:
    provider = bench.provider(metadata={"desk": 1})
    grant = await started(provider)
    assert grant.session.session_id is not None
    seen = await provider.api.session(grant.session.session_id)
    assert (seen.status, seen.metadata) == ("started", {"desk": 1, "kiosk_visit": "visit-1"})
    await bench.vendor.end_from_outside(grant.session.session_id)
    assert (await provider.api.session(grant.session.session_id)).status == "ended"
    with pytest.raises(Misconfigured):
        await provider.api.session("sess_nobody")


async def test_the_vendor_ends_a_session_at_its_expiration(bench: Desk) -> None:
    expired = asyncio.Event()

    async def note(session_id: str) -> None:
        expired.set()

    bench.vendor.on_end = note
    bench.vendor.plan.longest_session_s = 0.05
    provider = bench.provider()
    grant = await started(provider)
    assert grant.max_duration_s == pytest.approx(0.05, abs=0.01)
    assert grant.session.session_id is not None
    async with asyncio.timeout(5):
        await expired.wait()
    assert (await provider.api.session(grant.session.session_id)).status == "ended"


async def test_usage(bench: Desk) -> None:
    provider = bench.provider()
    await started(provider)
    usage = await provider.api.usage()
    assert (usage.plan, usage.active_sessions, usage.max_sessions) == ("Growth", 1, 10)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            {"success": True, "usage": {"plan": {"key": "free"}, "concurrency": {"current": 0, "max": 1}}},
            ("free", 0, 1),
        ),
        ({"success": True, "data": {"plan": None, "active_sessions": 3}}, (None, None, None)),
        ({"success": True, "plan": {"name": 5}, "concurrency": {"current": True, "max": "many"}}, (None, None, None)),
    ],
)
async def test_usage_in_other_shapes(bench: Desk, body: dict[str, Any], expected: tuple[Any, ...]) -> None:
    bench.vendor.server.fail("usage", Fault(Reply(200, body)))
    usage = await bench.provider().api.usage()
    assert (usage.plan, usage.active_sessions, usage.max_sessions) == expected


async def test_the_check_proves_key_and_room(bench: Desk, livekit_server: LiveKitServer) -> None:
    bench.room = OwnRoomSettings(url=livekit_server.url)
    secrets = bench.secrets()
    secrets |= {"KIOSK_LIVEKIT_API_KEY": livekit_server.key, "KIOSK_LIVEKIT_API_SECRET": livekit_server.secret}
    line = await bench.provider(secrets).check()
    assert "key accepted, plan Growth, 0 of 10 sessions active" in line
    assert "accepts the token" in line
    assert bench.vendor.sessions == {}

    with pytest.raises(Misconfigured, match="KIOSK_LIVEKIT_API_SECRET") as caught:
        await bench.provider({**secrets, "KIOSK_LIVEKIT_API_SECRET": "another-secret-of-32-characters-x"}).check()
    assert "eyJ" not in repr(caught.value)
    with pytest.raises(Misconfigured, match="KIOSK_AGENTHUMAN_API_KEY"):
        await bench.provider({**secrets, "KIOSK_AGENTHUMAN_API_KEY": "wrong"}).check()
