"""A visit with the kiosk's own persona: hears, answers, speaks, shows. Everything runs on the media loop.

One turn at a time: whatever the visitor says or types while the persona speaks or thinks interrupts that turn. Where
the voice fails, the words are shown for as long as reading them takes, and the visit goes on.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from kiosk.dialogue.contract import Dialogue, Reply
from kiosk.links.contract import (
    AvatarJoined,
    AvatarMode,
    Caption,
    Card,
    FirstFrame,
    Joined,
    LinkEvent,
    Mode,
    Speaker,
    Suggestions,
    TookLeave,
)
from kiosk.media.frames import MicrophoneSource, VideoFrame
from kiosk.persona.ears import Ears, EarsError, Final, Heard, Unclear
from kiosk.persona.face import Mood
from kiosk.persona.heard_face import MOODS
from kiosk.persona.performer import Performer
from kiosk.persona.voice import SpeechPiece, Voice, VoiceError

log = logging.getLogger("kiosk.persona")

IDENTITY = "persona"
READING_S_PER_CHARACTER = 0.055
SHORTEST_READING_S = 2.0
LONGEST_HUSH_S = 2.0
HUSH_STEP_S = 0.02


class PerformerMaker(Protocol):
    """Builds the performer of one visit around its listeners."""

    def __call__(
        self,
        *,
        on_piece: Callable[[SpeechPiece], None],
        on_silent: Callable[[], None],
        on_frame: Callable[[VideoFrame], None],
    ) -> Performer: ...


class LocalVisit:
    """`open` once, `close` once. `ears` or `microphone` None: nobody listens; touch and typing always work."""

    def __init__(
        self,
        make_performer: PerformerMaker,
        voice: Voice,
        dialogue: Dialogue,
        ears: Ears | None,
        microphone: MicrophoneSource | None,
        emit: Callable[[LinkEvent], None],
        is_heard: Callable[[], bool] = lambda: True,
    ):
        """`is_heard`: the loudspeaker is open; its first word waits for that, at most `LONGEST_HUSH_S`."""
        self._performer = make_performer(on_piece=self._on_piece, on_silent=self._on_silent, on_frame=self._on_frame)
        self._voice = voice
        self._dialogue = dialogue
        self._ears = ears
        self._microphone = microphone
        self._emit = emit
        self._is_heard = is_heard
        self._hushed = True  # nothing was said yet
        self._language = "en"
        self._segments = itertools.count(1)
        self._segment = ""
        self._said = ""
        self._making = False  # the voice has not made all of the present reply yet
        self._silent = asyncio.Event()
        self._turn: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None
        self._shown = False
        self._mode: AvatarMode | None = None

    async def open(self, language: str) -> None:
        """Shows the face and begins to greet."""
        self._language = language
        self._emit(Joined())
        self._emit(AvatarJoined(IDENTITY))
        self._performer.mood = Mood.GREETING
        self._performer.start()
        loop = asyncio.get_running_loop()
        if self._ears is not None and self._microphone is not None and self._ears.hears(language):
            self._listening = loop.create_task(self._listen(self._ears, self._microphone), name="ears")
        self._turn = loop.create_task(self._greet(), name="greeting")

    async def close(self) -> None:
        """Idempotent."""
        for task in (self._listening, self._turn):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        self._listening = self._turn = None
        await self._performer.stop()

    async def take(self, text: str, confidence: float = 1.0) -> None:
        """What the visitor typed, touched or said: ends the present turn, then answers."""
        await self._end_turn()
        self._turn = asyncio.get_running_loop().create_task(self._answer(text, confidence), name="answer")

    async def interrupt(self) -> None:
        await self._end_turn()
        self._set_mode(AvatarMode.LISTENING)

    # --- turns ---

    async def _end_turn(self) -> None:
        turn, self._turn = self._turn, None
        if turn is not None:
            turn.cancel()
            await asyncio.gather(turn, return_exceptions=True)
        self._making = False
        self._performer.interrupt()

    async def _greet(self) -> None:
        await self._say(self._dialogue.greeting(self._language))

    async def _answer(self, text: str, confidence: float) -> None:
        self._emit(Caption(Speaker.VISITOR, f"visitor-{next(self._segments)}", text, True))
        self._set_mode(AvatarMode.THINKING)
        reply = await self._dialogue.reply(text, self._language, confidence)
        self._emit(reply.card or Card())
        await self._say(reply)

    async def _say(self, reply: Reply) -> None:
        self._segment, self._said = f"persona-{next(self._segments)}", ""
        self._silent.clear()
        self._making = True
        if reply.suggestions:
            self._emit(Suggestions(reply.suggestions))
        try:
            async for piece in self._voice.speak(reply.text, self._language):
                await self._end_hush()
                self._performer.say(piece)
            self._making = False
            if self._performer.speaking:
                await self._silent.wait()
        except VoiceError as error:
            log.error("no voice: %s", error)
            self._emit(Caption(Speaker.AVATAR, self._segment, reply.text, True))
            self._said = reply.text
            await asyncio.sleep(max(SHORTEST_READING_S, len(reply.text) * READING_S_PER_CHARACTER))
        finally:
            self._making = False
        self._finish()
        if reply.ends:
            self._emit(TookLeave())

    async def _end_hush(self) -> None:
        if self._hushed:
            loop = asyncio.get_running_loop()
            ends_s = loop.time() + LONGEST_HUSH_S
            while not self._is_heard() and loop.time() < ends_s:  # noqa: ASYNC110 - a loudspeaker has no event
                await asyncio.sleep(HUSH_STEP_S)
            self._hushed = False

    def _on_piece(self, piece: SpeechPiece) -> None:
        self._set_mode(AvatarMode.SPEAKING)
        self._said = f"{self._said} {piece.text}".strip()
        self._emit(Caption(Speaker.AVATAR, self._segment, self._said, False))

    def _on_silent(self) -> None:
        if not self._making:
            self._silent.set()

    def _finish(self) -> None:
        self._emit(Caption(Speaker.AVATAR, self._segment, self._said, True))
        self._set_mode(AvatarMode.LISTENING)

    # --- ears and face ---

    async def _listen(self, ears: Ears, microphone: MicrophoneSource) -> None:
        async def frames() -> AsyncIterator[bytes]:
            while True:
                yield await microphone.read()

        try:
            await self._attend(ears.listen(frames(), self._language))
        except EarsError as error:
            log.error("the persona hears nothing: %s", error)

    async def _attend(self, hearing: AsyncIterator[Heard]) -> None:
        async for heard in hearing:
            if isinstance(heard, Final) and heard.text:
                await self.take(heard.text, heard.confidence)
            elif isinstance(heard, Unclear) and not self._performer.speaking:
                await self._end_turn()
                reply = self._dialogue.not_heard(self._language)
                self._turn = asyncio.get_running_loop().create_task(self._say(reply), name="not heard")

    def _on_frame(self, frame: VideoFrame) -> None:
        if not self._shown:
            self._shown = True
            self._emit(FirstFrame(frame.width, frame.height))

    def _set_mode(self, mode: AvatarMode) -> None:
        self._performer.mood = MOODS[mode]
        if mode is not self._mode:
            self._mode = mode
            self._emit(Mode(mode))
