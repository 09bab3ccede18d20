"""Takes the snapshots behind the live figures: while a visit goes on and while somebody looks, else never.

Somebody looks: once a second. A visit alone: after 1, 2, 4 and 8 seconds, then every ten. Once a minute, and at the end
of the visit, its figures are one line of the log.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from kiosk.clock import Clock
from kiosk.figure_rows import log_line
from kiosk.figures import Figures, LiveFigures, Snapshot, figures
from kiosk.media.statistics import AudioStatistics, MicrophoneStatistics, NetworkStatistics, VideoStatistics
from kiosk.process_statistics import ProcessStatistics, process_statistics
from kiosk.session.view import Phase, Situation

log = logging.getLogger("kiosk.figures")

WATCHED_S = 1.0
VISIT_S = 10.0
LOG_S = 60.0
LOOK_LASTS_S = 2.5  # whoever looks comes again within a second
EARLY_S = 0.05  # a timer that fires a hair too early must not cost a second
NETWORK_S = 3.0
CONVERSING = (Phase.LIVE, Phase.FALLBACK, Phase.RECOVERING)


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the counters are. All but `network` and `process` return at once; `process` is called in a thread."""

    video: Callable[[], VideoStatistics]
    audio: Callable[[], AudioStatistics]
    microphone: Callable[[], MicrophoneStatistics]
    network: Callable[[], Awaitable[NetworkStatistics | None]]
    process: Callable[[], ProcessStatistics] = process_statistics


class FigureSampler:
    """`start` and `stop` once each. Everything on one loop."""

    def __init__(self, sources: Sources, clock: Clock) -> None:
        self._sources = sources
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._looked_s: float | None = None
        self._last: Snapshot | None = None
        self._began: Snapshot | None = None  # of the visit that goes on
        self._logged: Snapshot | None = None  # up to here the log has it
        self._latest: Figures | None = None
        self.visit: Figures | None = None
        """Of the visit that goes on or, between visits, of the one before."""

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name="live figures")

    async def stop(self) -> None:
        """Takes a last look at a visit that goes on. Idempotent; within some seconds."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if self._began is not None:
            self._take_in(await self._snapshot())
            self._end_visit()

    def look(self) -> LiveFigures:
        """What is known now. Whoever asks once a second gets figures of the last second each time."""
        self._looked_s = self._clock.monotonic()
        self._wake.set()
        return LiveFigures(self._latest, self.visit if self._began is not None else None)

    def show_situation(self, situation: Situation) -> None:
        """To be subscribed to the controller."""
        conversing = situation.phase in CONVERSING
        if conversing and self._began is None:
            self._last = self._began = self._logged = self._at_once()
            self._wake.set()
        elif not conversing and self._began is not None:
            self._take_in(self._at_once())  # now, for in a moment the devices are closed
            self._end_visit()

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            due_s = self._due_s()
            try:
                await asyncio.wait_for(
                    self._wake.wait(), None if due_s is None else max(0.0, due_s - self._clock.monotonic())
                )
            except TimeoutError:
                pass
            due_s = self._due_s()
            if due_s is not None and self._clock.monotonic() >= due_s - EARLY_S:
                self._take_in(await self._snapshot())

    def _due_s(self) -> float | None:
        """When the next snapshot is to be taken; None: not before something changes."""
        now_s = self._clock.monotonic()
        last_s = None if self._last is None else self._last.t_s
        if self._looked_s is not None and now_s - self._looked_s < LOOK_LASTS_S:
            return now_s if last_s is None else last_s + WATCHED_S
        if self._began is None or last_s is None:
            return None
        return last_s + max(WATCHED_S, min(VISIT_S, last_s - self._began.t_s))

    def _take_in(self, now: Snapshot) -> None:
        before, self._last = self._last, now
        if before is not None:
            self._latest = figures(before, now)
        if self._began is None or self._logged is None:
            return
        self.visit = figures(self._began, now)
        if now.t_s - self._logged.t_s >= LOG_S - EARLY_S:
            self._log(now)

    def _end_visit(self) -> None:
        if self._last is not None and self._logged is not None and self._last.t_s > self._logged.t_s:
            self._log(self._last)
        self._began = self._logged = None

    def _log(self, now: Snapshot) -> None:
        if self._logged is not None:
            minute = figures(self._logged, now)
            log.info("%s", log_line(minute), extra=minute.fields())
        self._logged = now

    async def _snapshot(self) -> Snapshot:
        network = await self._network()
        process = await asyncio.to_thread(self._sources.process)
        return replace(self._at_once(), network=network, process=process)

    async def _network(self) -> NetworkStatistics | None:
        try:
            async with asyncio.timeout(NETWORK_S):
                return await self._sources.network()
        except TimeoutError:
            log.debug("the link does not tell its figures in time")
        except Exception:
            # Figures must not end because one link among many cannot tell them.
            log.exception("a link failed to tell its figures")
        return None

    def _at_once(self) -> Snapshot:
        """Without what has to be waited for: that is as it was."""
        last = self._last or Snapshot(0.0)
        return Snapshot(
            self._clock.monotonic(),
            self._sources.video(),
            self._sources.audio(),
            self._sources.microphone(),
            last.network,
            replace(last.process, cpu_s=time.process_time()),
        )
