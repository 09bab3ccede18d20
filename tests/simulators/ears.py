"""Listens to the microphone of the first visitor in a room and cuts what it hears into utterances."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import numpy as np
from livekit import rtc

from tests.simulators.chores import Chores
from tests.simulators.hearing import HeardRecord, UtteranceDetector
from tests.simulators.speech import RATE, Samples

DEAF_AFTER_SPEECH_S = 0.5  # our own words still come back out of the visitor's loudspeaker
KEPT_UTTERANCES = 32

OnUtterance = Callable[[Samples, str, str], None]  # 48 kHz samples, identity of the visitor, sid of the track


class Ears:
    """`speaking` says whether we speak ourselves: what comes in then is recorded and not answered."""

    def __init__(
        self,
        chores: Chores,
        record: HeardRecord,
        *,
        silence_s: float,
        speaking: Callable[[], bool],
        on_utterance: OnUtterance,
    ) -> None:
        self._chores = chores
        self._record = record
        self._speaking = speaking
        self._on_utterance = on_utterance
        self._detector = UtteranceDetector(silence_s=silence_s)
        self._task: asyncio.Task[None] | None = None
        self._track_sid = ""
        self._deaf_until = 0.0
        self.utterances: list[tuple[float, Samples]] = []  # (time.monotonic() of its end, samples)

    def attend(self, room: rtc.Room) -> None:
        """To be called before the room is joined."""
        room.on("track_subscribed", self._on_track)
        room.on("track_unsubscribed", self._on_track_gone)

    def _on_track(
        self, track: rtc.Track, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant
    ) -> None:
        visitor = participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD
        microphone = publication.source == rtc.TrackSource.SOURCE_MICROPHONE
        busy = self._task is not None and not self._task.done()
        if visitor and microphone and not busy:
            self._track_sid = track.sid
            self._task = self._chores.spawn(self._listen(track, participant.identity))

    def _on_track_gone(
        self, track: rtc.Track, _publication: rtc.RemoteTrackPublication, _participant: rtc.RemoteParticipant
    ) -> None:
        if self._task is not None and self._track_sid == track.sid:
            self._task.cancel()
            self._task = None

    async def _listen(self, track: rtc.Track, visitor: str) -> None:
        stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1, capacity=200)
        self._detector.reset()
        try:
            async for event in stream:
                samples = np.frombuffer(bytes(event.frame.data), np.int16)
                now = time.monotonic()
                self._record.add(now, samples)
                if self._speaking():
                    self._deaf_until = now + DEAF_AFTER_SPEECH_S
                if now < self._deaf_until:
                    self._detector.reset()
                    continue
                utterance = self._detector.feed(samples)
                if utterance is not None:
                    self.utterances = [*self.utterances[1 - KEPT_UTTERANCES :], (now, utterance)]
                    self._on_utterance(utterance, visitor, track.sid)
        finally:
            await stream.aclose()
