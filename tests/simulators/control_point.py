"""How a script looks at a running simulator and provokes faults: two small HTTP endpoints on loopback.

GET  /_simulator/status     what is going on, as JSON
POST /_simulator/command    {"do": "freeze" | "resume" | …}  ->  {"ok": true, …} or 400 {"ok": false, "error"}
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from tests.simulators.stage_commands import CommandError

Status = Callable[[], Mapping[str, object]]
Execute = Callable[[Mapping[str, Any]], Awaitable[object]]


class ControlPoint:
    def __init__(self, status: Status, execute: Execute) -> None:
        self._status = status
        self._execute = execute
        self._runner: web.AppRunner | None = None

    async def start(self) -> str:
        """Listens on a free port; returns the URL without a path."""
        app = web.Application()
        app.router.add_get("/_simulator/status", self._serve_status)
        app.router.add_post("/_simulator/command", self._serve_command)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _serve_status(self, _: web.Request) -> web.Response:
        return web.json_response(dict(self._status()))

    async def _serve_command(self, request: web.Request) -> web.Response:
        try:
            order = await request.json()
        except ValueError:
            order = None
        if not isinstance(order, dict):
            return web.json_response({"ok": False, "error": "a JSON object is needed"}, status=400)
        try:
            result = await self._execute(order)
        except CommandError as error:
            return web.json_response({"ok": False, "error": str(error)}, status=400)
        return web.json_response({"ok": True, **(result if isinstance(result, dict) else {})})
