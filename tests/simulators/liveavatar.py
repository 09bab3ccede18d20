"""A strict stand-in for HeyGen's LiveAvatar API, FULL mode: what the vendor would refuse, it refuses.

Without `rooms` it answers a room that is right in form but leads nowhere. With `rooms` and the callbacks a real avatar
can be plugged in: `on_start` brings it into the room, `on_stop` takes it away.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

import jwt

from tests.simulators.vendor_http import Call, Fault, Reply, VendorServer

API_KEY = "la_key_9d1c64c2-7b1f-4e0a-8f53-2a6f0d8b7c11"
AVATAR_ID = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
SANDBOX_AVATAR_ID = "dd73ea75-1218-4ef3-92ce-606d5f7fbc0a"
CONTEXT_ID = "5f0d5c37-9a0e-4c0e-9d0a-0c8e3f6f2b11"
VOICE_ID = "8e3d7a52-41c4-4f4e-b7a7-6a5d6c2f9e01"
VOICE_AGENT_ID = "1b7c2a90-3f5d-4d52-8a61-9c0e5b7d4f22"
LLM_ID = "c2a1f0e9-8d7c-4b6a-95f4-e3d2c1b0a998"
IDENTITY = "heygen"
SIGNING_KEY = "the vendor's signing key, 32 bytes+"

END_REASONS = (
    "UNKNOWN",
    "USER_DISCONNECTED",
    "SERVER_ERROR",
    "IDLE_TIMEOUT",
    "NO_CREDITS",
    "USER_CLOSED",
    "AVATAR_DELETED",
    "MAX_DURATION_REACHED",
    "ZOMBIE_SESSION_REAP",
    "AGENT_HANG_UP",
)
_UUID, _TEXT = "uuid_parsing", "string_type"
_FULL: Mapping[str, tuple[str, ...]] = {
    "mode": ("FULL",),
    "avatar_id": (_UUID,),
    "is_sandbox": ("bool_type",),
    "video_settings": ("dict_type",),
    "max_session_duration": ("int_type",),
    "avatar_persona": ("dict_type",),
    "voice_agent": ("dict_type",),
    "interactivity_type": ("CONVERSATIONAL", "PUSH_TO_TALK"),
    "llm_configuration_id": (_UUID,),
    "dynamic_variables": ("dict_type",),
    "memory": ("dict_type",),
}
_PERSONA: Mapping[str, tuple[str, ...]] = {
    "voice_id": (_UUID,),
    "context_id": (_UUID,),
    "language": (_TEXT,),
    "voice_settings": ("dict_type",),
    "stt_config": ("dict_type",),
}
_VOICE_AGENT: Mapping[str, tuple[str, ...]] = {
    "id": (_UUID,),
    "language": (_TEXT,),
    "dynamic_variables": ("dict_type",),
}
_VIDEO: Mapping[str, tuple[str, ...]] = {
    "quality": ("very_high", "high", "medium", "low"),
    "encoding": ("VP8", "H264"),
}
_KINDS: Mapping[str, type] = {"bool_type": bool, "dict_type": dict, "int_type": int, _TEXT: str}


class RoomHost(Protocol):
    """The LiveKit server that plays the vendor's."""

    @property
    def url(self) -> str: ...

    def token(self, identity: str, room: str, **grants: Any) -> str: ...


@dataclass(slots=True)
class SimulatedSession:
    session_id: str
    body: dict[str, Any]
    token: str = field(repr=False)
    room: str = ""
    started_at: float | None = None
    ended_at: float | None = None
    end_reason: str | None = None
    signs_of_life: int = 0
    stops: int = 0  # how often a stop was asked for

    @property
    def open(self) -> bool:
        return self.started_at is not None and self.ended_at is None


