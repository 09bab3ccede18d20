"""How much a day may cost, and what follows from what it has cost: pure decisions."""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.session.usage import Spent

CLOSING_S = 10.0
"""A visit that the budget cuts short ends so long before its last minute is over: closing takes its time."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of one day over all vendors; 0 is none. `warn_at` is the share at which the operator is warned."""

    visits_per_day: int = 0
    minutes_per_day: int = 0
    warn_at: float = 0.8


def refusal(budget: Budget, spent: Spent, visit_id: str) -> str:
    """Why no session may begin for this visit, for the operator; empty where one may.

    A visit that has begun is not refused by the number of visits: it only looks for a new link.
    """
    if budget.minutes_per_day and spent.minutes >= budget.minutes_per_day:
        return f"the day's {budget.minutes_per_day} vendor minutes are used up; raise [budget] minutes_per_day or wait"
    if budget.visits_per_day and spent.visits >= budget.visits_per_day and visit_id not in spent.visit_ids:
        return f"the day's {budget.visits_per_day} visits are used up; raise [budget] visits_per_day or wait"
    return ""


def spare_refusal(budget: Budget, spent: Spent) -> str:
    """Why no session may begin before its visitor comes, for the operator; empty where one may. From the share of the
    day at which the operator is warned, what is left is for those who are there."""
    if line := refusal(budget, spent, visit_id=""):
        return line
    return "what is left of the day's budget is kept for visitors" if is_near(budget, spent) else ""


def visits_left(budget: Budget, spent: Spent) -> int | None:
    """None without a limit."""
    return max(0, budget.visits_per_day - spent.visits) if budget.visits_per_day else None


def minutes_left(budget: Budget, spent: Spent) -> int | None:
    """None without a limit."""
    return max(0, budget.minutes_per_day - spent.minutes) if budget.minutes_per_day else None


def longest_session_s(budget: Budget, spent: Spent) -> float | None:
    """How long a session may last that begins now and is not part of `spent`; None without a limit."""
    left = minutes_left(budget, spent)
    return None if left is None else max(0.0, left * 60.0 - CLOSING_S)


def is_near(budget: Budget, spent: Spent) -> bool:
    """Either limit is used up to the share at which the operator wants to know."""
    shares = (
        (spent.visits, budget.visits_per_day),
        (spent.minutes, budget.minutes_per_day),
    )
    return any(limit and used >= budget.warn_at * limit for used, limit in shares)


def warning(budget: Budget, spent: Spent) -> str:
    """For the operator's log."""
    parts = []
    if budget.visits_per_day:
        parts.append(f"{spent.visits} of {budget.visits_per_day} visits")
    if budget.minutes_per_day:
        parts.append(f"{spent.minutes} of {budget.minutes_per_day} vendor minutes")
    return f"the day's budget is running out: {', '.join(parts)}; see `kiosk sessions`"
