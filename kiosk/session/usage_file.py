"""The record of what vendor sessions have cost, in one file, readable by its owner alone. Holds no secret.

{"version": 1, "sessions": [{"provider", "visit_id", "session_id", "started_at", "day", "seconds", "ended"}],
 "totals": [{"day", "provider", "visits", "minutes"}]}
"""

from __future__ import annotations

import logging
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kiosk.providers.contract import SessionRef
from kiosk.session.durable_file import put_aside, replace_file
from kiosk.session.usage import Total, Usage, Use

log = logging.getLogger("kiosk.session.usage")

LAST_DAY = 3_652_059  # 9999-12-31


class _Row(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class _Session(_Row):
    provider: str
    visit_id: str
    session_id: str | None
    started_at: float
    day: int = Field(ge=1, le=LAST_DAY)
    seconds: float = Field(ge=0)
    ended: bool


class _Total(_Row):
    day: int = Field(ge=1, le=LAST_DAY)
    provider: str
    visits: int = Field(ge=0)
    minutes: int = Field(ge=0)


class _Page(_Row):
    version: int = 1
    sessions: list[_Session]
    totals: list[_Total]


class UsageFile:
    """Both calls block on the disk and raise `OSError`. One process writes it: the one that holds the kiosk's lock."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> Usage:
        """Empty where there is none. What cannot be read is put aside with a warning, and the kiosk starts."""
        try:
            text = self._path.read_bytes()
        except FileNotFoundError:
            return Usage()
        try:
            page = _Page.model_validate_json(text)
        except ValidationError:
            aside = put_aside(self._path)
            log.warning(
                "the record of vendor minutes cannot be read; kept aside as %s. The limits of today count from zero "
                "again: compare with the vendor's own figures",
                aside.name,
            )
            return Usage()
        return Usage(
            tuple(
                Use(
                    SessionRef(row.provider, row.visit_id, row.session_id, row.started_at),
                    row.day,
                    row.seconds,
                    row.ended,
                )
                for row in page.sessions
            ),
            tuple(Total(row.day, row.provider, row.visits, row.minutes) for row in page.totals),
        )

    def save(self, usage: Usage) -> None:
        page = _Page(
            sessions=[
                _Session(
                    provider=use.session.provider,
                    visit_id=use.session.visit_id,
                    session_id=use.session.session_id,
                    started_at=use.session.started_at,
                    day=use.day,
                    seconds=round(use.seconds, 3),
                    ended=use.ended,
                )
                for use in usage.sessions
            ],
            totals=[
                _Total(day=one.day, provider=one.provider, visits=one.visits, minutes=one.minutes)
                for one in usage.totals
            ],
        )
        replace_file(self._path, page.model_dump_json(indent=1).encode())
