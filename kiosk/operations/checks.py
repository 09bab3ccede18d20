"""One question about this machine each: asked at the same time, bounded in time, answered with what to do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Protocol

from kiosk.clock import Clock
from kiosk.redact import one_line, redact


class CheckStatus(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """`line` says what was seen, `remedy` what to do about it; both without any secret."""

    status: CheckStatus
    line: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class NamedResult:
    name: str
    result: CheckResult
    took_s: float


class Checker(Protocol):
    """`limit_s` bounds `run`; whatever `run` raises counts as failed."""

    name: str
    limit_s: float

    async def run(self) -> CheckResult: ...


def ok(line: str) -> CheckResult:
    return CheckResult(CheckStatus.OK, line)


def warning(line: str, remedy: str) -> CheckResult:
    return CheckResult(CheckStatus.WARNING, line, remedy)


def failed(line: str, remedy: str) -> CheckResult:
    return CheckResult(CheckStatus.FAILED, line, remedy)


def skipped(line: str) -> CheckResult:
    return CheckResult(CheckStatus.SKIPPED, line)


def from_operator_line(line: str) -> CheckResult:
    """A failure told as "what happened; what to do"."""
    what, _, remedy = line.partition("; ")
    return failed(what, remedy or "see the manual's page of this provider")


async def run_checks(checkers: Sequence[Checker], clock: Clock, secrets: Iterable[str] = ()) -> list[NamedResult]:
    """All of `checkers` at once, results in their order; every text redacted. Never raises."""
    known = tuple(secrets)
    return list(await asyncio.gather(*(_ask(checker, clock, known) for checker in checkers)))


async def _ask(checker: Checker, clock: Clock, secrets: tuple[str, ...]) -> NamedResult:
    began = clock.monotonic()
    try:
        result = await asyncio.wait_for(checker.run(), checker.limit_s)
    except TimeoutError:
        result = failed(f"no answer within {checker.limit_s:g} s", "try again; if it stays, restart the machine")
    except Exception as error:  # noqa: BLE001  (one broken check must not take the others with it)
        result = failed(f"the check itself failed ({type(error).__name__}: {error})", "report this line")
    clean = replace(
        result, line=one_line(redact(result.line, secrets), 300), remedy=one_line(redact(result.remedy, secrets), 300)
    )
    return NamedResult(checker.name, clean, clock.monotonic() - began)


def all_passed(results: Iterable[NamedResult]) -> bool:
    """Warnings pass; they are for the operator to judge."""
    return all(named.result.status is not CheckStatus.FAILED for named in results)


def as_table(results: Sequence[NamedResult]) -> str:
    """For a person: the status, the question, the answer, and below it what to do."""
    width = max((len(named.name) for named in results), default=0)
    lines: list[str] = []
    for named in results:
        status = named.result.status
        mark = status.upper() if status is CheckStatus.FAILED else status.value
        lines.append(f"{mark:<8} {named.name:<{width}}  {named.result.line}")
        if named.result.remedy and status is not CheckStatus.OK:
            lines.append(f"{'':<8} {'':<{width}}  -> {named.result.remedy}")
    counts = [f"{sum(n.result.status is status for n in results)} {status.value}" for status in CheckStatus]
    return "\n".join([*lines, "", ", ".join(counts)]) + "\n"


def as_json(results: Sequence[NamedResult], **more: Any) -> str:
    """For a machine: {"ok", "checks": [{"name", "status", "line", "remedy", "took_s"}], …}."""
    checks = [{"name": n.name, **asdict(n.result), "took_s": round(n.took_s, 3)} for n in results]
    return json.dumps({"ok": all_passed(results), **more, "checks": checks}, indent=2, ensure_ascii=False) + "\n"
