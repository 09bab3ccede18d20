"""Connects that nobody waits for any more. They must not be cancelled, so somebody has to see them to their end."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from livekit import rtc

log = logging.getLogger("kiosk.link")


class AbandonedConnects:
    """Owns late attempts on the media loop: each is disconnected as soon as it succeeds."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Future[Any]] = set()

    def adopt(self, room: rtc.Room, connecting: asyncio.Task[None]) -> None:
        log.warning("a room connect is late; it is left to end by itself")
        self.keep(asyncio.get_running_loop().create_task(self._see_off(room, connecting), name="abandoned connect"))

    def keep(self, task: asyncio.Future[Any]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self, timeout_s: float) -> bool:
        """Waits for them all; False if some are still under way after `timeout_s` seconds."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout_s)
        return not self._tasks

    async def _see_off(self, room: rtc.Room, connecting: asyncio.Task[None]) -> None:
        await asyncio.wait({connecting})
        if connecting.exception() is None:
            await room.disconnect()
            log.info("a late room was left again")
