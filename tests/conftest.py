"""Gates that hold for every test, and the servers that tests share.

A test that leaves a task or a thread behind fails, and so does one that logs a warning nobody expected. A test that
provokes a warning says so:

    def test_something(expected_log):
        expected_log("the room refused the token")
"""

from __future__ import annotations

import gc
import inspect
import logging
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING

import hypothesis
import pytest

from kiosk.leaving import leave
from tests.leaks import LogWatch, describe_task, running_tasks, threads_left

if TYPE_CHECKING:
    from tests.display import Display
    from tests.livekit_server import LiveKitServer
    from tests.sound import SoundServer

# The same examples on every run, and no failure because a shared machine was slow.
hypothesis.settings.register_profile("kiosk", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("kiosk")


_STATUS = pytest.StashKey[int]()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.stash[_STATUS] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """LiveKit's threads may abort an interpreter that ends (kiosk.leaving), and the tests' verdict with it."""
    is_worker = hasattr(config, "workerinput")  # pytest-xdist ends those itself
    if "livekit" in sys.modules and _STATUS in config.stash and not is_worker:
        leave(config.stash[_STATUS])


@pytest.fixture
def log_watch() -> Iterator[LogWatch]:
    watch = LogWatch()
    root = logging.getLogger()
    root.addHandler(watch)
    yield watch
    root.removeHandler(watch)


@pytest.fixture
def expected_log(log_watch: LogWatch) -> Callable[[str], None]:
    """Declares a pattern of warnings that this test provokes on purpose."""
    return log_watch.expect


@pytest.fixture
async def no_leaked_tasks() -> AsyncIterator[None]:
    before = running_tasks()
    yield
    leaked = running_tasks() - before
    for task in leaked:
        task.cancel()
    if leaked:
        pytest.fail("tasks left running:\n" + "\n".join(map(describe_task, leaked)), pytrace=False)


@pytest.fixture(autouse=True)
def leak_gates(request: pytest.FixtureRequest, log_watch: LogWatch) -> Iterator[None]:
    threads = set(threading.enumerate())
    yield
    left = threads_left(threads)
    if left:
        pytest.fail(f"threads left running: {[thread.name for thread in left]}", pytrace=False)
    # A task that died unheard complains only when it is collected.
    gc.collect(0)
    if unexpected := log_watch.unexpected():
        pytest.fail("unexpected log records:\n" + "\n".join(unexpected), pytrace=False)


@pytest.fixture(autouse=True)
def task_gate(request: pytest.FixtureRequest, leak_gates: None) -> None:
    """After `leak_gates`, so that the event loop and its worker threads are gone when threads are counted."""
    function = getattr(request.node, "function", None)
    if inspect.iscoroutinefunction(function):
        request.getfixturevalue("no_leaked_tasks")


@pytest.fixture(scope="session")
def display() -> Iterator[Display]:
    """An X server of our own."""
    from tests.display import Display

    server = Display()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def sound() -> Iterator[SoundServer]:
    """Loudspeaker and microphone without hardware."""
    from tests.sound import SoundServer

    server = SoundServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def livekit_server() -> Iterator[LiveKitServer]:
    """A real LiveKit server on a free port."""
    from tests.livekit_server import LiveKitServer

    server = LiveKitServer()
    server.start()
    yield server
    server.stop()
