"""`kiosk sessions [list|end]`: what is open at the vendors, what was used, and what it cost in minutes."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from kiosk import places
from kiosk.clock import SystemClock, day_text, local_day
from kiosk.command_output import complain, say
from kiosk.command_secret import secret_store
from kiosk.exit_codes import ExitCode
from kiosk.providers.contract import EndReason, Misconfigured, Provider, ProviderError, SessionRef
from kiosk.providers.http import HttpClient
from kiosk.providers.own_room import ROOM_SECRETS, OwnRoom
from kiosk.providers.registry import ProviderContext, ProviderEntry, load_providers
from kiosk.secrets import SecretError
from kiosk.session.budget import is_near, minutes_left, visits_left
from kiosk.session.ledger import FileLedger
from kiosk.session.money_guard import GuardedProvider, MoneyGuard
from kiosk.session.usage import Spent, Total, Usage, Use, current_day, found_open, spent, totals
from kiosk.session.usage_file import UsageFile
from kiosk.settings import LOCAL, Settings
from kiosk.settings_check import provider_settings
from kiosk.settings_error import SettingsError
from kiosk.settings_load import config_files, load_settings

SHOWN_DAYS = 14
END_S = 60.0  # for the vendor's answer to one end call


def sessions(arguments: argparse.Namespace) -> int:
    complaints = _Complaints()
    logging.getLogger("kiosk").addHandler(complaints)
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        return _end_all(arguments) if arguments.action == "end" else _list(arguments, complaints)
    except OSError as error:
        complain(f"the files in {places.data_dir()} cannot be used ({error.strerror}); see to disk space and rights")
        return ExitCode.FAILED
    finally:
        logging.getLogger("kiosk").removeHandler(complaints)


class _Complaints(logging.Handler):
    """What the log would tell the operator, such as a damaged file, stands on the standard error output."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.heard += 1
        complain(record.getMessage())


# --- what there is ---


@dataclass(frozen=True, slots=True)
class _Books:
    """What ledger and record say now. The running kiosk writes a session into the record only when it has ended."""

    open: tuple[Use, ...]
    usage: Usage
    day: int

    @property
    def spent(self) -> Spent:
        return spent(self.usage, self.day, self.open)

    @property
    def totals(self) -> tuple[Total, ...]:
        return totals(self.usage, self.open)


def _list(arguments: argparse.Namespace, complaints: _Complaints) -> int:
    settings, trouble = Settings(), ""
    try:
        settings = load_settings(config_files(os.environ, arguments.config), load_providers(), os.environ).settings
    except SettingsError as error:  # what is open costs money, whatever is wrong with the settings
        trouble = error.operator_line
    now = time.time()
    usage = UsageFile(places.usage_file()).load()
    books = _Books(
        tuple(
            found_open(session, now, local_day, settings.session.max_visit_s)
            for session in FileLedger(places.ledger_file(), SystemClock()).entries()
            if session.provider != LOCAL
        ),
        usage,
        current_day(usage, local_day(now)),
    )
    say(json.dumps(_as_json(books, settings), indent=2) if arguments.json else _as_text(books, settings))
    if trouble:
        complain(f"the limits are not known: {trouble}")
        return ExitCode.MISCONFIGURED
    return ExitCode.FAILED if complaints.heard else ExitCode.OK


def _as_json(books: _Books, settings: Settings) -> dict[str, Any]:
    budget, used = settings.budget.budget(), books.spent
    return {
        "open": [
            {
                "provider": use.session.provider,
                "visit": use.session.visit_id,
                "session": use.session.session_id,
                "since": _moment(use.session),
                "minutes": use.minutes,
            }
            for use in books.open
        ],
        "today": {
            "day": day_text(books.day),
            "visits": used.visits,
            "minutes": used.minutes,
            "visits_left": visits_left(budget, used),
            "minutes_left": minutes_left(budget, used),
            "near_limit": is_near(budget, used),
        },
        "days": [
            {"day": day_text(one.day), "provider": one.provider, "visits": one.visits, "minutes": one.minutes}
            for one in books.totals
        ],
    }