@dataclass(slots=True)
class Switches:
    """What the documents leave open."""

    success_code: int = 100  # or 1000, as the vendor's own client wants it
    stopped_again: int = 400  # or 404, 409, 200: stopping a session that is over
    history_knows: bool = True  # False: a session that is over is unknown to GET /v1/sessions/{id}
    refuse_start: tuple[int, int, str] | None = None  # status, code and message, e.g. without credits
    rate_limit_after: int | None = None  # calls that still pass; then 429
    retry_after: str = "1"
    max_session_duration: int | None = 1200  # what a start answers where none was asked for
    known_ids: frozenset[str] = frozenset({AVATAR_ID, SANDBOX_AVATAR_ID, CONTEXT_ID, VOICE_ID, VOICE_AGENT_ID, LLM_ID})


StartHook = Callable[[SimulatedSession], Awaitable[None]]
StopHook = Callable[[SimulatedSession, str], Awaitable[None]]  # session, end reason


class LiveAvatarSimulator:
    """`base_url` after `start()` is what `[providers.liveavatar] base_url` takes."""

    def __init__(
        self, rooms: RoomHost | None = None, *, on_start: StartHook | None = None, on_stop: StopHook | None = None
    ):
        self.switches = Switches()
        self.sessions: dict[str, SimulatedSession] = {}
        self.api_key = API_KEY
        self.credits = "42.5"
        self.server = VendorServer()
        self._rooms, self._on_start, self._on_stop = rooms, on_start, on_stop
        route = self.server.route
        route("POST", "/v1/sessions/token", "token", self._limited(self._token))
        route("POST", "/v1/sessions/start", "start", self._limited(self._start))
        route("POST", "/v1/sessions/keep-alive", "keep_alive", self._limited(self._keep_alive))
        route("POST", "/v1/sessions/stop", "stop", self._limited(self._stop))
        route("GET", "/v1/sessions/{id}", "session", self._limited(self._session))
        route("GET", "/v1/users/credits", "credits", self._limited(self._credits))
        route("*", "/{anything:.*}", "unknown", self._nothing_here)

    async def start(self, port: int = 0) -> str:
        return await self.server.start(port)

    async def stop(self) -> None:
        await self.server.stop()

    @property
    def base_url(self) -> str:
        return self.server.base_url

    @property
    def requests(self) -> list[Call]:
        return self.server.requests

    def calls(self, endpoint: str) -> list[Call]:
        """Of token, start, keep_alive, stop, session, credits or unknown."""
        return self.server.calls(endpoint)

    def fail(self, endpoint: str, fault: Fault, times: int = 1) -> None:
        self.server.fail(endpoint, fault, times)

    def heal(self) -> None:
        self.server.heal()
        self.switches.rate_limit_after = None

    def open_sessions(self) -> list[SimulatedSession]:
        return [session for session in self.sessions.values() if session.open]

    def secrets(self) -> list[str]:
        """All that must never be told."""
        return [self.api_key, *(session.token for session in self.sessions.values())]

    async def end_from_outside(self, session_id: str, reason: str) -> None:
        """The vendor ends a session by itself, e.g. MAX_DURATION_REACHED."""
        await self._close(self.sessions[session_id], reason)

    # The endpoints.

    async def _token(self, call: Call) -> Reply:
        if not self._has_key(call) or "Authorization" in call.headers:
            return _error(401, "Invalid API key")
        problem = _check_json(call) or _check(call.body, _FULL, ("avatar_id",)) or _check_parts(call.body)
        if problem:
            return problem
        session_id = str(uuid.uuid4())
        claims = {"session_id": session_id, "iat": int(time.time()), "jti": uuid.uuid4().hex}
        token = jwt.encode(claims, SIGNING_KEY, algorithm="HS256")
        self.sessions[session_id] = SimulatedSession(session_id, call.body, token)
        return self._success({"session_id": session_id, "session_token": token}, "Session token created successfully")

    async def _start(self, call: Call) -> Reply:
        session = self._by_bearer(call)
        if session is None or "X-API-KEY" in call.headers:
            return _error(401, "Invalid session token")
        if call.raw:
            return _invalid(["body"], "Extra inputs are not permitted", "extra_forbidden")
        if self.switches.refuse_start is not None:
            status, code, message = self.switches.refuse_start
            return Reply(status, {"code": code, "data": None, "message": message})
        unknown = [value for value in _ids(session.body) if value not in self.switches.known_ids]
        if unknown:
            return _error(400, f"'{unknown[0]}' not found in your space")
        if session.body.get("is_sandbox") and session.body["avatar_id"] != SANDBOX_AVATAR_ID:
            return _error(400, "This avatar is not available in sandbox mode")
        if session.started_at is not None:
            return _error(400, "Session has been started already")
        session.room, session.started_at = f"room-{session.session_id}", time.time()
        if self._on_start:
            await self._on_start(session)
        token = self._room_token(session)
        return self._success(
            {
                "session_id": session.session_id,
                "livekit_url": self._rooms.url if self._rooms else "wss://rooms.invalid",
                "livekit_client_token": token,
                "livekit_agent_token": None,
                "max_session_duration": session.body.get("max_session_duration", self.switches.max_session_duration),
                "ws_url": None,
            },
            "Session started successfully",
            status=201,
        )

    async def _keep_alive(self, call: Call) -> Reply:
        session = self._addressed(call, {"session_id": (_UUID,)})
        if isinstance(session, Reply):
            return session
        if not session.open:
            return _error(400, "Session is not active")
        session.signs_of_life += 1
        return self._success(None, "Session kept alive")

    async def _stop(self, call: Call) -> Reply:
        session = self._addressed(call, {"session_id": (_UUID,), "reason": END_REASONS})
        if isinstance(session, Reply):
            return session
        session.stops += 1
        if not session.open:
            again = self.switches.stopped_again
            return self._success(None, "") if again == 200 else _error(again, "Session is not active")
        await self._close(session, call.body.get("reason", "UNKNOWN"))
        return self._success(None, "Session stopped successfully")

    async def _session(self, call: Call) -> Reply:
        bearer = self._by_bearer(call)
        if bearer is None and not self._has_key(call):
            return _error(401, "Invalid credentials")
        session = self.sessions.get(call.params["id"])
        if session is None or (bearer is not None and bearer is not session):
            return _error(404, "Session not found")
        if session.ended_at is not None and not self.switches.history_knows:
            return _error(404, "Session not found")
        return self._success(_entry(session), "")

    async def _credits(self, call: Call) -> Reply:
        if not self._has_key(call):
            return _error(401, "Invalid API key")
        return self._success({"credits_left": self.credits}, "")

    async def _nothing_here(self, _: Call) -> Reply:
        return Reply(404, {"detail": "Not Found"})

    # What they share.

    def _limited(self, handler: Callable[[Call], Awaitable[Reply]]) -> Callable[[Call], Awaitable[Reply]]:
        async def serve(call: Call) -> Reply:
            left = self.switches.rate_limit_after
            if left is not None:
                if left <= 0:
                    headers = {"Retry-After": self.switches.retry_after, "X-RateLimit-Reset": "1"}
                    return Reply(429, {"code": 429, "data": None, "message": "Too Many Requests"}, headers)
                self.switches.rate_limit_after = left - 1
            return await handler(call)

        return serve

    def _success(self, data: Any, message: str, *, status: int = 200) -> Reply:
        return Reply(status, {"code": self.switches.success_code, "data": data, "message": message})

    def _has_key(self, call: Call) -> bool:
        return call.headers.get("X-API-KEY") == self.api_key

    def _by_bearer(self, call: Call) -> SimulatedSession | None:
        scheme, _, token = call.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer":
            return None
        return next((session for session in self.sessions.values() if session.token == token), None)

    def _addressed(self, call: Call, fields: Mapping[str, tuple[str, ...]]) -> SimulatedSession | Reply:
        """The session that a key and an id name, or a session token alone; both at once are refused."""
        bearer, by_key = self._by_bearer(call), self._has_key(call)
        if (bearer is None) is not by_key:
            return _error(401, "Invalid credentials")
        problem = _check_json(call) or _check(call.body, fields, ("session_id",) if by_key else ())
        if problem:
            return problem
        named = self.sessions.get(call.body.get("session_id", bearer.session_id if bearer else ""))
        if named is None or (bearer is not None and named is not bearer):
            return _error(404, "Session not found")
        return named

    def _room_token(self, session: SimulatedSession) -> str:
        if self._rooms:
            return self._rooms.token("client", session.room)
        return jwt.encode({"sub": "client", "video": {"room": session.room}}, "r" * 32, algorithm="HS256")

    async def _close(self, session: SimulatedSession, reason: str) -> None:
        session.ended_at, session.end_reason = time.time(), reason
        if self._on_stop:
            await self._on_stop(session, reason)


