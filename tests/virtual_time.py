"""A loop on which waiting takes no time: when nothing is ready it jumps to the next timer.

    virtual_time.run(main())         ten minutes of a visit pass in a millisecond
    VirtualClock(loop).monotonic()   the loop's own time, to be injected as kiosk.clock.Clock

Work in threads (asyncio.to_thread) takes real time; while some is under way no timer is jumped to, so that a timeout
never wins against a disk only because the loop was bored. No sockets: they would never become ready in time.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any

from tests.leaks import describe_task, running_tasks

WALL_START = 1_800_000_000.0
"""Unix time at which every virtual run begins, in seconds."""

STUCK_S = 10.0
"""Real seconds after which a loop that has no timer and hears from no thread is called stuck."""


class _JumpingSelector(selectors.DefaultSelector):
    loop: VirtualTimeLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if self.loop.threads_at_work or timeout is None:
            ready = super().select(STUCK_S)
            if not ready:
                raise RuntimeError("the loop is stuck: nothing is ready, no timer is armed, no thread reports")
            return ready
        self.loop.advance(timeout)
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual_s = 0.0
        self.threads_at_work = 0
        selector = _JumpingSelector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self._virtual_s

    def advance(self, seconds: float) -> None:
        self._virtual_s += seconds

    def run_in_executor[*Ts, T](
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        self.threads_at_work += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._thread_done)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        self.threads_at_work += 1
        await super().shutdown_default_executor(timeout)

    def _thread_done(self, _: asyncio.Future[Any]) -> None:
        self.threads_at_work -= 1


class VirtualClock:
    """The running loop's time, as kiosk.clock.Clock."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def monotonic(self) -> float:
        return self._loop.time()

    def wall(self) -> float:
        return WALL_START + self._loop.time()


def run[T](main: Coroutine[Any, Any, T]) -> T:
    """Runs `main` in virtual time. Raises AssertionError when it leaves tasks behind."""

    async def watched() -> T:
        result = await main
        left = running_tasks()
        assert not left, "tasks left running:\n" + "\n".join(map(describe_task, left))
        return result

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(watched())
