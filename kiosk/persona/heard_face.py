"""The persona's face without its voice: for one that somebody else plays, and for company while a visitor waits."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from kiosk.links.contract import AvatarMode
from kiosk.persona.face import Mood
from kiosk.persona.performer import Performer

MOODS: Mapping[AvatarMode | None, Mood] = {
    None: Mood.IDLE,  # nobody is there
    AvatarMode.LISTENING: Mood.LISTENING,
    AvatarMode.THINKING: Mood.THINKING,
    AvatarMode.SPEAKING: Mood.SPEAKING,
}


class HeardFace:
    """Implements `Face`. Paints from the start; made and used on the media loop."""

    def __init__(self, performer: Performer) -> None:
        self._performer = performer
        performer.start()

    def hear(self, pcm: bytes | memoryview) -> None:
        self._performer.hear(pcm)

    def show(self, mode: AvatarMode) -> None:
        self._performer.mood = MOODS[mode]

    async def aclose(self) -> None:
        await self._performer.stop()


NOTICES_S = 1.2  # so long the face shows that it has seen the visitor


class SilentFace:
    """Looks up with a smile, then waits with the visitor: breathes, blinks, nods now and then. On the media loop."""

    def __init__(self, performer: Performer) -> None:
        self._performer = performer
        performer.mood = Mood.GREETING
        performer.start()
        self._later = asyncio.get_running_loop().call_later(NOTICES_S, self._listen)

    def _listen(self) -> None:
        self._performer.mood = Mood.LISTENING

    async def aclose(self) -> None:
        self._later.cancel()
        await self._performer.stop()
