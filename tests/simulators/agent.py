"""An agent without a face, simulated: it hears the visitor and speaks through an avatar worker in the same room."""

from __future__ import annotations

import asyncio
import uuid

import numpy as np
import soxr
from livekit import rtc

from tests.simulators.chores import Chores
from tests.simulators.ears import Ears
from tests.simulators.hearing import HeardRecord
from tests.simulators.joining import AvatarError, connect, show_state
from tests.simulators.speech import RATE, Samples, SpeechMaker
from tests.simulators.speech_inbox import AUDIO_TOPIC, FINISHED

STREAM_RATE = 16_000  # Hz
WORKER_WAIT_S = 20.0
LEAVE_TIMEOUT_S = 8.0


class SimulatedAgent:
    """Answers with what it heard, as byte streams to the participant `worker`. Its token must be of kind AGENT."""

    def __init__(self, url: str, token: str, worker: str, *, greeting: str = "", speech: SpeechMaker) -> None:
        self._url, self._token, self._worker, self._greeting = url, token, worker, greeting
        self._speech = speech
        self._chores = Chores()
        self._room: rtc.Room | None = None
        self._unplayed = 0  # utterances whose end the worker has not reported
        self.heard = HeardRecord()
        self._ears = Ears(
            self._chores,
            self.heard,
            silence_s=0.3,
            speaking=lambda: self._unplayed > 0,
            on_utterance=self._on_utterance,
        )

    @property
    def faults(self) -> list[str]:
        return self._chores.faults

    async def join(self) -> None:
        """Raises `AvatarError`."""
        if self._room is not None:
            raise AvatarError("the agent is in a room already")
        room = rtc.Room()
        self._ears.attend(room)
        await connect(room, self._url, self._token)
        self._room = room
        room.local_participant.register_rpc_method(FINISHED, self._on_finished)
        await show_state(room, self._token, "listening")
        if self._greeting:
            self._chores.spawn(self._greet(room))

    async def leave(self) -> None:
        """Idempotent."""
        room, self._room = self._room, None
        if room is not None:
            await self._chores.end()
            await asyncio.wait_for(room.disconnect(), LEAVE_TIMEOUT_S)

    async def _greet(self, room: rtc.Room) -> None:
        samples = await asyncio.to_thread(self._speech.render, self._greeting)
        visitors = asyncio.Event()

        def look(*_: object) -> None:
            kinds = [participant.kind for participant in room.remote_participants.values()]
            if rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD in kinds:
                visitors.set()

        room.on("participant_connected", look)
        look()
        await visitors.wait()
        await asyncio.sleep(0.4)
        await self._speak(samples)

    def _on_utterance(self, samples: Samples, _visitor: str, _track_sid: str) -> None:
        self._chores.spawn(self._speak(samples))

    async def _speak(self, samples: Samples) -> None:
        assert self._room is not None
        await self._wait_for_worker(self._room)
        self._unplayed += 1
        await show_state(self._room, self._token, "speaking")
        writer = await self._room.local_participant.stream_bytes(
            f"AUDIO_{uuid.uuid4().hex[:12]}",
            topic=AUDIO_TOPIC,
            destination_identities=[self._worker],
            attributes={"sample_rate": str(STREAM_RATE), "num_channels": "1"},
        )
        await writer.write(np.asarray(soxr.resample(samples, RATE, STREAM_RATE), "<i2").tobytes())
        await writer.aclose()

    async def _wait_for_worker(self, room: rtc.Room) -> None:
        """Speech that is sent before the worker shows its face is lost."""
        async with asyncio.timeout(WORKER_WAIT_S):
            while not self._worker_is_up(room):  # noqa: ASYNC110 - two kinds of events may bring it up
                await asyncio.sleep(0.05)

    def _worker_is_up(self, room: rtc.Room) -> bool:
        worker = room.remote_participants.get(self._worker)
        return worker is not None and any(
            publication.kind == rtc.TrackKind.KIND_VIDEO for publication in worker.track_publications.values()
        )

    async def _on_finished(self, call: rtc.RpcInvocationData) -> str:
        if call.caller_identity != self._worker:
            return "reject"
        self._unplayed = max(0, self._unplayed - 1)
        if self._room is not None and not self._unplayed:
            await show_state(self._room, self._token, "listening")
        return "ok"
