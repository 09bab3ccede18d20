"""DeepBrain AI Studios, Interactive Avatar API v2: a hosted avatar in the vendor's own LiveKit room.

    token   POST /api/v2/sessions/token      appId + userKey in the body, or a relay that holds the userKey
    start   POST /api/v2/sessions/start      Authorization: Bearer {session_token}   -> session_id, livekit{url, token}
    talk    POST /api/v2/sessions/{id}/talk  Authorization: Bearer {session_token}   the avatar speaks the text verbatim
    stop    POST /api/v2/sessions/stop       STUDIO-API-KEY: {userKey}               ends the billing
    list    GET  /api/v2/sessions            STUDIO-API-KEY: {userKey}
    detail  GET  /api/v2/sessions/{id}       STUDIO-API-KEY: {userKey}

Every answer is `{code, data, message}`; success is HTTP 2xx *and* code 1000.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Any, Literal
from urllib.parse import quote

from kiosk.providers.contract import (
    Capabilities,
    EndReason,
    Grant,
    JsonObject,
    LiveKitGrant,
    Misconfigured,
    ProviderError,
    SessionRef,
    SpeechRoute,
    Unavailable,
    Visit,
)
from kiosk.providers.deepbrain_answers import (
    GONE,
    UNAUTHORIZED,
    USER_KEY,
    Reply,
    SessionInfo,
    SessionKind,
    SessionPage,
    StartData,
    TokenData,
    read,
    refusal,
    session_id_of,
)
from kiosk.providers.deepbrain_settings import DeepBrainSettings
from kiosk.providers.http import AnswerLost, host_of
from kiosk.providers.own_room import OwnRoomSettings
from kiosk.providers.registry import ProviderContext, ProviderEntry
from kiosk.providers.utterances import split_utterances
from kiosk.redact import one_line, redact

_log = logging.getLogger("kiosk.deepbrain")

NAME = "deepbrain"
RELAY_KEY = "KIOSK_DEEPBRAIN_RELAY_KEY"

_LONGEST_UTTERANCE = 500  # characters of one talk call: the vendor names no limit
_REMEMBERED_TOKENS = 8
_MOST_PAGES = 50

_END_REASONS = {
    EndReason.VISITOR_LEFT: "USER_CLOSED",
    EndReason.SHUTDOWN: "USER_CLOSED",
    EndReason.SWITCHED: "USER_CLOSED",
    EndReason.IDLE: "TIMEOUT",
    EndReason.TIME_LIMIT: "TIMEOUT",
    EndReason.FAULT: "ERROR",
    EndReason.ORPHAN: "ERROR",
}


class DeepBrain:
    """One account and one avatar. See `kiosk.providers.contract.Provider`."""

    name = NAME

    def __init__(self, settings: DeepBrainSettings, context: ProviderContext):
        """Raises `Misconfigured` where neither a key nor a relay is there to get a token from."""
        self._settings = settings
        self._http = context.http
        self._clock = context.clock
        self._user_key = context.secrets.get(USER_KEY, "").strip()
        self._relay_key = context.secrets.get(RELAY_KEY, "").strip()
        if not self._user_key and settings.token_url is None:
            raise Misconfigured(
                f"The secret {USER_KEY} is not set: run `kiosk secret set {USER_KEY}`, or name a relay in token_url"
            )
        self._tokens: dict[str, str] = {}  # session id -> session token, for talk
        self._talking = asyncio.Lock()
        # The start call takes a language model and a system prompt, yet the talk page says that no language model is
        # behind it and that the text is spoken verbatim. So `say` always works, and whether the avatar also answers by
        # itself is believed only where the operator configured a model or opened the microphone.
        persona = settings.persona
        hosted = settings.publish_microphone or (persona is not None and persona.llm_configurations is not None)
        self.capabilities = Capabilities(says=True, interrupts=False, hosted_dialogue=hosted, video=True, renews=False)

    async def start(self, visit: Visit) -> Grant:
        """One token for each session; a token that is not accepted is replaced once. Raises `ProviderError`.

        The error carries a session, maybe without id, where one may have been created all the same. No greeting is ever
        spoken from here: the server does so by itself, and twice would be worse than not at all.
        """
        intent = SessionRef(NAME, visit.id, None, self._clock.wall())
        body = _start_body(self._settings, visit)
        token = await self._fetch_token()
        reply = await self._post_start(token, body, intent)
        if _unauthorized(reply):
            token = await self._fetch_token()
            reply = await self._post_start(token, body, intent)
        return self._grant(reply, intent, token)

    async def renew(self, grant: Grant) -> Grant:
        raise Misconfigured(
            "Renew session: this vendor gives no second token for a session; end it and start a new one"
        )

    async def end(self, session: SessionRef, reason: EndReason) -> None:
        """Stops the session; one that is gone already counts as stopped. Raises `ProviderError`."""
        if session.session_id is None:
            await self._report_nameless(session)
            return
        self._tokens.pop(session.session_id, None)
        body: JsonObject = {"session_id": session.session_id, "reason": _END_REASONS[reason]}
        what = "Stop session"
        if self._settings.stop_url is not None:
            reply = await self._ask("POST", self._settings.stop_url, what, self._relay_headers(), body)
            # A relay need not wrap its answer; yet a page of HTML is no answer of a relay.
            plain = reply.code is None and (isinstance(reply.http.json, dict) or not reply.http.text)
            done = reply.ok or (reply.http.ok and plain)
        elif self._user_key:
            reply = await self._ask("POST", self._url("/api/v2/sessions/stop"), what, self._key_header(), body)
            done = reply.ok
        else:
            _log.warning(
                "Stop session: without the secret %s or a stop_url the vendor ends session %s by itself, "
                "after max_session_duration",
                USER_KEY,
                one_line(session.session_id),
            )
            return
        # Only the vendor's own code says "gone": a bare 404 is a wrong address, and the session would go on costing.
        if not done and reply.code != GONE:
            raise refusal(reply, what, self._clock.wall())
        _log.info("Session ended at %s", reply.http.host)

    async def say(self, session: SessionRef, text: str) -> None:
        """The avatar speaks `text` verbatim. Returns when the vendor accepted it: it never tells when it was spoken.

        Longer texts go out as utterances of at most 500 characters, one after the other. Raises `ProviderError`.
        """
        if session.session_id is None:
            raise Unavailable("Speak: the session has no id yet")
        async with self._talking:
            for utterance in split_utterances(text, _LONGEST_UTTERANCE):
                await self._talk(session.session_id, utterance)

    async def check(self) -> str:
        seen = []
        if self._settings.token_url is not None:
            await self._fetch_token()
            seen.append(f"the relay at {host_of(self._settings.token_url)} gives session tokens")
        if self._user_key:
            page = await self.list_page(kind="active", page_size=1)
            seen.append(f"{host_of(self._settings.base_url)} accepts the key, active sessions: {page.count}")
        return "; ".join(seen)

    async def aclose(self) -> None:
        self._tokens.clear()

    async def list_page(self, *, kind: SessionKind | None = None, page: int = 1, page_size: int = 20) -> SessionPage:
        """One page of the account's sessions; `page` from 1, `page_size` 1 to 100. Raises `ProviderError`."""
        params: dict[str, str | int] = {"page": page, "page_size": page_size}
        if kind is not None:
            params["type"] = kind
        reply = await self._get("/api/v2/sessions", "List sessions", params)
        return read(SessionPage, reply, "List sessions")

    async def list_sessions(self, kind: SessionKind | None = None, *, page_size: int = 100) -> list[SessionInfo]:
        """All of the account's sessions, at most 50 pages. Raises `ProviderError`."""
        found: list[SessionInfo] = []
        for number in range(1, _MOST_PAGES + 1):
            page = await self.list_page(kind=kind, page=number, page_size=page_size)
            found += page.results
            if page.next is None or not page.results:
                break
        return found

    async def detail(self, session_id: str) -> SessionInfo | None:
        """What the vendor knows of a session; None where it knows none of this id. Raises `ProviderError`."""
        reply = await self._get(f"/api/v2/sessions/{quote(session_id, safe='')}", "Session detail", gone_is_answer=True)
        return None if reply.code == GONE else read(SessionInfo, reply, "Session detail")

    # One call each.

    async def _fetch_token(self) -> str:
        what = "Fetch session token"
        relay = self._settings.token_url
        if relay is None:
            body: JsonObject = {"appId": self._settings.app_id, "userKey": self._user_key}
            reply = await self._ask("POST", self._url(self._settings.token_path), what, {}, body)
        else:
            body = {"appId": self._settings.app_id} if self._settings.app_id else {}
            reply = await self._ask("POST", relay, what, self._relay_headers(), body)
            if reply.http.ok and reply.code is None:  # a relay need not wrap it as the vendor does
                return read(TokenData, replace(reply, data=reply.http.json), what).session_token
        if not reply.ok:
            raise refusal(reply, what, self._clock.wall())
        return read(TokenData, reply, what).session_token

    async def _post_start(self, token: str, body: JsonObject, intent: SessionRef) -> Reply:
        url = self._url("/api/v2/sessions/start")
        try:
            return await self._ask(
                "POST", url, "Start session", _bearer(token), body, timeout_s=self._settings.start_timeout_s
            )
        except AnswerLost as lost:
            raise AnswerLost(lost.operator_line, session=intent) from None

    def _grant(self, reply: Reply, intent: SessionRef, token: str) -> LiveKitGrant:
        what = "Start session"
        if not reply.ok:
            # Behind a gateway that gave up, and in an answer that nobody understands, a session may have begun.
            unsure = reply.http.status in (502, 504) or (reply.http.ok and reply.code is None)
            raise refusal(reply, what, self._clock.wall(), session=intent if unsure else None)
        session = replace(intent, session_id=session_id_of(reply.data))
        started = read(StartData, reply, what, session=session)
        if len(self._tokens) >= _REMEMBERED_TOKENS:
            self._tokens.pop(next(iter(self._tokens)))
        self._tokens[started.session_id] = token
        _log.info("Session started at %s", reply.http.host)
        return LiveKitGrant(
            session=session,
            url=started.livekit.url,
            token=started.livekit.token,
            room=started.livekit.room_name or "",
            speech=SpeechRoute.MICROPHONE if self._settings.publish_microphone else SpeechRoute.NONE,
            max_duration_s=_seconds(started.max_session_duration, self._settings.max_session_duration_unit),
        )

    async def _talk(self, session_id: str, utterance: str) -> None:
        what = "Speak"
        url = self._url(f"/api/v2/sessions/{quote(session_id, safe='')}/talk")
        token = self._tokens.get(session_id) or await self._fetch_token()
        reply = await self._ask("POST", url, what, _bearer(token), {"message": utterance})
        if _unauthorized(reply):
            token = await self._fetch_token()
            reply = await self._ask("POST", url, what, _bearer(token), {"message": utterance})
        if reply.code == GONE:
            raise Unavailable(
                f"{what}: {reply.http.host} no longer knows the session (code {GONE}); it needs a new one"
            )
        if not reply.ok:
            raise refusal(reply, what, self._clock.wall())
        if session_id in self._tokens:
            self._tokens[session_id] = token

    async def _get(
        self, path: str, what: str, params: dict[str, str | int] | None = None, *, gone_is_answer: bool = False
    ) -> Reply:
        if not self._user_key:
            raise Misconfigured(f"{what}: set the secret {USER_KEY}; a relay's token does not serve for this")
        reply = await self._ask("GET", self._url(path), what, self._key_header(), params=params)
        if not reply.ok and not (gone_is_answer and reply.code == GONE):
            raise refusal(reply, what, self._clock.wall())
        return reply

    async def _report_nameless(self, session: SessionRef) -> None:
        """A start whose answer never came: the list names no visit, so none of its sessions is known to be ours."""
        seen = "the vendor was not asked for its active sessions"
        if self._user_key:
            try:
                seen = f"active sessions of the account: {(await self.list_page(kind='active', page_size=1)).count}"
            except ProviderError as error:
                seen = f"the active sessions are not known ({error.operator_line})"
        _log.warning(
            "Stop session: a session of visit %s may have begun, but its id is not known; %s. "
            "The vendor ends it by itself after max_session_duration",
            one_line(session.visit_id),
            seen,
        )

    async def _ask(
        self,
        method: str,
        url: str,
        what: str,
        headers: dict[str, str],
        body: JsonObject | None = None,
        *,
        params: dict[str, str | int] | None = None,
        timeout_s: float | None = None,
    ) -> Reply:
        answer = await self._http.request(
            method, url, what=what, headers=headers, json=body, params=params, timeout_s=timeout_s
        )
        envelope: dict[str, Any] = answer.json if isinstance(answer.json, dict) else {}
        code = envelope.get("code")
        if isinstance(code, bool) or not isinstance(code, int | float):
            code = None
        message = envelope.get("message")
        said = redact(message, self._secrets(headers)) if isinstance(message, str) else ""
        return Reply(answer, code, envelope.get("data"), one_line(said))

    # What they share.

    def _secrets(self, headers: dict[str, str]) -> list[str]:
        sent = [value.rsplit(" ", 1)[-1] for value in headers.values()]
        return [self._user_key, self._relay_key, *self._tokens.values(), *sent]

    def _url(self, path: str) -> str:
        return self._settings.base_url + path

    def _key_header(self) -> dict[str, str]:
        return {"STUDIO-API-KEY": self._user_key}

    def _relay_headers(self) -> dict[str, str]:
        return _bearer(self._relay_key) if self._relay_key else {}


