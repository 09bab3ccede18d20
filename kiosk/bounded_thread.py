"""Runs a call that may never come back (a keyring that waits for a password, a sound driver) beside the program.

The thread is a daemon: nothing can stop such a call, so it must not keep the process alive either.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future


def in_thread[T](call: Callable[[], T], name: str) -> Future[T]:
    """Starts `call` at once; the future holds its result or its exception."""
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()

    def work() -> None:
        try:
            result = call()
        except BaseException as error:  # noqa: BLE001  (it belongs to whoever waits for the result)
            future.set_exception(error)
        else:
            future.set_result(result)

    threading.Thread(target=work, name=name, daemon=True).start()
    return future


def call_bounded[T](call: Callable[[], T], limit_s: float, name: str) -> T:
    """The result of `call`. Raises `TimeoutError` after `limit_s` seconds, or what `call` raised."""
    return in_thread(call, name).result(limit_s)


async def await_bounded[T](call: Callable[[], T], limit_s: float, name: str) -> T:
    """As `call_bounded`, without blocking the loop."""
    return await asyncio.wait_for(asyncio.wrap_future(in_thread(call, name)), limit_s)
