"""Calling a person: against a real webhook that takes, refuses, fails and vanishes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from kiosk.clock import SystemClock
from kiosk.dialogue.call_person import KEEP_S, MOST_WAITING, CallOutcome, CallPerson
from kiosk.dialogue.call_settings import CallSettings
from kiosk.providers.http import HttpClient
from tests.contract.plain_http import plain_http
from tests.simulators.vendor_http import Call, Fault, Reply, VendorServer

TOKEN = "planted-call-token-0123456789"
ExpectedLog = Callable[[str], None]


class HeldClock(SystemClock):
    def __init__(self) -> None:
        self.ahead_s = 0.0

    def wall(self) -> float:
        return super().wall() + self.ahead_s


@pytest.fixture
async def webhook() -> AsyncIterator[VendorServer]:
    async def take(call: Call) -> Reply:
        assert call.body["event"] == "call_person"
        return Reply(204, b"")

    server = VendorServer()
    server.route("POST", "/call", "call", take)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    client = plain_http()
    yield client
    await client.aclose()


@pytest.fixture
def queue(tmp_path: Path) -> Path:
    return tmp_path / "data" / "calls.json"


def caller(
    url: str,
    http: HttpClient,
    queue: Path,
    *,
    clock: SystemClock | None = None,
    send_text: bool = False,
    token: str = "",
) -> CallPerson:
    settings = CallSettings(url=url, place="Desk 1", send_text=send_text)
    return CallPerson(settings, http, clock or SystemClock(), queue, token=token, retry_s=(0.01,))


@contextlib.asynccontextmanager
async def running(call: CallPerson) -> AsyncIterator[None]:
    task = asyncio.create_task(call.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def kept(queue: Path) -> str:
    """What lies in the queue; empty where nothing does. Only the owner may read it."""
    if not queue.exists():
        return ""
    assert queue.stat().st_mode & 0o077 == 0
    return queue.read_text()


def lay_down(queue: Path, data: bytes) -> None:
    queue.parent.mkdir()
    queue.write_bytes(data)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  (a file has no event)
            await asyncio.sleep(0.005)


async def test_a_call_says_what_a_person_needs_and_nothing_more(
    webhook: VendorServer, http: HttpClient, queue: Path
) -> None:
    call = caller(f"{webhook.base_url}/call", http, queue, token=TOKEN)
    assert await call.call("de", reason="first-aid", text="ich blute", urgent=True) is CallOutcome.SENT
    (request,) = webhook.requests
    body = dict(request.body)
    assert body.pop("id") == request.headers["Idempotency-Key"]
    assert body.pop("at").endswith("+00:00")
    assert body == {
        "event": "call_person",
        "place": "Desk 1",
        "language": "de",
        "urgent": True,
        "reason": "first-aid",
    }, "the visitor's words stay here unless the operator wants them"
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert not kept(queue)


async def test_the_text_goes_along_where_it_is_wanted_and_is_clipped(
    webhook: VendorServer, http: HttpClient, queue: Path
) -> None:
    call = caller(f"{webhook.base_url}/call", http, queue, send_text=True)
    await call.call("en", text="x" * 10_000)
    assert webhook.requests[0].body["text"] == "x" * 300
    assert "Authorization" not in webhook.requests[0].headers


async def test_without_an_address_nothing_is_promised(http: HttpClient, queue: Path) -> None:
    call = caller("", http, queue)
    assert not call.possible
    assert await call.call("en") is CallOutcome.IMPOSSIBLE
    assert not kept(queue)


@pytest.mark.parametrize("url", ["ftp://x/", "call me", "https://", "http:// x"])
def test_an_address_that_is_none_is_refused_by_the_settings(url: str) -> None:
    with pytest.raises(ValueError, match="url"):
        CallSettings(url=url)


async def test_offline_it_is_kept_and_goes_out_later(http: HttpClient, queue: Path, expected_log: ExpectedLog) -> None:
    expected_log("^WARNING kiosk.(http|call): Call a person: ")
    port = free_port()
    url = f"http://127.0.0.1:{port}/call"
    first = caller(url, http, queue, token=TOKEN)
    assert await first.call("en", text="where is he") is CallOutcome.QUEUED
    before = kept(queue)
    assert before.count('"id"') == 1
    assert "where is he" not in before
    assert TOKEN not in before

    # The program starts anew, and the network comes back.
    taken: list[Call] = []

    async def take(call: Call) -> Reply:
        taken.append(call)
        return Reply(200, {})

    server = VendorServer()
    server.route("POST", "/call", "call", take)
    second = caller(url, http, queue)
    async with running(second):
        await server.start(port)
        await until(lambda: bool(taken) and not kept(queue))
    await server.stop()
    assert [call.body["id"] for call in taken] == [json.loads(before)["calls"][0]["id"]]


@pytest.mark.parametrize("fault", [Fault(Reply(503, "down")), Fault(Reply(429, "")), Fault(hang_up=True)])
async def test_a_fault_that_may_pass_is_tried_again_with_the_same_id(
    webhook: VendorServer, http: HttpClient, queue: Path, expected_log: ExpectedLog, fault: Fault
) -> None:
    expected_log("^WARNING kiosk.(http|call): Call a person: ")
    webhook.fail("call", fault, times=3)
    call = caller(f"{webhook.base_url}/call", http, queue)
    async with running(call):
        assert await call.call("en") is CallOutcome.QUEUED
        await until(lambda: len(webhook.requests) >= 4 and not kept(queue))
    assert len({request.body["id"] for request in webhook.requests}) == 1


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 410])
async def test_a_refusal_is_told_to_the_operator_and_not_repeated(
    webhook: VendorServer,
    http: HttpClient,
    queue: Path,
    expected_log: ExpectedLog,
    caplog: pytest.LogCaptureFixture,
    status: int,
) -> None:
    expected_log("^WARNING kiosk.call: Call a person: ")
    webhook.fail("call", Fault(Reply(status, f"no: {TOKEN}")))
    call = caller(f"{webhook.base_url}/call", http, queue, token=TOKEN)
    assert await call.call("en") is CallOutcome.IMPOSSIBLE
    assert not kept(queue)
    assert "check [call] url" in caplog.text
    assert TOKEN not in caplog.text


async def test_the_queue_is_bounded_and_forgets_what_came_too_late(
    http: HttpClient, queue: Path, expected_log: ExpectedLog
) -> None:
    expected_log("^WARNING kiosk.(http|call): ")
    clock = HeldClock()
    call = caller(f"http://127.0.0.1:{free_port()}/call", http, queue, clock=clock)
    for _ in range(MOST_WAITING + 5):
        assert await call.call("en") is CallOutcome.QUEUED
    assert len(json.loads(kept(queue))["calls"]) == MOST_WAITING
    clock.ahead_s = KEEP_S + 1
    async with running(call):
        await until(lambda: not kept(queue))


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\x00", b'{"calls": [{"id": 1}]}', b"[" * 100_000])
async def test_a_damaged_queue_stops_nobody(
    webhook: VendorServer, http: HttpClient, queue: Path, expected_log: ExpectedLog, damage: bytes
) -> None:
    expected_log("^WARNING kiosk.call: calls.json cannot be read")
    lay_down(queue, damage)
    call = caller(f"{webhook.base_url}/call", http, queue)
    assert await call.call("en") is CallOutcome.SENT


async def test_a_disk_that_cannot_be_written_does_not_stop_the_call(
    webhook: VendorServer, http: HttpClient, tmp_path: Path, expected_log: ExpectedLog
) -> None:
    expected_log("^WARNING kiosk.call: ")
    (tmp_path / "file").write_text("in the way")
    call = caller(f"{webhook.base_url}/call", http, tmp_path / "file" / "calls.json")
    assert await call.call("en") is CallOutcome.SENT
