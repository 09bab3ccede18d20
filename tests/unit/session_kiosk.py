"""A controller with fakes around it, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from random import Random

from kiosk.providers.contract import Provider
from kiosk.session.controller import Controller
from kiosk.session.ledger import FileLedger
from kiosk.session.limits import Limits
from kiosk.session.view import Phase, Situation, VisitorActions, Words
from kiosk.session.warm_sessions import PrewarmPlan
from tests.fakes import Diary, FakeDevices, FakeLink, FakeProvider, LinkFactory, ProviderShelf
from tests.virtual_time import VirtualClock


class Kiosk:
    """Make it inside the running loop."""

    def __init__(
        self,
        path: Path,
        *,
        provider: FakeProvider | None = None,
        fallback: Provider | None = None,
        others: tuple[Provider, ...] = (),
        limits: Limits | None = None,
        guarded: Callable[[Provider], Provider] = lambda provider: provider,
        prewarm: PrewarmPlan | None = None,
    ) -> None:
        self.diary: Diary = []
        self.provider = provider or FakeProvider()
        self.provider.diary = self.diary
        spare = () if fallback is None else (fallback,)
        self.devices = FakeDevices(self.diary)
        self.links = LinkFactory(self.diary)
        self.ledger = FileLedger(path, VirtualClock(asyncio.get_running_loop()))
        self.controller = Controller(
            providers=ProviderShelf(guarded(self.provider), *spare, *others, unset=("unset",)),
            main=self.provider.name,
            fallback=None if fallback is None else fallback.name,
            new_link=self.links,
            devices=self.devices,
            ledger=self.ledger,
            clock=VirtualClock(asyncio.get_running_loop()),
            limits=limits or Limits(),
            prewarm=prewarm,
            rng=Random(1),
        )
        self.actions: VisitorActions = self.controller
        self.seen: list[Situation] = []
        self.words: list[Words] = []
        self.controller.subscribe(self.seen.append)
        self.controller.subscribe_words(self.words.append)

    @property
    def phase(self) -> Phase:
        return self.controller.situation.phase

    @property
    def link(self) -> FakeLink:
        return self.links.made[-1]

    def phases(self) -> list[str]:
        return [phase.value for _, phase in self.controller.states]

    def begin(self) -> None:
        self.begin_in("de")

    def begin_in(self, language: str) -> None:
        self.actions.touch()
        self.actions.accept(language)

    async def reach(self, phase: Phase, limit_s: float = 120.0) -> None:
        await self.until(lambda: self.phase is phase, limit_s)

    async def until(self, holds: Callable[[], bool], limit_s: float = 120.0, step_s: float = 0.01) -> None:
        """Polls in virtual time, which costs nothing. Raises TimeoutError."""
        async with asyncio.timeout(limit_s):
            while not holds():  # noqa: ASYNC110 - the condition has no event of its own
                await asyncio.sleep(step_s)

    async def live(self) -> None:
        await self.controller.start()
        self.begin()
        await self.reach(Phase.LIVE)
