"""A thread for calls that may block for long or for ever, awaited with a limit."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from kiosk.media.thread_name import show_name

_Job = Callable[[], None]


class DeviceThread:
    """Does one thing after the other, always on the same thread, as some sound systems require.

    A daemon thread of its own and not one of asyncio's pool: a driver that never returns must not hold up the end of
    the program.
    """

    def __init__(self, name: str) -> None:
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._ended: Future[None] = Future()
        self._latest: Future[Any] | None = None
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """A call is still under way, perhaps one that nobody waits for any more."""
        return self._latest is not None and not self._latest.done()

    async def call[T](self, function: Callable[[], T], timeout_s: float) -> T:
        """Awaits the result. `TimeoutError` after `timeout_s`: the function then goes on by itself."""
        done: Future[T] = Future()

        def job() -> None:
            try:
                result = function()
            except BaseException as error:  # noqa: BLE001 - handed over to the caller
                done.set_exception(error)
            else:
                done.set_result(result)

        self._latest = done
        self._jobs.put(job)
        result = asyncio.wrap_future(done)
        result.add_done_callback(_look_at)
        return await asyncio.wait_for(asyncio.shield(result), timeout_s)

    async def end(self, timeout_s: float) -> bool:
        """After the jobs that wait. False when the thread is stuck; it is left to itself then."""
        self._jobs.put(None)
        await asyncio.wait({asyncio.wrap_future(self._ended)}, timeout=timeout_s)
        if self._ended.done():
            self._thread.join(0.1)  # it has nothing left to do
        return not self._thread.is_alive()

    def _work(self) -> None:
        show_name(self._thread.name)
        while (job := self._jobs.get()) is not None:
            job()
        self._ended.set_result(None)


def _look_at[T](result: asyncio.Future[T]) -> None:
    """asyncio complains about an exception that nobody asked for; here its caller has given up waiting."""
    if not result.cancelled():
        result.exception()
