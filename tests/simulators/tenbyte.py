"""A strict stand-in for Tenbyte's webinar API: what the vendor would refuse, it refuses.

Without `rooms` it answers tokens that are right in form but lead nowhere. With `rooms` and the callbacks people can be
put on the stage: `on_start` when a session goes live, `on_end` when it is over. `whip` serves the `whip_url`s.
"""

from __future__ import annotations

import itertools
import ssl
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

import jwt

from tests.simulators.vendor_http import Call, Fault, Reply, VendorServer

PATH = "/v1/webinar"
API_KEY = "tb_key_5f2c9a7e41d84f0b"
SIGNING_KEY = "the vendor's signing key, 32 bytes+"
STEPS = {
    "step1": "Open the encoder and choose a custom RTMP server.",
    "step2": "Enter the server and the stream key.",
    "step3": "Start the stream.",
}

SessionStatus = Literal["scheduled", "live", "ended", "expired"]
PresetType = Literal["whip", "rtmp"]


class RoomHost(Protocol):
    """The LiveKit server that plays the vendor's."""

    def token(self, identity: str, room: str, **grants: Any) -> str: ...


class WhipHost(Protocol):
    """Gives out the address at which a session takes WHIP."""

    def address(self, session_id: str, room: str, stream_key: str, livekit_token: str) -> str: ...


@dataclass(slots=True)
class SimulatedSession:
    session_id: str
    room_id: str
    title: str = "Front desk"
    preset: PresetType = "whip"
    status: SessionStatus = "scheduled"
    starts: int = 0
    ends: int = 0
    viewers: int = 0
    ingress_id: str = ""
    stream_key: str = ""
    tokens: list[str] = field(default_factory=list, repr=False)

    @property
    def room(self) -> str:
        return f"session_{self.session_id}"


@dataclass(slots=True)
class Switches:
    """What the documents leave open."""

    start_goes_live: bool = True  # False: it stays scheduled until go_live
    started_again: int = 200  # or 409, 422
    over: int = 409  # or 400, 422: start, go_live or join of a session that is ended or expired
    end_answer: Literal["envelope", "empty", "no content"] = "envelope"
    ended_again: int = 409  # or 404, 422, 200
    publish: Literal["preset", "both", "null", "missing"] = "preset"  # which of rtmp and whip_url an answer holds
    viewers_publish: bool = False
    join_limit: int = 100
    gateway: bool = False  # errors in the gateway's shape in place of the application's
    start_without_token: bool = False


Hook = Callable[[SimulatedSession], Awaitable[None]]


