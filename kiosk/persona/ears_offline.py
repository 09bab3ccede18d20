"""Ears on this machine: WebRTC's voice activity detection, and a recogniser in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import soxr

from kiosk.persona.ears import EarsError, Final, Heard, SpeechStarted, Unclear
from kiosk.persona.ears_endpoint import Begun, Endpointer, Utterance
from kiosk.persona.ears_engine import EarsEngine, ears_command
from kiosk.persona.ears_sphinx import RATE

log = logging.getLogger("kiosk.persona.ears")

FRAME_RATE = 48_000  # Hz
ENGLISH = "en"
LEAST_CONFIDENCE = 0.35
"""Below this a text is as good as guessed; resources/manual/ears.md has the figures."""

MOST_WAITING = 2  # utterances that were said and not yet recognised; older ones are dropped
_STRICTNESS = 2  # of the detection, 0 to 3: 3 misses quiet visitors
_QUIETEST = 10 ** (-55 / 20) * 32_768  # root mean square of a frame (-55 dBFS) below which nobody speaks to the kiosk


def voice_detector() -> Callable[[bytes], bool]:
    """Whether 10 ms of s16le mono at 48 kHz are a voice. Raises `EarsError`."""
    try:
        import pocketsphinx
    except ImportError as error:
        raise EarsError(f"speech cannot be heard ({error}); install the kiosk again") from None
    detector = pocketsphinx.Vad(mode=_STRICTNESS, sample_rate=FRAME_RATE, frame_length=0.01)

    def is_voice(frame: bytes) -> bool:
        samples = np.frombuffer(frame, dtype="<i2").astype(np.float32)
        # Asked in any case: the detector learns the room's noise from every frame.
        return bool(detector.is_speech(frame)) and float(np.sqrt(np.mean(samples**2))) > _QUIETEST

    return is_voice


class OfflineEars:
    """Implements `Ears`. One `listen` at a time; `learn` before the first one.

    `model`: the folder of a Vosk model for `language`; without one it is what comes with the kiosk, for English.
    `engine`: another recogniser behind the protocol of `ears_process`.
    """

    def __init__(self, language: str = ENGLISH, model: Path | None = None, *, engine: EarsEngine | None = None):
        self._engine = engine or EarsEngine(ears_command(model))
        self._language = language

    def hears(self, language: str) -> bool:
        return self._language in (language, language.split("-")[0])

    async def learn(self, sentences: Mapping[str, Sequence[str]]) -> None:
        own = [text for language, texts in sentences.items() if self.hears(language) for text in texts]
        await asyncio.to_thread(self._engine.learn, own)

    async def aclose(self) -> None:
        await asyncio.to_thread(self._engine.close)

    async def listen(self, frames: AsyncIterator[bytes], language: str) -> AsyncIterator[Heard]:
        said: asyncio.Queue[Utterance | None] = asyncio.Queue()
        heard: asyncio.Queue[Heard | EarsError | None] = asyncio.Queue()
        tasks = (
            asyncio.create_task(_cut(frames, Endpointer(voice_detector()), said, heard), name="ears: cut"),
            asyncio.create_task(self._understand(said, heard), name="ears: understand"),
        )
        try:
            while (item := await heard.get()) is not None:
                if isinstance(item, EarsError):
                    raise item
                yield item
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def _understand(
        self, said: asyncio.Queue[Utterance | None], heard: asyncio.Queue[Heard | EarsError | None]
    ) -> None:
        failed = False
        while (utterance := await said.get()) is not None:
            try:
                heard.put_nowait(await asyncio.to_thread(self._recognise, utterance.pcm))
                failed = False
            except EarsError as error:
                if failed:
                    heard.put_nowait(error)
                    return
                # The next sentence finds a new process: the visitor says it again.
                log.warning("what was said was not understood: %s", error)
                heard.put_nowait(Unclear())
                failed = True
        heard.put_nowait(None)

    def _recognise(self, pcm: bytes) -> Heard:
        samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], dtype="<i2").astype(np.float32)
        sound = soxr.resample(samples, FRAME_RATE, RATE)
        result = self._engine.recognise(np.clip(sound, -32_768, 32_767).astype("<i2").tobytes())
        if not result.text or result.confidence < LEAST_CONFIDENCE:
            return Unclear()
        return Final(result.text, result.confidence)


async def _cut(
    frames: AsyncIterator[bytes],
    endpointer: Endpointer,
    said: asyncio.Queue[Utterance | None],
    heard: asyncio.Queue[Heard | EarsError | None],
) -> None:
    """Never waits for the recogniser: a microphone that is not read loses what is said meanwhile."""
    try:
        async for frame in frames:
            _hand_on(endpointer.feed(frame), said, heard)
        _hand_on(endpointer.finish(), said, heard)
    finally:
        said.put_nowait(None)


def _hand_on(
    event: object, said: asyncio.Queue[Utterance | None], heard: asyncio.Queue[Heard | EarsError | None]
) -> None:
    if isinstance(event, Begun):
        heard.put_nowait(SpeechStarted())
    elif isinstance(event, Utterance):
        while said.qsize() >= MOST_WAITING:
            said.get_nowait()
        said.put_nowait(event)
