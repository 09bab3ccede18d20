"""The REST side of the Agent Human API, as strict as its documents: what the vendor would refuse, this refuses.

The avatar itself is plugged in by `on_start` and `on_end`.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from tests.simulators.vendor_http import Call, Handler, Reply, VendorServer

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RATIOS = ("4:3", "3:4", "1:1")
AVATAR_IDENTITY = "agenthuman-avatar-agent"


class RoomHost(Protocol):
    """A LiveKit server of the vendor's, where the rooms of links are."""

    @property
    def url(self) -> str: ...

    def token(
        self,
        identity: str,
        room: str,
        *,
        kind: Literal["standard", "egress", "ingress", "sip", "agent"] = "standard",
        name: str = "",
        attributes: Mapping[str, str] | None = None,
    ) -> str: ...


@dataclass(slots=True)
class Session:
    session_id: str
    avatar: str
    aspect_ratio: str
    metadata: dict[str, Any]
    started_at: float
    expiration: float
    session_token: str = field(repr=False)
    status: Literal["started", "ended"] = "started"
    ended_at: float | None = None
    ends: int = 0  # how often a client asked for the end


@dataclass(slots=True)
class Plan:
    name: str = "Growth"
    concurrent: int = 10
    minutes: int = 120
    longest_session_s: float = 4 * 3600.0
    paid: bool = True  # only then images are taken in place of avatar ids


@dataclass(slots=True)
class Link:
    active: bool = True
    expires_at: float | None = None
    use_limit: int | None = None
    has_face: bool = True
    uses: int = 0


OnStart = Callable[[Session, str, str, dict[str, Any]], Awaitable[None]]
OnEnd = Callable[[str], Awaitable[None]]


