"""Which vendor sessions may still cost money: on disk before the vendor is asked, off it when the vendor confirmed.

The file is JSON, `{"version": 1, "sessions": [...]}`, replaced as a whole: whoever reads it sees the old list or the
new one, never half of one. What cannot be read is put aside and reported once; a kiosk must start all the same.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from kiosk.clock import Clock
from kiosk.providers.contract import SessionRef, Visit
from kiosk.session.durable_file import put_aside, replace_file

log = logging.getLogger("kiosk.session.ledger")


class Ledger(Protocol):
    """Every call may block on the disk and raise `OSError`; call it from a worker thread. Safe from several."""

    def intend(self, provider: str, visit: Visit) -> SessionRef:
        """Writes down that a session is about to be asked for; the entry has no session id yet."""
        ...

    def open(self, session: SessionRef) -> None:
        """Replaces the intent of the same provider and visit by the session that the vendor created."""
        ...

    def close(self, session: SessionRef) -> None:
        """Strikes the entry off; one that is not there is no error."""
        ...

    def entries(self) -> tuple[SessionRef, ...]:
        """All that is still open, oldest first."""
        ...


class _Row(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    provider: str
    visit_id: str
    session_id: str | None
    started_at: float


class _Page(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    version: int = 1
    sessions: list[_Row]


class FileLedger:
    """A ledger in one file, readable by its owner alone. Holds identifiers, never a secret."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._known: tuple[SessionRef, ...] = ()

    @property
    def known(self) -> tuple[SessionRef, ...]:
        """What the latest read or write saw, oldest first: for a screen, which must not wait for the disk."""
        return self._known

    def intend(self, provider: str, visit: Visit) -> SessionRef:
        intent = SessionRef(provider, visit.id, None, self._clock.wall())
        with self._lock:
            self._write((*self._read(), intent))
        return intent

    def open(self, session: SessionRef) -> None:
        with self._lock:
            intent = (session.provider, session.visit_id, None)
            others = [entry for entry in self._read() if _key(entry) not in (intent, _key(session))]
            self._write((*others, session))

    def close(self, session: SessionRef) -> None:
        with self._lock:
            entries = self._read()
            others = tuple(entry for entry in entries if _key(entry) != _key(session))
            if len(others) != len(entries):
                self._write(others)

    def entries(self) -> tuple[SessionRef, ...]:
        with self._lock:
            return self._read()

    def _read(self) -> tuple[SessionRef, ...]:
        self._known = self._parsed()
        return self._known

    def _parsed(self) -> tuple[SessionRef, ...]:
        try:
            text = self._path.read_bytes()
        except FileNotFoundError:
            return ()
        try:
            page = _Page.model_validate_json(text)
        except ValidationError:
            self._put_aside()
            return ()
        return tuple(SessionRef(row.provider, row.visit_id, row.session_id, row.started_at) for row in page.sessions)

    def _write(self, entries: tuple[SessionRef, ...]) -> None:
        page = _Page(sessions=[_Row(**asdict(entry)) for entry in entries])
        replace_file(self._path, page.model_dump_json(indent=1).encode())
        self._known = entries

    def _put_aside(self) -> None:
        aside = put_aside(self._path)
        log.warning("the ledger of open sessions cannot be read; kept aside as %s, check the vendor's list", aside.name)


def _key(entry: SessionRef) -> tuple[str, str, str | None]:
    return entry.provider, entry.visit_id, entry.session_id
