"""Each vendor's REST simulator wired to the stage, and the settings with which a kiosk finds it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from tests.simulators import deepbrain
from tests.simulators.agenthuman import AVATAR_IDENTITY, AgentHumanSimulator, Link, Session
from tests.simulators.joining import claims_of
from tests.simulators.stage import Stage
from tests.simulators.stage_commands import Command, CommandError, StageCommands
from tests.simulators.vendor_http import Call, Fault, Reply

Tables = dict[str, dict[str, Any]]

LAST_REQUESTS = 100
DAY_S = 86_400


class Vendor(Protocol):
    """A vendor with its avatars. `settings` and `env` are known after `start`."""

    settings: Tables
    env: dict[str, str]

    async def start(self, port: int) -> None: ...

    async def stop(self) -> None: ...

    def status(self) -> dict[str, object]: ...

    async def command(self, order: Command) -> object: ...


def request_log(calls: list[Call]) -> list[dict[str, str]]:
    return [{"method": c.method, "path": c.path, "endpoint": c.endpoint} for c in calls[-LAST_REQUESTS:]]


def fault_of(order: Command) -> Fault:
    """From the fields of a command: `status` and `body` of the reply, and those of `Fault`."""
    reply = Reply(int(order["status"]), order.get("body")) if "status" in order else None
    return Fault(
        reply,
        delay_s=float(order.get("delay_s", 0)),
        after_work=bool(order.get("after_work")),
        never_ends=bool(order.get("never_ends")),
        truncated=bool(order.get("truncated")),
        hang_up=bool(order.get("hang_up")),
    )


def shaped(short_side: int, aspect_ratio: str) -> tuple[int, int]:
    """Width and height (even) of a picture such as "4:3" whose shorter side has so many pixels."""
    across, down = (int(part) for part in aspect_ratio.split(":"))
    unit = short_side / min(across, down)
    return round(unit * across) & ~1, round(unit * down) & ~1


class DeepBrainVendor:
    """The vendor's own room; its avatar speaks the greeting and every talk. The visitor's microphone is listened to."""

    def __init__(self, stage: Stage, greeting: str) -> None:
        self._stage = stage
        self._orders = StageCommands(stage)
        self._greeting = greeting
        self._api = deepbrain.DeepBrainSimulator(
            stage.server, on_start=self._on_start, on_stop=stage.exit, on_talk=stage.say
        )
        self.settings: Tables = {}
        self.env = {"KIOSK_DEEPBRAIN_USER_KEY": deepbrain.USER_KEY}

    async def start(self, port: int) -> None:
        await self._api.start(port)
        table: dict[str, Any] = {
            "base_url": self._api.base_url,
            "app_id": deepbrain.APP_ID,
            "avatar_id": deepbrain.AVATAR_ID,
            "publish_microphone": True,
        }
        if self._greeting:
            table["greeting_text"] = self._greeting
        self.settings = {"session": {"provider": "deepbrain"}, "providers": {"deepbrain": table}}

    async def stop(self) -> None:
        await self._api.stop()

    def status(self) -> dict[str, object]:
        sessions = list(self._api.sessions.values())
        return {
            "open_sessions": len(self._api.open_sessions()),
            "sessions": [
                {
                    "id": s.session_id,
                    "open": s.ended_at is None,
                    "end_reason": s.end_reason,
                    "stops": s.stops,
                    "spoken": len(s.spoken),
                }
                for s in sessions
            ],
            "requests": request_log(self._api.requests),
        }

    async def command(self, order: Command) -> object:
        """`fail` (endpoint, times, a fault's fields), `heal`, `expire` (all open sessions); else the stage's."""
        match order.get("do"):
            case "fail":
                self._api.fail(str(order.get("endpoint", "*")), fault_of(order), int(order.get("times", 1)))
            case "heal":
                self._api.heal()
            case "expire":
                for session in self._api.open_sessions():
                    await self._api.expire(session.session_id)
            case _:
                return await self._orders.command(order)
        return None

    async def _on_start(self, session_id: str, room: str, body: dict[str, Any]) -> None:
        token = self._stage.server.token(f"avatar-{session_id[:8]}", room, kind="agent", can_update_own_metadata=True)
        await self._stage.enter(session_id, self._stage.server.url, token)


class AgentHumanVendor:
    """A face in the kiosk's own room (here: the same server), or, by a link, in a room of the vendor's.

    `speech`: "stream", the kiosk sends finished speech; "agent", a simulated agent speaks through the face; "link",
    the face hears and answers by itself.
    """

    AGENT = "receptionist"
    LINK = "lnk_front_desk"

    def __init__(self, stage: Stage, greeting: str, speech: str, greeting_wav: Path | None) -> None:
        self._stage = stage
        self._orders = StageCommands(stage)
        self._greeting = greeting
        self._speech = speech
        self._greeting_wav = greeting_wav
        self._api = AgentHumanSimulator(host=stage.server, on_start=self._on_start, on_end=stage.exit)
        self._api.links[self.LINK] = Link()
        self._ends: set[asyncio.Task[None]] = set()
        self.settings: Tables = {}
        self.env: dict[str, str] = {}

    async def start(self, port: int) -> None:
        await self._api.start(port)
        table: dict[str, Any] = {"base_url": self._api.base_url}
        tables: Tables = {"session": {"provider": "agenthuman"}, "providers": {"agenthuman": table}}
        if self._speech == "link":
            table["link_id"] = self.LINK
        else:
            table["avatar"] = "PUBLIC/Avatars/anna"
            table["speech"] = self._speech
            tables["livekit"] = {"url": self._stage.server.url}
            self.env = {
                "KIOSK_AGENTHUMAN_API_KEY": self._api.api_key,
                "KIOSK_LIVEKIT_API_KEY": self._stage.server.key,
                "KIOSK_LIVEKIT_API_SECRET": self._stage.server.secret,
            }
        if self._speech == "agent":
            table["agent_identity"] = self.AGENT
        if self._speech == "stream" and self._greeting_wav is not None:
            table["greeting_wav"] = str(self._greeting_wav)
        self.settings = tables

    async def stop(self) -> None:
        await asyncio.gather(*self._ends, return_exceptions=True)
        await self._api.stop()

    def status(self) -> dict[str, object]:
        return {
            "open_sessions": len(self._api.open_sessions),
            "sessions": [
                {"id": s.session_id, "open": s.status == "started", "end_reason": None, "stops": s.ends}
                for s in self._api.sessions.values()
            ],
            "requests": request_log(self._api.server.requests),
        }

    async def command(self, order: Command) -> object:
        """`fail` (endpoint, times, a fault's fields), `heal`, `expire` (all open sessions); else the stage's."""
        match order.get("do"):
            case "fail":
                self._api.server.fail(str(order.get("endpoint", "*")), fault_of(order), int(order.get("times", 1)))
            case "heal":
                self._api.server.heal()
            case "expire":
                for session in self._api.open_sessions:
                    await self._api.end_from_outside(session.session_id)
            case _:
                return await self._orders.command(order)
        return None

    async def _on_start(self, session: Session, url: str, token: str, body: dict[str, Any]) -> None:
        linked = "link_id" in body
        await self._stage.enter(
            session.session_id,
            url,
            token,
            size=shaped(self._stage.short_side, session.aspect_ratio),
            greeting=self._greeting if linked else "",
            on_alone=partial(self._on_alone, session.session_id),
        )
        if self._speech == "agent" and not linked:
            room = str(claims_of(token)["room"])
            agent = self._stage.server.token(self.AGENT, room, kind="agent", can_update_own_metadata=True)
            worker = AVATAR_IDENTITY
            await self._stage.enter_agent(session.session_id, url, agent, worker, greeting=self._greeting)

    def _on_alone(self, session_id: str) -> None:
        """As documented: the session ends by itself when all clients have left the room."""
        task = asyncio.ensure_future(self._api.end_from_outside(session_id))
        self._ends.add(task)
        task.add_done_callback(self._ends.discard)


class PlainRoom:
    """Provider `livekit`: no vendor, only a room in which an agent with a face waits."""

    ROOM = "front-desk"

    def __init__(self, stage: Stage, greeting: str) -> None:
        self._stage = stage
        self._orders = StageCommands(stage)
        self._greeting = greeting
        server = stage.server
        self.settings: Tables = {
            "session": {"provider": "livekit"},
            "providers": {"livekit": {"url": server.url, "room": self.ROOM}},
        }
        self.env = {"KIOSK_LIVEKIT_API_KEY": server.key, "KIOSK_LIVEKIT_API_SECRET": server.secret}

    async def start(self, port: int) -> None:
        """There is no API and so no port."""
        token = self._stage.server.token(
            "receptionist",
            self.ROOM,
            kind="agent",
            can_update_own_metadata=True,
            ttl_s=DAY_S,
            room_departure_s=DAY_S,  # the agent waits for the next visitor
        )
        await self._stage.enter(self.ROOM, self._stage.server.url, token, greeting=self._greeting)
        await self._stage.entered(self.ROOM)

    async def stop(self) -> None:
        """Nothing to stop: the stage sends the agent away."""

    def status(self) -> dict[str, object]:
        return {"open_sessions": 0, "sessions": [], "requests": []}

    async def command(self, order: Command) -> object:
        return await self._orders.command(order)


def make_vendor(name: str, stage: Stage, *, greeting: str, speech: str, greeting_wav: Path | None) -> Vendor:
    """Raises `CommandError` for a name that nobody knows."""
    match name:
        case "deepbrain":
            return DeepBrainVendor(stage, greeting)
        case "agenthuman":
            return AgentHumanVendor(stage, greeting, speech, greeting_wav)
        case "livekit":
            return PlainRoom(stage, greeting)
    raise CommandError(f"unknown vendor {name}")


def merged_status(vendor: Vendor, stage: Stage) -> Mapping[str, object]:
    return {**vendor.status(), **stage.status()}
