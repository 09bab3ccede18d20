"""The voice that is always there: espeak-ng, in a process of its own, with visemes from its own phoneme times."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import soxr

from kiosk.persona.espeak_engine import EspeakEngine, ListedVoice, Request, Spoken, voice_command
from kiosk.persona.espeak_voices import VoiceChoice, choose_voice
from kiosk.persona.phonemes import viseme_cues
from kiosk.persona.speech_text import pieces, said
from kiosk.persona.voice import RATE, SpeechPiece, VoiceError

VOICES: Mapping[str, VoiceChoice] = {
    "en": VoiceChoice("en-gb+f3", words_per_minute=160, pitch=50),
    "de": VoiceChoice("de+f3", words_per_minute=150, pitch=50),
}
"""Where the operator chose none. Other languages speak with espeak-ng's first voice for them."""


class EspeakVoice:
    """One sentence at a time: the first is heard while the rest is not even made.

    All talk with the process is on one thread of its own, so nothing here blocks the event loop, and a loop that knows
    no child processes will do.
    """

    def __init__(self, voices: Mapping[str, VoiceChoice] = VOICES, command: Sequence[str] | None = None) -> None:
        """`voices` by language tag. `command` starts the voice process; the tests know others."""
        self._voices = dict(voices)
        self._engine = EspeakEngine(command if command is not None else voice_command())
        self._thread = ThreadPoolExecutor(1, "espeak")
        self._closed = False

    def prewarm(self) -> None:
        """Starts the process, so that the first words come at once. Returns at once; what fails is told by `speak`."""
        if not self._closed:
            self._thread.submit(self._engine.catalogue)

    async def voices(self) -> tuple[ListedVoice, ...]:
        """Every voice there is. Raises `VoiceError`."""
        return (await self._on_thread(self._engine.catalogue)).voices

    async def speak(self, text: str, language: str) -> AsyncIterator[SpeechPiece]:
        """See `Voice`. `language` is a tag as `en` or `de-AT`."""
        choice = await self._on_thread(lambda: choose_voice(self._engine.catalogue(), self._voices, language))
        for piece in pieces(text):
            if not (words := said(piece)):
                yield SpeechPiece(b"", (), piece)
                continue
            request = Request(words, choice.name, choice.words_per_minute, choice.pitch, choice.pitch_range)
            yield await self._on_thread(functools.partial(self._make, request, piece))

    async def aclose(self) -> None:
        """Ends the process and its thread. Speech under way ends with `VoiceError`."""
        self._closed = True
        await asyncio.to_thread(self._engine.close)
        await asyncio.to_thread(self._thread.shutdown, wait=True, cancel_futures=True)

    def _make(self, request: Request, text: str) -> SpeechPiece:
        spoken = self._engine.speak(request)
        begins = [(sample / spoken.rate, mnemonic) for sample, mnemonic in spoken.phonemes]
        return SpeechPiece(resampled(spoken), viseme_cues(begins, len(spoken.pcm) / 2 / spoken.rate), text)

    async def _on_thread[T](self, action: Callable[[], T]) -> T:
        if self._closed:
            raise VoiceError("the voice has been closed")
        return await asyncio.get_running_loop().run_in_executor(self._thread, action)


def resampled(spoken: Spoken) -> bytes:
    """A whole sentence at the persona's rate, without delay."""
    if not spoken.pcm:
        return b""
    # As floats: with integers the resampler dithers, by numbers that differ from run to run.
    samples = np.frombuffer(spoken.pcm, dtype="<i2").astype(np.float32)
    made = soxr.resample(samples, spoken.rate, RATE)
    pcm: bytes = np.clip(np.rint(made), -32768, 32767).astype("<i2").tobytes()
    return pcm