def _as_text(books: _Books, settings: Settings) -> str:
    budget, used = settings.budget.budget(), books.spent
    lines = ["Open now" if books.open else "Open now: nothing"]
    lines += [
        f"  {use.session.provider:<16} since {_moment(use.session)}   {_minutes(use.minutes):>10}"
        f"   {use.session.session_id or 'no id: its start was not answered, or the vendor gives none'}"
        for use in books.open
    ]
    visits = f"{used.visits} of {budget.visits_per_day} visits" if budget.visits_per_day else _visits(used.visits)
    minutes = f"{used.minutes} of {budget.minutes_per_day} min" if budget.minutes_per_day else _minutes(used.minutes)
    lines += ["", f"Today, {day_text(books.day)}: {visits}, {minutes}"]
    lines += _table([one for one in books.totals if one.day == books.day], dated=False)
    days = sorted({one.day for one in books.totals if one.day != books.day}, reverse=True)
    if earlier := days[:SHOWN_DAYS]:
        lines += ["", "Before"]
        lines += _table([one for one in books.totals if one.day in earlier], dated=True)
    return "\n".join(lines)


def _table(rows: list[Total], *, dated: bool) -> list[str]:
    return [
        f"  {day_text(row.day) + '  ' if dated else ''}{row.provider:<16} {_visits(row.visits):>12}"
        f" {_minutes(row.minutes):>10}"
        for row in rows
    ]


def _visits(number: int) -> str:
    return "1 visit" if number == 1 else f"{number} visits"


def _minutes(number: int) -> str:
    return f"{number} min"


def _moment(session: SessionRef) -> str:
    """Local time, as a person writes it; a moment that no calendar knows is left out."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(session.started_at))
    except (OverflowError, ValueError, OSError):
        return "?"


# --- ending what is open ---


def _end_all(arguments: argparse.Namespace) -> int:
    from kiosk.ui.single_instance import SingleInstance

    alone = SingleInstance(places.data_dir())
    if not alone.acquire():
        complain("a kiosk is running: what is open is its visit. End the visit, or the kiosk, and it ends the session")
        return ExitCode.FAILED
    try:
        return asyncio.run(_end_open(arguments))
    except SettingsError as error:
        complain(error.operator_line)
        return ExitCode.MISCONFIGURED
    except SecretError as error:
        complain(str(error))
        return ExitCode.MISCONFIGURED
    finally:
        alone.release()


async def _end_open(arguments: argparse.Namespace) -> int:
    """Raises `SettingsError`, `SecretError`, `OSError`."""
    clock, entries = SystemClock(), load_providers()
    ledger = FileLedger(places.ledger_file(), clock)
    found = await asyncio.to_thread(ledger.entries)
    settings = load_settings(config_files(os.environ, arguments.config), entries, os.environ).settings
    names = {session.provider for session in found if session.provider in entries}
    secrets = await asyncio.to_thread(secret_store().load, _secret_names(names, entries))
    guard = MoneyGuard(
        settings.budget.budget(), UsageFile(places.usage_file()), clock, local_day, settings.session.max_visit_s
    )
    failures = 0
    async with AsyncExitStack() as ends:
        http = HttpClient(secrets=secrets.values())
        ends.push_async_callback(http.aclose)
        context = ProviderContext(http, secrets, OwnRoom(settings.livekit, secrets, http, clock), clock)
        make = _maker(settings, entries, context, ends)
        for session in found:
            if trouble := await _end_one(session, make, guard):
                failures += 1
                complain(f"a session of {session.provider} is still open: {trouble}")
            else:
                await asyncio.to_thread(ledger.close, session)
    if not found:
        say("Nothing is open.")
    return ExitCode.FAILED if failures else ExitCode.OK


async def _end_one(session: SessionRef, make: Callable[[str], Provider], guard: MoneyGuard) -> str:
    """What prevented it, for the operator; empty when it has ended."""
    if session.provider == LOCAL:
        return ""  # a visit that broke off; it costs nothing
    try:
        async with asyncio.timeout(END_S):
            await GuardedProvider(make(session.provider), guard).end(session, EndReason.ORPHAN)
    except (ProviderError, SettingsError) as error:
        return error.operator_line
    except TimeoutError:
        return f"the vendor did not answer within {END_S:.0f} s"
    say(f"{session.provider}: ended {session.session_id or 'what its unanswered start may have begun'}")
    return ""


def _maker(
    settings: Settings, entries: Mapping[str, ProviderEntry], context: ProviderContext, ends: AsyncExitStack
) -> Callable[[str], Provider]:
    made: dict[str, Provider] = {}

    def make(name: str) -> Provider:
        """Raises `Misconfigured`, also for a name that this version does not know; `SettingsError`."""
        if name not in entries:
            raise Misconfigured("this version does not know that provider; end it in the vendor's own console")
        if name not in made:
            made[name] = entries[name].create(provider_settings(settings, entries[name]), context)
            ends.push_async_callback(made[name].aclose)
        return made[name]

    return make


def _secret_names(names: set[str], entries: Mapping[str, ProviderEntry]) -> list[str]:
    return sorted({secret for name in names for secret in entries[name].secrets} | set(ROOM_SECRETS))
