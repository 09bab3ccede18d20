"""Stands between the session and a vendor: nothing begins beyond the day's budget, nothing is ended twice, and what
each session cost is written down.

The local persona costs nothing and is not guarded. A session that this process began is measured by the monotonic
clock; one that it found in the ledger, after a crash, by the wall clock, from 0 to the longest visit.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol
from weakref import WeakValueDictionary

from kiosk.clock import Clock
from kiosk.providers.contract import EndReason, Fact, Grant, LiveKitGrant, Provider, ProviderError, SessionRef, Visit
from kiosk.session.budget import Budget, is_near, longest_session_s, refusal, warning
from kiosk.session.notices import Notice
from kiosk.session.usage import (
    Spent,
    Total,
    Usage,
    Use,
    current_day,
    folded,
    found_open,
    is_ended,
    noted,
    spent,
    totals,
)

log = logging.getLogger("kiosk.session.money")


class BudgetSpent(ProviderError):
    """The operator's own limit, not the vendor's: another try makes no sense before tomorrow."""

    screen: ClassVar[str] = Notice.BUDGET_SPENT
    kind: ClassVar[str] = "budget"


class UsageBook(Protocol):
    """Keeps the record. Both calls may block on the disk and raise `OSError`."""

    def load(self) -> Usage: ...

    def save(self, usage: Usage) -> None: ...


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session that this process began. `facts` are for the operator's screen alone and are written nowhere."""

    session: SessionRef
    began_s: float  # monotonic
    day: int
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """What the day has cost so far, and the limits that it has. `near`: the operator should know."""

    budget: Budget
    spent: Spent
    by_provider: tuple[Total, ...] = ()
    near: bool = False
    open: tuple[OpenSession, ...] = ()


class MoneyGuard:
    """One for all guarded providers of a process. Belongs to one event loop; the disk is used off its thread."""

    def __init__(
        self, budget: Budget, book: UsageBook, clock: Clock, day_of: Callable[[float], int], longest_s: float
    ) -> None:
        """`day_of`: the local date of a Unix time. `longest_s`: the most that is believed of a session found open."""
        self.clock = clock
        self._budget = budget
        self._book = book
        self._day_of = day_of
        self._longest_s = longest_s
        self._usage = Usage()
        self._loaded = False
        self._disk = asyncio.Lock()
        self._open: dict[SessionRef, OpenSession] = {}
        self._warned_on: int | None = None

    async def open(self) -> None:
        """Reads the record, once. Whoever needs it calls this by itself."""
        async with self._disk:
            if self._loaded:
                return
            try:
                self._usage = await asyncio.to_thread(self._book.load)
            except OSError as error:
                log.warning(
                    "the record of vendor minutes cannot be read (%s): today's limits count from zero", error.strerror
                )
            self._loaded = True
            if is_near(self._budget, self._spent()):
                self._warned_on = self._today()  # said before the restart

    def standing(self) -> Standing:
        """From memory, at any time."""
        used, day = self._spent(), self._today()
        return Standing(
            budget=self._budget,
            spent=used,
            by_provider=tuple(one for one in totals(self._usage, self._running()) if one.day == day),
            near=is_near(self._budget, used),
            open=tuple(self._open.values()),
        )

    async def admit(self, visit: Visit) -> None:
        """Raises `BudgetSpent` where the visit may not cost anything (more)."""
        await self.open()
        if line := refusal(self._budget, self._spent(), visit.id):
            raise BudgetSpent(line)

    def longest_session_s(self) -> float | None:
        """How long a session may last that begins now; None without a limit."""
        return longest_session_s(self._budget, self._spent())

    def began(self, session: SessionRef, began_s: float, facts: tuple[Fact, ...] = ()) -> None:
        """A session exists since the monotonic instant `began_s`."""
        self._open[session] = OpenSession(session, began_s, self._today(), facts)
        self._warn()

    def tell(self, session: SessionRef, facts: tuple[Fact, ...]) -> None:
        """The vendor said more about a session that is open."""
        if (known := self._open.get(session)) is not None:
            self._open[session] = replace(known, facts=facts)

    def is_ended(self, session: SessionRef) -> bool:
        """The vendor confirmed its end, to this process or to one before."""
        return is_ended(self._usage, session)

    async def note(self, session: SessionRef, *, ended: bool) -> None:
        """Writes down what the session has cost up to now. In memory this holds at once, before the disk is asked."""
        self._usage = noted(self._usage, replace(self._measured(session), ended=ended))
        self._open.pop(session, None)
        self._warn()
        async with self._disk:
            self._usage = folded(self._usage, self._today())
            try:
                await asyncio.to_thread(self._book.save, self._usage)
            except OSError as error:
                log.warning(
                    "what a session cost cannot be written down (%s); see to disk space and folder rights",
                    error.strerror,
                )

    def _measured(self, session: SessionRef) -> Use:
        if (known := self._open.get(session)) is not None:
            return Use(session, known.day, max(0.0, self.clock.monotonic() - known.began_s), ended=False)
        return found_open(session, self.clock.wall(), self._day_of, self._longest_s)

    def _running(self) -> list[Use]:
        return [self._measured(session) for session in self._open]

    def _today(self) -> int:
        return current_day(self._usage, self._day_of(self.clock.wall()))

    def _spent(self) -> Spent:
        return spent(self._usage, self._today(), self._running())

    def _warn(self) -> None:
        """Once a day, before the limit is reached."""
        today, used = self._today(), self._spent()
        if self._warned_on != today and is_near(self._budget, used):
            self._warned_on = today
            log.warning("%s", warning(self._budget, used))


