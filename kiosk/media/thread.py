"""The one thread that owns real-time media: a plain asyncio loop that a busy screen cannot stall."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any

from kiosk.media.priority import raise_priority
from kiosk.media.thread_name import show_name

log = logging.getLogger("kiosk.media")

STOP_TIMEOUT_S = 5.0


class MediaThread:
    """Runs an asyncio loop in a thread of its own.

    Work comes in from other threads by `submit` or, from another loop, by `run`. What is still running when `stop` is
    called is cancelled and awaited, then the loop ends and the thread is joined.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._main, name="media", daemon=True)
        self._thread.start()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    def submit[T](self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Schedules `work` on the media loop from any thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def run[T](self, work: Coroutine[Any, Any, T]) -> T:
        """Awaits `work`, done on the media loop, from another loop. Cancelling the caller cancels the work."""
        return await asyncio.wrap_future(self.submit(work))

    def stop(self) -> None:
        """Cancels what is left, ends the loop, joins the thread. Idempotent; blocks for `STOP_TIMEOUT_S` at most."""
        if not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STOP_TIMEOUT_S)
        if self._thread.is_alive():
            log.error("media thread did not stop within %.0f s", STOP_TIMEOUT_S)

    def _main(self) -> None:
        show_name(self._thread.name)
        raise_priority(real_time=False)
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            left = asyncio.all_tasks(self._loop)
            for task in left:
                log.warning("media task still running at stop: %s", task.get_name())
                task.cancel()
            if left:
                self._loop.run_until_complete(asyncio.wait(left, timeout=STOP_TIMEOUT_S / 2))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()
