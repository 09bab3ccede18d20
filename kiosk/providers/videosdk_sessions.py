"""The REST calls about rooms, deployment sessions and dispatched agents. When to call what is decided elsewhere.

The vendor documents no error of theirs, no list of statuses, and spells some fields one way in a request and another
in an answer. So what is read here is read tolerantly, and what is written is only what the documents name.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import quote

from kiosk.providers.contract import Broken, Busy, JsonObject, Misconfigured, SessionRef
from kiosk.providers.videosdk_api import VideoSdkApi, id_of, object_of, unknown

_log = logging.getLogger("kiosk.providers")

_SESSIONS = "/ai/v1/ai-deployment-sessions"
_PER_PAGE = 100
_MOST_PAGES = 50
_ENDED_ALREADY = (400, 404, 409)  # which of them ending twice gives is not documented
_NO_WORKER = re.compile(r"(?i)no workers?\b")


class Progress(StrEnum):
    PENDING = "pending"
    UP = "up"
    DONE = "done"
    FAILED = "failed"


_PROGRESS = {
    "queued": Progress.PENDING,
    "starting": Progress.PENDING,
    "started": Progress.UP,
    "running": Progress.UP,
    "ongoing": Progress.UP,
    "completed": Progress.DONE,
    "stopped": Progress.DONE,
    "ended": Progress.DONE,
    "failed": Progress.FAILED,
    "error": Progress.FAILED,
}


@dataclass(frozen=True, slots=True)
class DeploymentSession:
    """As the vendor describes it. `progress` PENDING also stands for a status that nobody documented."""

    session_id: str
    progress: Progress
    status: str = ""
    meta_data: JsonObject = field(default_factory=dict)


class VideoSdkSessions:
    """One method, one call (lists: one a page). All raise only `ProviderError`."""

    def __init__(self, api: VideoSdkApi, table: str):
        self._api = api
        self._table = table

    # Rooms.

    async def create_room(self) -> str:
        """A new room's id."""
        what = "Create room"
        return self._room_id(await self._api.call("POST", "/v2/rooms", what, json={}), what)

    async def require_room(self, room_id: str) -> None:
        """Raises `Misconfigured` where there is no such room."""
        what = "Look up room"
        answer = await self._api.ask("GET", f"/v2/rooms/validate/{quote(room_id, safe='')}", what)
        if unknown(answer) or answer.status == 400:
            raise Misconfigured(
                f"{what}: {answer.host} does not know the room (HTTP {answer.status}); check {self._table} room_id"
            )
        room = self._api.fields(answer, what)
        if room.get("disabled") is True:
            raise Misconfigured(f"{what}: the room is disabled; check {self._table} room_id")

    async def end_room(self, room_id: str) -> None:
        """Ends the session that runs in the room, agents included; a room without one counts as ended."""
        what = "End session"
        answer = await self._api.ask("POST", "/v2/sessions/end", what, json={"roomId": room_id})
        if answer.status not in (*_ENDED_ALREADY, 402):
            self._api.fields(answer, what)

    # Deployment sessions.

    async def start(self, body: JsonObject, intent: SessionRef) -> str:
        """The id of the new session. `intent` goes with every error after which one may exist all the same."""
        what = "Start session"
        remedy = f"check {self._table} deployment_id and tag"
        fields = await self._api.call("POST", f"{_SESSIONS}/start", what, json=body, remedy=remedy, session=intent)
        session_id = id_of(object_of(fields.get("data")).get("sessionId"))
        if session_id is None:
            raise Broken(f"{what}: the answer lacks or garbles data.sessionId; report it to the vendor", session=intent)
        return session_id

    async def session(self, session_id: str) -> DeploymentSession | None:
        """None where the vendor does not know it, or not yet."""
        what = "Read session"
        answer = await self._api.ask("GET", f"{_SESSIONS}/{quote(session_id, safe='')}", what)
        if unknown(answer):
            return None
        fields = self._api.fields(answer, what)
        # Flat by the documents, while its neighbours wrap theirs.
        found = read_session({**fields, **object_of(fields.get("data")), "sessionId": session_id})
        return found

    async def end(self, session_id: str) -> None:
        """Idempotent: a session that has ended, or that nobody knows, counts as ended."""
        what = "End session"
        answer = await self._api.ask("POST", f"{_SESSIONS}/end", what, json={"sessionId": session_id})
        if answer.status in (*_ENDED_ALREADY, 402):
            _log.info("the session had ended already (HTTP %d)", answer.status)
            return
        self._api.fields(answer, what)

    async def page(self, number: int, per_page: int = _PER_PAGE) -> list[DeploymentSession] | None:
        """One page of the account's sessions, `number` from 1; None where there is nothing more."""
        what = "List sessions"
        fields = await self._api.call("GET", _SESSIONS, what, params={"page": number, "perPage": per_page})
        entries = fields.get("data")
        if not isinstance(entries, list):
            raise Broken(f"{what}: the answer holds no list of sessions; report it to the vendor")
        if not entries:
            return None
        return [found for entry in entries if (found := read_session(entry)) is not None]

    async def all(self) -> list[DeploymentSession]:
        """At most 5000. What the vendor tells of its number of pages is not documented: an empty page is the end."""
        found: list[DeploymentSession] = []
        seen: set[str] = set()
        for number in range(1, _MOST_PAGES + 1):
            page = await self.page(number)
            fresh = [one for one in page or () if one.session_id not in seen]
            if not fresh:
                break
            seen.update(one.session_id for one in fresh)
            found += fresh
        return found

    # Dispatch.

    async def dispatch(self, body: JsonObject, session: SessionRef) -> None:
        """Raises `Busy` where no worker takes the agent on now; `session` goes with errors that leave it open."""
        what = "Dispatch agent"
        answer = await self._api.ask("POST", "/v2/agent/dispatch", what, json=body, session=session)
        said = self._api.said(answer)
        no_worker = f"{what}: no worker takes the agent on ({said or 'no reason given'}); check that one runs"
        if not answer.ok:
            if _NO_WORKER.search(said):
                raise Busy(no_worker)
            remedy = f"check {self._table} agent_id and version_id"
            raise self._api.error(answer, what, remedy=remedy, session=session)
        data = object_of(self._api.fields(answer, what, session=session).get("data"))
        if data.get("success") is not True:
            raise Busy(no_worker)

    def _room_id(self, fields: JsonObject, what: str) -> str:
        room_id = id_of(fields.get("roomId") or object_of(fields.get("data")).get("roomId"))
        if room_id is None:
            raise Broken(f"{what}: the answer lacks or garbles roomId; report it to the vendor")
        return room_id


def read_session(entry: object) -> DeploymentSession | None:
    """None where it is no session."""
    fields = object_of(entry)
    session_id = id_of(fields.get("sessionId"))
    if session_id is None:
        return None
    status = fields.get("status")
    status = status.lower()[:40] if isinstance(status, str) else ""
    meta_data = object_of(fields.get("metadata")) or object_of(fields.get("metaData"))
    return DeploymentSession(session_id, _PROGRESS.get(status, Progress.PENDING), status, meta_data)
