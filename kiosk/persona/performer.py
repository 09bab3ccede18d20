"""The persona on stage: voice and face in step.

One piece of code for the local persona, the avatar worker, and the face of a voice that comes from elsewhere.

Everything runs on the media loop, except the drawing: that has a thread of its own, so that a slow picture never makes
the voice stutter. A frame shows the mouth of the sound that is handed to the loudspeaker at that moment, and is due
when that sound leaves it. Its moment is that of an even clock, whenever the loop gets round to it: pictures that are
due evenly are shown evenly, and each has the mouth of its own moment, not that of the last tick.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from kiosk.media.av_sync import VideoDelay
from kiosk.media.frames import PixelFormat, VideoFrame, VideoSink, VoiceSink
from kiosk.media.levels import level_dbfs
from kiosk.persona.face import FaceState, Mood
from kiosk.persona.lips import LipReader
from kiosk.persona.mouth import mouth_at
from kiosk.persona.sound_clock import LATE_S, TICK_S, SoundClock
from kiosk.persona.visemes import MouthShape
from kiosk.persona.voice import RATE, SpeechPiece

log = logging.getLogger("kiosk.persona")

TICK_BYTES = int(RATE * TICK_S) * 2
SILENCE = bytes(TICK_BYTES)
QUIET_DBFS, LOUD_DBFS = -50.0, -14.0
LIPS_LAG_S = 0.03  # lips read from sound come this much behind it
READ_LAG_S = LIPS_LAG_S + TICK_S / 2  # and were read at the last tick, half a tick ago on average
EARLY = 0.125  # of an interval: a picture stands for all of it, so neither its begin nor its middle is to be far off
MAX_PIECES = 256


class Painter(Protocol):
    width: int
    height: int

    def paint(self, state: FaceState) -> bytes | memoryview:
        """BGRA of the whole picture; the buffer is never written again."""
        ...


class Bearing(Protocol):
    """How the face behaves (kiosk.persona.behaviour)."""

    def state(self, now_s: float, mood: Mood, mouth: MouthShape | None = None, loudness: float = 0.0) -> FaceState: ...


class Performer:
    """`start` and `stop` once each, on the media loop. `voice` is None where somebody else plays the sound (`hear`)."""

    def __init__(
        self,
        painter: Painter,
        bearing: Bearing,
        video: VideoSink,
        voice: VoiceSink | None,
        *,
        latency_s: Callable[[], float],
        fps: int = 30,
        on_piece: Callable[[SpeechPiece], None] = lambda _: None,
        on_silent: Callable[[], None] = lambda: None,
        on_frame: Callable[[VideoFrame], None] = lambda _: None,
    ):
        """`latency_s`: seconds from handing sound over until it is heard. `on_piece`: a piece begins to be spoken.

        `on_silent`: all that was to be said is said, or was interrupted.
        """
        self._painter = painter
        self._bearing = bearing
        self._video = video
        self._voice = voice
        self._latency_s = latency_s
        self._interval_s = 1 / fps
        self._on_piece = on_piece
        self._on_silent = on_silent
        self._on_frame = on_frame
        self.mood = Mood.IDLE
        self._pieces: deque[SpeechPiece] = deque()
        self._piece: SpeechPiece | None = None
        self._sent = 0  # bytes of the present piece
        self._handed = SoundClock()
        self._lips = LipReader()
        # By how much the mouth is behind the sound: as in the last piece, so that a pause moves no picture.
        self._lag_s = READ_LAG_S if voice is None else 0.0
        self._delay = VideoDelay()
        self._read_mouth = MouthShape()
        self._loudness = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self._studio = ThreadPoolExecutor(1, "persona painter")
        self.painted = 0
        self.skipped = 0

    @property
    def speaking(self) -> bool:
        return self._piece is not None or bool(self._pieces)

    @property
    def position_s(self) -> float:
        """Seconds of the present piece that were handed over."""
        return self._sent / 2 / RATE

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._tasks.append(loop.create_task(self._draw(), name="persona face"))
        if self._voice is not None:
            self._tasks.append(loop.create_task(self._speak(self._voice), name="persona voice"))
        for task in self._tasks:
            task.add_done_callback(_tell_failure)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        await asyncio.get_running_loop().run_in_executor(None, self._studio.shutdown)

    def say(self, piece: SpeechPiece) -> None:
        """Queues a piece behind what is being said. Beyond `MAX_PIECES` the newest is dropped."""
        if len(self._pieces) < MAX_PIECES:
            self._pieces.append(piece)
        else:
            log.warning("too much to say; a piece is left out")

    def interrupt(self) -> None:
        """Silent at once: what was to be said is forgotten."""
        was_speaking = self.speaking
        self._pieces.clear()
        self._piece = None
        if self._voice is not None:
            self._voice.flush()
        if was_speaking:
            self._on_silent()

    def hear(self, pcm: bytes | memoryview) -> None:
        """10 ms of sound (s16le mono, 48 kHz) that somebody else plays with the same latency: the lips follow it."""
        self._take_in(bytes(pcm), time.perf_counter())

    async def _speak(self, voice: VoiceSink) -> None:
        due = time.perf_counter()
        while True:
            due += TICK_S
            wait = due - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            elif wait < -LATE_S:
                due = time.perf_counter()
            pcm = self._next_tick()
            self._take_in(pcm, due)
            voice.put(pcm)

    def _next_tick(self) -> bytes:
        if self._piece is None and self._pieces:
            self._piece, self._sent = self._pieces.popleft(), 0
            self._on_piece(self._piece)
        if self._piece is None:
            return SILENCE
        pcm = self._piece.pcm[self._sent : self._sent + TICK_BYTES]
        self._sent += TICK_BYTES
        if self._sent >= len(self._piece.pcm):
            self._piece = None
            if not self._pieces:
                self._on_silent()
        return pcm if len(pcm) == TICK_BYTES else pcm.ljust(TICK_BYTES, b"\0")

    def _take_in(self, pcm: bytes, at_s: float) -> None:
        self._handed.tick(at_s)
        level = level_dbfs(pcm)
        self._loudness = min(1.0, max(0.0, (level - QUIET_DBFS) / (LOUD_DBFS - QUIET_DBFS)))
        if self._piece is None or not self._piece.cues:
            self._read_mouth = self._lips.feed(pcm)
        if self._piece is not None:
            self._lag_s = 0.0 if self._piece.cues else READ_LAG_S

    def _mouth(self, at_s: float) -> MouthShape:
        """The mouth at a moment about now; what is read from the sound is `_lag_s` behind."""
        piece = self._piece
        if piece is not None and piece.cues:
            return mouth_at(piece.cues, self.position_s + self._handed.since_s(at_s))
        return self._read_mouth

    async def _draw(self) -> None:
        loop = asyncio.get_running_loop()
        due = time.perf_counter()
        while True:
            due += self._interval_s
            wait = due - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            elif wait < -LATE_S:
                self.skipped += int(-wait / self._interval_s)
                due = time.perf_counter()
            state = self._bearing.state(due, self.mood, self._mouth(due), self._loudness)
            latency_s = self._latency_s()
            delay_s = self._delay.update(latency_s - self._lag_s if latency_s > 0 else None)
            picture = await loop.run_in_executor(self._studio, self._painter.paint, state)
            self.painted += 1
            frame = VideoFrame(
                PixelFormat.BGRA,
                self._painter.width,
                self._painter.height,
                picture,
                due_s=due + delay_s - EARLY * self._interval_s if latency_s > 0 else 0.0,
                arrived_s=time.perf_counter(),
            )
            self._video.put(frame)
            self._on_frame(frame)


def _tell_failure(task: asyncio.Task[None]) -> None:
    """A face that stands still or a voice that falls silent must not do so without a word."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("%s failed: %s", task.get_name(), type(error).__name__, exc_info=error)
