"""The persona's face for a voice that comes from elsewhere and that somebody else plays."""

from __future__ import annotations

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
