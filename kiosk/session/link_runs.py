"""Opens links, listens to them, closes them: one object per attempt, and none while another is being closed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from kiosk.links.contract import AirLink, LinkError, Lost, LostReason
from kiosk.providers.contract import Grant
from kiosk.session.events import EffectFailed, Event, FromLink, LinkFailed, LinkOpened
from kiosk.session.tasks import TaskSet

log = logging.getLogger("kiosk.session.link")

UNFORESEEN = Lost(LostReason.NETWORK, True, "the link failed in an unforeseen way; see the log")
SILENT_END = Lost(LostReason.NETWORK, True, "the link ended without saying why")

LATE_S = 2.0
"""So long an avatar's first word is worth more than its first picture, in seconds."""


@dataclass(slots=True)
class _Run:
    """One attempt. `link` is None while it waits for the link before it to close."""

    wanted: bool = True
    opened: bool = False
    link: AirLink | None = None
    task: asyncio.Task[None] | None = None


class LinkRuns:
    """`limit_s` bounds one close, in seconds. An open is never cancelled: it may leave a guest in the room."""

    def __init__(
        self, new_link: Callable[[Grant], AirLink], post: Callable[[Event], None], tasks: TaskSet, limit_s: float
    ) -> None:
        self._new_link = new_link
        self._post = post
        self._tasks = tasks
        self._limit_s = limit_s
        self._runs: dict[int, _Run] = {}
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def closing(self) -> frozenset[asyncio.Task[None]]:
        """Closes under way, for whoever must come after them."""
        return frozenset(self._closing)

    def open(self, ticket: int, grant: Grant, after: asyncio.Task[None] | None = None) -> None:
        """`after`: the opening of slow devices, which is waited for, at most `LATE_S`."""
        run = self._runs[ticket] = _Run()
        run.task = self._tasks.spawn(self._run(ticket, run, grant, after), f"link-{ticket}")

    def put_on_air(self, ticket: int) -> None:
        run = self._runs.get(ticket)
        if run is not None and run.link is not None:
            run.link.take_the_air()

    def close(self, ticket: int, after: asyncio.Task[None] | None) -> None:
        """Closes the link once `after` (the closing of the devices) is done."""
        run = self._runs.get(ticket)
        if run is None:
            return
        run.wanted = False
        task = self._tasks.spawn(self._close(run, after), f"link-{ticket}-close")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def send_text(self, ticket: int, text: str) -> None:
        await self._call(ticket, "typed text could not be sent to the avatar", lambda link: link.send_text(text))

    async def interrupt(self, ticket: int) -> None:
        await self._call(ticket, "the avatar could not be told to stop speaking", lambda link: link.interrupt())

    async def _call(self, ticket: int, failure: str, call: Callable[[AirLink], Coroutine[None, None, None]]) -> None:
        run = self._runs.get(ticket)
        if run is None or run.link is None:
            return
        try:
            async with asyncio.timeout(self._limit_s):
                await call(run.link)
        except Exception as error:  # noqa: BLE001 - its kind alone is told: its text may hold what the visitor typed
            self._post(EffectFailed("link_call", f"{failure} ({type(error).__name__})"))

    async def _run(self, ticket: int, run: _Run, grant: Grant, after: asyncio.Task[None] | None) -> None:
        try:
            if self._closing:
                await asyncio.wait(self._closing, timeout=self._limit_s)
            if after is not None:
                await asyncio.wait({after}, timeout=LATE_S)
            if not run.wanted:
                return
            run.link = self._new_link(grant)
            await run.link.open(grant)
            run.opened = True
            self._post(LinkOpened(ticket))
            await self._listen(ticket, run.link)
        except LinkError as error:
            self._post(LinkFailed(ticket, error.lost))
        except Exception:
            log.exception("a link failed")
            self._post(LinkFailed(ticket, UNFORESEEN))
        finally:
            self._runs.pop(ticket, None)

    async def _listen(self, ticket: int, link: AirLink) -> None:
        async for event in link.events():
            self._post(FromLink(ticket, event))
        # After a loss, or a close of ours, this comes too late and changes nothing.
        self._post(FromLink(ticket, SILENT_END))

    async def _close(self, run: _Run, after: asyncio.Task[None] | None) -> None:
        if after is not None:
            await asyncio.wait({after}, timeout=self._limit_s)
        if run.link is None:
            return
        try:
            async with asyncio.timeout(self._limit_s):
                await run.link.close()
        except TimeoutError:
            self._post(EffectFailed("link_close", f"the link did not close within {self._limit_s:.0f} s"))
        except Exception:
            log.exception("closing a link failed")
            self._post(EffectFailed("link_close", "the link failed to close in an unforeseen way; see the log"))
        if run.opened and run.task is not None:
            await self._stop_listening(run.task)

    async def _stop_listening(self, task: asyncio.Task[None]) -> None:
        """A closed link ends its events; one that does not is left alone by us."""
        done, _ = await asyncio.wait({task}, timeout=self._limit_s)
        if not done:
            task.cancel()
            await asyncio.wait({task})
