"""What DeepBrain answers: envelope, codes, data. Unknown fields are ignored, known ones must be as documented.

Every answer is `{code, data, message}`; success is HTTP 2xx *and* code 1000.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError

from kiosk.providers.contract import Broken, Busy, Misconfigured, ProviderError, SessionRef, Unavailable
from kiosk.providers.http import HttpAnswer, retry_after_s, status_error
from kiosk.redact import one_line

USER_KEY = "KIOSK_DEEPBRAIN_USER_KEY"

OK, INVALID, UNAUTHORIZED, FORBIDDEN, GONE, RATE_LIMITED, INTERNAL = 1000, 4000, 4010, 4030, 4040, 4290, 5000

# code -> who can mend it, and how
_CODES: dict[int, tuple[type[ProviderError], str]] = {
    INVALID: (
        Misconfigured,
        "the vendor refuses a value: check [providers.deepbrain], above all avatar_id and persona",
    ),
    UNAUTHORIZED: (Misconfigured, f"check app_id and the secret {USER_KEY}, or the relay behind token_url"),
    FORBIDDEN: (Misconfigured, "the account may not do this: check its plan and its right to this avatar"),
    GONE: (Misconfigured, "the vendor does not know it: check avatar_id and app_id"),
    RATE_LIMITED: (Busy, "too many calls or sessions: the kiosk waits and tries again"),
    INTERNAL: (Unavailable, "the vendor's service has a fault: the kiosk tries again"),
}


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class TokenData(_Answer):
    # It becomes a header: printable ASCII without blanks.
    session_token: Annotated[StrictStr, Field(pattern=r"^[\x21-\x7e]+$", max_length=16_384, repr=False)]


class _LiveKitBlock(_Answer):
    url: Annotated[StrictStr, Field(pattern=r"^wss?://[^\s/]+", max_length=2_048)]
    token: Annotated[StrictStr, Field(pattern=r"^[\x21-\x7e]+$", max_length=16_384, repr=False)]
    room_name: StrictStr | None = None


class StartData(_Answer):
    session_id: Annotated[StrictStr, Field(min_length=1, max_length=512)]
    livekit: _LiveKitBlock
    voice_id: StrictStr | None = None
    max_session_duration: Annotated[float, Field(strict=True, allow_inf_nan=False)] | None = None
    max_session_numbers: Annotated[float, Field(strict=True, allow_inf_nan=False)] | None = None


class SessionInfo(_Answer):
    """One session as list and detail show it. `duration` has no documented unit."""

    session_id: Annotated[StrictStr, Field(alias="sessionId", min_length=1)]
    created_at: StrictStr | None = None
    updated_at: StrictStr | None = None
    duration: Annotated[float, Field(strict=True)] | None = None
    source: StrictStr | None = None
    credits_consumed: Annotated[float, Field(strict=True)] | None = None
    end_at: StrictStr | None = None  # detail only, and only after the end
    end_reason: StrictStr | None = None


class SessionPage(_Answer):
    """One page of the list. `next` only says whether there is another page: the URL in it may be wrong."""

    count: Annotated[int, Field(strict=True, ge=0)]
    next: StrictStr | None = None
    previous: StrictStr | None = None
    results: list[SessionInfo]


SessionKind = Literal["active", "historic"]


@dataclass(frozen=True, slots=True)
class Reply:
    http: HttpAnswer
    code: int | float | None  # None: no envelope
    data: object = field(repr=False)
    message: str = ""  # redacted

    @property
    def ok(self) -> bool:
        return self.http.ok and self.code == OK


def read[Model: BaseModel](model: type[Model], reply: Reply, what: str, *, session: SessionRef | None = None) -> Model:
    """The data of a successful answer; raises `Broken`, which names the field and not its value."""
    try:
        return model.model_validate(reply.data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field_name = ".".join(str(part) for part in ("data", *first["loc"]))
        line = (
            f"{what}: {reply.http.host} answered what the vendor's documents exclude, at {field_name} "
            f"({first['type']}); check base_url, else report it to the vendor"
        )
        raise Broken(line, session=session) from None


def session_id_of(data: object) -> str | None:
    """The id, also out of a block that is wrong otherwise: it is what the vendor bills."""
    found = data.get("session_id") if isinstance(data, dict) else None
    return found if isinstance(found, str) and found else None


def refusal(reply: Reply, what: str, now_wall: float, *, session: SessionRef | None = None) -> ProviderError:
    """The typed error for an answer that is no success: by the vendor's code, else by the HTTP status."""
    known = _CODES.get(int(reply.code)) if reply.code in _CODES else None
    if known is None:
        code = "" if reply.code is None else f"code {one_line(str(reply.code), 20)} "
        detail = f"{code}{reply.message}".strip()
        return status_error(reply.http, what=what, now_wall=now_wall, detail=detail, session=session)
    kind, remedy = known
    said = f": {reply.message}" if reply.message else ""
    line = f"{what}: {reply.http.host} answered code {reply.code} (HTTP {reply.http.status}{said}); {remedy}"
    wait = retry_after_s(reply.http.headers, now_wall) if kind.retry else None
    return kind(line, session=session, retry_after_s=wait)
