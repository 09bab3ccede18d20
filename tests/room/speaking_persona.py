"""A persona that is quick to make: a lamp for a face, and one sentence that it says again and again."""

from __future__ import annotations

import numpy as np

from kiosk.media.frames import VideoSink, VoiceSink
from kiosk.persona.behaviour import Behaviour
from kiosk.persona.face import FaceState
from kiosk.persona.performer import Performer
from kiosk.persona.voice import SpeechPiece
from tests.simulators.speech import SpeechMaker

WIDTH, HEIGHT, FPS = 320, 180, 20
WORDS = "Good morning everybody, and welcome to the stage."


def spoken() -> bytes:
    """The sentence as s16le mono at 48 kHz."""
    return SpeechMaker().render(WORDS).tobytes()


class MouthLamp:
    """A painter whose picture is as bright as the mouth is open, with a bar that moves."""

    width, height = WIDTH, HEIGHT

    def __init__(self) -> None:
        self._painted = 0

    def paint(self, state: FaceState) -> bytes:
        picture = np.full((HEIGHT, WIDTH, 4), int(40 + 180 * state.mouth.open), np.uint8)
        self._painted += 1
        left = self._painted * 8 % (WIDTH - 40)
        picture[:60, left : left + 40] = 255 if self._painted % 2 else 0
        return picture.tobytes()


class Speaking:
    """A `Performance` that says one thing again and again."""

    def __init__(self, video: VideoSink, voice: VoiceSink, pcm: bytes) -> None:
        self._pcm = pcm
        self._performer = Performer(
            MouthLamp(), Behaviour(7), video, voice, latency_s=voice.latency_s, fps=FPS, on_silent=self._again
        )
        self.taken: list[str] = []

    async def open(self, language: str) -> None:
        self._performer.start()
        self._again()

    async def close(self) -> None:
        await self._performer.stop()

    async def take(self, text: str) -> None:
        self.taken.append(text)

    async def interrupt(self) -> None:
        self._performer.interrupt()

    def _again(self) -> None:
        self._performer.say(SpeechPiece(self._pcm, (), WORDS))