def _error(status: int, message: str) -> Reply:
    """In the envelope; which codes there are is not documented."""
    return Reply(status, {"code": status * 10, "data": None, "message": message})


def _invalid(loc: list[str | int], message: str, kind: str) -> Reply:
    return Reply(422, {"detail": [{"loc": loc, "msg": message, "type": kind}]})


def _check_json(call: Call) -> Reply | None:
    if call.headers.get("Content-Type", "").partition(";")[0].strip() != "application/json":
        return _invalid(["body"], "Input should be a valid dictionary", "model_attributes_type")
    return None if isinstance(call.body, dict) else _invalid(["body"], "JSON decode error", "json_invalid")


def _check(
    body: dict[str, Any], fields: Mapping[str, tuple[str, ...]], required: tuple[str, ...], *, at: str = ""
) -> Reply | None:
    """`fields`: name -> the words that are allowed, or one of the kinds. What is not documented is refused here."""
    place: list[str | int] = ["body", *([at] if at else [])]
    for name in required:
        if name not in body:
            return _invalid([*place, name], "Field required", "missing")
    for name, value in body.items():
        kinds = fields.get(name)
        if kinds is None:
            return _invalid([*place, name], "Extra inputs are not permitted", "extra_forbidden")
        if not _fits(value, kinds):
            return _invalid([*place, name], f"Input should be {' or '.join(kinds)}", kinds[0])
    return None