class AgentHumanSimulator:
    """Switches are plain attributes; faults of single calls go through `server.fail(endpoint, Fault(...))`.

    Endpoints: create, end, session, sessions, usage, link.
    """

    def __init__(
        self,
        *,
        api_key: str = "ah_test_0123456789abcdefghijklmnopqrstuv",
        host: RoomHost | None = None,
        on_start: OnStart | None = None,
        on_end: OnEnd | None = None,
    ):
        self.api_key = api_key
        self.host = host
        self.on_start = on_start
        self.on_end = on_end
        self.server = VendorServer()
        self.sessions: dict[str, Session] = {}
        self.links: dict[str, Link] = {}
        self.avatars = {"avat_01H3Z8G9YR3K2N5M6P7Q8W4T", "PUBLIC/Avatars/anna"}
        self.exclusive_avatars = {"avat_01SOMEBODYELSES0000000000"}
        self.plan = Plan()
        self.limit_status = 429  # of a minutes or concurrency limit: not documented
        self.calls_per_minute = 60
        self.end_method: Literal["POST", "PUT"] = "POST"
        self.wraps_data = False  # the introduction page's `data` wrapper
        self.errors_are_texts = False
        self._created = 0
        self._window = (0.0, 0)  # begin of the minute, calls in it
        self._expiries: dict[str, asyncio.Task[None]] = {}
        route = self.server.route
        route("POST", "/v1/sessions", "create", self._keyed(self._create))
        route("GET", "/v1/sessions", "sessions", self._keyed(self._list))
        route("GET", "/v1/sessions/{id}", "session", self._keyed(self._get))
        route("POST", "/v1/sessions/{id}/end", "end", self._keyed(self._end))
        route("PUT", "/v1/sessions/{id}/end", "end", self._keyed(self._end))
        route("GET", "/v1/usage", "usage", self._keyed(self._usage))
        route("POST", "/v1/links/start-session", "link", self._limited(self._start_by_link))

    @property
    def base_url(self) -> str:
        return f"{self.server.base_url}/v1"

    @property
    def open_sessions(self) -> list[Session]:
        return [session for session in self.sessions.values() if session.status == "started"]

    async def start(self, port: int = 0) -> str:
        await self.server.start(port)
        return self.base_url

    async def stop(self) -> None:
        """Ends what is open, so that no plugged-in avatar outlives its vendor."""
        for session in self.open_sessions:
            await self._finish(session)
        expiries = list(self._expiries.values())
        for task in expiries:
            task.cancel()
        await asyncio.gather(*expiries, return_exceptions=True)
        await self.server.stop()

    async def end_from_outside(self, session_id: str) -> None:
        """The vendor ends a session by itself: expiry, the last client gone, an operator at the vendor's."""
        await self._finish(self.sessions[session_id])

    def _limited(self, handler: Handler) -> Handler:
        async def serve(call: Call) -> Reply:
            headers = self._rate_headers()
            if int(headers["X-RateLimit-Remaining"]) < 0:
                headers["X-RateLimit-Remaining"] = "0"
                return Reply(429, {"success": False, "error": "Rate limit exceeded"}, headers)
            reply = await handler(call)
            return Reply(reply.status, reply.body, {**headers, **reply.headers})

        return serve

    def _keyed(self, handler: Handler) -> Handler:
        async def serve(call: Call) -> Reply:
            key = call.headers.get("x-api-key")
            if key != self.api_key:
                return Reply(401, {"success": False, "error": "Invalid API key" if key else "Missing API key"})
            return await handler(call)

        return self._limited(serve)

    def _rate_headers(self) -> dict[str, str]:
        now = time.time()
        begin, count = self._window
        if now - begin >= 60:
            begin, count = now, 0
        self._window = (begin, count + 1)
        return {
            "X-RateLimit-Limit": str(self.calls_per_minute),
            "X-RateLimit-Remaining": str(self.calls_per_minute - count - 1),
            "X-RateLimit-Reset": str(int(begin) + 60),
        }

    async def _create(self, call: Call) -> Reply:
        if fault := _fault_of_create(call.body):
            return self._error(400, fault)
        body = call.body
        avatar = body["avatar"]
        if avatar.startswith(("http://", "https://", "data:image/")):
            if not self.plan.paid:
                return self._error(403, "Image avatars need a paid plan", "Upload the face and use its avatar_id")
        elif avatar in self.exclusive_avatars:
            return self._error(403, "This avatar belongs to another account")
        elif avatar not in self.avatars:
            return self._error(404, "Avatar not found")
        if limit := self._limit():
            return limit
        session = await self._begin(avatar, body.get("aspect_ratio", "4:3"), body.get("metadata", {}))
        room = body["room"]
        if self.on_start is not None:
            await self.on_start(session, room["url"], room["token"], body)
        self._created += 1
        status = 201 if self._created % 2 else 200  # which of them is not documented
        fields = {"session": {**self._describe(session), "session_token": session.session_token}}
        return self._success({**fields, "usage": self._snapshot(), "message": "Session created successfully"}, status)

    async def _start_by_link(self, call: Call) -> Reply:
        body = call.body if isinstance(call.body, dict) else {}
        link_id = body.get("link_id")
        if not isinstance(link_id, str) or not link_id:
            return self._error(400, "link_id is required")
        link = self.links.get(link_id)
        if link is None:
            return self._error(404, "Link not found")
        if not link.active or (link.expires_at is not None and link.expires_at <= time.time()):
            return self._error(403, "This link is inactive or has expired")
        if link.use_limit is not None and link.uses >= link.use_limit:
            return self._error(403, "This link has reached its use limit")
        if not link.has_face:
            return self._error(400, "The agent of this link has no avatar_image_url")
        if limit := self._limit():
            return limit
        if self.host is None:
            return self._error(503, "No room server")
        link.uses += 1
        asked = body.get("aspect_ratio", "4:3")
        session = await self._begin("avat_of_the_link", asked if asked in _RATIOS else "4:3", {})
        room = f"link-{session.session_id}"
        if self.on_start is not None:
            avatar_token = self.host.token(AVATAR_IDENTITY, room, kind="agent", name=AVATAR_IDENTITY)
            await self.on_start(session, self.host.url, avatar_token, body)
        return self._success(
            {
                "session_id": session.session_id,
                "livekit_url": self.host.url,
                "participant_token": self.host.token(f"visitor-{ulid()}", room),
                "agent_identity": AVATAR_IDENTITY,
            }
        )

    async def _end(self, call: Call) -> Reply:
        if call.method != self.end_method:
            return self._error(405, "Method not allowed")
        session = self.sessions.get(call.params["id"])
        if session is None:
            return self._error(404, "Session not found")
        session.ends += 1
        await self._finish(session)
        keys = ("session_id", "status", "started_at", "ended_at")
        described = self._describe(session)
        return self._success({"session": {key: described[key] for key in keys}})

    async def _get(self, call: Call) -> Reply:
        session = self.sessions.get(call.params["id"])
        if session is None:
            return self._error(404, "Session not found")
        return self._success({"session": self._describe(session)})

    async def _list(self, call: Call) -> Reply:
        return self._success({"sessions": [self._describe(session) for session in self.sessions.values()]})

    async def _usage(self, call: Call) -> Reply:
        active = [{"session_id": session.session_id, "status": "active"} for session in self.open_sessions]
        return self._success(
            {
                "period": {"start": _iso(time.time()), "end": _iso(time.time() + 30 * 86_400)},
                "minutes": {"included": self.plan.minutes, "purchased": 0},
                "active_sessions": active,
                "active_minutes": 0,
                "concurrency": self._snapshot()["concurrency"],
                "plan": {
                    "key": self.plan.name.lower(),
                    "name": self.plan.name,
                    "max_session_duration": int(self.plan.longest_session_s // 60),
                    "will_renew": True,
                },
            }
        )

    def _limit(self) -> Reply | None:
        if self.plan.minutes <= 0:
            return self._error(self.limit_status, "No minutes remaining", "Buy minutes or upgrade")
        if len(self.open_sessions) >= self.plan.concurrent:
            return self._error(self.limit_status, "Concurrent session limit reached", "End a session first")
        return None

    async def _begin(self, avatar: str, aspect_ratio: str, metadata: dict[str, Any]) -> Session:
        now = time.time()
        session = Session(
            session_id=f"sess_{ulid()}",
            avatar=avatar,
            aspect_ratio=aspect_ratio,
            metadata=metadata,
            started_at=now,
            expiration=now + self.plan.longest_session_s,
            session_token=secrets.token_urlsafe(24),
        )
        self.sessions[session.session_id] = session
        self._expiries[session.session_id] = asyncio.create_task(self._expire(session))
        return session

    async def _expire(self, session: Session) -> None:
        await asyncio.sleep(session.expiration - time.time())
        await self._finish(session)

    async def _finish(self, session: Session) -> None:
        if session.status == "ended":
            return
        session.status = "ended"
        session.ended_at = time.time()
        expiry = self._expiries.pop(session.session_id, None)
        if expiry is not None and expiry is not asyncio.current_task():
            expiry.cancel()
        if self.on_end is not None:
            await self.on_end(session.session_id)

    def _describe(self, session: Session) -> dict[str, Any]:
        ended = session.ended_at
        described: dict[str, Any] = {
            "session_id": session.session_id,
            "status": session.status,
            "started_at": _iso(session.started_at),
            "ended_at": _iso(ended) if ended else None,
            "expiration": _iso(session.expiration),
            "aspect_ratio": session.aspect_ratio,
            "duration": int((ended or time.time()) - session.started_at),
            "metadata": session.metadata,
        }
        if ended:
            described["billing"] = {"minutes": -int(-(ended - session.started_at) // 60)}
        return described

    def _snapshot(self) -> dict[str, Any]:
        current, most = len(self.open_sessions), self.plan.concurrent
        return {
            "concurrency": {"current": current, "max": most, "available": max(most - current, 0)},
            "minutes": {"total_remaining": self.plan.minutes},
        }

    def _success(self, fields: dict[str, Any], status: int = 200) -> Reply:
        return Reply(status, {"success": True, "data": fields} if self.wraps_data else {"success": True, **fields})

    def _error(self, status: int, message: str, suggestion: str = "") -> Reply:
        error: Any = message if self.errors_are_texts else {"message": message, "suggestion": suggestion}
        return Reply(status, {"success": False, "error": error})


def ulid() -> str:
    """26 characters that sort by time: 48 bits of milliseconds, 80 bits of chance, in Crockford's base 32."""
    number = (int(time.time() * 1000) << 80) | secrets.randbits(80)
    return "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))


def _fault_of_create(body: object) -> str:
    if not isinstance(body, dict):
        return "The body must be a JSON object"
    if not isinstance(body.get("avatar"), str) or not body["avatar"]:
        return "avatar is required"
    room = body.get("room")
    if not isinstance(room, dict):
        return "room is required"
    if room.get("platform") not in ("daily", "livekit"):
        return 'room.platform must be "daily" or "livekit"'
    for name in ("url", "token"):
        if not isinstance(room.get(name), str) or not room[name]:
            return f"room.{name} is required"
    if "aspect_ratio" in body and body["aspect_ratio"] not in _RATIOS:
        return "aspect_ratio must be one of 4:3, 3:4, 1:1"
    if not isinstance(body.get("metadata", {}), dict):
        return "metadata must be a JSON object"
    return ""


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
