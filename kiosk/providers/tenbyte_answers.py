"""What Tenbyte answers. Nothing in its documents is marked required, so each member may be missing, null or of a wrong
type; what the kiosk cannot do without is the room's token, and that is asked for where it is used.

success             {success: true, data, timestamp}
application error   {success: false, error, message?, timestamp}
gateway error       {success: false, code?, message, errors?: [{field, code, message}]}
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from kiosk.providers.contract import ProviderError, SessionRef
from kiosk.providers.http import HttpAnswer, status_error
from kiosk.providers.tenbyte_settings import web_address_problem
from kiosk.redact import one_line, redact

TOKEN = "KIOSK_TENBYTE_TOKEN"  # noqa: S105 - the name of a secret
API_KEY = "KIOSK_TENBYTE_API_KEY"

Status = Literal["scheduled", "live", "ended", "expired", ""]
OVER: tuple[Status, ...] = ("ended", "expired")

_LONGEST_SECRET = 16_384  # characters
_LONGEST_TEXT = 2_048
_MOST_STEPS, _LONGEST_STEP = 12, 500
_MOST_FIELDS = 3


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer without its envelope. `refused`: it says of itself that it is no success."""

    http: HttpAnswer
    data: object = field(repr=False)
    said: str = ""  # redacted
    enveloped: bool = False
    refused: bool = False

    @property
    def ok(self) -> bool:
        return self.http.ok and not self.refused


@dataclass(frozen=True, slots=True)
class StageEntry:
    """The way onto a stage, as far as an answer showed it. `odd` names what was of a wrong type and is left out."""

    token: str = field(default="", repr=False)
    room: str = ""
    status: Status = ""
    whip_url: str = field(default="", repr=False)  # may hold a key
    rtmp_server: str = field(default="", repr=False)
    stream_key: str = field(default="", repr=False)
    instructions: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A session as its public page shows it."""

    status: Status = ""
    viewers: int | None = None
    most_viewers: int | None = None

    @property
    def full(self) -> bool:
        return self.viewers is not None and self.most_viewers is not None and self.viewers >= self.most_viewers > 0


def read_reply(answer: HttpAnswer, secrets: Iterable[str]) -> Reply:
    """Never raises."""
    body = answer.json
    if not isinstance(body, dict):
        return Reply(answer, None)
    said = redact(_said(body), secrets)
    return Reply(answer, body.get("data"), one_line(said), "success" in body, body.get("success") is False)


def entry_of(data: object) -> StageEntry:
    """From the data of start, go_live or join. Never raises."""
    fields = _Fields(data, "data")
    session, rtmp, setup = fields.inner("session"), fields.inner("rtmp"), fields.inner("rtmp_setup")
    steps = setup.inner("instructions")
    token = fields.secret("livekit_token")
    room = fields.text("room_name")
    whip_url = fields.secret("whip_url")
    if whip_url and web_address_problem(whip_url):
        fields.odd.append("data.whip_url")
        whip_url = ""
    return StageEntry(
        token=token,
        room=room,
        status=_status(session.values.get("status")),
        whip_url=whip_url,
        rtmp_server=rtmp.secret("url") or setup.secret("server"),
        stream_key=rtmp.secret("stream_key") or setup.secret("stream_key"),
        instructions=tuple(
            text
            for step in list(steps.values.values())[:_MOST_STEPS]
            if isinstance(step, str) and (text := one_line(step, _LONGEST_STEP))
        ),
        odd=tuple(fields.odd),
    )


def info_of(data: object) -> SessionInfo:
    """From the data of a session's public page. Never raises."""
    fields = _Fields(data, "data")
    values = fields.inner("session").values or fields.values
    limit = values.get("effective_max_join_limit")
    return SessionInfo(_status(values.get("status")), _count(values.get("viewer_count")), _count(limit))


def new_session_id(data: object) -> str:
    """Of a session that was just made; empty where the answer holds none."""
    return _Fields(data, "data").inner("session").text("id")


def refusal(
    reply: Reply, what: str, now_wall: float, *, remedy: str = "", session: SessionRef | None = None
) -> ProviderError:
    """The typed error for an answer that is no success."""
    return status_error(reply.http, what=what, now_wall=now_wall, detail=reply.said, remedy=remedy, session=session)


class _Fields:
    """Reads one JSON object; `odd` collects, for it and for all inside of it, what is there and of a wrong type."""

    def __init__(self, values: object, path: str, odd: list[str] | None = None):
        self._path = path
        self.odd: list[str] = [] if odd is None else odd
        self.values: dict[str, Any] = values if isinstance(values, dict) else {}
        if values is not None and not isinstance(values, dict):
            self.odd.append(path)

    def inner(self, name: str) -> _Fields:
        return _Fields(self.values.get(name), f"{self._path}.{name}", self.odd)

    def text(self, name: str) -> str:
        """One printable line."""
        return one_line(self._of_type(name), _LONGEST_TEXT)

    def secret(self, name: str) -> str:
        """It may become a header or an address: printable ASCII without blanks."""
        value = self._of_type(name)
        if len(value) > _LONGEST_SECRET or not all("!" <= character <= "~" for character in value):
            self.odd.append(f"{self._path}.{name}")
            return ""
        return value

    def _of_type(self, name: str) -> str:
        value = self.values.get(name)
        if value is not None and not isinstance(value, str):
            self.odd.append(f"{self._path}.{name}")
        return value if isinstance(value, str) else ""


def _status(value: object) -> Status:
    match value:
        case "scheduled" | "live" | "ended" | "expired":
            return value
        case _:
            return ""


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _said(body: dict[str, Any]) -> str:
    """`error`, else `message`, and which fields are meant."""
    texts = [text for name in ("error", "message") if isinstance(text := body.get(name), str) and text][:1]
    errors = body.get("errors")
    for error in errors[:_MOST_FIELDS] if isinstance(errors, list) else []:
        if isinstance(error, dict):
            parts = [part for name in ("field", "message") if isinstance(part := error.get(name), str) and part]
            texts += [": ".join(parts)] if parts else []
    return "; ".join(texts)
