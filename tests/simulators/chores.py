"""The background work of one simulated participant: nothing is forgotten, and what failed is kept."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

logger = logging.getLogger("simulator")


class Chores:
    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self.faults: list[str] = []

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)
        return task

    async def end(self) -> None:
        """Cancels everything and waits for it, also for what is spawned meanwhile; not for the caller's own task."""
        while tasks := {task for task in self._tasks if task is not asyncio.current_task()}:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            fault = repr(task.exception())
            self.faults.append(fault)
            logger.error("a task of a simulated participant failed: %s", fault)
