"""Plumbing for strict vendor simulators: an aiohttp server that logs what it was asked and fails on command."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it came in. `body` is the parsed JSON, None where there is none; `raw` is what stood there."""

    method: str
    path: str
    endpoint: str
    headers: Mapping[str, str]  # case-insensitive
    query: Mapping[str, str]
    params: Mapping[str, str]  # from the path
    body: Any
    raw: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; `body` goes out as JSON unless it is already text or bytes."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fault:
    """How the next call of an endpoint goes wrong.

    `reply` None lets the handler answer. `delay_s` comes first. `after_work`: the handler does its work, but `reply`
    goes out in its place (an ambiguous failure). `never_ends`: one byte every 50 ms for ever. `truncated`: the
    connection breaks in the middle of the body. `hang_up`: it breaks before any answer.
    """

    reply: Reply | None = None
    delay_s: float = 0.0
    after_work: bool = False
    never_ends: bool = False
    truncated: bool = False
    hang_up: bool = False


Handler = Callable[[Call], Awaitable[Reply]]


class VendorServer:
    """Serves `route`d handlers on a free port of the loopback interface."""

    def __init__(self) -> None:
        self.requests: list[Call] = []
        self.base_url = ""
        self.asked = asyncio.Event()  # set by every request; clear it to wait for the next one
        self._app = web.Application(client_max_size=16 << 20)
        self._runner: web.AppRunner | None = None
        self._faults: dict[str, deque[Fault]] = {}

    def route(self, method: str, path: str, endpoint: str, handler: Handler) -> None:
        """`endpoint` is the name by which faults and the request log speak of it."""

        async def serve(request: web.Request) -> web.StreamResponse:
            return await self._serve(request, endpoint, handler)

        self._app.router.add_route(method, path, serve)

    def route_raw(self, path: str, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> None:
        """A GET that is no call of an API: a WebSocket. It is neither logged nor made to fail here."""
        self._app.router.add_get(path, handler)

    def fail(self, endpoint: str, fault: Fault, times: int = 1) -> None:
        """The next `times` calls of `endpoint` go wrong this way; "*" means any endpoint."""
        self._faults.setdefault(endpoint, deque()).extend([fault] * times)

    def heal(self) -> None:
        """Forgets all faults that have not happened yet."""
        self._faults.clear()

    def calls(self, endpoint: str) -> list[Call]:
        return [call for call in self.requests if call.endpoint == endpoint]

    async def start(self, port: int = 0, ssl_context: ssl.SSLContext | None = None) -> str:
        """Begins to listen; returns the base URL without a path."""
        self._runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port, ssl_context=ssl_context)
        await site.start()
        bound = self._runner.addresses[0][1]
        self.base_url = f"{'https' if ssl_context else 'http'}://127.0.0.1:{bound}"
        return self.base_url

    async def stop(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _serve(self, request: web.Request, endpoint: str, handler: Handler) -> web.StreamResponse:
        raw = await request.read()
        call = Call(
            method=request.method,
            path=request.path,
            endpoint=endpoint,
            headers=request.headers,
            query=request.query,
            params=request.match_info,
            body=_parse(raw),
            raw=raw,
        )
        self.requests.append(call)
        self.asked.set()
        fault = self._next_fault(endpoint)
        if fault is None:
            return _response(await handler(call))
        await asyncio.sleep(fault.delay_s)
        if fault.hang_up and not fault.after_work:
            return _hang_up(request)
        reply = fault.reply
        if reply is None or fault.after_work:
            answered = await handler(call)
            reply = reply or answered
        if fault.hang_up:
            return _hang_up(request)
        if fault.never_ends:
            return await _drip(request, reply)
        if fault.truncated:
            return await _truncate(request, reply)
        return _response(reply)

    def _next_fault(self, endpoint: str) -> Fault | None:
        for name in (endpoint, "*"):
            waiting = self._faults.get(name)
            if waiting:
                return waiting.popleft()
        return None


def _parse(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None


def _payload(reply: Reply) -> tuple[bytes, str]:
    if isinstance(reply.body, bytes):
        return reply.body, "application/octet-stream"
    if isinstance(reply.body, str):
        return reply.body.encode("utf-8", "surrogatepass"), "text/html; charset=utf-8"
    return json.dumps(reply.body).encode(), "application/json"


def _response(reply: Reply) -> web.Response:
    payload, content_type = _payload(reply)
    return web.Response(status=reply.status, body=payload, headers={"Content-Type": content_type, **reply.headers})


def _hang_up(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.close()
    return web.Response()


async def _truncate(request: web.Request, reply: Reply) -> web.StreamResponse:
    payload, content_type = _payload(reply)
    headers = {"Content-Type": content_type, "Content-Length": str(len(payload)), **reply.headers}
    response = web.StreamResponse(status=reply.status, headers=headers)
    await response.prepare(request)
    await response.write(payload[: len(payload) // 2])
    _hang_up(request)
    return response


async def _drip(request: web.Request, reply: Reply) -> web.StreamResponse:
    payload, content_type = _payload(reply)
    response = web.StreamResponse(status=reply.status, headers={"Content-Type": content_type, **reply.headers})
    await response.prepare(request)
    await response.write(payload[:-1])
    while True:  # ends when the client goes away or the server stops
        await response.write(b" ")
        await asyncio.sleep(0.05)
