"""Tenbyte wired to the stage: a session with somebody on it, to join or to run as its host."""

from __future__ import annotations

from typing import Any

from livekit import api

from tests.simulators.stage import Stage
from tests.simulators.stage_commands import Command, StageCommands
from tests.simulators.tenbyte import SimulatedSession, TenbyteSimulator
from tests.simulators.vendors import DAY_S, Tables, fault_of, request_log
from tests.simulators.whip_proxy import WhipProxy

GUEST = "guest-of-honour"


class TenbyteVendor:
    """`role` "viewer": a live session that waits for viewers; "host": a room in which the kiosk makes sessions.

    `persona`: as in the settings; the vendor takes WHIP in any case.
    """

    NAME = "tenbyte"

    def __init__(self, stage: Stage, greeting: str, role: str, persona: str) -> None:
        self._stage = stage
        self._orders = StageCommands(stage)
        self._greeting = greeting
        self._role, self._persona = role, persona
        self._whip = WhipProxy(stage.server)
        self._api = TenbyteSimulator(stage.server, whip=self._whip, on_start=self._on_start, on_end=self._on_end)
        self.settings: Tables = {}
        self.env: dict[str, str] = {}

    async def start(self, port: int) -> None:
        await self._whip.start()
        await self._api.start(port)
        table: dict[str, Any] = {
            "base_url": self._api.base_url,
            "livekit_url": self._stage.server.url,
            "role": self._role,
            "persona": self._persona,
        }
        if self._role == "host":
            table |= {"room_id": self._api.room_id, "preset_id": self._api.preset_id}
            self.env = {"KIOSK_TENBYTE_TOKEN": self._api.host_token}
        else:
            session = self._api.schedule(status="live")
            await self._on_start(session)
            await self._stage.entered(session.session_id)
            table["session_id"] = session.session_id
            self.env = {"KIOSK_TENBYTE_TOKEN": self._api.viewer_token}
        self.settings = {"session": {"provider": self.NAME}, "providers": {self.NAME: table}}

    async def stop(self) -> None:
        await self._api.stop()
        await self._whip.stop()

    def status(self) -> dict[str, object]:
        """A viewer's session is somebody else's: it counts as open only where the kiosk is its host."""
        sessions = list(self._api.sessions.values()) if self._role == "host" else []
        calls = sorted((*self._api.requests, *self._whip.server.requests), key=lambda call: call.path)
        return {
            "open_sessions": sum(session.status == "live" for session in sessions),
            "sessions": [
                {"id": s.session_id, "open": s.status == "live", "end_reason": None, "stops": s.ends} for s in sessions
            ],
            "requests": request_log(calls),
            "whip_ends": list(self._whip.upstream_ends),
        }

    async def command(self, order: Command) -> object:
        """`fail` (endpoint, times, a fault's fields), `heal`; else the stage's."""
        match order.get("do"):
            case "fail":
                endpoint, times = str(order.get("endpoint", "*")), int(order.get("times", 1))
                (self._whip if endpoint in ("post", "delete") else self._api).fail(endpoint, fault_of(order), times)
            case "heal":
                self._api.heal()
                self._whip.server.heal()
            case _:
                return await self._orders.command(order)
        return None

    async def _on_start(self, session: SimulatedSession) -> None:
        token = self._stage.server.token(GUEST, session.room, ttl_s=DAY_S, room_departure_s=DAY_S)
        await self._stage.enter(session.session_id, self._stage.server.url, token, greeting=self._greeting)

    async def _on_end(self, session: SimulatedSession) -> None:
        """As documented: the room is closed behind everybody."""
        await self._stage.exit(session.session_id)
        server = self._stage.server
        async with api.LiveKitAPI(server.url.replace("ws", "http", 1), server.key, server.secret) as rooms:
            try:
                await rooms.room.delete_room(api.DeleteRoomRequest(room=session.room))
            except api.TwirpError as error:
                if error.code != api.TwirpErrorCode.NOT_FOUND:  # it may be gone already, with the last participant
                    raise
