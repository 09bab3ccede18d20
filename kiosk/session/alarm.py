"""One wake-up at a time: whoever waits for the next instant at which something is due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from kiosk.clock import Clock
from kiosk.session.tasks import TaskSet
from kiosk.session.vendor_sessions import Sleep

SHORTEST_WAIT_S = 0.001
"""A timer that fires a hair too early must not be armed for no time at all, again and again."""


class Alarm:
    """`set` it after every change; `ring` is called at that instant, and may set it anew."""

    def __init__(self, name: str, ring: Callable[[], None], clock: Clock, sleep: Sleep, tasks: TaskSet) -> None:
        """`name`: of its task."""
        self._name = name
        self._ring = ring
        self._clock = clock
        self._sleep = sleep
        self._tasks = tasks
        self._at: float | None = None
        self._task: asyncio.Task[None] | None = None

    def set(self, at: float | None) -> None:
        """`at`: seconds on the clock, in place of what was set before; None for never."""
        if at == self._at:
            return
        self.cancel()
        if at is not None:
            self._at = at
            self._task = self._tasks.spawn(self._wake(at), self._name)

    def cancel(self) -> None:
        self._at = None
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _wake(self, at: float) -> None:
        await self._sleep(max(SHORTEST_WAIT_S, at - self._clock.monotonic()))
        self._task = None  # ringing may set the next one, and must not cancel this task
        self._at = None
        self._ring()
