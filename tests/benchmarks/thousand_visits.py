"""Visits without end against each vendor's simulator, with faults injected at random: is anything left behind?

    python -m tests.benchmarks.thousand_visits [--provider P] [--visits N] [--seed S]

Real: the controller, the money guard, ledger and record on disk, the provider, HTTP. Stood in for: the room (a link
that joins at once and breaks when the dice say so) and the sound devices. The faults: a connection that is cut before
the answer, 429 with Retry-After, 5xx, slow answers, answers that get lost where the vendor can be asked for strays, a
lost room, and visitors who leave at any moment, also in the middle of a start.

Exit status 0: nothing left open, nothing ended twice, no hang, no unforeseen exception, memory flat.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import psutil

from kiosk.clock import SystemClock, local_day
from kiosk.links.contract import FirstFrame, Joined, LinkEvent, Lost, LostReason, Message
from kiosk.media.statistics import NetworkStatistics
from kiosk.providers.contract import Grant
from kiosk.session.budget import Budget
from kiosk.session.controller import Controller
from kiosk.session.devices import DeviceState
from kiosk.session.ledger import FileLedger
from kiosk.session.limits import Limits
from kiosk.session.money_guard import GuardedProvider, MoneyGuard
from kiosk.session.policies import Backoff
from kiosk.session.usage_file import UsageFile
from kiosk.session.view import Phase, Situation
from tests.benchmarks.visit_desks import DESKS, Desk
from tests.fakes import ProviderShelf
from tests.leaks import running_tasks
from tests.simulators.vendor_http import Fault, Reply

HANG_S = 60.0
"""A phase that lasts longer than this is a hang: no wait of these limits is near it."""

FLAT_MB = 12.0
"""So much may the process grow from the first fifth of the visits to the last: caches, and 2,000 rows of the record."""

FEWEST_MEASURED = 100
"""Below so many visits memory says nothing."""

QUICK = Limits(
    goodbye_s=0.01,
    apology_s=0.01,
    recover_s=20.0,
    retry=Backoff(0.01, 0.05),
    reopen=Backoff(0.01, 0.02),
    end_retry=Backoff(0.01, 0.05),
    shutdown_s=30.0,
)
LOST = Lost(LostReason.NETWORK, True, "the room is gone")


class InstantLink:
    """Joins at once, shows a picture at once, and is lost when it is told."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[LinkEvent | None] = asyncio.Queue()

    def lose(self) -> None:
        self._events.put_nowait(LOST)

    async def open(self, grant: Grant) -> None:
        self._events.put_nowait(Joined())
        self._events.put_nowait(FirstFrame(640, 480))

    def take_the_air(self) -> None:
        return None

    async def close(self) -> None:
        self._events.put_nowait(None)

    async def events(self) -> AsyncIterator[LinkEvent]:
        while (event := await self._events.get()) is not None:
            yield event
            if isinstance(event, Lost):
                return

    async def send_text(self, text: str) -> None:
        return None

    async def send_message(self, message: Message) -> None:
        return None

    async def speak(self, pcm: bytes, sample_rate: int) -> None:
        return None

    async def interrupt(self) -> None:
        return None

    async def network(self) -> NetworkStatistics | None:
        return None


class NoDevices:
    async def open(self) -> DeviceState:
        return DeviceState(microphone=True, speaker=True)

    async def close(self) -> None:
        return None


@dataclass
class Outcome:
    """What became of it. All but the first three must be 0."""

    provider: str
    visits: int = 0
    live: int = 0  # visits that came to life
    sessions: int = 0  # that the vendor created
    left_open: int = 0
    left_in_ledger: int = 0
    not_ended_once: int = 0
    hangs: int = 0
    exceptions: int = 0
    tasks: int = 0
    seconds: float = 0.0
    memory_mb: list[float] = field(default_factory=list)  # of the process, ten times on the way

    @property
    def growth_mb(self) -> float:
        """From the first fifth to the end; 0 where there were too few visits to tell."""
        return self.memory_mb[-1] - self.memory_mb[1] if len(self.memory_mb) > 2 else 0.0

    @property
    def faults(self) -> int:
        return self.left_open + self.left_in_ledger + self.not_ended_once + self.hangs + self.exceptions + self.tasks

    def line(self) -> str:
        return (
            f"{self.provider:<16} visits {self.visits:>5}  live {self.live:>5}  sessions {self.sessions:>5}  "
            f"left open {self.left_open}  in ledger {self.left_in_ledger}  not ended once {self.not_ended_once}  "
            f"hangs {self.hangs}  exceptions {self.exceptions}  tasks left {self.tasks}  "
            f"{self.seconds:.0f} s  memory {self.growth_mb:+.1f} MB"
        )


