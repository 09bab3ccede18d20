"""Tenbyte, VidInfra webinars: a stage in the vendor's LiveKit room, on which people come and go.

    start    POST /sessions/{id}/start        as host    -> livekit_token, rtmp, rtmp_setup, whip_url; each may miss
    go live  POST /sessions/{id}/go_live      as host, where the start left the session scheduled
    join     POST /sessions/{id}/join         as viewer  -> livekit_token, room_name
    end      POST /sessions/{id}/end          as host; ends what may cost money
    create   POST /rooms/{id}/sessions        as host    -> a session for one visit
    session  GET  /sessions/{id}              public
    stats    GET  /sessions/stats

`Authorization: Bearer {token}`, or `X-API-Key: {key}`: whichever secret is set. No call returns the address of the
LiveKit server; the settings hold it.
"""

from __future__ import annotations

import importlib.util
import logging
from dataclasses import replace

from kiosk.providers.contract import (
    Broken,
    Busy,
    Capabilities,
    EndReason,
    Fact,
    Grant,
    JsonObject,
    LiveKitGrant,
    Misconfigured,
    ProviderError,
    SessionRef,
    SpeechRoute,
    StagePersona,
    Unavailable,
    Visit,
    WhipTarget,
)
from kiosk.providers.http import AnswerLost
from kiosk.providers.livekit_token import TokenClaims, read_claims
from kiosk.providers.registry import ProviderContext, ProviderEntry
from kiosk.providers.tenbyte_answers import (
    API_KEY,
    OVER,
    TOKEN,
    Reply,
    SessionInfo,
    StageEntry,
    entry_of,
    info_of,
    new_session_id,
    read_reply,
    refusal,
)
from kiosk.providers.tenbyte_settings import TenbyteSettings, WhipCredential
from kiosk.redact import one_line

_log = logging.getLogger("kiosk.tenbyte")

NAME = "tenbyte"
TABLE = f"[providers.{NAME}]"

_ALREADY = (409, 422)  # "started already", as far as anybody knows
_WRONG_STATE = (400, *_ALREADY)
_GONE = (404, *_ALREADY)  # at the end of a session: it is over
_ANEW = "make a new session and set session_id, or set room_id and preset_id in its place"


