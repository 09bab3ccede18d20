"""What a test must not leave behind: running tasks, running threads, log records that nobody expected."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
import time


def running_tasks() -> set[asyncio.Task[object]]:
    """Tasks of the running loop that are not done, without the caller's own."""
    return {task for task in asyncio.all_tasks() if task is not asyncio.current_task() and not task.done()}


def describe_task(task: asyncio.Task[object]) -> str:
    """Name, coroutine and place of a task, so that the message says what to mend."""
    stack = task.get_stack(limit=1)
    place = f" at {stack[0].f_code.co_filename}:{stack[0].f_lineno}" if stack else ""
    return f"{task.get_name()}: {task.get_coro()!r}{place}"


def threads_left(before: set[threading.Thread], wait_s: float = 2.0) -> list[threading.Thread]:
    """Non-daemon threads started since `before` that are still alive after at most `wait_s` seconds."""
    deadline = time.monotonic() + wait_s
    left = [thread for thread in threading.enumerate() if thread not in before and not thread.daemon]
    for thread in left:
        thread.join(max(0.0, deadline - time.monotonic()))
    return [thread for thread in left if thread.is_alive()]


TOLERATED = (
    # LiveKit's native library, on a machine too busy to take each frame in time: newest wins, as we ask it to.
    r"livekit: .*native video stream queue overflow",
    # The same, when a room is left while a track is still being negotiated, or after its server is gone.
    r"livekit: .*failed to negotiate the publisher.*closed",
    r"livekit: .*peer connection is closed",
    r"livekit: .*failed to send dc_event",
    r"livekit: .*Failed to send RPC v2 response stream",
    r"livekit: .*Attempted to drop unknown FFI handle",
)


class LogWatch(logging.Handler):
    """Keeps every record from WARNING upwards that no declared pattern explains."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._records: list[str] = []
        self._patterns = [re.compile(pattern) for pattern in TOLERATED]

    def expect(self, pattern: str) -> None:
        """Records whose "logger: message" matches `pattern` (a regular expression, searched) are no failure."""
        self._patterns.append(re.compile(pattern))

    def emit(self, record: logging.LogRecord) -> None:
        self._records.append(f"{record.levelname} {record.name}: {record.getMessage()}")

    def unexpected(self) -> list[str]:
        return [text for text in self._records if not any(pattern.search(text) for pattern in self._patterns)]
