"""A thread with an asyncio loop of its own, for a library that blocks its loop."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any

log = logging.getLogger("kiosk.link")

UNWIND_S = 2.0
POLL_S = 0.05


class OwnLoop:
    """Runs from its creation until `retire`. The thread is a daemon: a call that never returns keeps nobody."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(self._on_exception)
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)
        self._thread.start()

    def submit[T](self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """From any thread."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    async def run[T](self, work: Coroutine[Any, Any, T]) -> T:
        """Awaits `work`, done on this loop, from another one. Cancelling the caller cancels the work."""
        return await asyncio.wrap_future(self.submit(work))

    def post(self, call: Callable[[], None]) -> None:
        """From any thread; nothing happens once the loop has ended."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(call)

    async def retire(self) -> None:
        """Ends the loop and waits, on the caller's loop, until the thread is gone, however long that takes."""
        self.post(self.loop.stop)
        while self._thread.is_alive():  # noqa: ASYNC110  (the end of a thread sets no event)
            await asyncio.sleep(POLL_S)

    def _main(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
        finally:
            left = asyncio.all_tasks(self.loop)
            for task in left:
                task.cancel()
            if left:
                self.loop.run_until_complete(asyncio.wait(left, timeout=UNWIND_S))
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
            self.loop.close()

    def _on_exception(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """The library's own tasks fail unheard; their texts may hold a URL with a token, so only the kind is told."""
        error = context.get("exception")
        log.info("%s: a task of the library failed (%s)", self._name, type(error).__name__ if error else "no exception")
