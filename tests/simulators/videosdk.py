"""A strict stand-in for VideoSDK's REST API: rooms, deployment sessions, dispatch. What the vendor would refuse, it
refuses. Where the documents say nothing there is a switch.

The rooms themselves are played by `videosdk_rooms`; `on_agent` and `on_end` bring an agent into one and take it away.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt

from tests.simulators.vendor_http import Call, Fault, Reply, VendorServer

API_KEY = "3f6c1d2e-key"
SECRET = "the-projects-secret-32-bytes-or-more"
DEPLOYMENT_ID = "5bf19efa-22af-41d8-8a3f-b4dbd3f8bcac"
AGENT_ID = "ag_front_desk"

EVENTS = tuple(f"ai-deployment-session-{what}" for what in ("starting", "started", "stopping", "stopped", "failed"))
START_FIELDS: Mapping[str, type] = {"deploymentId": str, "tag": str, "env": dict, "metaData": dict, "webhook": dict}
DISPATCH_FIELDS: Mapping[str, type] = {
    "meetingId": str,
    "roomId": str,
    "agentId": str,
    "versionId": str,
    "metadata": dict,
    "roomOptions": dict,
}
ROOM_FIELDS: Mapping[str, type] = {
    "customRoomId": str,
    "geoFence": str,
    "webhook": dict,
    "autoCloseConfig": dict,
    "allowedParticipantIds": list,
}


@dataclass(slots=True)
class Switches:
    """What the documents leave open."""

    accept_prefix: bool = False  # take a token with "Bearer " before it
    error_name: str = "message"  # or error, msg, statusMessage: under which name an error says what it is
    unknown_room_status: int = 404  # or 400, 402
    ended_twice_status: int = 200  # or 400, 404, 409
    becomes: str = "started"  # or failed, queued for ever, any word
    becomes_after_s: float = 0.05
    agent_comes: bool = True  # False: the session runs, but its agent never reaches the room
    known_deployments: frozenset[str] = frozenset({DEPLOYMENT_ID})
    workers: int = 1  # 0: nobody takes a dispatched agent on
    no_worker_status: int = 200  # or 503: the HTTP status of "No workers available"


@dataclass(slots=True)
class Session:
    session_id: str
    body: dict[str, Any]
    status: str
    started_at: float
    ended_at: float | None = None
    ends: int = 0

    @property
    def room_id(self) -> str:
        return str((self.body.get("env") or {}).get("VIDEOSDK_ROOM_ID", ""))

    def flat(self) -> dict[str, Any]:
        out = {
            "sessionId": self.session_id,
            "status": self.status,
            "deploymentId": self.body.get("deploymentId", DEPLOYMENT_ID),
            "tag": self.body.get("tag", "latest"),
            "start": _iso(self.started_at),
            "createdAt": _iso(self.started_at),
            "updatedAt": _iso(self.ended_at or self.started_at),
        }
        if self.ended_at is not None:
            out |= {"end": _iso(self.ended_at), "duration": int(self.ended_at - self.started_at)}
        return out

    def listed(self) -> dict[str, Any]:
        """With the list's own spelling of two of the request's fields."""
        webhook = self.body.get("webhook")
        spelt = {"endpoint": webhook["endPoint"], "events": webhook["events"]} if webhook else None
        return {**self.flat(), "webhook": spelt, "metadata": self.body.get("metaData", {})}


AgentHook = Callable[[str, str], Awaitable[None]]  # session or dispatch, room id
EndHook = Callable[[str], Awaitable[None]]
InitHook = Callable[[str, Any], Awaitable[tuple[int, dict[str, Any]]]]  # token, body -> HTTP status, answer


class VideoSdkSimulator:
    """`base_url` after `start()` is what `[providers.videosdk-agent] base_url` takes."""

    def __init__(
        self,
        *,
        api_key: str = API_KEY,
        secret: str = SECRET,
        on_room: Callable[[str], object] | None = None,
        on_agent: AgentHook | None = None,
        on_end: EndHook | None = None,
        on_init: InitHook | None = None,
    ) -> None:
        self.switches = Switches()
        self.sessions: dict[str, Session] = {}
        self.rooms: dict[str, dict[str, Any]] = {}
        self.dispatched: list[dict[str, Any]] = []
        self.ended_rooms: list[str] = []
        self.server = VendorServer()
        self._api_key, self._secret = api_key, secret
        self._on_room, self._on_agent, self._on_end = on_room, on_agent, on_end
        self._on_init = on_init
        self._tasks: set[asyncio.Task[None]] = set()
        route = self.server.route
        route("POST", "/ai/v1/ai-deployment-sessions/start", "start", self._guarded(self._start))
        route("POST", "/ai/v1/ai-deployment-sessions/end", "end", self._guarded(self._end))
        route("GET", "/ai/v1/ai-deployment-sessions/{id}", "get", self._guarded(self._get))
        route("GET", "/ai/v1/ai-deployment-sessions", "list", self._guarded(self._list))
        route("POST", "/v2/agent/dispatch", "dispatch", self._guarded(self._dispatch))
        route("POST", "/v2/rooms", "create_room", self._guarded(self._create_room))
        route("GET", "/v2/rooms/validate/{id}", "validate_room", self._guarded(self._validate_room))
        route("POST", "/v2/sessions/end", "end_room", self._guarded(self._end_room))
        if on_init is not None:
            route("POST", "/infra/v1/meetings/server-init-config", "init", self._init)
        route("*", "/{anything:.*}", "unknown", self._nothing_here)

    async def start(self, port: int = 0, ssl_context: ssl.SSLContext | None = None) -> str:
        return await self.server.start(port, ssl_context)

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.server.stop()

    @property
    def base_url(self) -> str:
        return self.server.base_url

    def calls(self, endpoint: str) -> list[Call]:
        """Of start, end, get, list, dispatch, create_room, validate_room, end_room or unknown."""
        return self.server.calls(endpoint)

    def fail(self, endpoint: str, fault: Fault, times: int = 1) -> None:
        self.server.fail(endpoint, fault, times)

    def add_room(self, room_id: str = "", **fields: Any) -> str:
        room_id = room_id or "-".join(secrets.token_hex(2) for _ in range(3))
        self.rooms[room_id] = {"roomId": room_id, "customRoomId": None, "disabled": False, "id": room_id, **fields}
        if self._on_room is not None:
            self._on_room(room_id)
        return room_id

    def open_sessions(self) -> list[Session]:
        return [session for session in self.sessions.values() if session.ended_at is None]

    def token(self, *, ttl_s: float = 600, **claims: Any) -> str:
        """As the vendor's own guide makes one; `claims` replace the usual ones."""
        now = int(time.time())
        usual = {
            "apikey": self._api_key,
            "permissions": ["allow_join"],
            "version": 2,
            "iat": now,
            "exp": int(now + ttl_s),
        }
        return jwt.encode({**usual, **claims}, self._secret, algorithm="HS256")

    # Who may ask.

    def _guarded(self, handler: Callable[[Call], Awaitable[Reply]]) -> Callable[[Call], Awaitable[Reply]]:
        async def serve(call: Call) -> Reply:
            refusal = self._refusal(call)
            if refusal is not None:
                return refusal
            if call.method == "POST" and call.headers.get("Content-Type") != "application/json":
                return self._error(400, "Content-Type must be application/json")
            if call.method == "POST" and not isinstance(call.body, dict):
                return self._error(400, "a JSON object is needed")
            return await handler(call)

        return serve

    def _refusal(self, call: Call) -> Reply | None:
        token = call.headers.get("Authorization", "")
        if token.startswith(("Bearer ", "Basic ")):
            if not self.switches.accept_prefix:
                return self._error(401, "Token must not have a prefix")
            token = token.partition(" ")[2]
        if not token:
            return self._error(401, "Token is missing")
        try:
            claims = jwt.decode(token, self._secret, algorithms=["HS256"])
        except jwt.ExpiredSignatureError:
            return self._error(401, "Token is expired")
        except jwt.InvalidTokenError:
            return self._error(401, "Token is invalid")
        if claims.get("apikey") != self._api_key or not isinstance(claims.get("permissions"), list):
            return self._error(401, "Token is invalid")
        if claims.get("version") != 2:
            return self._error(401, "Token version is not supported")
        roles = claims.get("roles") or []
        if roles and "crawler" not in roles:
            return self._error(403, "Token has no access to the API")
        return None

    # Deployment sessions.

    async def _start(self, call: Call) -> Reply:
        problem = _misfit(call.body, START_FIELDS) or _bad_webhook(call.body.get("webhook"))
        if problem:
            return self._error(400, problem)
        if any(not isinstance(value, str) for value in call.body.get("env", {}).values()):
            return self._error(400, "env takes texts only")
        if call.body.get("deploymentId", DEPLOYMENT_ID) not in self.switches.known_deployments:
            return self._error(404, "Deployment not found")
        session = Session(str(uuid.uuid4()), call.body, "queued", time.time())
        self.sessions[session.session_id] = session
        self._spawn(self._become(session))
        flat = session.flat()
        return Reply(200, {"message": "Session started successfully", "data": flat})

    async def _become(self, session: Session) -> None:
        await asyncio.sleep(self.switches.becomes_after_s)
        if session.ended_at is not None:
            return
        session.status = self.switches.becomes
        if session.status in ("completed", "failed"):
            session.ended_at = time.time()
        elif self.switches.agent_comes and self._on_agent is not None and session.room_id:
            await self._on_agent(session.session_id, session.room_id)

    async def _end(self, call: Call) -> Reply:
        if _misfit(call.body, {"sessionId": str}, ("sessionId",)):
            return self._error(400, "sessionId is required")
        session = self.sessions.get(call.body["sessionId"])
        if session is None:
            return self._error(404, "Session not found")
        session.ends += 1
        if session.ended_at is not None and self.switches.ended_twice_status != 200:
            return self._error(self.switches.ended_twice_status, "Session is not running")
        if session.ended_at is None:
            session.status, session.ended_at = "completed", time.time()
            if self._on_end is not None:
                await self._on_end(session.session_id)
        return Reply(200, {"message": "Session stopped successfully", "data": session.flat()})

    async def _get(self, call: Call) -> Reply:
        session = self.sessions.get(call.params["id"])
        return self._error(404, "Session not found") if session is None else Reply(200, session.flat())

    async def _list(self, call: Call) -> Reply:
        try:
            page, per_page = int(call.query.get("page", "1")), int(call.query.get("perPage", "10"))
        except ValueError:
            return self._error(400, "page and perPage are numbers")
        whole = [session.listed() for session in reversed(self.sessions.values())]
        part = whole[(page - 1) * per_page : page * per_page]
        info = {"totalItems": len(whole), "currentPage": page, "perPage": per_page, "total": -(-len(whole) // per_page)}
        return Reply(200, {"data": part, "pageInfo": info})

    # Dispatch and rooms.

    async def _dispatch(self, call: Call) -> Reply:
        problem = _misfit(call.body, DISPATCH_FIELDS, ("meetingId", "agentId"))
        if problem:
            return self._error(400, problem)
        room_id = call.body["meetingId"]
        if room_id not in self.rooms or call.body["agentId"] != AGENT_ID:
            return self._error(404, "Room or agent not found")
        if self.switches.workers < 1:
            return Reply(self.switches.no_worker_status, {self.switches.error_name: "No workers available"})
        self.dispatched.append(call.body)
        if self.switches.agent_comes and self._on_agent is not None:
            await self._on_agent(f"room:{room_id}", room_id)
        data = {"success": True, "status": "assigned", "roomId": room_id, "agentId": AGENT_ID}
        return Reply(200, {"message": "Agent dispatched", "data": data})

    async def _create_room(self, call: Call) -> Reply:
        problem = _misfit(call.body, ROOM_FIELDS)
        if problem:
            return self._error(400, problem)
        return Reply(200, self.rooms[self.add_room()])

    async def _validate_room(self, call: Call) -> Reply:
        room = self.rooms.get(call.params["id"])
        return self._error(self.switches.unknown_room_status, "Room not found") if room is None else Reply(200, room)

    async def _end_room(self, call: Call) -> Reply:
        if _misfit(call.body, {"roomId": str, "sessionId": str}, ("roomId",)):
            return self._error(400, "roomId is required")
        room_id = call.body["roomId"]
        if room_id not in self.rooms:
            return self._error(404, "Room not found")
        if room_id in self.ended_rooms and self.switches.ended_twice_status != 200:
            return self._error(self.switches.ended_twice_status, "No session is running")
        self.ended_rooms.append(room_id)
        if self._on_end is not None:
            await self._on_end(f"room:{room_id}")
        return Reply(200, {"message": "Session ended", "data": {"roomId": room_id}})

    async def _init(self, call: Call) -> Reply:
        if self._on_init is None:
            return await self._nothing_here(call)
        return Reply(*await self._on_init(call.headers.get("Authorization", ""), call.body))

    async def _nothing_here(self, call: Call) -> Reply:
        return self._error(404, f"Cannot {call.method} {call.path}")

    def _error(self, status: int, text: str) -> Reply:
        return Reply(status, {self.switches.error_name: text}, {"x-request-id": uuid.uuid4().hex})

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _misfit(body: dict[str, Any], fields: Mapping[str, type], required: tuple[str, ...] = ()) -> str:
    """What is wrong with `body`; empty where nothing is."""
    for name, value in body.items():
        if name not in fields:
            return f"{name} is not allowed"
        if not isinstance(value, fields[name]):
            return f"{name} must be of type {fields[name].__name__}"
    missing = [name for name in required if not body.get(name)]
    return f"{missing[0]} is required" if missing else ""


def _bad_webhook(webhook: Any) -> str:
    if webhook is None:
        return ""
    if set(webhook) != {"endPoint", "events"} or not isinstance(webhook["endPoint"], str):
        return "webhook takes endPoint and events"
    events = webhook["events"]
    if not isinstance(events, list) or not events or any(event not in EVENTS for event in events):
        return "webhook.events holds an unknown event"
    return ""


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
