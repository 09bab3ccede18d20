"""Starts, renews and ends sessions at the providers, and keeps the ledger true meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from random import Random

from kiosk.clock import Clock
from kiosk.providers.contract import EndReason, Grant, Provider, ProviderError, SessionRef, Visit
from kiosk.session.events import (
    EffectFailed,
    EndFailed,
    Event,
    GrantRenewed,
    RenewFailed,
    SessionStarted,
    StartFailed,
)
from kiosk.session.ledger import Ledger
from kiosk.session.limits import Limits
from kiosk.session.policies import Fault, fault_of_error
from kiosk.session.source import Providers
from kiosk.session.tasks import TaskSet

log = logging.getLogger("kiosk.session.vendor")

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Refused:
    """No session, or one that is of no use and must be ended."""

    fault: Fault
    session: SessionRef | None = None


class VendorSessions:
    """A start is never cancelled: what it creates must be ended. An end is tried until it works or tries run out."""

    def __init__(
        self,
        providers: Providers,
        ledger: Ledger,
        clock: Clock,
        limits: Limits,
        rng: Random,
        sleep: Sleep,
        post: Callable[[Event], None],
        tasks: TaskSet,
    ) -> None:
        self._providers = providers
        self._ledger = ledger
        self._clock = clock
        self._limits = limits
        self._rng = rng
        self._sleep = sleep
        self._post = post
        self._tasks = tasks
        self._ending: dict[SessionRef, asyncio.Task[None]] = {}
        self.on_end: Callable[[], None] = lambda: None  # the end of a session was confirmed, or given up

    def start(self, ticket: int, visit: Visit, provider: str) -> None:
        """`provider`: the name of one that was found before."""
        self._tasks.spawn(self._start(ticket, visit, self._providers.get(provider)), f"session-start-{ticket}")

    def renew(self, ticket: int, grant: Grant, provider: str) -> None:
        self._tasks.spawn(self._renew(ticket, grant, self._providers.get(provider)), f"session-renew-{ticket}")

    @property
    def is_ending(self) -> bool:
        """The end of some session is not confirmed yet."""
        return bool(self._ending)

    def end(self, session: SessionRef, reason: EndReason, after: Iterable[asyncio.Task[None]] = ()) -> None:
        """Ends the session once `after` (the closing of devices and link) is done."""
        if session in self._ending:
            return
        task = self._tasks.spawn(self._end(session, reason, frozenset(after)), "session-end")
        self._ending[session] = task
        task.add_done_callback(lambda _: self._ended(session))

    def _ended(self, session: SessionRef) -> None:
        self._ending.pop(session, None)
        self.on_end()

    async def end_orphans(self) -> None:
        """Begins to end what an earlier run of the kiosk left open. Call it before the first visit."""
        for session in await self._on_disk(self._ledger.entries) or ():
            log.info("orphan", extra={"provider": session.provider})
            self.end(session, EndReason.ORPHAN)

    async def ask(self, provider: str, visit: Visit) -> Grant | Refused:
        """A session, and its entry in the ledger. Not to be cancelled."""
        return await self._ask(visit, self._providers.get(provider))

    async def _start(self, ticket: int, visit: Visit, provider: Provider) -> None:
        match await self._ask(visit, provider):
            case Refused(fault, session):
                self._post(StartFailed(ticket, fault, session))
            case grant:
                self._post(SessionStarted(ticket, grant))

    async def _ask(self, visit: Visit, provider: Provider) -> Grant | Refused:
        replaced = {
            task
            for session, task in self._ending.items()
            if (session.provider, session.visit_id) == (provider.name, visit.id)
        }
        if replaced:
            # Many plans allow one session at a time.
            await asyncio.wait(replaced, timeout=self._limits.handover_s)
        intent = await self._on_disk(partial(self._ledger.intend, provider.name, visit))
        try:
            grant = await provider.start(visit)
        except ProviderError as error:
            if error.session is not None:
                await self._on_disk(partial(self._ledger.open, error.session))
            elif intent is not None:
                await self._on_disk(partial(self._ledger.close, intent))
            return Refused(fault_of_error(error), error.session)
        except Exception:
            # Nobody knows whether a session exists: the intent stays, and the next start of the kiosk looks into it.
            log.exception("provider %s failed to start a session", provider.name)
            return Refused(_unforeseen(provider))
        await self._on_disk(partial(self._ledger.open, grant.session))
        return grant

    async def _renew(self, ticket: int, grant: Grant, provider: Provider) -> None:
        try:
            async with asyncio.timeout(self._limits.call_s):
                fresh = await provider.renew(grant)
        except ProviderError as error:
            self._post(RenewFailed(ticket, fault_of_error(error)))
        except Exception:
            log.exception("provider %s failed to renew a grant", provider.name)
            self._post(RenewFailed(ticket, _unforeseen(provider)))
        else:
            self._post(GrantRenewed(ticket, fresh))

    async def _end(self, session: SessionRef, reason: EndReason, after: frozenset[asyncio.Task[None]]) -> None:
        if after:
            # The closes are bounded themselves; twice, because a link closes after the devices.
            await asyncio.wait(after, timeout=2 * self._limits.close_s)
        try:
            provider = self._providers.get(session.provider)
        except ProviderError as error:
            line = f"a session of provider '{session.provider}' is still open; configure that provider to end it"
            log.info("%s", error.operator_line)
        else:
            line = await self._try_to_end(provider, session, reason)
        if not line or self._clock.wall() - session.started_at > self._limits.ledger_keep_s:
            await self._on_disk(partial(self._ledger.close, session))
        if line:
            self._post(EndFailed(session, line))

    async def _try_to_end(self, provider: Provider, session: SessionRef, reason: EndReason) -> str:
        """The operator's line of the last failure; empty when the vendor confirmed the end."""
        failures = 0
        while True:
            asked_s: float | None = None
            try:
                async with asyncio.timeout(self._limits.call_s):
                    await provider.end(session, reason)
            except ProviderError as error:
                line, asked_s = error.operator_line, error.retry_after_s
            except TimeoutError:
                line = (
                    f"provider {provider.name} did not answer the end of a session; see the vendor's list of sessions"
                )
            except Exception:
                log.exception("provider %s failed to end a session", provider.name)
                line = _unforeseen(provider).operator_line
            else:
                return ""
            failures += 1
            if failures >= self._limits.end_tries:
                return line
            log.info("end of a session failed, trying again", extra={"failures": failures})
            await self._sleep(self._limits.end_retry.delay_s(failures, self._rng, asked_s))

    async def _on_disk[T](self, work: Callable[[], T]) -> T | None:
        """Off this thread, because a disk may take its time. None when the disk refused."""
        try:
            return await asyncio.to_thread(work)
        except OSError as error:
            line = f"the ledger of open sessions cannot be used ({error.strerror}); see to disk space and folder rights"
            self._post(EffectFailed("ledger", line))
            return None


def _unforeseen(provider: Provider) -> Fault:
    line = f"provider {provider.name} failed in an unforeseen way; see the log"
    return Fault("internal", "unavailable", line, retry=False)
