"""The REST calls of Agent Human, their answers and their errors. When to call what is decided in `agenthuman`.

A success carries its fields at the top level or in a `data` wrapper; an error is a string, or an object with `message`
and `suggestion`. There are no machine codes: what an error means is told by its HTTP status alone.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from kiosk.clock import Clock
from kiosk.providers.contract import Broken, Busy, JsonObject, ProviderError, Unavailable
from kiosk.providers.http import LONGEST_RETRY_AFTER_S, AnswerLost, HttpAnswer, HttpClient, status_error
from kiosk.redact import one_line, redact

_log = logging.getLogger("kiosk.providers")

API_KEY = "KIOSK_AGENTHUMAN_API_KEY"
TABLE = "[providers.agenthuman]"
CREATE_TIMEOUT_S = 15.0  # an avatar given as an image is examined first

_NO_CAPACITY = (402, 403, 409, 429)  # which of these a limit gives is not documented
_CHECK_AVATAR = f"check {TABLE} avatar and the other settings of this table"
_CHECK_LINK = f"check {TABLE} link_id: the link must be active, not expired, not used up, and its agent needs a face"
_PLAN_TAKES_IDS = "the free plan takes only avatar ids (avat_...): upload the image first, or change the plan"

SessionId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")]


class SessionAnswer(BaseModel):
    """A session as the vendor describes it; times are ISO 8601."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    session_id: SessionId
    status: str = ""
    started_at: str | None = None
    ended_at: str | None = None
    expiration: str | None = None
    metadata: JsonObject | None = None

    def length_s(self) -> float | None:
        """Seconds from start to expiration by the vendor's clock; None where it does not say."""
        try:
            seconds = (_time(self.expiration or "") - _time(self.started_at or "")).total_seconds()
        except (ValueError, OverflowError):
            return None
        return seconds if seconds > 0 else None


class LinkAnswer(BaseModel):
    """A session of a link: the vendor's room and the visitor's token for it."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    session_id: SessionId
    livekit_url: Annotated[str, StringConstraints(pattern=r"^wss?://[A-Za-z0-9\[][!-~]*$")]
    participant_token: str = Field(pattern=r"^[!-~]+$", repr=False)
    agent_identity: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What the account may still do. None: the vendor did not say."""

    plan: str | None
    active_sessions: int | None
    max_sessions: int | None