class TenbyteSimulator:
    """`base_url` after `start()` is what `[providers.tenbyte] base_url` takes."""

    def __init__(
        self,
        rooms: RoomHost | None = None,
        *,
        whip: WhipHost | None = None,
        on_start: Hook | None = None,
        on_end: Hook | None = None,
    ):
        self.switches = Switches()
        self.sessions: dict[str, SimulatedSession] = {}
        self.room_id, self.preset_id, self.rtmp_preset_id = (str(uuid.uuid4()) for _ in range(3))
        self.host_token = _jwt(role="host")
        self.viewer_token = _jwt(role="viewer")
        self.expired_token = _jwt(role="host", exp=int(time.time()) - 60)
        self.api_key = API_KEY
        self.server = VendorServer()
        self._rooms, self._whip = rooms, whip
        self._on_start, self._on_end = on_start, on_end
        self._numbers = itertools.count(1)
        route = self.server.route
        route("GET", f"{PATH}/rooms/{{id}}", "room", self._room)
        route("POST", f"{PATH}/rooms/{{id}}/sessions", "create", self._guarded(self._create, host=True))
        route("GET", f"{PATH}/sessions/live", "live", self._live)
        route("GET", f"{PATH}/sessions/stats", "stats", self._guarded(self._stats))
        route("GET", f"{PATH}/sessions/{{id}}", "session", self._session)
        route("DELETE", f"{PATH}/sessions/{{id}}", "delete", self._guarded(self._delete, host=True))
        route("POST", f"{PATH}/sessions/{{id}}/start", "start", self._guarded(self._start, host=True))
        route("POST", f"{PATH}/sessions/{{id}}/go_live", "go_live", self._guarded(self._go_live, host=True))
        route("POST", f"{PATH}/sessions/{{id}}/join", "join", self._guarded(self._join))
        route("POST", f"{PATH}/sessions/{{id}}/end", "end", self._guarded(self._end, host=True))
        route("*", f"{PATH}/{{anything:.*}}", "unknown", self._nothing_here)

    async def start(self, port: int = 0, ssl_context: ssl.SSLContext | None = None) -> str:
        await self.server.start(port, ssl_context)
        return self.base_url

    async def stop(self) -> None:
        await self.server.stop()

    @property
    def base_url(self) -> str:
        return self.server.base_url + PATH

    @property
    def requests(self) -> list[Call]:
        return self.server.requests

    def calls(self, endpoint: str) -> list[Call]:
        """Of room, create, live, stats, session, delete, start, go_live, join, end or unknown."""
        return self.server.calls(endpoint)

    def fail(self, endpoint: str, fault: Fault, times: int = 1) -> None:
        self.server.fail(endpoint, fault, times)

    def heal(self) -> None:
        self.server.heal()

    def schedule(self, *, preset: PresetType = "whip", status: SessionStatus = "scheduled") -> SimulatedSession:
        """A session made beforehand in the vendor's console."""
        session = SimulatedSession(str(uuid.uuid4()), self.room_id, preset=preset, status=status)
        self.sessions[session.session_id] = session
        return session

    def open_sessions(self) -> list[SimulatedSession]:
        return [session for session in self.sessions.values() if session.status == "live"]

    def secrets(self) -> list[str]:
        """All that must never be told."""
        tokens = [token for session in self.sessions.values() for token in session.tokens]
        keys = [session.stream_key for session in self.sessions.values() if session.stream_key]
        return [self.host_token, self.viewer_token, self.api_key, *tokens, *keys]

    # --- who may ---

    def _guarded(
        self, handler: Callable[[Call], Awaitable[Reply]], *, host: bool = False
    ) -> Callable[[Call], Awaitable[Reply]]:
        async def serve(call: Call) -> Reply:
            role = self._role(call)
            if isinstance(role, Reply):
                return role
            if host and role != "host":
                return self._error(403, "forbidden")
            return await handler(call)

        return serve

    def _role(self, call: Call) -> str | Reply:
        authorization, key = call.headers.get("Authorization"), call.headers.get("X-API-Key")
        if authorization is None and key is None:
            return _gateway(401, "No authentication found", code="auth_type_not_found")
        if authorization is not None and key is not None:
            return self._error(401, "two kinds of authentication")
        if key is not None:
            return "host" if key == self.api_key else self._error(401, "unauthorized")
        scheme, _, token = (authorization or "").partition(" ")
        if scheme != "Bearer":
            return self._error(401, "unauthorized")
        try:
            return str(jwt.decode(token, SIGNING_KEY, algorithms=["HS256"])["role"])
        except jwt.InvalidTokenError:
            return self._error(401, "unauthorized")

    # --- public pages ---

    async def _room(self, call: Call) -> Reply:
        if not _is_uuid(call.params["id"]):
            return _invalid("id", "must be a UUID")
        if call.params["id"] != self.room_id:
            return self._error(404, "Room not found")
        return _success({"room": {"id": self.room_id, "title": "Reception"}})

    async def _live(self, _: Call) -> Reply:
        live = [self._shown(session) for session in self.open_sessions()]
        return _success({"sessions": live, "total": len(live), "page": 1, "limit": 10})

    async def _session(self, call: Call) -> Reply:
        session = self._find(call)
        return session if isinstance(session, Reply) else _success({"session": self._shown(session)})

    # --- with authentication ---

    async def _stats(self, _: Call) -> Reply:
        by_status = [session.status for session in self.sessions.values()]
        counts = {name: by_status.count(status) for name, status in _STATS.items()}
        return _success({"total_sessions": len(by_status), **counts})

    async def _create(self, call: Call) -> Reply:
        if not _is_uuid(call.params["id"]):
            return _invalid("id", "must be a UUID")
        if call.params["id"] != self.room_id:
            return self._error(404, "Room not found")
        if call.headers.get("Content-Type", "").partition(";")[0].strip() != "application/json":
            return _gateway(400, "Content-Type must be application/json")
        body = call.body
        if not isinstance(body, dict):
            return _gateway(400, "a JSON object is wanted")
        title, preset_id = body.get("title"), body.get("preset_id")
        if not isinstance(title, str) or not 3 <= len(title) <= 255:
            return _invalid("title", "must have 3 to 255 characters")
        if not isinstance(preset_id, str) or not _is_uuid(preset_id):
            return _invalid("preset_id", "must be a UUID")
        if unknown := set(body) - {"title", "preset_id", "description", "mode", "scheduled_start_time"}:
            return _invalid(sorted(unknown)[0], "is not known")
        if body.get("mode", "webcam") not in ("webcam", "rtmp"):
            return _invalid("mode", "must be webcam or rtmp")
        if preset_id not in (self.preset_id, self.rtmp_preset_id):
            return self._error(404, "Preset not found")
        session = self.schedule(preset="whip" if preset_id == self.preset_id else "rtmp")
        session.title = title
        made = {"session": self._shown(session), "rtmp_url": "rtmp://ingest.invalid/live", "stream_key": ""}
        return Reply(201, _envelope(made))

    async def _delete(self, call: Call) -> Reply:
        session = self._find(call)
        if isinstance(session, Reply):
            return session
        del self.sessions[session.session_id]
        return Reply(204, b"")

    async def _start(self, call: Call) -> Reply:
        session = self._to_run(call)
        if isinstance(session, Reply):
            return session
        if session.status == "live" and self.switches.started_again != 200:
            return self._error(self.switches.started_again, "Session has been started already")
        session.starts += 1
        await self._run(session, live=self.switches.start_goes_live)
        return _success(self._entry(session))

    async def _go_live(self, call: Call) -> Reply:
        session = self._to_run(call)
        if isinstance(session, Reply):
            return session
        if not session.starts:
            return self._error(409, "Session has not been started")
        await self._run(session, live=True)
        return _success(self._entry(session))

    async def _join(self, call: Call) -> Reply:
        session = self._to_run(call)
        if isinstance(session, Reply):
            return session
        if session.status == "scheduled":
            return self._error(409, "Session has not begun")
        if session.viewers >= self.switches.join_limit:
            return self._error(400, "Stage is full")
        session.viewers += 1
        number = next(self._numbers)
        token = self._room_token(session, f"viewer-{number}", can_publish=self.switches.viewers_publish)
        return _success({"livekit_token": token, "room_name": session.room})

    async def _end(self, call: Call) -> Reply:
        if problem := _no_body(call):
            return problem
        session = self._find(call)
        if isinstance(session, Reply):
            return session
        session.ends += 1
        if session.status in ("ended", "expired"):
            again = self.switches.ended_again
            return _success(None) if again == 200 else self._error(again, "Session has ended already")
        session.status = "ended"
        if self._on_end:
            await self._on_end(session)
        match self.switches.end_answer:
            case "envelope":
                return _success(None)
            case "empty":
                return Reply(200, b"")
            case "no content":
                return Reply(204, b"")

    async def _nothing_here(self, _: Call) -> Reply:
        return Reply(404, "<html><body>404 page not found</body></html>")

    # --- what they share ---

    def _to_run(self, call: Call) -> SimulatedSession | Reply:
        if problem := _no_body(call):
            return problem
        session = self._find(call)
        if isinstance(session, SimulatedSession) and session.status in ("ended", "expired"):
            return self._error(self.switches.over, f"Session is {session.status}")
        return session

    def _find(self, call: Call) -> SimulatedSession | Reply:
        session_id = call.params["id"]
        if not _is_uuid(session_id):
            return _invalid("id", "must be a UUID")
        return self.sessions.get(session_id) or self._error(404, "Session not found")

    async def _run(self, session: SimulatedSession, *, live: bool) -> None:
        if not session.stream_key:
            session.ingress_id, session.stream_key = f"IN_{uuid.uuid4().hex[:10]}", f"sk_{uuid.uuid4().hex}"
        if live and session.status == "scheduled":
            session.status = "live"
            if self._on_start:
                await self._on_start(session)

    def _entry(self, session: SimulatedSession) -> dict[str, Any]:
        """As seed and documents show it; which members an answer really holds is not documented."""
        token = self._room_token(session, f"host-{next(self._numbers)}", can_publish=True)
        rtmp = {"ingress_id": session.ingress_id, "url": "rtmp://ingest.invalid/live", "stream_key": session.stream_key}
        setup = {"server": rtmp["url"], "stream_key": session.stream_key, "instructions": dict(STEPS)}
        whip_url = "https://whip.invalid/w"
        if self._whip is not None:
            whip_url = self._whip.address(session.session_id, session.room, session.stream_key, token)
        entry: dict[str, Any] = {"session": self._shown(session), "livekit_token": token}
        if self.switches.start_without_token:
            entry["livekit_token"] = None
        publish = self.switches.publish
        if publish == "null":
            return {**entry, "rtmp": None, "rtmp_setup": None, "whip_url": None}
        if publish == "both" or (publish == "preset" and session.preset == "rtmp"):
            entry |= {"rtmp": rtmp, "rtmp_setup": setup}
        if publish == "both" or (publish == "preset" and session.preset == "whip"):
            entry |= {"whip_url": whip_url}
        return entry

    def _shown(self, session: SimulatedSession) -> dict[str, Any]:
        now = datetime.now(UTC).isoformat()
        return {
            "id": session.session_id,
            "room_id": session.room_id,
            "room": {"id": session.room_id, "title": "Reception", "active_session_id": None},
            "preset": {"id": self.preset_id, "type": session.preset, "stage_enabled": True},
            "title": session.title,
            "description": "",
            "status": session.status,
            "mode": "webcam" if session.preset == "whip" else "rtmp",
            "duration": 0,
            "viewer_count": session.viewers,
            "hls_url": "",
            "effective_max_join_limit": self.switches.join_limit,
            "created_at": now,
            "updated_at": now,
        }

    def _room_token(self, session: SimulatedSession, identity: str, *, can_publish: bool) -> str:
        if self._rooms is not None:
            token = self._rooms.token(identity, session.room, can_publish=can_publish)
        else:
            grants = {"room": session.room, "roomJoin": True, "canPublish": can_publish}
            token = jwt.encode({"sub": identity, "video": grants}, "r" * 32, algorithm="HS256")
        session.tokens.append(token)
        return token

    def _error(self, status: int, text: str) -> Reply:
        if self.switches.gateway:
            return _gateway(status, text)
        return Reply(status, {"success": False, "error": text, "timestamp": int(time.time())})


_STATS: Mapping[str, SessionStatus] = {"live_now": "live", "scheduled": "scheduled", "ended": "ended"}


def _jwt(**claims: Any) -> str:
    return jwt.encode({"exp": int(time.time()) + 3600, "jti": uuid.uuid4().hex, **claims}, SIGNING_KEY, "HS256")


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def _no_body(call: Call) -> Reply | None:
    return _gateway(400, "this call takes no body") if call.raw else None


def _envelope(data: Any) -> dict[str, Any]:
    return {"success": True, "data": data, "timestamp": int(time.time())}


def _success(data: Any) -> Reply:
    return Reply(200, _envelope(data))


def _gateway(status: int, message: str, *, code: str | None = None) -> Reply:
    return Reply(status, {"success": False, "message": message} | ({"code": code} if code else {}))


def _invalid(name: str, message: str) -> Reply:
    errors = [{"field": name, "code": "validation_required", "message": message}]
    return Reply(422, {"success": False, "message": "Validation failed", "errors": errors})
