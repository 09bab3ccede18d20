"""A money guard over a fake vendor, with a clock that can be moved. Everything in virtual time."""

from __future__ import annotations

import asyncio
from pathlib import Path

from kiosk.clock import Clock, local_day
from kiosk.session.budget import Budget
from kiosk.session.money_guard import GuardedProvider, MoneyGuard
from kiosk.session.usage import Usage, totals
from kiosk.session.usage_file import UsageFile
from tests import virtual_time
from tests.fakes import FakeProvider

NEARLY = "day's budget is running out"


class MovableClock:
    """The loop's time; its wall can be put forward and back by `offset_s`."""

    def __init__(self) -> None:
        self._clock = virtual_time.VirtualClock(asyncio.get_running_loop())
        self.offset_s = 0.0

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def wall(self) -> float:
        return self._clock.wall() + self.offset_s


class Desk:
    """A guard over a fake vendor, its record and its ledger in a folder. Make it inside the running loop."""

    def __init__(
        self, folder: Path, budget: Budget | None = None, provider: FakeProvider | None = None, longest_s: float = 600.0
    ) -> None:
        self.clock = MovableClock()
        self.book = UsageFile(folder / "usage.json")
        self.guard = make_guard(self.book, self.clock, budget, longest_s)
        self.vendor = provider or FakeProvider()
        self.provider = GuardedProvider(self.vendor, self.guard)

    def usage(self) -> Usage:
        return self.book.load()

    def minutes(self) -> int:
        return sum(total.minutes for total in totals(self.usage()))


def make_guard(book: UsageFile, clock: Clock, budget: Budget | None = None, longest_s: float = 600.0) -> MoneyGuard:
    return MoneyGuard(budget or Budget(), book, clock, local_day, longest_s)
