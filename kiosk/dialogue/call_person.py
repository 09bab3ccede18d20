"""Calls a person: a POST to a webhook of the operator, kept on disk until it was taken.

The body is JSON: {"event": "call_person", "id", "at" (ISO 8601, UTC), "place", "language", "urgent", "reason" (id of
the knowledge entry, or empty), and "text" (what the visitor asked) only where the operator wants it}. The id stands
also in the header Idempotency-Key: a call whose answer was lost comes again with the same id.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import tempfile
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from kiosk.clock import Clock
from kiosk.dialogue.call_settings import CallSettings
from kiosk.providers.contract import ProviderError
from kiosk.providers.http import HttpClient, status_error

log = logging.getLogger("kiosk.call")

TOKEN_SECRET = "KIOSK_CALL_TOKEN"  # noqa: S105  (the name of a secret, not its value)

MOST_WAITING = 20
KEEP_S = 900.0
"""A call that could not go out for so long is dropped: nobody waits at the desk any more."""

LONGEST_TEXT = 300  # characters of the visitor's question that are sent
FIRST_TRY_S = 3.0  # the visitor waits for the answer meanwhile
TRY_S = 10.0
RETRY_S = (2.0, 5.0, 10.0, 20.0, 30.0)
"""Pauses between tries in seconds; the last one repeats."""

_WHAT = "Call a person"


class CallOutcome(StrEnum):
    SENT = "sent"  # the webhook took it
    QUEUED = "queued"  # it could not go out yet and will be tried again
    IMPOSSIBLE = "impossible"  # there is no webhook, or it refuses the call


class _Call(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    at: float
    language: str
    urgent: bool
    reason: str
    text: str | None = None


class _Queue(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    version: int = 1
    calls: tuple[_Call, ...] = ()


_Change = Callable[[tuple[_Call, ...]], tuple[_Call, ...]]


class CallPerson:
    """`path` keeps what could not go out yet; `token` is sent as a bearer token where it is not empty.

    `run` is to be owned as a task by whoever made this object; it ends when cancelled.
    """

    def __init__(
        self,
        settings: CallSettings,
        http: HttpClient,
        clock: Clock,
        path: Path,
        *,
        token: str = "",
        retry_s: Sequence[float] = RETRY_S,
    ):
        self._settings = settings
        self._http = http
        self._clock = clock
        self._path = path
        self._token = token
        self._retry_s = tuple(retry_s)
        self._delivering = asyncio.Lock()
        self._disk = asyncio.Lock()
        self._waiting = asyncio.Event()
        self._waiting.set()  # a call may lie there from before a restart

    @property
    def possible(self) -> bool:
        return bool(self._settings.url)

    async def call(self, language: str, *, reason: str = "", text: str = "", urgent: bool = False) -> CallOutcome:
        """Calls somebody now; returns within some seconds. Never raises but when cancelled."""
        if not self.possible:
            return CallOutcome.IMPOSSIBLE
        said = text[:LONGEST_TEXT] if self._settings.send_text and text else None
        call = _Call(
            id=uuid.uuid4().hex, at=self._clock.wall(), language=language, urgent=urgent, reason=reason, text=said
        )
        # On disk before the first try: what happens to the program meanwhile, the call is not forgotten.
        await self._change(lambda calls: (*calls, call))
        outcome = CallOutcome.QUEUED
        if not self._delivering.locked():  # else an older call hangs in the network: this one would only hang behind it
            async with self._delivering:
                outcome = await self._deliver(call, FIRST_TRY_S)
        if outcome is CallOutcome.QUEUED:
            self._waiting.set()
        return outcome

    async def run(self) -> None:
        """Delivers what waits, again and again with growing pauses; sleeps while nothing does."""
        while True:
            await self._waiting.wait()
            self._waiting.clear()
            tries = 0
            while self.possible and await self._deliver_waiting():
                await asyncio.sleep(self._retry_s[min(tries, len(self._retry_s) - 1)])
                tries += 1

    async def _deliver_waiting(self) -> bool:
        """One round over the queue; whether something is left in it."""
        async with self._delivering:
            for call in await asyncio.to_thread(self._read):
                if self._clock.wall() - call.at > KEEP_S:
                    log.warning("a call for a person could not go out for %.0f minutes and is dropped", KEEP_S / 60)
                    await self._strike_off(call)
                elif await self._deliver(call, TRY_S) is CallOutcome.QUEUED:
                    return True
            return False

    async def _deliver(self, call: _Call, timeout_s: float) -> CallOutcome:
        try:
            answer = await self._http.request(
                "POST",
                self._settings.url,
                what=_WHAT,
                headers={"Idempotency-Key": call.id}
                | ({"Authorization": f"Bearer {self._token}"} if self._token else {}),
                json=self._body(call),
                timeout_s=timeout_s,
            )
            if not answer.ok:
                raise status_error(answer, what=_WHAT, now_wall=self._clock.wall(), remedy=_remedy(answer.status))
        except ProviderError as error:
            log.warning("%s", error.operator_line)
            if error.retry:
                return CallOutcome.QUEUED
            await self._strike_off(call)
            return CallOutcome.IMPOSSIBLE
        await self._strike_off(call)
        log.info("a person was called")
        return CallOutcome.SENT

    def _body(self, call: _Call) -> dict[str, object]:
        body: dict[str, object] = {
            "event": "call_person",
            "id": call.id,
            "at": datetime.fromtimestamp(call.at, UTC).isoformat(timespec="seconds"),
            "place": self._settings.place,
            "language": call.language,
            "urgent": call.urgent,
            "reason": call.reason,
        }
        return body if call.text is None else body | {"text": call.text}

    async def _strike_off(self, call: _Call) -> None:
        await self._change(lambda calls: tuple(other for other in calls if other.id != call.id))

    async def _change(self, change: _Change) -> None:
        def on_disk() -> None:
            try:
                self._write(change(self._read())[-MOST_WAITING:])
            except OSError as error:
                log.warning("calls for a person cannot be kept (%s); check the data folder", error.strerror)

        async with self._disk:
            await asyncio.to_thread(on_disk)

    def _read(self) -> tuple[_Call, ...]:
        try:
            return _Queue.model_validate_json(self._path.read_bytes()).calls[-MOST_WAITING:]
        except FileNotFoundError:
            return ()
        except (OSError, ValidationError):
            log.warning("%s cannot be read; calls that waited in it are lost", self._path.name)
            with contextlib.suppress(OSError):
                self._path.unlink()
            return ()

    def _write(self, calls: tuple[_Call, ...]) -> None:
        if not calls:
            self._path.unlink(missing_ok=True)
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(_Queue(calls=calls).model_dump_json().encode())
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self._path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def _remedy(status: int) -> str:
    return f"check [call] url and the secret {TOKEN_SECRET}" if status < 500 and status not in (408, 429) else ""
