"""A face for the time between the touch and the avatar's first picture, in the place where that picture will be.

The session does not know of it: it follows what the screens are told. It runs on the media thread; the first picture of
the avatar takes its place without asking (kiosk.media.air).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Protocol

from kiosk.media.air import Air
from kiosk.media.frames import VideoSink
from kiosk.media.thread import MediaThread
from kiosk.providers.contract import Misconfigured
from kiosk.session.view import Situation

log = logging.getLogger("kiosk.waiting")


class Company(Protocol):
    """Somebody who is seen while a visitor waits. On the media loop."""

    async def aclose(self) -> None:
        """Bounded in time; no frame comes afterwards."""
        ...


CompanyMaker = Callable[[VideoSink], Awaitable[Company]]
"""Called on the media loop; paints into the sink from then on. Raises `Misconfigured` where there is nobody."""


class WaitingFace:
    """`show_situation` and `aclose` on the controller's loop. Nothing is seen before `prepare` is done."""

    def __init__(
        self, media: MediaThread, air: Air, prepare: Callable[[], Awaitable[None]], make: CompanyMaker
    ) -> None:
        """`prepare`: what a touch should not wait for; awaited on the media loop, may raise `Misconfigured`."""
        self._media = media
        self._air = air
        self._prepare = prepare
        self._make = make
        self._wanted = False
        # On the media loop alone:
        self._turn = asyncio.Lock()
        self._company: Company | None = None
        self._ready = False

    async def prepare(self) -> bool:
        """False where nobody can be had; the log says why."""
        try:
            await self._media.run(self._get_ready())
        except Misconfigured as error:
            log.error("nobody covers the wait for the avatar: %s", error.operator_line)
            return False
        return True

    def show_situation(self, situation: Situation) -> None:
        wanted = situation.awaits_avatar
        if wanted is self._wanted:
            return
        self._wanted = wanted
        if wanted:
            self._air.await_picture()
        else:
            self._air.dismiss_stand_in()
        self._media.submit(self._follow()).add_done_callback(_tell_failure)

    async def aclose(self) -> None:
        """Idempotent; before the media thread stops."""
        self._wanted = False
        await self._media.run(self._follow())

    # --- on the media loop ---

    async def _get_ready(self) -> None:
        await self._prepare()
        self._ready = True
        await self._follow()

    async def _follow(self) -> None:
        """One turn at a time; the last one leaves what is wanted then."""
        async with self._turn:
            if self._wanted and self._ready and self._company is None:
                try:
                    self._company = await self._make(self._air.stand_in)
                except Misconfigured as error:
                    log.error("nobody covers the wait for the avatar: %s", error.operator_line)
            elif not self._wanted and self._company is not None:
                company, self._company = self._company, None
                await company.aclose()


def _tell_failure(done: Future[None]) -> None:
    if not done.cancelled() and (error := done.exception()) is not None:
        log.error("the waiting face failed: %s", type(error).__name__, exc_info=error)
