"""A strict stand-in for DeepBrain's Interactive Avatar API (v2): what the vendor would refuse, it refuses.

Without `rooms` it answers a LiveKit block that is right in form but leads nowhere. With `rooms` and the callbacks a
real avatar can be plugged in: `on_start` brings it into the room, `on_talk` makes it speak, `on_stop` takes it away.
"""

from __future__ import annotations

import itertools
import ssl
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

import jwt

from tests.simulators.vendor_http import Call, Fault, Reply, VendorServer

APP_ID = "studiov3.kiosk@example.com"
USER_KEY = "6f1d2c3b-4a59-4e8f-9b7a-0c1d2e3f4a5b"
AVATAR_ID = "avatar-front-desk"

OK, INVALID, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, RATE_LIMITED, INTERNAL = 1000, 4000, 4010, 4030, 4040, 4290, 5000
HTTP_STATUS = {INVALID: 400, UNAUTHORIZED: 401, FORBIDDEN: 403, NOT_FOUND: 404, RATE_LIMITED: 429, INTERNAL: 500}
END_REASONS = ("USER_CLOSED", "TIMEOUT", "ERROR")

START_FIELDS: Mapping[str, type | tuple[type, ...]] = {
    "avatar_id": str,
    "avatar_persona": dict,
    "max_session_duration": int,
    "lip_audio_mode": str,
    "greeting_text": str,
}
PERSONA_FIELDS: Mapping[str, type | tuple[type, ...]] = {"language": str, "llm_configurations": dict}
LLM_FIELDS: Mapping[str, type | tuple[type, ...]] = {
    "provider": str,
    "model": str,
    "temperature": (int, float),
    "custom_settings": dict,
}
CUSTOM_FIELDS: Mapping[str, type | tuple[type, ...]] = {"greeting_text": str, "system_prompt": str}


class RoomHost(Protocol):
    """The LiveKit server that plays the vendor's."""

    @property
    def url(self) -> str: ...

    def token(self, identity: str, room: str, **grants: Any) -> str: ...


@dataclass(slots=True)
class SimulatedSession:
    """What the vendor knows of a session. `spoken` holds the automatic greeting and every talk, in order."""

    session_id: str
    app_id: str
    room: str
    body: dict[str, Any]
    started_at: float
    spoken: list[str] = field(default_factory=list)
    ended_at: float | None = None
    end_reason: str | None = None
    stops: int = 0  # how often a stop was asked for


@dataclass(slots=True)
class Switches:
    """What the documents leave open."""

    talk_after_stop_code: int = NOT_FOUND  # or INVALID
    reject_unknown_fields: bool = False
    concurrency: int = 10  # open sessions of one app; one more is 4290
    known_avatars: frozenset[str] = frozenset({AVATAR_ID})
    rate_limit_after: int | None = None  # calls that still pass; then 4290 until it is set anew
    retry_after: str | None = None  # header that goes with 4290
    expire_tokens_after: int | None = None  # calls that a session token serves; then 4010


StartHook = Callable[[str, str, dict[str, Any]], Awaitable[None]]  # session id, room, body of the request
StopHook = Callable[[str], Awaitable[None]]
TalkHook = Callable[[str, str], Awaitable[None]]  # session id, text


