"""When Python looks for garbage that only its collector finds: between visits, and on one thread.

Left to itself it looks in the middle of a visit, through all that the program ever loaded: for a tenth of a second no
other thread runs, that of the sound card neither. It also looks on whichever thread happens to ask for memory, where no
widget may end.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Final

from kiosk.session.view import Phase, Situation

SETTLE_S: Final = 3.0  # after a visit, until its links are closed
ROUND_S: Final = 10.0
MANY: Final = 2_000  # objects since the last look, as Python's own threshold
NEW: Final = 1  # generation up to which is looked in the middle of a visit: some hundred objects
ALL: Final = 2
ALL_AFTER: Final = 30  # rounds: in a visit of hours the old ones have their turn too, for some milliseconds
EMPTY = (Phase.ATTRACT, Phase.OUT_OF_SERVICE)


class GarbageRounds:
    """`start` and `stop` once each, on the GUI thread's loop, with the collector switched off."""

    def __init__(
        self, give_back: Callable[[], None], *, settle_s: float = SETTLE_S, round_s: float = ROUND_S, many: int = MANY
    ) -> None:
        """`give_back`: returns to the system what nobody needs any more; called in a thread, where nobody is there."""
        self._give_back = give_back
        self._settle_s = settle_s
        self._round_s = round_s
        self._many = many
        self._task: asyncio.Task[None] | None = None
        self._left = asyncio.Event()
        self._present = False

    def start(self) -> None:
        """What is there now stays to the end: it is never looked at again."""
        gc.freeze()
        self._task = asyncio.get_running_loop().create_task(self._run(), name="garbage rounds")

    async def stop(self) -> None:
        """Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            gc.unfreeze()

    def show_situation(self, situation: Situation) -> None:
        """To be subscribed to the controller."""
        present = situation.phase not in EMPTY
        if self._present and not present:
            self._left.set()
        self._present = present

    async def _run(self) -> None:
        rounds = 0
        while True:
            try:
                await asyncio.wait_for(self._left.wait(), self._round_s)
            except TimeoutError:
                rounds += 1
                if rounds % ALL_AFTER == 0:
                    gc.collect(ALL)
                elif gc.get_count()[0] > self._many:
                    gc.collect(NEW)
                continue
            self._left.clear()
            await asyncio.sleep(self._settle_s)
            if not self._present:
                gc.collect(ALL)
                await asyncio.to_thread(self._give_back)
