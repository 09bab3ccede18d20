"""Asks a second process of the kiosk, so that a driver that hangs or crashes takes only that process with it."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

Findings = Mapping[str, Any]


class ProbeError(Exception):
    """The second process gave no answer; the text is one line of why."""


class Probe(Protocol):
    async def __call__(self) -> Findings:
        """What was found. Raises `ProbeError`."""
        ...


def own_command() -> list[str]:
    """How this very program is started again, from source or frozen."""
    return [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "kiosk"]


class ProcessProbe:
    """Runs `kiosk probe NAME …` once; who asks again gets the same answer."""

    def __init__(self, arguments: Sequence[str], *, limit_s: float, command: Sequence[str] | None = None):
        self._command = [*(own_command() if command is None else command), "probe", *arguments]
        self._limit_s = limit_s
        self._answer: asyncio.Task[Findings] | None = None

    async def __call__(self) -> Findings:
        if self._answer is None:
            self._answer = asyncio.create_task(self._ask())
        return await asyncio.shield(self._answer)

    async def _ask(self) -> Findings:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, err = await asyncio.wait_for(process.communicate(), self._limit_s)
        except TimeoutError:
            raise ProbeError(f"no answer within {self._limit_s:g} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return _read(out, err, process.returncode)


def _read(out: bytes, err: bytes, code: int | None) -> Findings:
    # Native libraries print what they like; the answer is the last line.
    lines = out.decode("utf-8", "replace").strip().splitlines()
    try:
        found = json.loads(lines[-1]) if lines else None
    except ValueError:
        found = None
    if isinstance(found, dict) and code == 0:
        return found
    said = err.decode("utf-8", "replace").strip().splitlines()
    # Qt names the cause first and lists its plug-ins last.
    cause = next((line for line in said if "could not" in line), said[-1] if said else "")
    raise ProbeError(": ".join(part for part in (_ending(code), cause) if part))


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        try:
            return f"it crashed ({signal.Signals(-code).name})"
        except ValueError:
            return f"it crashed (signal {-code})"
    return f"it ended with status {code}"