class DeepBrainSimulator:
    """`base_url` after `start()` is what `[providers.deepbrain] base_url` takes."""

    def __init__(
        self,
        rooms: RoomHost | None = None,
        *,
        app_id: str = APP_ID,
        user_key: str = USER_KEY,
        on_start: StartHook | None = None,
        on_stop: StopHook | None = None,
        on_talk: TalkHook | None = None,
    ):
        self.switches = Switches()
        self.sessions: dict[str, SimulatedSession] = {}
        self._server = VendorServer()
        self._rooms = rooms
        self._keys = {user_key: app_id}
        self._tokens: dict[str, str] = {}  # session token -> app id
        self._token_uses: dict[str, int] = {}
        self._on_start, self._on_stop, self._on_talk = on_start, on_stop, on_talk
        self._numbers = itertools.count(1)
        self._server.route("POST", "/api/v2/sessions/token", "token", self._limited(self._token))
        self._server.route("POST", "/api/v2/sessions/start", "start", self._limited(self._start))
        self._server.route("POST", "/api/v2/sessions/{id}/talk", "talk", self._limited(self._talk))
        self._server.route("POST", "/api/v2/sessions/stop", "stop", self._limited(self._stop))
        self._server.route("GET", "/api/v2/sessions", "list", self._limited(self._list))
        self._server.route("GET", "/api/v2/sessions/{id}", "detail", self._limited(self._detail))
        self._server.route("*", "/{anything:.*}", "unknown", self._nothing_here)

    async def start(self, port: int = 0, ssl_context: ssl.SSLContext | None = None) -> str:
        return await self._server.start(port, ssl_context)

    async def stop(self) -> None:
        await self._server.stop()

    @property
    def base_url(self) -> str:
        return self._server.base_url

    @property
    def requests(self) -> list[Call]:
        return self._server.requests

    def calls(self, endpoint: str) -> list[Call]:
        """Of token, start, talk, stop, list, detail or unknown."""
        return self._server.calls(endpoint)

    def fail(self, endpoint: str, fault: Fault, times: int = 1) -> None:
        self._server.fail(endpoint, fault, times)

    def fail_with(self, endpoint: str, code: int, times: int = 1, **headers: str) -> None:
        """The documented error `code` with its HTTP status."""
        answer = _error(code, "as ordered", {name.replace("_", "-"): value for name, value in headers.items()})
        self.fail(endpoint, Fault(answer), times)

    def heal(self) -> None:
        self._server.heal()
        self.switches.rate_limit_after = None

    def open_sessions(self) -> list[SimulatedSession]:
        return [session for session in self.sessions.values() if session.ended_at is None]

    def add_app(self, app_id: str, user_key: str) -> None:
        """Another customer, whose sessions nobody else may see."""
        self._keys[user_key] = app_id

    async def expire(self, session_id: str) -> None:
        """The session reaches `max_session_duration`."""
        await self._close(self.sessions[session_id], "TIMEOUT")

    # The endpoints.

    async def _token(self, call: Call) -> Reply:
        problem = _check_post(call, {"appId": str, "userKey": str}, ("appId", "userKey"), self.switches)
        if problem:
            return problem
        app_id, user_key = call.body["appId"], call.body["userKey"]
        if self._keys.get(user_key) != app_id:
            return _error(UNAUTHORIZED, "Invalid credentials")
        claims = {"appId": app_id, "iat": int(time.time()), "jti": uuid.uuid4().hex}
        token = jwt.encode(claims, "the vendor's signing key, 32 bytes+", algorithm="HS256")
        self._tokens[token] = app_id
        return _success({"session_token": token}, "Session token has been created")

    async def _start(self, call: Call) -> Reply:
        app_id = self._bearer(call)
        if app_id is None:
            return _error(UNAUTHORIZED, "Invalid session token")
        problem = _check_post(call, START_FIELDS, ("avatar_id",), self.switches) or self._check_persona(call.body)
        if problem:
            return problem
        if call.body["avatar_id"] not in self.switches.known_avatars:
            return _error(NOT_FOUND, "Avatar not found")
        if len([s for s in self.open_sessions() if s.app_id == app_id]) >= self.switches.concurrency:
            return _error(RATE_LIMITED, "Too many sessions", self._retry_after())
        number = next(self._numbers)
        session_id = str(uuid.uuid4())
        session = SimulatedSession(session_id, app_id, f"room-{session_id[:8]}-{number}", call.body, time.time())
        self.sessions[session_id] = session
        if self._on_start:
            await self._on_start(session_id, session.room, call.body)
        greeting = _greeting(call.body)
        if greeting:
            await self._speak(session, greeting)
        return _success(
            {
                "session_id": session_id,
                "voice_id": f"voice-{number}",
                "max_session_duration": call.body.get("max_session_duration", 20),
                "max_session_numbers": self.switches.concurrency,
                "livekit": {
                    "url": self._rooms.url if self._rooms else "wss://rooms.invalid",
                    "room_name": session.room,
                    "token": self._visitor_token(session.room, number),
                },
            },
            "Session has been started",
        )

    async def _talk(self, call: Call) -> Reply:
        app_id = self._bearer(call)
        if app_id is None:
            return _error(UNAUTHORIZED, "Invalid session token")
        problem = _check_post(call, {"message": str, "type": str}, ("message",), self.switches)
        if problem:
            return problem
        session = self.sessions.get(call.params["id"])
        if session is None or session.app_id != app_id:
            return _error(NOT_FOUND, "Session not found")
        if session.ended_at is not None:
            return _error(self.switches.talk_after_stop_code, "Session is not active")
        await self._speak(session, call.body["message"])
        return _success(None, "Message has been sent")

    async def _stop(self, call: Call) -> Reply:
        app_id = self._api_key(call)
        if app_id is None:
            return _error(UNAUTHORIZED, "Invalid API key")
        problem = _check_post(call, {"session_id": str, "reason": str}, ("session_id", "reason"), self.switches)
        if problem:
            return problem
        if call.body["reason"] not in END_REASONS:
            return _error(INVALID, f"reason must be one of {', '.join(END_REASONS)}")
        session = self.sessions.get(call.body["session_id"])
        if session is None or session.app_id != app_id:
            return _error(NOT_FOUND, "Session not found")
        session.stops += 1
        if session.ended_at is not None:
            return _error(NOT_FOUND, "Session has ended already")
        await self._close(session, call.body["reason"])
        return _success(None, "Session has been stopped")

    async def _list(self, call: Call) -> Reply:
        app_id = self._api_key(call)
        if app_id is None:
            return _error(UNAUTHORIZED, "Invalid API key")
        page, size = _number(call.query.get("page", "1")), _number(call.query.get("page_size", "20"))
        kind = call.query.get("type")
        if page < 1 or not 1 <= size <= 100 or kind not in (None, "active", "historic"):
            return _error(INVALID, "page, page_size or type is out of range")
        wanted = [s for s in self.sessions.values() if s.app_id == app_id and kind in (None, _kind(s))]
        first = (page - 1) * size
        last_page = first + size >= len(wanted)
        # As documented: built from a host that need not be the one that was asked, and wrapped in angle brackets.
        link = "<https://behind-a-proxy.invalid/api/v2/sessions?page={}&page_size={}>"
        return _success(
            {
                "count": len(wanted),
                "next": None if last_page else link.format(page + 1, size),
                "previous": None if page == 1 else link.format(page - 1, size),
                "results": [_summary(session) for session in wanted[first : first + size]],
            },
            None,
        )

    async def _detail(self, call: Call) -> Reply:
        app_id = self._api_key(call)
        if app_id is None:
            return _error(UNAUTHORIZED, "Invalid API key")
        session = self.sessions.get(call.params["id"])
        if session is None or session.app_id != app_id:
            return _error(NOT_FOUND, "Session not found")
        end_at = _iso(session.ended_at) if session.ended_at is not None else None
        return _success({**_summary(session), "end_at": end_at, "end_reason": session.end_reason}, None)

    async def _nothing_here(self, call: Call) -> Reply:
        return Reply(404, "<html><body>404 Not Found</body></html>")

    # What they share.

    def _limited(self, handler: Callable[[Call], Awaitable[Reply]]) -> Callable[[Call], Awaitable[Reply]]:
        async def serve(call: Call) -> Reply:
            left = self.switches.rate_limit_after
            if left is not None:
                if left <= 0:
                    return _error(RATE_LIMITED, "Rate limit exceeded", self._retry_after())
                self.switches.rate_limit_after = left - 1
            return await handler(call)

        return serve

    def _retry_after(self) -> dict[str, str]:
        return {} if self.switches.retry_after is None else {"Retry-After": self.switches.retry_after}

    def _bearer(self, call: Call) -> str | None:
        """The app that the session token names. An account key beside it or in its place is refused."""
        scheme, _, token = call.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or "STUDIO-API-KEY" in call.headers:
            return None
        self._token_uses[token] = uses = self._token_uses.get(token, 0) + 1
        if self.switches.expire_tokens_after is not None and uses > self.switches.expire_tokens_after:
            return None
        return self._tokens.get(token)

    def _api_key(self, call: Call) -> str | None:
        if "Authorization" in call.headers:
            return None
        return self._keys.get(call.headers.get("STUDIO-API-KEY", ""))

    def _check_persona(self, body: dict[str, Any]) -> Reply | None:
        persona = body.get("avatar_persona", {})
        llm = persona.get("llm_configurations", {})
        problem = _check_fields(persona, PERSONA_FIELDS, (), self.switches)
        problem = problem or _check_fields(llm, LLM_FIELDS, (), self.switches)
        return problem or _check_fields(llm.get("custom_settings", {}), CUSTOM_FIELDS, (), self.switches)

    def _visitor_token(self, room: str, number: int) -> str:
        if self._rooms:
            return self._rooms.token(f"visitor-{number}", room)
        return jwt.encode({"sub": f"visitor-{number}", "video": {"room": room}}, "r" * 32, algorithm="HS256")

    async def _speak(self, session: SimulatedSession, text: str) -> None:
        session.spoken.append(text)
        if self._on_talk:
            await self._on_talk(session.session_id, text)

    async def _close(self, session: SimulatedSession, reason: str) -> None:
        session.ended_at, session.end_reason = time.time(), reason
        if self._on_stop:
            await self._on_stop(session.session_id)


