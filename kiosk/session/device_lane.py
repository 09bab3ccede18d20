"""Opens and closes the devices, one call at a time, in the order in which it was asked."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from kiosk.session.devices import Devices
from kiosk.session.events import DevicesFailed, DevicesOpened, EffectFailed, Event
from kiosk.session.tasks import TaskSet

log = logging.getLogger("kiosk.session.devices")

UNFORESEEN = "microphone and loudspeaker failed in an unforeseen way; see the log, then run `kiosk doctor`"


SLOW_S = 0.25
"""No room is joined, and no avatar speaks in it, sooner after the touch. Devices that took longer are waited for."""


class DeviceLane:
    """`limit_s` bounds one call of `devices`, in seconds."""

    def __init__(self, devices: Devices, post: Callable[[Event], None], tasks: TaskSet, limit_s: float) -> None:
        self._devices = devices
        self._post = post
        self._tasks = tasks
        self._limit_s = limit_s
        self._lane = asyncio.Lock()  # first come, first served
        self._wanted: int | None = None
        self._opening: asyncio.Task[None] | None = None
        self._slow = False  # as they were the last time
        self.closing: asyncio.Task[None] | None = None  # the latest close, for whoever must come after it

    def open(self, ticket: int) -> None:
        self._wanted = ticket
        self._opening = self._tasks.spawn(self._open(ticket), "devices-open")

    @property
    def late(self) -> asyncio.Task[None] | None:
        """The opening under way where it is known to take long: a voice that came before its end would be lost."""
        return self._opening if self._slow and self._opening is not None and not self._opening.done() else None

    def close(self, ticket: int) -> None:
        if self._wanted == ticket:
            self._wanted = None
        self.closing = self._tasks.spawn(self._close(), "devices-close")

    async def _open(self, ticket: int) -> None:
        async with self._lane:
            if self._wanted != ticket:
                return
            began_s = asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout(self._limit_s):
                    state = await self._devices.open()
            except TimeoutError:
                line = f"microphone and loudspeaker did not open within {self._limit_s:.0f} s; run `kiosk doctor`"
                self._post(DevicesFailed(ticket, line))
            except Exception:
                log.exception("opening the devices failed")
                self._post(DevicesFailed(ticket, UNFORESEEN))
            else:
                self._post(DevicesOpened(ticket, state))
            self._slow = asyncio.get_running_loop().time() - began_s > SLOW_S

    async def _close(self) -> None:
        async with self._lane:
            try:
                async with asyncio.timeout(self._limit_s):
                    await self._devices.close()
            except TimeoutError:
                line = f"microphone and loudspeaker did not close within {self._limit_s:.0f} s"
                self._post(EffectFailed("devices", line))
            except Exception:
                log.exception("closing the devices failed")
                self._post(EffectFailed("devices", UNFORESEEN))
