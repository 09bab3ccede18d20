"""Several recognisers, each for one language, as one pair of ears."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

from kiosk.persona.ears import Ears, EarsError, Heard

log = logging.getLogger("kiosk.persona.ears")


class EarsByLanguage:
    """Implements `Ears`. Of `ears` the first that hears a language listens to it."""

    def __init__(self, ears: Iterable[Ears]):
        self._ears = tuple(ears)

    def hears(self, language: str) -> bool:
        return any(ears.hears(language) for ears in self._ears)

    async def learn(self, sentences: Mapping[str, Sequence[str]]) -> None:
        """One that cannot be used is told in the log, and does not keep the others from hearing."""
        taught = await asyncio.gather(*(ears.learn(sentences) for ears in self._ears), return_exceptions=True)
        faults = [fault for fault in taught if fault is not None]
        for fault in faults:
            if not isinstance(fault, EarsError):
                raise fault
        if len(faults) == len(self._ears):
            raise EarsError("; ".join(str(fault) for fault in faults))
        for fault in faults:
            log.error("a language is not heard: %s", fault)

    def listen(self, frames: AsyncIterator[bytes], language: str) -> AsyncIterator[Heard]:
        for ears in self._ears:
            if ears.hears(language):
                return ears.listen(frames, language)
        raise EarsError(f"there are no ears for {language}")

    async def aclose(self) -> None:
        await asyncio.gather(*(ears.aclose() for ears in self._ears))
