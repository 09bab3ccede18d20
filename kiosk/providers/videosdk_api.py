"""What all calls of VideoSDK's REST API share: base URL, the raw Authorization header, the reading of errors.

The vendor documents neither status codes nor error bodies: every 2xx is success, and what an error says is looked for
under each of the names that are seen in its own code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from kiosk.clock import Clock
from kiosk.providers.contract import Broken, JsonObject, ProviderError, SessionRef, Unavailable
from kiosk.providers.http import AnswerLost, HttpAnswer, HttpClient, status_error
from kiosk.providers.videosdk_token import API_KEY, API_SECRET, TOKEN, VideoSdkAccess, token_fault
from kiosk.redact import one_line, redact

BASE_URL = "https://api.videosdk.live"

_ERROR_NAMES = ("message", "error", "msg", "statusMessage")
_UNKNOWN = (402, 404)  # both mean: no such room, session or agent
_LONGEST_ID = 200


class VideoSdkTable(BaseModel):
    """Base of this vendor's settings tables."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)


def base_url_of(value: str) -> str:
    """`value` without a slash at its end. Raises ValueError where a token must not be sent there."""
    parts = urlsplit(value)
    if parts.scheme not in ("https", "http") or not parts.hostname or not value.isprintable() or " " in value:
        raise ValueError("must begin with https:// and name a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or a password")
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise ValueError("must begin with https:// (http:// only on this machine): a token goes over this line")
    return value.rstrip("/")


class VideoSdkApi:
    """One call, one answer, no retry. Raises only `ProviderError`; none repeats a secret in its text."""

    def __init__(self, http: HttpClient, clock: Clock, base_url: str, access: VideoSdkAccess):
        self._http = http
        self._clock = clock
        self._base_url = base_url.rstrip("/")
        self._access = access

    async def call(
        self,
        method: str,
        path: str,
        what: str,
        *,
        json: JsonObject | None = None,
        params: dict[str, str | int] | None = None,
        remedy: str = "",
        session: SessionRef | None = None,
        timeout_s: float | None = None,
    ) -> JsonObject:
        """The answer's JSON object. `remedy` says what to do where something is unknown to the vendor.

        `session` goes with every error after which it may exist all the same.
        """
        answer = await self.ask(method, path, what, json=json, params=params, session=session, timeout_s=timeout_s)
        return self.fields(answer, what, remedy=remedy, session=session)

    async def ask(
        self,
        method: str,
        path: str,
        what: str,
        *,
        json: JsonObject | None = None,
        params: dict[str, str | int] | None = None,
        session: SessionRef | None = None,
        timeout_s: float | None = None,
    ) -> HttpAnswer:
        """The answer, whatever its status; for calls of which an error is an answer too."""
        headers = {"Authorization": self._access.rest_token(self._clock.wall())}
        try:
            return await self._http.request(
                method,
                self._base_url + path,
                what=what,
                headers=headers,
                json=json,
                params=params,
                timeout_s=timeout_s,
            )
        except AnswerLost as lost:
            raise AnswerLost(lost.operator_line, session=session) from None

    def fields(
        self, answer: HttpAnswer, what: str, *, remedy: str = "", session: SessionRef | None = None
    ) -> JsonObject:
        """The JSON object of a success; raises the error that the answer is otherwise."""
        if not answer.ok:
            raise self.error(answer, what, remedy=remedy, session=session)
        if not isinstance(answer.json, dict):
            raise Broken(f"{what}: {answer.host} answered no JSON object; check base_url", session=session)
        return answer.json

    def error(
        self, answer: HttpAnswer, what: str, *, remedy: str = "", session: SessionRef | None = None
    ) -> ProviderError:
        """The typed error of an answer without success; the caller raises it."""
        advice = ""
        if answer.status in (401, 403):
            advice = self._access_advice(answer.status)
        elif answer.status in _UNKNOWN:
            advice = remedy or "check base_url and the ids in the settings"
        error = status_error(answer, what=what, now_wall=self._clock.wall(), detail=self.said(answer), remedy=advice)
        if isinstance(error, Unavailable):
            # A fault on the vendor's side, or of a gateway before it: the call may have been carried out.
            return AnswerLost(error.operator_line, session=session, retry_after_s=error.retry_after_s)
        return error

    def said(self, answer: HttpAnswer) -> str:
        """The vendor's own words, on one line and without secrets; empty where it said nothing."""
        body = answer.json if isinstance(answer.json, dict) else {}
        words = next((text for name in _ERROR_NAMES if isinstance(text := body.get(name), str) and text.strip()), "")
        return one_line(redact(words, self._secrets()), 160)

    def _access_advice(self, status: int) -> str:
        if self._access.minted:
            return f"check the secrets {API_KEY} and {API_SECRET}, and this machine's clock"
        fault = token_fault(self._access.token, self._clock.wall())
        if fault is not None:
            return fault
        return f"check the secret {TOKEN}" if status == 401 else f"the token may not do this: set another {TOKEN}"

    def _secrets(self) -> Iterable[str]:
        return (self._access.token, self._access.secret, self._access.api_key)


def unknown(answer: HttpAnswer) -> bool:
    """Whether the vendor says that it knows no such room, session or agent."""
    return answer.status in _UNKNOWN


def object_of(value: object) -> JsonObject:
    """`value` where it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def id_of(value: object) -> str | None:
    """`value` where it can stand in a path and in the ledger: 1 to 200 letters, digits, dots, dashes, underscores."""
    if not isinstance(value, str) or len(value) > _LONGEST_ID:
        return None
    return value if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", value) else None
