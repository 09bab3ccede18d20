"""When to try again, and how long to wait before: pure decisions, tested as tables."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from kiosk.links.contract import Lost, LostReason
from kiosk.providers.contract import ProviderError

RETRY_AFTER_CAP_S = 60.0
"""A vendor that asks for more patience than this is taken at this: no visitor waits longer."""

NEVER_RETRIED = frozenset({LostReason.EXPELLED, LostReason.DEVICE})
"""Who was shown out must not come back by itself, whatever the link hopes: two kiosks with one identity would throw
each other out for ever."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an attempt failed, in the words of the report, the visitor's screen and the operator's log."""

    kind: str
    screen: str  # key of the visitor's sentence
    operator_line: str
    retry: bool
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential backoff with full jitter: many kiosks that lost one server do not return in step.

    All in seconds. The delay after the n-th failure is drawn evenly from 0 to `base_s * 2 ** (n - 1)`, at most `cap_s`.
    """

    base_s: float = 0.5
    cap_s: float = 8.0

    def ceiling_s(self, failures: int) -> float:
        """The longest delay after `failures` failures in a row (1 or more)."""
        # 2.0 ** 1024 overflows; long before that the cap rules.
        return min(self.cap_s, self.base_s * 2.0 ** min(max(failures, 1) - 1, 63))

    def delay_s(self, failures: int, rng: Random, retry_after_s: float | None = None) -> float:
        """A drawn delay, never shorter than what the vendor asked for (itself taken at 60 s at most)."""
        return max(rng.uniform(0.0, self.ceiling_s(failures)), asked_s(retry_after_s))


def asked_s(retry_after_s: float | None) -> float:
    """The vendor's `retry_after` as it is honoured: 0 where it said nothing or nonsense."""
    if retry_after_s is None or not retry_after_s > 0.0:
        return 0.0
    return min(retry_after_s, RETRY_AFTER_CAP_S)


def fault_of_error(error: ProviderError) -> Fault:
    """A provider's failure; the error's class says whether another try makes sense."""
    return Fault(error.kind, error.screen, error.operator_line, error.retry, error.retry_after_s)


def fault_of_loss(lost: Lost) -> Fault:
    """A link's failure."""
    retry = lost.retry and lost.reason not in NEVER_RETRIED
    return Fault(f"link_{lost.reason.value}", "unavailable", lost.operator_line, retry)
