"""The HTTP client against a real server: what it lets through, and how it names what goes wrong."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import ssl
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kiosk.providers.contract import Misconfigured, ProviderError, Unavailable
from kiosk.providers.http import AnswerLost, HttpAnswer, HttpClient
from tests.contract.certificates import Authority
from tests.simulators.vendor_http import Call, Fault, Reply, VendorServer

SECRET = "planted-secret-0123456789"
ExpectedLog = Callable[[str], None]


async def echo(call: Call) -> Reply:
    seen = {"method": call.method, "body": call.body, "query": dict(call.query)}
    return Reply(200, seen, {"X-Seen": call.headers.get("X-Sent", "")})


@pytest.fixture
async def server() -> AsyncIterator[VendorServer]:
    server = VendorServer()
    server.route("*", "/echo", "echo", echo)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    # No roots: these calls go over plain HTTP, and loading some hundred certificates takes its time.
    client = HttpClient(timeout_s=5.0, ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), secrets=[SECRET])
    yield client
    await client.aclose()


async def ask(client: HttpClient, url: str, **more: object) -> HttpAnswer:
    headers = {"Authorization": f"Bearer {SECRET}", "X-Sent": "sent"}
    return await client.request("POST", url, what="Ask", headers=headers, json={"a": 1}, **more)  # type: ignore[arg-type]


async def failure(client: HttpClient, url: str, **more: object) -> ProviderError:
    """The error of a call, after a look at all that it would tell."""
    with pytest.raises(ProviderError) as caught:
        await ask(client, f"{url}?access_token={SECRET}", **more)
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + caught.value.operator_line
    assert SECRET not in told
    assert "access_token" not in caught.value.operator_line
    assert caught.value.operator_line.startswith("Ask: ")
    assert "\n" not in caught.value.operator_line
    return caught.value


async def test_sends_what_it_is_given_and_returns_what_came(client: HttpClient, server: VendorServer) -> None:
    answer = await ask(client, f"{server.base_url}/echo", params={"page": 2, "type": "active"})
    assert answer.ok
    assert answer.json == {"method": "POST", "body": {"a": 1}, "query": {"page": "2", "type": "active"}}
    assert answer.headers["x-SEEN"] == "sent"
    assert answer.host in server.base_url
    call = server.requests[0]
    assert call.headers["Authorization"] == f"Bearer {SECRET}"
    assert call.headers["Content-Type"] == "application/json"
    assert call.headers["User-Agent"] == "avatar-kiosk"


@pytest.mark.parametrize("status", [201, 204, 301, 400, 401, 403, 404, 409, 422, 429, 500, 502, 503, 599])
async def test_no_status_is_an_exception(client: HttpClient, server: VendorServer, status: int) -> None:
    body = b"" if status == 204 else {"said": "x"}
    server.fail("echo", Fault(Reply(status, body)))
    answer = await ask(client, f"{server.base_url}/echo")
    assert answer.status == status
    assert answer.ok is (status < 300)
    assert answer.json == (None if status == 204 else {"said": "x"})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"not json",
        b"\xff\xfe\x00",
        b"NaN",
        b'{"a": Infinity}',
        b"[" * 200_000,
        b"<html>502</html>",
        b"1" * 9999,
    ],
    ids=["empty", "cut", "text", "no-utf8", "nan", "infinity", "deep", "html", "huge-number"],
)
async def test_a_body_that_is_no_json_is_none(client: HttpClient, server: VendorServer, body: bytes) -> None:
    server.fail("echo", Fault(Reply(200, body)))
    answer = await ask(client, f"{server.base_url}/echo")
    assert answer.json is None
    assert len(answer.text) <= 300


@pytest.mark.parametrize("pad", [0, 250, 3_000, 4_080, 9_000])
async def test_the_text_of_an_answer_is_short_and_redacted(client: HttpClient, server: VendorServer, pad: int) -> None:
    said = " " * pad + f"unknown key {SECRET}, token eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln and\nmore" + "x" * 5_000
    server.fail("echo", Fault(Reply(401, said)))
    answer = await ask(client, f"{server.base_url}/echo")
    assert len(answer.text) <= 300
    assert "\n" not in answer.text
    assert SECRET[:10] not in answer.text
    assert "eyJ" not in answer.text


async def test_an_answer_does_not_show_its_content_in_a_repr(client: HttpClient, server: VendorServer) -> None:
    server.fail("echo", Fault(Reply(200, {"x": "unknown-to-the-client"}, {"X-Private": "hidden-header"})))
    answer = await ask(client, f"{server.base_url}/echo")
    assert "hidden-header" not in repr(answer)


async def test_redirects_are_not_followed(client: HttpClient, server: VendorServer) -> None:
    server.fail("echo", Fault(Reply(307, "", {"Location": f"{server.base_url}/echo"})))
    answer = await ask(client, f"{server.base_url}/echo")
    assert answer.status == 307
    assert len(server.requests) == 1


async def test_cookies_are_not_kept(client: HttpClient, server: VendorServer) -> None:
    server.fail("echo", Fault(Reply(200, {}, {"Set-Cookie": "visit=1; Path=/"})))
    await ask(client, f"{server.base_url}/echo")
    await ask(client, f"{server.base_url}/echo")
    assert "Cookie" not in server.requests[1].headers


async def test_a_body_that_never_ends(client: HttpClient, server: VendorServer) -> None:
    server.fail("echo", Fault(Reply(200, {"a": 1}), never_ends=True))
    error = await failure(client, f"{server.base_url}/echo", timeout_s=0.3)
    assert isinstance(error, AnswerLost)
    assert "within 0.3 s" in error.operator_line


async def test_a_body_that_is_too_long(server: VendorServer) -> None:
    client = HttpClient(max_body_bytes=1000, ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    server.fail("echo", Fault(Reply(200, "x" * 1001)))
    error = await failure(client, f"{server.base_url}/echo")
    assert isinstance(error, AnswerLost)
    assert "more than 1000 bytes" in error.operator_line
    server.fail("echo", Fault(Reply(200, '"' + "x" * 998 + '"')))
    assert (await ask(client, f"{server.base_url}/echo")).json == "x" * 998
    await client.aclose()


async def test_a_packed_body_is_not_unpacked(client: HttpClient, server: VendorServer) -> None:
    import gzip

    bomb = gzip.compress(b'"' + b"x" * (8 << 20) + b'"')
    server.fail("echo", Fault(Reply(200, bomb, {"Content-Encoding": "gzip"})))
    answer = await ask(client, f"{server.base_url}/echo")
    assert answer.json is None
    assert server.requests[0].headers["Accept-Encoding"] == "identity"


async def test_an_answer_that_comes_too_late(client: HttpClient, server: VendorServer) -> None:
    server.fail("echo", Fault(delay_s=30))
    assert isinstance(await failure(client, f"{server.base_url}/echo", timeout_s=0.2), AnswerLost)


@pytest.mark.parametrize("fault", [Fault(Reply(200, {"a": "b" * 99}), truncated=True), Fault(hang_up=True)])
async def test_an_answer_that_breaks_off(
    client: HttpClient, server: VendorServer, fault: Fault, expected_log: ExpectedLog
) -> None:
    expected_log("^WARNING kiosk.http: Ask: ")
    server.fail("echo", fault)
    error = await failure(client, f"{server.base_url}/echo")
    assert isinstance(error, AnswerLost)
    assert error.retry
    assert (await ask(client, f"{server.base_url}/echo")).ok, "the next call starts on a fresh connection"


async def test_an_answer_that_is_no_http(client: HttpClient, expected_log: ExpectedLog) -> None:
    expected_log("^WARNING kiosk.http: Ask: ")

    async def talk_nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(talk_nonsense, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    error = await failure(client, f"http://127.0.0.1:{port}/x")
    server.close()
    await server.wait_closed()
    assert isinstance(error, AnswerLost)
    assert "HTTP" in error.operator_line


async def test_a_refused_connection(client: HttpClient, expected_log: ExpectedLog) -> None:
    expected_log("^WARNING kiosk.http: Ask: ")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    error = await failure(client, f"http://127.0.0.1:{port}/x")
    assert type(error) is Unavailable, "nothing can have been carried out"
    assert f"127.0.0.1:{port} refuses" in error.operator_line


async def test_a_name_that_is_not_found(client: HttpClient, expected_log: ExpectedLog) -> None:
    expected_log("^WARNING kiosk.http: Ask: ")
    error = await failure(client, "https://nonexistent.invalid/x")
    assert type(error) is Unavailable
    assert "nonexistent.invalid" in error.operator_line
    assert "DNS" in error.operator_line


@pytest.mark.parametrize("url", ["", "no url", "ftp://host/x", "https://", "http://[::1", "http://host:99999/"])
async def test_an_address_that_is_none(client: HttpClient, expected_log: ExpectedLog, url: str) -> None:
    expected_log("^WARNING kiosk.http: Ask: ")
    assert isinstance(await failure(client, url), Misconfigured)


@pytest.mark.parametrize("secret", ["line\nbreak-planted", "umlaut-ä-planted", "nul\0-planted", "lone-\ud800-planted"])
async def test_a_secret_that_cannot_be_sent(
    client: HttpClient, server: VendorServer, expected_log: ExpectedLog, secret: str
) -> None:
    logged: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: logged.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    expected_log("^WARNING kiosk.http: Ask: ")
    with pytest.raises(Misconfigured) as caught:
        await client.request("GET", f"{server.base_url}/echo", what="Ask", headers={"x-api-key": secret})
    logging.getLogger().removeHandler(handler)
    assert "planted" not in "".join(traceback.format_exception(caught.value))
    assert "planted" not in " ".join(logged)
    assert server.requests == []


async def test_nothing_that_is_sent_appears_in_the_log(
    client: HttpClient, server: VendorServer, caplog: pytest.LogCaptureFixture, expected_log: ExpectedLog
) -> None:
    expected_log("^WARNING kiosk.http: Ask: ")
    with caplog.at_level(logging.DEBUG):
        await ask(client, f"{server.base_url}/echo?access_token={SECRET}")
        server.fail("echo", Fault(hang_up=True))
        await failure(client, f"{server.base_url}/echo")
    assert SECRET not in caplog.text


async def test_a_trusted_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with secured(authority.server_context()) as server:
        client = HttpClient(ssl_context=authority.client_context())
        assert (await ask(client, f"{server.base_url}/echo")).ok
        await client.aclose()


@pytest.mark.parametrize(
    ("from_days", "to_days", "host", "trusted", "words"),
    [
        (-9, -2, "127.0.0.1", True, "has expired by this machine's time; check the clock of this machine"),
        (2, 9, "127.0.0.1", True, "is not valid yet by this machine's time; check the clock of this machine"),
        (-1, 1, "other.invalid", True, "is not trusted"),
        (-1, 1, "127.0.0.1", False, "is not trusted"),
    ],
    ids=["expired", "not-yet-valid", "other-host", "unknown-root"],
)
async def test_a_certificate_that_is_refused(
    tmp_path: Path, expected_log: ExpectedLog, from_days: int, to_days: int, host: str, trusted: bool, words: str
) -> None:
    expected_log("^WARNING kiosk.http: Ask: ")
    authority = Authority(tmp_path)
    async with secured(authority.server_context(host=host, from_days=from_days, to_days=to_days)) as server:
        client = HttpClient(ssl_context=(authority if trusted else Authority(tmp_path)).client_context())
        error = await failure(client, f"{server.base_url}/echo")
        await client.aclose()
        assert server.requests == [], "nothing was sent over the line that is not trusted"
    assert type(error) is Unavailable
    assert words in error.operator_line


async def test_tls_to_a_server_that_speaks_none(server: VendorServer, expected_log: ExpectedLog) -> None:
    expected_log("^WARNING (kiosk.http: Ask|aiohttp)")
    client = HttpClient()
    error = await failure(client, server.base_url.replace("http:", "https:") + "/echo")
    await client.aclose()
    assert isinstance(error, Unavailable)
    assert "TLS" in error.operator_line


async def test_a_closed_client_says_so(client: HttpClient, server: VendorServer) -> None:
    await ask(client, f"{server.base_url}/echo")
    await client.aclose()
    await client.aclose()
    assert "closing" in (await failure(client, f"{server.base_url}/echo")).operator_line
    assert len(server.requests) == 1


async def test_closing_during_a_call_ends_it(
    client: HttpClient, server: VendorServer, expected_log: ExpectedLog
) -> None:
    expected_log("^WARNING kiosk.http: Ask: ")
    server.fail("echo", Fault(delay_s=30))
    call = asyncio.create_task(failure(client, f"{server.base_url}/echo", timeout_s=1.0))
    await server.asked.wait()
    await client.aclose()
    assert isinstance(await call, Unavailable)


async def test_a_cancelled_call_is_cancelled(client: HttpClient, server: VendorServer) -> None:
    server.fail("echo", Fault(delay_s=30))
    call = asyncio.create_task(ask(client, f"{server.base_url}/echo"))
    await server.asked.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (await ask(client, f"{server.base_url}/echo")).ok


async def test_calls_at_once_share_one_start(server: VendorServer) -> None:
    client = HttpClient(ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    answers = await asyncio.gather(*(ask(client, f"{server.base_url}/echo") for _ in range(8)))
    await client.aclose()
    assert all(answer.ok for answer in answers)


async def test_big_answers_within_the_limit_are_whole(client: HttpClient, server: VendorServer) -> None:
    rows = [{"n": n} for n in range(40_000)]
    assert len(json.dumps(rows)) < 1 << 20
    server.fail("echo", Fault(Reply(200, rows)))
    assert (await ask(client, f"{server.base_url}/echo")).json == rows


@asynccontextmanager
async def secured(context: ssl.SSLContext) -> AsyncIterator[VendorServer]:
    server = VendorServer()
    server.route("*", "/echo", "echo", echo)
    await server.start(ssl_context=context)
    try:
        yield server
    finally:
        await server.stop()