class AgentHumanApi:
    """One call, one answer, no retry. All calls raise only `ProviderError`; none repeats a secret in its text."""

    def __init__(self, http: HttpClient, clock: Clock, base_url: str, *, api_key: str = "", link_id: str = ""):
        self._http = http
        self._clock = clock
        self._base_url = base_url.rstrip("/")
        self._api_key = api_key
        self._link_id = link_id

    async def create(self, body: JsonObject) -> SessionAnswer:
        """Creates and starts a session. After `AnswerLost` and `Broken` it may exist all the same."""
        what = "Start session"
        answer = await self._call("POST", "/sessions", what, json=body, timeout_s=CREATE_TIMEOUT_S)
        remedies = {400: _CHECK_AVATAR, 404: _CHECK_AVATAR}
        if re.match(r"(?i)https?:|data:", str(body.get("avatar"))):
            remedies[403] = _PLAN_TAKES_IDS
        fields = self._fields(answer, what, remedies=remedies, no_capacity=_NO_CAPACITY)
        session = _parse(SessionAnswer, fields.get("session"), what)
        if session.status == "ended":
            raise Broken(f"{what}: the vendor answered a session that has ended already; report it to the vendor")
        return session

    async def start_by_link(self, aspect_ratio: str) -> LinkAnswer:
        """Starts the session behind the link; the link is the credential, so no key is sent."""
        what = "Start session by link"
        body = {"link_id": self._link_id, "aspect_ratio": aspect_ratio}
        answer = await self._call(
            "POST", "/links/start-session", what, json=body, timeout_s=CREATE_TIMEOUT_S, with_key=False
        )
        remedies = dict.fromkeys((400, 401, 403, 404, 410), _CHECK_LINK)
        fields = self._fields(answer, what, remedies=remedies, no_capacity=(402, 409, 429))
        return _parse(LinkAnswer, fields, what)

    async def end(self, session_id: str, *, timeout_s: float | None = None) -> None:
        """Idempotent: the vendor answers success for a session that has ended, and an unknown one costs nothing."""
        what = "End session"
        path = f"/sessions/{quote(session_id, safe='')}/end"
        answers = [await self._call("POST", path, what, timeout_s=timeout_s)]
        if answers[0].status in (404, 405):  # an older page of the documents shows PUT
            answers.append(await self._call("PUT", path, what, timeout_s=timeout_s))
        if answers[-1].status in (404, 405) and any(_says_unknown(answer) for answer in answers):
            _log.warning("a session is unknown to the vendor: nothing to end")
        elif answers[-1].status != 204:
            self._fields(answers[-1], what)

    async def session(self, session_id: str) -> SessionAnswer:
        what = "Read session"
        answer = await self._call("GET", f"/sessions/{quote(session_id, safe='')}", what)
        return _parse(SessionAnswer, self._fields(answer, what).get("session"), what)

    async def sessions(self, *, timeout_s: float | None = None) -> list[SessionAnswer]:
        """All sessions of the account, ended ones too, as far as they are as documented."""
        what = "List sessions"
        fields = self._fields(await self._call("GET", "/sessions", what, timeout_s=timeout_s), what)
        listed = next((entries for key in ("sessions", "data") if isinstance(entries := fields.get(key), list)), None)
        if listed is None:
            raise Broken(f"{what}: the answer holds no list of sessions; report it to the vendor")
        found: list[SessionAnswer] = []
        for entry in listed:
            try:
                found.append(SessionAnswer.model_validate(entry))
            except ValidationError:
                _log.debug("%s: an entry is not as documented and is passed over", what)
        return found

    async def usage(self) -> Usage:
        what = "Read usage"
        fields = self._fields(await self._call("GET", "/usage", what), what)
        fields = {**fields, **_object(fields.get("usage"))}
        active, limits, plan = fields.get("active_sessions"), _object(fields.get("concurrency")), fields.get("plan")
        names = [_object(plan).get(key) for key in ("name", "key")]
        return Usage(
            plan=next((one_line(self._redact(name), 40) for name in names if isinstance(name, str)), None),
            active_sessions=len(active) if isinstance(active, list) else _count(limits.get("current")),
            max_sessions=_count(limits.get("max")),
        )

    async def reach(self) -> str:
        """Asks without a key, which costs nothing, and returns who answered. Raises where nobody does."""
        what = "Reach vendor"
        answer = await self._call("GET", "/usage", what, with_key=False)
        if answer.status != 401:
            self._fields(answer, what)
        return answer.host

    async def _call(
        self,
        method: str,
        path: str,
        what: str,
        *,
        json: object | None = None,
        timeout_s: float | None = None,
        with_key: bool = True,
    ) -> HttpAnswer:
        headers = {"x-api-key": self._api_key} if with_key else {}
        url = self._base_url + path
        return await self._http.request(method, url, what=what, headers=headers, json=json, timeout_s=timeout_s)

    def _fields(
        self,
        answer: HttpAnswer,
        what: str,
        *,
        remedies: Mapping[int, str] | None = None,
        no_capacity: tuple[int, ...] = (429,),
    ) -> JsonObject:
        said = self._said(answer)
        remedies = remedies or {}
        if not answer.ok:
            raise self._error(answer, what, said, remedies.get(answer.status, ""), no_capacity)
        fields = _object(answer.json)
        if not fields:
            raise Broken(f"{what}: {answer.host} answered no JSON object; check {TABLE} base_url")
        if fields.get("success", True) is not True:
            remedy = remedies.get(400, "report it to the vendor")
            raise Broken(f"{what}: {answer.host} answered success: false ({said or 'no reason given'}); {remedy}")
        return {**fields, **_object(fields.get("data"))}

    def _error(
        self, answer: HttpAnswer, what: str, said: str, remedy: str, no_capacity: tuple[int, ...]
    ) -> ProviderError:
        if answer.status in no_capacity and not remedy:
            words = f" ({said})" if said else ""
            return Busy(
                f"{what}: {answer.host} answered HTTP {answer.status}{words}; no capacity: check minutes, concurrent "
                "sessions and rights of the plan; the kiosk waits and tries again",
                retry_after_s=self._wait_s(answer),
            )
        if answer.status == 401 and not remedy:
            remedy = f"check the secret {API_KEY}"
        error = status_error(answer, what=what, now_wall=self._clock.wall(), detail=said, remedy=remedy)
        if isinstance(error, Unavailable) or answer.status == 499:
            # The vendor, or a proxy before it, failed on the way: the call may have been carried out.
            return AnswerLost(error.operator_line, retry_after_s=error.retry_after_s)
        return error

    def _wait_s(self, answer: HttpAnswer) -> float:
        """Until X-RateLimit-Reset (Unix seconds), 1 to 60 s; 60 s where it is missing."""
        reset = answer.headers.get("X-RateLimit-Reset", "")
        if not re.fullmatch(r"[0-9]{1,12}", reset):
            return LONGEST_RETRY_AFTER_S
        return min(max(int(reset) - self._clock.wall(), 1.0), LONGEST_RETRY_AFTER_S)

    def _said(self, answer: HttpAnswer) -> str:
        """The vendor's own words, from an error of either shape."""
        error = _object(answer.json).get("error")
        parts = [error] if isinstance(error, str) else [_object(error).get(key) for key in ("message", "suggestion")]
        return one_line(self._redact(" ".join(part for part in parts if isinstance(part, str))), 160)

    def _redact(self, text: str) -> str:
        return redact(text, [self._api_key, self._link_id])


def _parse[M: BaseModel](model: type[M], value: object, what: str) -> M:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        # Only the names of the fields: the values may be tokens.
        names = {".".join(str(part) for part in fault["loc"]) or "session" for fault in error.errors()}
    raise Broken(f"{what}: the answer lacks or garbles {', '.join(sorted(names))}; report it to the vendor")


def _object(value: object) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _says_unknown(answer: HttpAnswer) -> bool:
    """Whether the vendor itself says so: behind a wrong base_url nobody would answer in its words."""
    return answer.status == 404 and _object(answer.json).get("success") is False


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