class Tenbyte:
    """One stage, as its host or among its viewers. See `kiosk.providers.contract.Provider`."""

    name = NAME

    def __init__(self, settings: TenbyteSettings, context: ProviderContext):
        """Raises `Misconfigured` where no secret is set, or where WHIP is wanted and its library is missing."""
        self._settings = settings
        self._http = context.http
        self._clock = context.clock
        self._token = context.secrets.get(TOKEN, "").strip()
        self._key = context.secrets.get(API_KEY, "").strip()
        if not self._token and not self._key:
            raise Misconfigured(f"No access: set the secret {TOKEN} or {API_KEY} (kiosk secret set)")
        if settings.persona == "whip" and importlib.util.find_spec("aiortc") is None:
            raise Misconfigured(
                f'{TABLE} persona = "whip" needs the package aiortc: install avatar-kiosk[whip], or set "room" there'
            )
        self._hosts = settings.role == "host"
        self._started = ("", StageEntry())  # the newest session, and what its start said
        on_stage = settings.persona != "off"
        # What a visitor types goes to the persona on the stage: nobody else there is known to read it.
        self.capabilities = Capabilities(hosted_dialogue=on_stage, interrupts=on_stage, renews=True)

    async def start(self, visit: Visit) -> Grant:
        """Starts the stage or joins it. Raises `ProviderError`, with the session where one may be live now."""
        if not self._hosts:
            # A viewer has nothing to end: nobody else's stage is ended because a visitor went.
            watching = SessionRef(NAME, visit.id, None, self._clock.wall())
            return self._grant(watching, await self._join(self._settings.session_id), visit.language)
        session_id = self._settings.session_id or await self._create()
        session = SessionRef(NAME, visit.id, session_id, self._clock.wall())
        entry = await self._host(session_id, session)
        self._started = (session_id, entry)
        return self._grant(session, entry, visit.language)

    async def renew(self, grant: Grant) -> Grant:
        """A fresh token for the same stage: by another start, which finds it live, or by another join."""
        if not isinstance(grant, LiveKitGrant):
            raise Broken("Renew: this grant is for no stage")
        persona = grant.stage_persona
        language = persona.language if persona is not None else "en"
        session_id = grant.session.session_id
        if session_id is None:
            return self._grant(grant.session, await self._join(self._settings.session_id), language)
        # Found live, a start says less than the first one did.
        entry = await self._host(session_id, grant.session)
        started_id, started = self._started
        return self._grant(grant.session, _merged(started, entry) if started_id == session_id else entry, language)

    async def end(self, session: SessionRef, reason: EndReason) -> None:
        """Ends the session; one that is over already counts as ended. Raises `ProviderError`."""
        session_id = session.session_id or (self._settings.session_id if self._hosts else "")
        if not session_id:
            if self._hosts:
                _log.warning(
                    "End session: a session of visit %s may have begun, but its id is not known; "
                    "see the vendor's list of sessions",
                    one_line(session.visit_id),
                )
            return
        what = "End session"
        reply = await self._ask("POST", f"/sessions/{session_id}/end", what)
        # A page of HTML is no answer of this vendor, whatever its status: the session may go on costing.
        known = reply.enveloped or (reply.http.ok and not reply.http.text)
        if not known or not (reply.ok or reply.http.status in _GONE):
            raise self._refusal(reply, what)
        _log.info("stage ended (%s)", reason.value)

    async def say(self, session: SessionRef, text: str) -> None:
        raise Misconfigured("Say: a stage takes no text; who is on it speaks")

    async def check(self) -> str:
        what = "Session statistics"
        reply = await self._ask("GET", "/sessions/stats", what)
        if not reply.ok or not reply.enveloped:
            raise self._refusal(reply, what)
        seen = f"{reply.http.host} accepts the {'token' if self._token else 'key'}"
        if not self._settings.session_id:
            return seen
        info = await self._read(self._settings.session_id)
        return f"{seen}; the session is {info.status or 'in a state that it does not tell'}"

    async def aclose(self) -> None:
        self._started = ("", StageEntry())

    # --- the calls of a host ---

    async def _create(self) -> str:
        """A session for one visit. It costs nothing before it is started."""
        what = "Create session"
        body: JsonObject = {"title": self._settings.title, "preset_id": self._settings.preset_id}
        reply = await self._ask("POST", f"/rooms/{self._settings.room_id}/sessions", what, body=body)
        if not reply.ok:
            raise self._refusal(reply, what, missing="room_id and preset_id")
        session_id = new_session_id(reply.data)
        if not _fits_a_path(session_id):
            raise self._broken(reply, what, "data.session.id", None)
        return session_id

    async def _host(self, session_id: str, session: SessionRef) -> StageEntry:
        """Starts the session, or takes over one that is live. An error says whether it must be ended."""
        what = "Start session"
        try:
            reply = await self._ask("POST", f"/sessions/{session_id}/start", what, self._settings.start_timeout_s)
        except AnswerLost as lost:
            raise _with(lost, session) from None
        if not reply.ok:
            if reply.http.status not in _WRONG_STATE:
                # Behind a gateway that gave up, a session may have begun.
                unsure = reply.http.ok or reply.http.status >= 500
                raise self._refusal(reply, what, session=session if unsure else None)
            await self._live_already(session_id, reply, what)
            entry = StageEntry(status="live")
        else:
            entry = self._entry(reply, what)
        try:
            entry = await self._go_live(session_id, entry)
            return entry if entry.token else await self._token_by_join(session_id, entry)
        except ProviderError as error:
            raise _with(error, session) from None

    async def _live_already(self, session_id: str, reply: Reply, what: str) -> None:
        """Returns where a refused start means that the session is live; else raises what is wrong with it."""
        try:
            status = (await self._read(session_id)).status
        except ProviderError:
            status = ""
        if status in OVER:
            raise Misconfigured(f"{what}: {reply.http.host} says that the session is {status}: {_ANEW}")
        if status != "live" and (status or reply.http.status not in _ALREADY):
            raise self._refusal(reply, what)

    async def _go_live(self, session_id: str, entry: StageEntry) -> StageEntry:
        """Whether a start makes a session live is not documented: where it did not, it is told to go live, once."""
        if entry.status == "live":
            return entry
        try:
            # The status in the answer to a start may be a sample's: the session itself is asked.
            status = (await self._read(session_id)).status
            if status != "scheduled" or not self._settings.go_live:
                return replace(entry, status=status)
            reply = await self._ask("POST", f"/sessions/{session_id}/go_live", "Go live")
            if not reply.ok:
                raise self._refusal(reply, "Go live")
        except ProviderError as error:
            _log.warning("the stage may not be live for its audience: %s", error.operator_line)
            return entry
        return _merged(entry, self._entry(reply, "Go live"))

    async def _token_by_join(self, session_id: str, entry: StageEntry) -> StageEntry:
        _log.info("the start brought no room token; asking for one by joining")
        return _merged(entry, await self._join(session_id))

    # --- what host and viewer share ---

    async def _join(self, session_id: str) -> StageEntry:
        what = "Join session"
        reply = await self._ask("POST", f"/sessions/{session_id}/join", what, self._settings.start_timeout_s)
        if not reply.ok:
            raise await self._why_nobody_joins(session_id, reply, what)
        entry = self._entry(reply, what)
        if not entry.token:
            raise self._broken(reply, what, "data.livekit_token", None)
        return entry

    async def _why_nobody_joins(self, session_id: str, reply: Reply, what: str) -> ProviderError:
        """No code for a full stage is documented, nor for one that is over: the session itself is asked."""
        status = reply.http.status
        if status in (401, 404, 429) or not 400 <= status < 500:
            return self._refusal(reply, what)
        try:
            info = await self._read(session_id)
        except ProviderError:
            info = SessionInfo()
        host = reply.http.host
        if info.status in OVER:
            return Misconfigured(f"{what}: {host} says that the session is {info.status}; set another session_id")
        if status == 403 and not info.full:
            return self._refusal(reply, what)
        if info.status == "scheduled":
            return Unavailable(f"{what}: the session has not begun yet; its host starts it")
        said = f" ({reply.said})" if reply.said else ""
        return Busy(f"{what}: {host} lets nobody more onto the stage (HTTP {status}{said}); it may be full")

    async def _read(self, session_id: str) -> SessionInfo:
        """The session's public page. Raises `ProviderError`."""
        what = "Read session"
        reply = await self._ask("GET", f"/sessions/{session_id}", what, public=True)
        if not reply.ok:
            raise self._refusal(reply, what)
        return info_of(reply.data)

    def _entry(self, reply: Reply, what: str) -> StageEntry:
        entry = entry_of(reply.data)
        if entry.odd:
            _log.warning(
                "%s: %s answered what its documents exclude, at %s; that is left out",
                what,
                reply.http.host,
                ", ".join(dict.fromkeys(entry.odd)),
            )
        return entry

    # --- the grant ---

    def _grant(self, session: SessionRef, entry: StageEntry, language: str) -> LiveKitGrant:
        claims = read_claims(entry.token)
        if claims is None:
            line = "the livekit_token is no token of a LiveKit room; check base_url, else report it to the vendor"
            raise Broken(f"{'Start' if self._hosts else 'Join'} session: {line}", session=_to_end(session))
        speech = SpeechRoute.NONE
        if self._settings.publish_microphone:
            if claims.can_publish is False:
                _log.warning("the room token does not allow publishing: the stage will not hear the visitor")
            else:
                speech = SpeechRoute.MICROPHONE
        return LiveKitGrant(
            session=session,
            url=self._settings.livekit_url,
            token=entry.token,
            room=claims.room or entry.room,
            avatar_identity=self._settings.shown or None,
            speech=speech,
            facts=self._facts(session, entry, claims),
            may_be_empty=True,
            stage_persona=self._persona(entry, claims, language),
        )

    def _persona(self, entry: StageEntry, claims: TokenClaims, language: str) -> StagePersona | None:
        height = self._settings.persona_height
        persona = StagePersona(language, round(height * 16 / 9 / 2) * 2, height, self._settings.persona_fps)
        match self._settings.persona:
            case "off":
                return None
            case "room":
                if claims.can_publish is not False:
                    return persona
                _log.warning("the room token does not allow publishing: the persona stays off the stage")
                return None
            case "whip":
                if entry.whip_url:
                    return replace(persona, whip=self._whip(entry))
                _log.warning(
                    "the answer holds no whip_url: the session's preset is not of type whip; the persona stays off the "
                    "stage"
                )
                return None

    def _whip(self, entry: StageEntry) -> WhipTarget:
        """No page says how that address asks who is there: so all are tried, in the order of the settings."""
        known: dict[WhipCredential, tuple[str, str] | None] = {
            "url": ("the address alone", ""),
            "stream_key": ("the stream key", entry.stream_key) if entry.stream_key else None,
            "livekit_token": ("the room token", entry.token),
        }
        order = dict.fromkeys(self._settings.whip_auth)
        return WhipTarget(entry.whip_url, tuple(found for name in order if (found := known[name]) is not None))

    def _facts(self, session: SessionRef, entry: StageEntry, claims: TokenClaims) -> tuple[Fact, ...]:
        may = {True: "yes", False: "no", None: "not said"}[claims.can_publish]
        facts = [
            Fact("Session", session.session_id or self._settings.session_id),
            Fact("Status", entry.status),
            Fact("Room", claims.room or entry.room),
            Fact("Identity", claims.identity),
            Fact("May publish", may),
            _broadcast("RTMP server", entry.rtmp_server, entry),
            Fact("Stream key", entry.stream_key, secret=True),
            Fact("WHIP address", entry.whip_url, secret=True),
        ]
        facts += [_broadcast(f"Step {number}", text, entry) for number, text in enumerate(entry.instructions, 1)]
        return tuple(fact for fact in facts if fact.value)

    # --- one call ---

    async def _ask(
        self,
        method: str,
        path: str,
        what: str,
        timeout_s: float | None = None,
        *,
        body: JsonObject | None = None,
        public: bool = False,
    ) -> Reply:
        headers = {} if public else self._access()
        answer = await self._http.request(
            method, self._settings.base_url + path, what=what, headers=headers, json=body, timeout_s=timeout_s
        )
        return read_reply(answer, (self._token, self._key))

    def _access(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token else {"X-API-Key": self._key}

    def _refusal(
        self, reply: Reply, what: str, *, missing: str = "session_id", session: SessionRef | None = None
    ) -> ProviderError:
        remedies = {
            401: f"check the secret {TOKEN if self._token else API_KEY}: it may be wrong, or have expired",
            403: "this account may not do that: only the host, by a token or key of its own, may start",
            404: f"check {missing} and base_url",
            422: f"the vendor refuses a value: check {TABLE}, above all {missing}",
        }
        remedy = remedies.get(reply.http.status, "")
        return refusal(reply, what, self._clock.wall(), remedy=remedy, session=session)

    def _broken(self, reply: Reply, what: str, at: str, session: SessionRef | None) -> Broken:
        line = (
            f"{what}: {reply.http.host} answered what the vendor's documents exclude, at {at}; check base_url, else "
            "report it to the vendor"
        )
        return Broken(line, session=session)


def _broadcast(label: str, text: str, entry: StageEntry) -> Fact:
    """An address or an instruction may repeat the stream key."""
    return Fact(label, text, secret=bool(entry.stream_key) and entry.stream_key in text)


def _merged(first: StageEntry, later: StageEntry) -> StageEntry:
    """What the later answer holds, and the first one's where it holds nothing."""
    return StageEntry(
        token=later.token or first.token,
        room=later.room or first.room,
        status=later.status or first.status,
        whip_url=later.whip_url or first.whip_url,
        rtmp_server=later.rtmp_server or first.rtmp_server,
        stream_key=later.stream_key or first.stream_key,
        instructions=later.instructions or first.instructions,
    )


def _fits_a_path(session_id: str) -> bool:
    return 0 < len(session_id) <= 128 and session_id.replace("-", "").replace("_", "").isalnum()


def _to_end(session: SessionRef) -> SessionRef | None:
    return session if session.session_id is not None else None


def _with(error: ProviderError, session: SessionRef) -> ProviderError:
    """The same error, which names the session that must be ended."""
    return type(error)(error.operator_line, session=session, retry_after_s=error.retry_after_s)


def _create(settings: TenbyteSettings, context: ProviderContext) -> Tenbyte:
    return Tenbyte(settings, context)


PROVIDER = ProviderEntry(
    NAME, TenbyteSettings, (TOKEN, API_KEY), _create, ways_in=lambda table, own_room: ((TOKEN,), (API_KEY,))
)
