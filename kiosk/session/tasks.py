"""Every task of the session has an owner and an end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine

log = logging.getLogger("kiosk.session")


class TaskSet:
    """The tasks of one owner: started here, waited for here, cancelled here. Belongs to the loop that first uses it."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def bind(self) -> None:
        """Fixes the loop, so that callbacks of a toolkit may spawn although no task is running just then."""
        self._loop = asyncio.get_running_loop()

    def spawn(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        loop = self._loop or asyncio.get_running_loop()
        task = loop.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def settle(self, limit_s: float) -> bool:
        """Waits until no task is left, also none that began meanwhile. False after `limit_s` seconds."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limit_s
        while self._tasks:
            left_s = deadline - loop.time()
            if left_s <= 0.0:
                return False
            await asyncio.wait(set(self._tasks), timeout=left_s)
        return True

    async def cancel(self) -> None:
        """Cancels what is left and waits for it."""
        while self._tasks:
            left = set(self._tasks)
            for task in left:
                task.cancel()
            await asyncio.wait(left)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a task of the session failed: %s", task.get_name(), exc_info=error)
