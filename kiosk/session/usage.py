"""What vendor sessions have cost: pure accounting, kept by day.

A session counts from the call that asked for it until its end was confirmed, in minutes begun, as vendors bill. It
belongs to the day on which it began. The newest sessions are kept one by one, so that none counts twice; older ones
only as a total of their day and provider.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from kiosk.providers.contract import SessionRef

KEPT_DAYS = 90
MOST_SESSIONS = 2_000
"""So many are kept one by one; a busy day has a tenth of it."""

OLDEST_S = 7 * 86_400.0
"""A session that seems older than this began under a clock gone mad."""


@dataclass(frozen=True, slots=True)
class Use:
    """One vendor session. `day` is the number of a date (kiosk.clock); `ended`: the vendor confirmed the end."""

    session: SessionRef
    day: int
    seconds: float
    ended: bool

    @property
    def minutes(self) -> int:
        """Every minute that has begun."""
        return max(1, math.ceil(self.seconds / 60.0))


@dataclass(frozen=True, slots=True)
class Total:
    """What one provider served on one day."""

    day: int
    provider: str
    visits: int
    minutes: int


@dataclass(frozen=True, slots=True)
class Usage:
    """`sessions` oldest first; `totals` hold what is no longer among them."""

    sessions: tuple[Use, ...] = ()
    totals: tuple[Total, ...] = ()


@dataclass(frozen=True, slots=True)
class Spent:
    """What a day has cost so far. A visit that needed several sessions is one visit."""

    visits: int = 0
    minutes: int = 0
    visit_ids: frozenset[str] = frozenset()


def found_open(session: SessionRef, wall: float, day_of: Callable[[float], int], longest_s: float) -> Use:
    """What a session has cost that is known from the ledger alone, at `wall` (Unix time in seconds).

    The clock may have been moved since: it makes a session neither older than `longest_s` nor a thing of the future.
    """
    age_s = wall - session.started_at
    believed = 0.0 <= age_s < OLDEST_S
    return Use(session, day_of(session.started_at if believed else wall), min(max(0.0, age_s), longest_s), ended=False)


def noted(usage: Usage, use: Use) -> Usage:
    """With `use` in it: in place of what was known of the same session, unless its end was confirmed already. What was
    used is never taken back."""
    known = next((one for one in usage.sessions if one.session == use.session), None)
    if known is not None:
        if known.ended:
            return usage
        use = replace(use, day=known.day, seconds=max(use.seconds, known.seconds))
    others = tuple(one for one in usage.sessions if one.session != use.session)
    return Usage((*others, use), usage.totals)


def is_ended(usage: Usage, session: SessionRef) -> bool:
    return any(use.ended and use.session == session for use in usage.sessions)


def current_day(usage: Usage, clock_day: int) -> int:
    """The day that counts now. A clock that was put back over midnight does not begin the day before once more.

    One day is believed: what is farther ahead was written under a clock gone mad, and must not hold the kiosk back.
    """
    ahead = clock_day + 1
    known = {use.day for use in usage.sessions} | {total.day for total in usage.totals}
    return ahead if ahead in known else clock_day


def spent(usage: Usage, day: int, running: Iterable[Use] = ()) -> Spent:
    """What `day` has cost, sessions under way included."""
    uses = [use for use in _merged(usage, running).sessions if use.day == day]
    totals = [total for total in usage.totals if total.day == day]
    visit_ids = frozenset(use.session.visit_id for use in uses)
    return Spent(
        visits=len(visit_ids) + sum(total.visits for total in totals),
        minutes=sum(use.minutes for use in uses) + sum(total.minutes for total in totals),
        visit_ids=visit_ids,
    )


def totals(usage: Usage, running: Iterable[Use] = ()) -> tuple[Total, ...]:
    """Every day and provider, newest day first."""
    return _summed(_merged(usage, running).sessions, usage.totals)


def folded(usage: Usage, today: int) -> Usage:
    """Bounded: single sessions of the last days alone, and no more days than are kept.

    Which days are the oldest is asked of the book itself, not of the clock: one that jumped must not wipe it out.
    """
    old = len(usage.sessions) - MOST_SESSIONS
    fold = [index < old or (use.ended and use.day < today - 1) for index, use in enumerate(usage.sessions)]
    kept = tuple(use for use, goes in zip(usage.sessions, fold, strict=True) if not goes)
    summed = _summed([use for use, goes in zip(usage.sessions, fold, strict=True) if goes], usage.totals)
    days = set(sorted({total.day for total in summed})[-KEPT_DAYS:])
    return Usage(kept, tuple(total for total in summed if total.day in days))


def _merged(usage: Usage, running: Iterable[Use]) -> Usage:
    for use in running:
        usage = noted(usage, use)
    return usage


def _summed(uses: Iterable[Use], totals: Iterable[Total]) -> tuple[Total, ...]:
    visits: dict[tuple[int, str], set[str]] = {}
    counts: dict[tuple[int, str], tuple[int, int]] = {(one.day, one.provider): (0, 0) for one in totals}
    for total in totals:
        before = counts[total.day, total.provider]
        counts[total.day, total.provider] = (before[0] + total.visits, before[1] + total.minutes)
    for use in uses:
        key = (use.day, use.session.provider)
        visits.setdefault(key, set()).add(use.session.visit_id)
        before = counts.get(key, (0, 0))
        counts[key] = (before[0], before[1] + use.minutes)
    rows = [
        Total(day, provider, seen + len(visits.get((day, provider), ())), minutes)
        for (day, provider), (seen, minutes) in counts.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.day, row.provider)))
