"""The gates that guard every other test, and the loop on which time is virtual."""

from __future__ import annotations

import asyncio
import logging
import threading
import time

import pytest

from tests import virtual_time
from tests.leaks import LogWatch, describe_task, running_tasks, threads_left
from tests.virtual_time import VirtualClock


def record(level: int, text: str) -> logging.LogRecord:
    return logging.LogRecord("kiosk.x", level, "file", 1, text, (), None)


def test_a_warning_that_nobody_expected_is_told() -> None:
    watch = LogWatch()
    watch.handle(record(logging.WARNING, "disk full"))
    assert watch.unexpected() == ["WARNING kiosk.x: disk full"]
    watch.expect("disk (full|gone)")
    assert watch.unexpected() == []


def test_a_thread_that_is_left_is_found_and_one_that_ends_is_forgiven() -> None:
    before = set(threading.enumerate())
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    assert threads_left(before, wait_s=0.01) == [thread]
    stop.set()
    assert threads_left(before) == []


async def test_a_task_that_is_left_is_found_and_named() -> None:
    task = asyncio.create_task(asyncio.sleep(100.0), name="lost")
    assert running_tasks() == {task}
    assert describe_task(task).startswith("lost: ")
    task.cancel()
    await asyncio.wait({task})
    assert running_tasks() == set()


def test_virtual_time_does_not_wait() -> None:
    async def main() -> float:
        clock = VirtualClock(asyncio.get_running_loop())
        await asyncio.sleep(3600.0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60.0):
                await asyncio.Event().wait()
        assert clock.wall() - virtual_time.WALL_START == clock.monotonic()
        return clock.monotonic()

    assert virtual_time.run(main()) == pytest.approx(3660.0)


def test_virtual_time_stands_still_while_a_thread_works() -> None:
    async def main() -> float:
        async with asyncio.timeout(0.001):
            await asyncio.to_thread(time.sleep, 0.05)
        return asyncio.get_running_loop().time()

    assert virtual_time.run(main()) == 0.0


def test_virtual_time_tells_of_tasks_that_are_left() -> None:
    tasks: list[asyncio.Task[None]] = []

    async def main() -> None:
        tasks.append(asyncio.create_task(asyncio.sleep(1.0), name="lost"))

    with pytest.raises(AssertionError, match="lost"):
        virtual_time.run(main())