def _start_body(settings: DeepBrainSettings, visit: Visit) -> JsonObject:
    """Only documented fields; what is not set is left out, so that the vendor's defaults apply."""
    persona: JsonObject = settings.persona.model_dump(exclude_none=True) if settings.persona else {}
    persona.setdefault("language", settings.language or visit.language)
    body: JsonObject = {"avatar_id": settings.avatar_id, "avatar_persona": persona}
    for name in ("max_session_duration", "lip_audio_mode", "greeting_text"):
        value = getattr(settings, name)
        if value is not None:
            body[name] = value
    return body


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _unauthorized(reply: Reply) -> bool:
    return reply.code == UNAUTHORIZED or (reply.code is None and reply.http.status == 401)


def _seconds(duration: float | None, unit: Literal["minutes", "seconds"]) -> float | None:
    if duration is None or duration <= 0:
        return None
    return min(duration * (60 if unit == "minutes" else 1), 86_400.0)


def _create(settings: DeepBrainSettings, context: ProviderContext) -> DeepBrain:
    return DeepBrain(settings, context)


def _ways_in(settings: DeepBrainSettings, _: OwnRoomSettings) -> tuple[tuple[str, ...], ...]:
    has_relay = settings.token_url is not None or settings.stop_url is not None
    return ((USER_KEY, RELAY_KEY) if has_relay else (USER_KEY,),)


PROVIDER = ProviderEntry(NAME, DeepBrainSettings, (USER_KEY, RELAY_KEY), _create, ways_in=_ways_in)
