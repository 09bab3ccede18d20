"""Link mode: the link is the credential, the room is the vendor's, and no key is sent."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from kiosk.providers.contract import Broken, Busy, EndReason, Misconfigured, ProviderError, SpeechRoute, Unavailable
from tests.contract.agenthuman_desk import VISIT, Desk, desk, started
from tests.livekit_server import LiveKitServer
from tests.simulators.agenthuman import Link
from tests.simulators.vendor_http import Fault, Reply

ExpectedLog = Callable[[str], None]
LINK = "lnk_planted_0123456789"


@pytest.fixture
async def bench(livekit_server: LiveKitServer) -> AsyncIterator[Desk]:
    async with desk() as bench:
        bench.vendor.host = livekit_server
        bench.vendor.links[LINK] = Link()
        yield bench


async def failed(bench: Desk, **settings: Any) -> ProviderError:
    error = await bench.failed_start(bench.provider({}, link_id=LINK, **settings))
    assert LINK not in error.operator_line
    return error


async def test_the_request_is_the_documented_one(bench: Desk) -> None:
    await started(bench.provider({}, link_id=LINK, aspect_ratio="1:1"))
    call = bench.vendor.server.requests[0]
    assert (call.method, call.path) == ("POST", "/v1/links/start-session")
    assert call.body == {"link_id": LINK, "aspect_ratio": "1:1"}
    assert "x-api-key" not in call.headers
    assert "Authorization" not in call.headers
    assert bench.vendor.open_sessions[0].aspect_ratio == "1:1"


async def test_the_grant_joins_the_vendors_room(bench: Desk, livekit_server: LiveKitServer) -> None:
    provider = bench.provider({}, link_id=LINK)
    grant = await started(provider)
    assert grant.url == livekit_server.url
    assert grant.avatar_identity == "agenthuman-avatar-agent"
    assert grant.speech is SpeechRoute.MICROPHONE
    assert grant.session.visit_id == VISIT.id
    assert grant.token not in repr(grant)
    can = provider.capabilities
    assert (can.interrupts, can.hosted_dialogue, can.renews) == (False, True, False)


async def test_neither_avatar_nor_own_room_is_needed(bench: Desk) -> None:
    table = {"base_url": bench.vendor.base_url, "link_id": LINK}
    await started(bench.provider_of(table, {}))
    assert len(bench.vendor.open_sessions) == 1


async def test_the_link_wins_over_the_key(bench: Desk) -> None:
    provider = bench.provider(link_id=LINK)
    grant = await started(provider)
    assert "x-api-key" not in bench.vendor.server.requests[0].headers
    await provider.end(grant.session, EndReason.VISITOR_LEFT)
    assert bench.vendor.open_sessions == []
    assert bench.vendor.server.requests[1].headers["x-api-key"] == bench.vendor.api_key


async def test_without_a_key_the_end_is_left_to_the_vendor(bench: Desk, caplog: pytest.LogCaptureFixture) -> None:
    provider = bench.provider({}, link_id=LINK)
    grant = await started(provider)
    with caplog.at_level("INFO", "kiosk.providers"):
        await provider.end(grant.session, EndReason.VISITOR_LEFT)
    assert len(bench.vendor.server.requests) == 1
    assert ["vendor's own end" in record.getMessage() for record in caplog.records] == [True]


@pytest.mark.parametrize(
    "link",
    [
        None,
        Link(active=False),
        Link(expires_at=0.0),
        Link(use_limit=0),
        Link(has_face=False),
    ],
    ids=["unknown", "inactive", "expired", "used up", "faceless"],
)
async def test_a_link_that_cannot_be_used_is_the_operators_to_mend(bench: Desk, link: Link | None) -> None:
    bench.vendor.links = {} if link is None else {LINK: link}
    for texts in (False, True):
        bench.vendor.errors_are_texts = texts
        error = await failed(bench)
        assert isinstance(error, Misconfigured)
        assert "link_id" in error.operator_line
    assert bench.vendor.sessions == {}


async def test_the_last_use_of_a_link(bench: Desk) -> None:
    bench.vendor.links[LINK] = Link(use_limit=1, expires_at=time.time() + 60)
    await started(bench.provider({}, link_id=LINK))
    assert isinstance(await failed(bench), Misconfigured)


@pytest.mark.parametrize("status", [402, 409, 429])
async def test_limits_behind_a_link(bench: Desk, status: int) -> None:
    bench.vendor.limit_status = status
    bench.vendor.plan.concurrent = 0
    error = await failed(bench)
    assert isinstance(error, Busy)
    assert error.retry_after_s is not None


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(Reply(500, "oops")), Unavailable),
        (Fault(Reply(503, {"success": False, "error": "no"})), Unavailable),
        (Fault(truncated=True), Unavailable),
        (Fault(hang_up=True), Unavailable),
        (Fault(Reply(200, {"success": False, "error": {"message": LINK, "suggestion": "x"}})), Broken),
        (Fault(Reply(200, "<html>")), Broken),
    ],
)
async def test_a_start_that_goes_wrong(
    bench: Desk, fault: Fault, kind: type[ProviderError], expected_log: ExpectedLog
) -> None:
    expected_log("kiosk.http")
    bench.vendor.server.fail("link", fault)
    assert isinstance(await failed(bench), kind)


ANSWER: dict[str, Any] = {
    "success": True,
    "session_id": "sess_1",
    "livekit_url": "wss://x.livekit.cloud",
    "participant_token": "a.b.c",
    "agent_identity": "face",
}


@pytest.mark.parametrize("field", ["session_id", "livekit_url", "participant_token"])
@pytest.mark.parametrize("value", [None, "", 7, [], "\n"])
async def test_an_answer_without_what_it_takes_to_join(bench: Desk, field: str, value: Any) -> None:
    body = {key: entry for key, entry in {**ANSWER, field: value}.items() if entry is not None}
    bench.vendor.server.fail("link", Fault(Reply(200, body)))
    error = await failed(bench)
    assert isinstance(error, Broken)
    assert field in error.operator_line


@pytest.mark.parametrize("url", ["https://x.livekit.cloud", "wss://", "wss://a b", "javascript:alert(1)", "wss:// x"])
async def test_an_answer_with_a_room_that_is_none(bench: Desk, url: str) -> None:
    bench.vendor.server.fail("link", Fault(Reply(200, {**ANSWER, "livekit_url": url})))
    assert isinstance(await failed(bench), Broken)


@pytest.mark.parametrize(("named", "expected"), [("face", "face"), (None, "agenthuman-avatar-agent")])
async def test_the_avatar_is_the_one_that_the_answer_names(bench: Desk, named: str | None, expected: str) -> None:
    bench.vendor.server.fail("link", Fault(Reply(200, {**ANSWER, "agent_identity": named})))
    assert (await started(bench.provider({}, link_id=LINK))).avatar_identity == expected


async def test_the_data_wrapper(bench: Desk) -> None:
    bench.vendor.wraps_data = True
    assert (await started(bench.provider({}, link_id=LINK))).session.session_id in bench.vendor.sessions


async def test_the_check_uses_up_no_link(bench: Desk) -> None:
    line = await bench.provider({}, link_id=LINK).check()
    assert "answers" in line
    assert bench.vendor.links[LINK].uses == 0
    assert "x-api-key" not in bench.vendor.server.requests[0].headers


@pytest.mark.parametrize("fault", [Fault(Reply(503, "oops")), Fault(hang_up=True), Fault(truncated=True)])
async def test_the_check_of_a_vendor_that_is_down(bench: Desk, fault: Fault, expected_log: ExpectedLog) -> None:
    expected_log("kiosk.http")
    bench.vendor.server.fail("usage", fault)
    with pytest.raises(Unavailable):
        await bench.provider({}, link_id=LINK).check()