def _success(data: Any, message: str | None) -> Reply:
    return Reply(200, {"code": OK, "data": data, "message": message})


def _error(code: int, message: str, headers: Mapping[str, str] | None = None, status: int | None = None) -> Reply:
    body = {"code": code, "data": None, "message": message}
    return Reply(status or HTTP_STATUS[code], body, headers or {})


def _check_post(
    call: Call, fields: Mapping[str, type | tuple[type, ...]], required: tuple[str, ...], switches: Switches
) -> Reply | None:
    if call.headers.get("Content-Type", "").partition(";")[0].strip() != "application/json":
        return _error(INVALID, "Content-Type must be application/json")
    return _check_fields(call.body, fields, required, switches)


def _check_fields(
    body: Any, fields: Mapping[str, type | tuple[type, ...]], required: tuple[str, ...], switches: Switches
) -> Reply | None:
    if not isinstance(body, dict):
        return _error(INVALID, "a JSON object is wanted")
    for name in required:
        if name not in body or body[name] == "":
            return _error(INVALID, f"{name} is required", status=422)
    for name, value in body.items():
        if name not in fields:
            if switches.reject_unknown_fields:
                return _error(INVALID, f"{name} is not known", status=422)
        elif isinstance(value, bool) or not isinstance(value, fields[name]):
            return _error(INVALID, f"{name} has a wrong type", status=422)
    return None


def _greeting(body: dict[str, Any]) -> str:
    """What the server speaks by itself right after the start; which of two texts wins is not documented."""
    if "lip_audio_mode" in body:
        return ""
    custom = body.get("avatar_persona", {}).get("llm_configurations", {}).get("custom_settings", {})
    return str(body.get("greeting_text") or custom.get("greeting_text") or "")


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _kind(session: SimulatedSession) -> str:
    return "active" if session.ended_at is None else "historic"


def _summary(session: SimulatedSession) -> dict[str, Any]:
    return {
        "sessionId": session.session_id,
        "created_at": _iso(session.started_at),
        "updated_at": _iso(session.ended_at or session.started_at),
        "duration": round((session.ended_at or session.started_at) - session.started_at),
        "source": "API",
        "credits_consumed": 0 if session.ended_at is None else 0.5,
    }


def _iso(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
