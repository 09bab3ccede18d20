"""Items on their way from one thread to another's loop: bounded, in order, one wake-up for many."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable


class Handover[T]:
    """`put` may be called from any one thread; `take` is called on `loop`. Where it cannot keep up the oldest go."""

    def __init__(self, loop: asyncio.AbstractEventLoop, take: Callable[[T], None], limit: int):
        self._loop = loop
        self._take = take
        self._items: deque[T] = deque(maxlen=limit)
        self._awake = False
        self._closed = False
        self.dropped = 0

    def put(self, item: T) -> None:
        if self._closed or self._loop.is_closed():
            return
        self.dropped += len(self._items) == self._items.maxlen
        self._items.append(item)
        if not self._awake:
            self._awake = True
            self._loop.call_soon_threadsafe(self._drain)

    def close(self) -> None:
        """Nothing is taken any more. On `loop`."""
        self._closed = True
        self._items.clear()

    def _drain(self) -> None:
        # Before the loop: what is put from here on wakes it again.
        self._awake = False
        for _ in range(len(self._items)):  # no more than there are now: a flood must let the loop breathe
            if not self._items:
                return
            self._take(self._items.popleft())
