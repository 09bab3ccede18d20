"""A neural voice from a Piper file; needs the extra `avatar-kiosk[piper]`. It tells no visemes."""

from __future__ import annotations

import asyncio
import functools
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kiosk.persona.espeak import resampled
from kiosk.persona.espeak_engine import EspeakEngine, Request
from kiosk.persona.speech_text import pieces, said
from kiosk.persona.voice import SpeechPiece, VoiceError

ANSWER_S = 60.0  # a slow machine and a long sentence


class PiperVoice:
    """One model for each language, or for several; each model has its process, begun when it is first needed."""

    def __init__(self, models: Mapping[str, Path], words_per_minute: int = 165) -> None:
        """`models`: language tag -> MODEL.onnx, with MODEL.onnx.json beside it. Raises `VoiceError`."""
        if getattr(sys, "frozen", False):
            raise VoiceError(
                "this build has no Piper; install the Python package with: pip install 'avatar-kiosk[piper]'"
            )
        for path in models.values():
            for file in (path, path.with_name(path.name + ".json")):
                if not file.is_file():
                    raise VoiceError(f"the Piper voice lacks the file {file}")
        by_path = {path.resolve(): EspeakEngine(_command(path.resolve()), ANSWER_S) for path in models.values()}
        self._engines = {tag.lower().replace("_", "-"): by_path[path.resolve()] for tag, path in models.items()}
        self._words_per_minute = words_per_minute
        self._thread = ThreadPoolExecutor(1, "piper")
        self._closed = False

    def prewarm(self) -> None:
        """Loads the models, so that the first words come at once. Returns at once; what fails is told by `speak`."""
        if not self._closed:
            for engine in self._engines.values():
                self._thread.submit(engine.catalogue)

    async def speak(self, text: str, language: str) -> AsyncIterator[SpeechPiece]:
        """See `Voice`."""
        tag = language.lower().replace("_", "-")
        engine = self._engines.get(tag) or self._engines.get(tag.split("-")[0])
        if engine is None:
            raise VoiceError(f"there is no Piper voice for {tag!r}; there are {', '.join(sorted(self._engines))}")
        for piece in pieces(text):
            if not (words := said(piece)):
                yield SpeechPiece(b"", (), piece)
                continue
            request = Request(words, "", self._words_per_minute, 50, 50)
            spoken = await self._on_thread(functools.partial(engine.speak, request))
            yield SpeechPiece(resampled(spoken), (), piece)

    async def aclose(self) -> None:
        """Ends processes and thread. Speech under way ends with `VoiceError`."""
        self._closed = True
        for engine in self._engines.values():
            await asyncio.to_thread(engine.close)
        await asyncio.to_thread(self._thread.shutdown, wait=True, cancel_futures=True)

    async def _on_thread[T](self, action: Callable[[], T]) -> T:
        if self._closed:
            raise VoiceError("the voice has been closed")
        return await asyncio.get_running_loop().run_in_executor(self._thread, action)


def _command(model: Path) -> list[str]:
    return [sys.executable, "-m", "kiosk.persona.piper_process", str(model)]