def _fits(value: Any, kinds: tuple[str, ...]) -> bool:
    if kinds == (_UUID,):
        try:
            return isinstance(value, str) and bool(uuid.UUID(value))
        except ValueError:
            return False
    if kinds[0] in _KINDS:
        return isinstance(value, _KINDS[kinds[0]]) and (kinds[0] != "int_type" or not isinstance(value, bool))
    return value in kinds


def _check_parts(body: dict[str, Any]) -> Reply | None:
    if ("avatar_persona" in body) is ("voice_agent" in body):
        return _invalid(["body"], "Provide exactly one of avatar_persona or voice_agent", "value_error")
    problem = _check(body.get("avatar_persona", {}), _PERSONA, (), at="avatar_persona")
    if "voice_agent" in body:
        problem = problem or _check(body["voice_agent"], _VOICE_AGENT, ("id",), at="voice_agent")
    problem = problem or _check(body.get("video_settings", {}), _VIDEO, (), at="video_settings")
    for holder in (body, body.get("voice_agent", {})):
        problem = problem or _check_variables(holder.get("dynamic_variables", {}))
    return problem


def _check_variables(variables: dict[str, Any]) -> Reply | None:
    fits = len(variables) <= 50 and all(
        len(name) <= 64 and isinstance(value, str) and len(value) <= 1000 for name, value in variables.items()
    )
    return None if fits else _invalid(["body", "dynamic_variables"], "too many or too long", "too_long")


def _ids(body: dict[str, Any]) -> list[str]:
    holders = (body, body.get("avatar_persona", {}))
    names = ("avatar_id", "llm_configuration_id", "context_id", "voice_id")
    found = [holder[name] for holder in holders for name in names if name in holder]
    return [*found, *([body["voice_agent"]["id"]] if "voice_agent" in body else [])]


def _entry(session: SimulatedSession) -> dict[str, Any]:
    now = time.time()
    entry = {
        "id": session.session_id,
        "created_at": _iso(session.started_at or now),
        "updated_at": _iso(now),
        "duration": 0,
        "source": "API",
        "mode": "FULL",
        "is_sandbox": bool(session.body.get("is_sandbox")),
        "credits_consumed": 0,
    }
    if session.ended_at is not None:
        entry |= {"end_at": _iso(session.ended_at), "end_reason": session.end_reason}
    return entry


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