class GuardedProvider:
    """A provider whose sessions cost money; see `kiosk.providers.contract.Provider`."""

    def __init__(self, inner: Provider, guard: MoneyGuard) -> None:
        self.name = inner.name
        self.capabilities = inner.capabilities
        self._inner = inner
        self._guard = guard
        self._ending: WeakValueDictionary[SessionRef, asyncio.Lock] = WeakValueDictionary()

    async def start(self, visit: Visit) -> Grant:
        """Raises `BudgetSpent` besides what the vendor raises. The grant lasts no longer than the day's minutes."""
        await self._guard.admit(visit)
        longest_s = self._guard.longest_session_s()
        began_s = self._guard.clock.monotonic()
        try:
            grant = await self._inner.start(visit)
        except ProviderError as error:
            if error.session is not None:
                self._guard.began(error.session, began_s)
            raise
        self._guard.began(grant.session, began_s, _facts(grant))
        if longest_s is None or (grant.max_duration_s is not None and grant.max_duration_s <= longest_s):
            return grant
        return replace(grant, max_duration_s=longest_s)

    async def renew(self, grant: Grant) -> Grant:
        fresh = await self._inner.renew(grant)
        self._guard.tell(fresh.session, _facts(fresh))
        return fresh

    async def end(self, session: SessionRef, reason: EndReason) -> None:
        """The vendor is asked by one caller at a time, and no more once it confirmed the end."""
        await self._guard.open()
        turn = self._ending.setdefault(session, asyncio.Lock())  # lives as long as somebody waits for it
        async with turn:
            if self._guard.is_ended(session):
                return
            try:
                await self._inner.end(session, reason)
            except Exception:
                await self._guard.note(session, ended=False)
                raise
            await self._guard.note(session, ended=True)

    async def say(self, session: SessionRef, text: str) -> None:
        await self._inner.say(session, text)

    async def check(self) -> str:
        return await self._inner.check()

    async def aclose(self) -> None:
        await self._inner.aclose()


def _facts(grant: Grant) -> tuple[Fact, ...]:
    return grant.facts if isinstance(grant, LiveKitGrant) else ()
