"""HeyGen's LiveAvatar in FULL mode: the vendor hears, thinks, speaks and shows, in a LiveKit room of its own.

    token        POST /v1/sessions/token        X-API-KEY, or a relay that holds it  -> session_id, session_token
    start        POST /v1/sessions/start        Bearer {session_token}, no body  -> livekit_url, livekit_client_token
    keep alive   POST /v1/sessions/keep-alive   Bearer {session_token}   idle sessions end after 5 minutes
    stop         POST /v1/sessions/stop         X-API-KEY, else Bearer {session_token}
    session      GET  /v1/sessions/{id}         the same
    credits      GET  /v1/users/credits         X-API-KEY

Every answer is `{code, data, message}`. The reference says that `code` is 100 after a success, the vendor's own client
waits for 1000: here the HTTP status alone decides. Of errors only 422 (`{detail: [{loc, msg, type}]}`) and 429 are
documented; the others are told by their status.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field, replace
from typing import Annotated
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, ValidationError

from kiosk.providers.contract import (
    Broken,
    Capabilities,
    EndReason,
    Grant,
    JsonObject,
    LiveKitGrant,
    Misconfigured,
    ProviderError,
    SessionRef,
    SpeechRoute,
    Visit,
)
from kiosk.providers.http import AnswerLost, HttpAnswer, host_of, status_error
from kiosk.providers.liveavatar_messages import LiveAvatarMessages
from kiosk.providers.liveavatar_settings import LiveAvatarSettings
from kiosk.providers.own_room import OwnRoomSettings
from kiosk.providers.registry import ProviderContext, ProviderEntry
from kiosk.redact import one_line, redact

_log = logging.getLogger("kiosk.liveavatar")

NAME = "liveavatar"
API_KEY = "KIOSK_LIVEAVATAR_API_KEY"
RELAY_KEY = "KIOSK_LIVEAVATAR_RELAY_KEY"
TABLE = "[providers.liveavatar]"

LONGEST_KEPT_ALIVE_S = 4 * 3600.0  # where the vendor names no end of a session
LONGEST_SESSION_S = 86_400.0

_REMEMBERED = 8
_NOT_STOPPED = (400, 404, 409, 410)  # which of these stopping an ended session gives is not documented
_REMEDIES = {
    400: f"check the ids in {TABLE}",
    401: f"check the secret {API_KEY}, or the relay behind token_url",
    402: "the account has no credits left: buy some, or allow overage",
    403: "the account may not do this: check its credits, its plan and its limit of sessions",
    404: f"check base_url and the ids in {TABLE}",
    422: f"the vendor refuses a value: check {TABLE}",
}

_END_REASONS = {
    EndReason.VISITOR_LEFT: "USER_CLOSED",
    EndReason.SHUTDOWN: "USER_CLOSED",
    EndReason.SWITCHED: "USER_CLOSED",
    EndReason.IDLE: "IDLE_TIMEOUT",
    EndReason.TIME_LIMIT: "MAX_DURATION_REACHED",
    EndReason.FAULT: "UNKNOWN",
    EndReason.ORPHAN: "UNKNOWN",
}


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


_Token = Annotated[StrictStr, Field(pattern=r"^[\x21-\x7e]+$", max_length=16_384, repr=False)]


class _TokenData(_Answer):
    session_id: Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9-]{1,100}$")]
    session_token: _Token


class _StartData(_Answer):
    livekit_url: Annotated[StrictStr, Field(pattern=r"^wss?://[^\s/]+", max_length=2_048)]
    livekit_client_token: _Token
    max_session_duration: StrictInt | None = None


class _SessionData(_Answer):
    end_at: StrictStr | None = None
    end_reason: StrictStr | None = None


class _CreditsData(_Answer):
    credits_left: StrictStr


@dataclass(slots=True)
class _Running:
    """A session of this process: what speaks for it, and what keeps it alive."""

    token: str = field(repr=False)
    signs_of_life: asyncio.Task[None] | None = None


class LiveAvatar:
    """One account and one avatar. See `kiosk.providers.contract.Provider`."""

    name = NAME

    def __init__(self, settings: LiveAvatarSettings, context: ProviderContext):
        """Raises `Misconfigured` where neither a key nor a relay is there to get a token from."""
        self._settings = settings
        self._http = context.http
        self._clock = context.clock
        self._api_key = context.secrets.get(API_KEY, "").strip()
        self._relay_key = context.secrets.get(RELAY_KEY, "").strip()
        if not self._api_key and settings.token_url is None:
            raise Misconfigured(
                f"The secret {API_KEY} is not set: run `kiosk secret set {API_KEY}`, or name a relay in token_url"
            )
        self._running: dict[str, _Running] = {}
        # Without a context the avatar shows itself, hears, and answers nothing.
        self._answers = bool(settings.context_id or settings.voice_agent_id)
        self.capabilities = Capabilities(interrupts=True, hosted_dialogue=self._answers)

    async def start(self, visit: Visit) -> Grant:
        """A token, then a session. Raises `ProviderError`, with the session where one may have begun all the same."""
        started_at = self._clock.wall()
        issued = await self._issue(visit)
        session = SessionRef(NAME, visit.id, issued.session_id, started_at)
        running = await self._remember(issued)
        try:
            started = await self._start(issued.session_token, session)
        except ProviderError as error:
            if error.session is None:  # else it is ended, with its own token where there is no key
                self._running.pop(issued.session_id, None)
            raise
        longest = started.max_session_duration
        longest_s = min(float(longest), LONGEST_SESSION_S) if longest is not None and longest > 0 else None
        keeping = self._keep_alive(issued.session_id, running.token, longest_s or LONGEST_KEPT_ALIVE_S)
        running.signs_of_life = asyncio.get_running_loop().create_task(keeping, name="liveavatar keep-alive")
        _log.info("Session started at %s", host_of(self._settings.base_url))
        return LiveKitGrant(
            session=session,
            url=started.livekit_url,
            token=started.livekit_client_token,
            avatar_identity=self._settings.avatar_identity or None,
            speech=SpeechRoute.MICROPHONE if self._answers else SpeechRoute.NONE,
            max_duration_s=longest_s,
            messages=LiveAvatarMessages(),
        )

    async def renew(self, grant: Grant) -> Grant:
        raise Misconfigured(
            "Renew session: this vendor documents no second token for a session; end it and start a new one"
        )

    async def end(self, session: SessionRef, reason: EndReason) -> None:
        """Stops the session; one that is over already counts as stopped. Raises `ProviderError`."""
        what, session_id = "Stop session", session.session_id
        if session_id is None:
            _log.warning(
                "%s: a session of visit %s may have begun, but its id is not known; the vendor ends it after 5 idle "
                "minutes",
                what,
                one_line(session.visit_id),
            )
            return
        running = self._running.get(session_id)
        await self._let_rest(running)
        credentials = self._credentials(running)
        if credentials is None:
            _log.warning(
                "%s: without the secret %s a session of an earlier run cannot be stopped; the vendor ends %s after 5 "
                "idle minutes",
                what,
                API_KEY,
                one_line(session_id),
            )
            return
        body: JsonObject = {"session_id": session_id, "reason": _END_REASONS[reason]}
        answer = await self._ask("POST", "/v1/sessions/stop", what, credentials, body)
        if not answer.ok and not (answer.status in _NOT_STOPPED and await self._is_over(session_id, credentials)):
            raise self._refusal(answer, what)
        self._running.pop(session_id, None)
        _log.info("Session ended at %s", answer.host)

    async def say(self, session: SessionRef, text: str) -> None:
        raise Misconfigured("Say: this vendor takes text in the room alone, no call of its API does")

    async def check(self) -> str:
        seen = []
        if self._settings.token_url is not None:
            await self._issue(Visit("check"))
            seen.append(f"the relay at {host_of(self._settings.token_url)} gives session tokens")
        if self._api_key:
            what = "Read credits"
            answer = await self._ask("GET", "/v1/users/credits", what, self._key_header())
            left = self._data(_CreditsData, answer, what).credits_left
            seen.append(f"{answer.host} accepts the key, credits left: {one_line(left, 20)}")
        if not self._answers:
            seen.append(f"without context_id in {TABLE} the avatar answers nothing")
        return "; ".join(seen)

    async def aclose(self) -> None:
        for running in self._running.values():
            await self._let_rest(running)
        self._running.clear()

    # One call each.

    async def _issue(self, visit: Visit) -> _TokenData:
        """A token starts nothing yet, so one whose answer is lost costs nothing."""
        what = "Fetch session token"
        body = _token_body(self._settings, visit)
        if self._settings.token_url is None:
            answer = await self._ask("POST", "/v1/sessions/token", what, self._key_header(), body)
        else:
            headers = _bearer(self._relay_key) if self._relay_key else {}
            answer = await self._ask("POST", self._settings.token_url, what, headers, body)
            if answer.ok and isinstance(answer.json, dict) and "data" not in answer.json:
                answer = replace(answer, json={"data": answer.json})  # a relay need not wrap it as the vendor does
        return self._data(_TokenData, answer, what)

    async def _start(self, token: str, session: SessionRef) -> _StartData:
        what = "Start session"
        try:
            answer = await self._ask(
                "POST", "/v1/sessions/start", what, _bearer(token), timeout_s=self._settings.start_timeout_s
            )
        except AnswerLost as lost:
            raise AnswerLost(lost.operator_line, session=session) from None
        # Behind a fault on the far side, and in an answer that nobody understands, a session may have begun.
        return self._data(_StartData, answer, what, session=session if answer.ok or answer.status >= 500 else None)

    async def _keep_alive(self, session_id: str, token: str, longest_s: float) -> None:
        """Until it is cancelled or the session is over. A sign that fails is logged; the next one follows."""
        what, until = "Keep session alive", self._clock.monotonic() + longest_s
        while self._clock.monotonic() < until:
            await asyncio.sleep(self._settings.keep_alive_s)
            try:
                answer = await self._ask(
                    "POST", "/v1/sessions/keep-alive", what, _bearer(token), {"session_id": session_id}
                )
                if not answer.ok:
                    raise self._refusal(answer, what)
            except ProviderError as error:
                _log.warning("%s", error.operator_line)

    async def _is_over(self, session_id: str, credentials: dict[str, str]) -> bool:
        """What the vendor says itself: only an entry of its history has an end."""
        what = "Look up session"
        answer = await self._ask("GET", f"/v1/sessions/{quote(session_id, safe='')}", what, credentials)
        if answer.status == 404:
            # In the vendor's own form: a bare 404 is a wrong address, and the session would go on costing.
            return isinstance(answer.json, dict) and "code" in answer.json
        seen = self._data(_SessionData, answer, what)
        return bool(seen.end_at or seen.end_reason)

    async def _ask(
        self,
        method: str,
        path: str,
        what: str,
        headers: dict[str, str],
        body: JsonObject | None = None,
        *,
        timeout_s: float | None = None,
    ) -> HttpAnswer:
        url = path if "://" in path else self._settings.base_url + path
        return await self._http.request(method, url, what=what, headers=headers, json=body, timeout_s=timeout_s)

    # What they share.

    def _data[Model: BaseModel](
        self, model: type[Model], answer: HttpAnswer, what: str, *, session: SessionRef | None = None
    ) -> Model:
        """The data of a success. Raises the typed error of a refusal, or `Broken`, which names the field only."""
        if not answer.ok:
            raise self._refusal(answer, what, session=session)
        data = answer.json.get("data") if isinstance(answer.json, dict) else None
        try:
            return model.model_validate(data)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            name = ".".join(str(part) for part in ("data", *first["loc"]))
            line = (
                f"{what}: {answer.host} answered what the vendor's documents exclude, at {name} ({first['type']}); "
                "check base_url, else report it to the vendor"
            )
            raise Broken(line, session=session) from None

    def _refusal(self, answer: HttpAnswer, what: str, *, session: SessionRef | None = None) -> ProviderError:
        secrets = [self._api_key, self._relay_key, *(running.token for running in self._running.values())]
        return status_error(
            answer,
            what=what,
            now_wall=self._clock.wall(),
            detail=one_line(redact(_said(answer.json), secrets)),
            remedy=_REMEDIES.get(answer.status, ""),
            session=session,
        )

    async def _remember(self, issued: _TokenData) -> _Running:
        while len(self._running) >= _REMEMBERED:  # only those stay that could not be ended
            oldest = next(iter(self._running))
            await self._let_rest(self._running.pop(oldest))
        running = self._running[issued.session_id] = _Running(issued.session_token)
        return running

    def _credentials(self, running: _Running | None) -> dict[str, str] | None:
        if self._api_key:
            return self._key_header()
        return None if running is None else _bearer(running.token)

    def _key_header(self) -> dict[str, str]:
        return {"X-API-KEY": self._api_key}

    @staticmethod
    async def _let_rest(running: _Running | None) -> None:
        if running is not None and running.signs_of_life is not None:
            task, running.signs_of_life = running.signs_of_life, None
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def _token_body(settings: LiveAvatarSettings, visit: Visit) -> JsonObject:
    """Only documented fields; what is not set is left out, so that the vendor's defaults apply."""
    language = settings.language or visit.language
    body: JsonObject = {"mode": "FULL", "avatar_id": settings.avatar_id}
    if settings.voice_agent_id:
        agent: JsonObject = {"id": settings.voice_agent_id, "language": language}
        if settings.dynamic_variables:
            agent["dynamic_variables"] = dict(settings.dynamic_variables)
        body["voice_agent"] = agent
    else:
        persona: JsonObject = {"language": language}
        persona |= {name: value for name in ("context_id", "voice_id") if (value := getattr(settings, name))}
        body["avatar_persona"] = persona
        if settings.dynamic_variables:
            body["dynamic_variables"] = dict(settings.dynamic_variables)
    video = {name: value for name in ("quality", "encoding") if (value := getattr(settings, name))}
    if video:
        body["video_settings"] = video
    if settings.llm_configuration_id:
        body["llm_configuration_id"] = settings.llm_configuration_id
    if settings.max_session_duration is not None:
        body["max_session_duration"] = settings.max_session_duration
    if settings.sandbox:
        body["is_sandbox"] = True
    return body


def _said(answer: object) -> str:
    """What an error says of itself; of a refused value only where it stood, never the value."""
    if not isinstance(answer, dict):
        return ""
    detail = answer.get("detail")
    if isinstance(detail, list) and detail and isinstance(detail[0], dict):
        loc, said = detail[0].get("loc"), detail[0].get("msg")
        place = ".".join(str(part) for part in loc) if isinstance(loc, list) else "a value"
        return f"{place}: {said}"
    said, code = answer.get("message") or detail, answer.get("code")
    known = f"code {code} " if isinstance(code, int) and not isinstance(code, bool) and abs(code) < 10**9 else ""
    return f"{known}{said if isinstance(said, str) else ''}".strip()


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _ways_in(settings: LiveAvatarSettings, _: OwnRoomSettings) -> tuple[tuple[str, ...], ...]:
    return ((API_KEY,),) if settings.token_url is None else ((API_KEY, RELAY_KEY),)


PROVIDER = ProviderEntry(NAME, LiveAvatarSettings, (API_KEY, RELAY_KEY), LiveAvatar, ways_in=_ways_in)