class Tracebacks(logging.Handler):
    """Counts what somebody logged with a traceback: an exception that nobody foresaw."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += record.exc_info is not None


class Marathon:
    """All visits at one desk, one after the other. Make it inside the running loop."""

    def __init__(self, name: str, desk: Desk, folder: Path, seed: int) -> None:
        self.outcome = Outcome(name)
        self._desk = desk
        self._rng = Random(f"{name}/{seed}")
        self._links: list[InstantLink] = []
        self._changed = asyncio.Event()
        self._situation = Situation(Phase.ATTRACT)
        clock = SystemClock()
        guard = MoneyGuard(Budget(), UsageFile(folder / "usage.json"), clock, local_day, QUICK.max_visit_s)
        self._provider = GuardedProvider(desk.provider, guard)
        self._ledger = FileLedger(folder / "ledger.json", clock)
        self._controller = self._new_controller()

    def _new_controller(self) -> Controller:
        controller = Controller(
            providers=ProviderShelf(self._provider),
            main=self._provider.name,
            new_link=self._new_link,
            devices=NoDevices(),
            ledger=self._ledger,
            clock=SystemClock(),
            limits=QUICK,
            rng=self._rng,
        )
        controller.subscribe(self._on_situation)
        return controller

    def _new_link(self, grant: Grant) -> InstantLink:
        self._links = [InstantLink()]
        return self._links[0]

    def _on_situation(self, situation: Situation) -> None:
        self._situation = situation
        self._changed.set()

    async def run(self, visits: int) -> Outcome:
        outcome, began_s = self.outcome, time.perf_counter()
        await self._controller.start()
        for number in range(visits):
            self._inject()
            try:
                async with asyncio.timeout(HANG_S):
                    outcome.live += await self._visit()
            except TimeoutError:
                outcome.hangs += 1
                self._controller.leave()
            outcome.visits += 1
            self._settle_accounts()
            if visits >= FEWEST_MEASURED and (number + 1) % (visits // 10) == 0:
                gc.collect()
                outcome.memory_mb.append(psutil.Process().memory_info().rss / 2**20)
        await self._controller.shutdown()
        self._desk.heal()
        if await asyncio.to_thread(self._ledger.entries):
            # An end that was refused six times in a row is for the next start of the kiosk.
            self._controller = self._new_controller()
            await self._controller.start()
            await self._controller.shutdown()
        outcome.left_in_ledger = len(await asyncio.to_thread(self._ledger.entries))
        self._settle_accounts()
        outcome.left_open = sum(map(self._desk.is_open, self._desk.sessions.values()))
        outcome.tasks = sum(task.get_name().startswith(("session", "link", "device")) for task in running_tasks())
        outcome.seconds = time.perf_counter() - began_s
        return outcome

    async def _visit(self) -> bool:
        """From touch to the next visitor; whether it came to life."""
        rng, controller = self._rng, self._controller
        await self._until(Phase.ATTRACT)
        controller.touch()
        controller.accept("en")
        if rng.random() < 0.15:
            await asyncio.sleep(rng.uniform(0.0, 0.03))  # the visitor walks off in the middle of the start
            controller.leave()
        await self._until(Phase.LIVE, Phase.OUT_OF_SERVICE, Phase.GOODBYE, Phase.ATTRACT)
        live = self._situation.phase is Phase.LIVE
        while live and rng.random() < 0.3:
            self._links[0].lose()
            await self._until(Phase.RECOVERING, Phase.GOODBYE)
            await self._until(Phase.LIVE, Phase.GOODBYE, Phase.ATTRACT)
            if self._situation.phase is not Phase.LIVE:
                break
        controller.leave()
        await self._until(Phase.ATTRACT)
        return live

    async def _until(self, *phases: Phase) -> None:
        while self._situation.phase not in phases:
            self._changed.clear()
            await self._changed.wait()

    def _inject(self) -> None:
        """Up to three faults wait for the next calls, whichever these are."""
        rng, desk = self._rng, self._desk
        desk.heal()
        for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
            kinds = [
                Fault(hang_up=True),
                # One of them by the header that HTTP knows, another by one of its own.
                Fault(
                    Reply(
                        429,
                        {"message": "slow down"},
                        {"Retry-After": "0.02", "X-RateLimit-Reset": str(int(time.time()))},
                    )
                ),
                Fault(Reply(rng.choice((500, 503)), {"message": "internal"})),
                Fault(Reply(502, "<html>bad gateway</html>")),
                Fault(delay_s=rng.uniform(0.05, 0.3)),
            ]
            if desk.finds_lost:
                kinds += [Fault(hang_up=True, after_work=True), Fault(Reply(500, {}), after_work=True)]
            desk.fail("*", rng.choice(kinds))

    def _settle_accounts(self) -> None:
        """Counts the sessions that are over, and forgets them, so that the simulator does not grow."""
        desk = self._desk
        for name, session in list(desk.sessions.items()):
            if not desk.is_open(session):
                # More than once only where the answer to the first end was lost on its way.
                self.outcome.not_ended_once += desk.ends(session) != 1 and not desk.finds_lost
                self.outcome.sessions += 1
                del desk.sessions[name]
        desk.requests.clear()


async def marathon(name: str, visits: int, seed: int, folder: Path) -> Outcome:
    """`visits` at the desk of one provider, with the books in `folder`."""
    tracebacks, complaints = Tracebacks(), 0

    def complain(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        nonlocal complaints
        complaints += 1
        logging.getLogger(__name__).error("nobody caught: %s", context.get("message"))

    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    loop.set_exception_handler(complain)
    logging.getLogger().addHandler(tracebacks)
    try:
        async with DESKS[name]() as desk:
            outcome = await Marathon(name, desk, folder, seed).run(visits)
    finally:
        logging.getLogger().removeHandler(tracebacks)
        loop.set_exception_handler(before)
    outcome.exceptions = tracebacks.count + complaints
    return outcome


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.thousand_visits", description=__doc__)
    parser.add_argument("--provider", choices=tuple(DESKS), help="this one alone; default: each of them")
    parser.add_argument("--visits", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    logging.getLogger().addHandler(logging.NullHandler())
    faults = 0
    for name in [arguments.provider] if arguments.provider else list(DESKS):
        with tempfile.TemporaryDirectory(prefix="kiosk-visits-") as folder:
            outcome = asyncio.run(marathon(name, arguments.visits, arguments.seed, Path(folder)))
        print(outcome.line(), flush=True)
        faults += outcome.faults + (outcome.growth_mb > FLAT_MB)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
