"""The kiosk's own persona on somebody's stage: greets, answers what the visitor types, and is seen there, not here.

Everything on the media loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from kiosk.links.contract import Caption, Card, LinkEvent, Suggestions, TookLeave
from kiosk.links.local import Performance
from kiosk.links.participants import ParticipantFacts
from kiosk.media.frames import VideoSink, VoiceSink
from kiosk.providers.contract import Misconfigured, StagePersona

log = logging.getLogger("kiosk.link")

_TOLD = (Caption, Card, Suggestions, TookLeave)  # the rest is about a picture that nobody sees here

StagePersonaMaker = Callable[[StagePersona, VideoSink, VoiceSink, Callable[[LinkEvent], None]], Awaitable[Performance]]
"""Called on the media loop; the persona shows and speaks into the sinks once it is opened. Raises `Misconfigured`."""


class StageOutlet(Protocol):
    """The way onto the stage."""

    @property
    def video(self) -> VideoSink: ...

    @property
    def voice(self) -> VoiceSink: ...

    async def open(self) -> bool:
        """Returns once somebody there could see and hear: True; or False where that will never be. Tells the log."""
        ...

    async def close(self) -> None:
        """Bounded in time, idempotent, safe while `open` is under way."""
        ...

    def is_ours(self, participant: ParticipantFacts) -> bool:
        """Whether this participant of the room is what we send: it is not to be shown to ourselves."""
        ...


class PersonaOnStage:
    """`start` once, `close` once. A persona that cannot go on the stage costs no visit: the log says why."""

    def __init__(
        self, plan: StagePersona, make: StagePersonaMaker, outlet: StageOutlet, emit: Callable[[LinkEvent], None]
    ):
        self._plan = plan
        self._make = make
        self._outlet = outlet
        self._emit = emit
        self._performance: Performance | None = None
        self._performing = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name="persona on stage")
        self._task.add_done_callback(_tell_failure)

    async def close(self) -> None:
        """Idempotent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        performance, self._performance = self._performance, None
        if performance is not None:
            await performance.close()
        await self._outlet.close()

    async def take(self, text: str) -> None:
        """What the visitor typed or touched; nobody takes it before the persona is on the stage."""
        if self._performance is not None and self._performing:
            await self._performance.take(text)

    async def interrupt(self) -> None:
        if self._performance is not None and self._performing:
            await self._performance.interrupt()

    def is_ours(self, participant: ParticipantFacts) -> bool:
        return self._outlet.is_ours(participant)

    async def _run(self) -> None:
        try:
            self._performance = await self._make(self._plan, self._outlet.video, self._outlet.voice, self._tell)
        except Misconfigured as error:
            log.error("the persona is not on the stage: %s", error.operator_line)
            return
        if await self._outlet.open():
            self._performing = True
            await self._performance.open(self._plan.language)

    def _tell(self, event: LinkEvent) -> None:
        if isinstance(event, _TOLD):
            self._emit(event)


def _tell_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("%s failed: %s", task.get_name(), type(error).__name__, exc_info=error)
