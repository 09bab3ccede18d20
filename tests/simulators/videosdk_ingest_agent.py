"""A lively agent behind a simulated ingest session: greets, hears, answers. In and out: 8 kHz, 20 ms at a time."""

from __future__ import annotations

import asyncio
import time
from typing import Literal

import numpy as np
import soxr

from tests.simulators.chores import Chores
from tests.simulators.hearing import HeardRecord, UtteranceDetector
from tests.simulators.speech import FRAME, RATE, Samples, SpeechMaker
from tests.simulators.voice import Voice

FAR_RATE = 8_000  # Hz
FAR_FRAME = 160  # samples in 20 ms
DEAF_AFTER_SPEECH_S = 0.5  # our own words still come back out of the visitor's loudspeaker
KEPT_UTTERANCES = 32

Respond = Literal["echo", "silent", "talk"]


class RoomAgent:
    """`greeting` is spoken once, by `greet`; "echo" repeats each utterance, "talk" says a sentence in answer."""

    def __init__(self, speech: SpeechMaker, chores: Chores, *, greeting: str = "", respond: Respond = "echo") -> None:
        self.voice = Voice()
        self.heard = HeardRecord()
        self.utterances: list[tuple[float, Samples]] = []
        self.answers = 0
        self._speech = speech
        self._chores = chores
        self._greeting = greeting
        self._respond = respond
        self._detector = UtteranceDetector()
        self._deaf_until = 0.0
        self._down = soxr.ResampleStream(RATE, FAR_RATE, 1, dtype="int16", vr=True)
        self._down.set_io_ratio(RATE, FAR_RATE, 0)
        self._up = soxr.ResampleStream(FAR_RATE, RATE, 1, dtype="int16", vr=True)
        self._up.set_io_ratio(FAR_RATE, RATE, 0)
        self._out = np.zeros(0, np.int16)
        self._in = np.zeros(0, np.int16)

    def greet(self) -> None:
        if self._greeting:
            self._chores.spawn(self.say(self._greeting))

    async def say(self, text: str) -> None:
        self.voice.say(await asyncio.to_thread(self._speech.render, text))

    def next_frame(self) -> bytes:
        """The next 20 ms: 320 bytes of s16le mono at 8 kHz."""
        while len(self._out) < FAR_FRAME:
            self._out = np.concatenate([self._out, self._down.resample_chunk(self.voice.next_frame())])
        frame, self._out = self._out[:FAR_FRAME], self._out[FAR_FRAME:]
        return bytes(frame.astype("<i2").tobytes())

    def hear(self, pcm: bytes) -> None:
        """What a client sent: s16le mono at 8 kHz."""
        samples = np.frombuffer(pcm, "<i2").astype(np.int16)
        self._in = np.concatenate([self._in, self._up.resample_chunk(samples)])
        while len(self._in) >= FRAME:
            frame, self._in = self._in[:FRAME], self._in[FRAME:]
            self._listen(frame)

    def _listen(self, frame: Samples) -> None:
        now = time.monotonic()
        self.heard.add(now, frame)
        if self.voice.speaking:
            self._deaf_until = now + DEAF_AFTER_SPEECH_S
        if now < self._deaf_until:
            self._detector.reset()
            return
        utterance = self._detector.feed(frame)
        if utterance is None:
            return
        self.utterances = [*self.utterances[1 - KEPT_UTTERANCES :], (now, utterance)]
        if self._respond == "echo":
            self.answers += 1
            self.voice.say(utterance)
        elif self._respond == "talk":
            self.answers += 1
            self._chores.spawn(self.say("I heard you. How may I help?"))
