"""The worker's side of LiveKit's avatar contract: speech comes as byte streams, reports go back as RPC calls."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Literal

import numpy as np
import soxr
from livekit import rtc

from tests.simulators.speech import RATE
from tests.simulators.voice import Segment, Voice

AUDIO_TOPIC = "lk.audio_stream"
CLEAR = "lk.clear_buffer"
FINISHED = "lk.playback_finished"
STARTED = "lk.playback_started"
ON_BEHALF = "lk.publish_on_behalf"
RPC_TRIES = 3
RPC_PAUSE_S = 0.1
LATE_S = 3.0

Reports = Literal["once", "late", "never", "twice"]
Spawn = Callable[[Coroutine[Any, Any, None]], object]

logger = logging.getLogger("simulator.speech")


class SpeechInbox:
    """Plays what the agent streams. Strict: only the sender named in our own `lk.publish_on_behalf`, or else the first
    participant of kind AGENT, is listened to; a stream without its two attributes is refused.

    `reports` says how `lk.playback_finished` is sent, because real workers differ.
    """

    def __init__(self, room: rtc.Room, voice: Voice, spawn: Spawn, *, reports: Reports = "once") -> None:
        self._room = room
        self._voice = voice
        self._spawn = spawn
        self._reports = reports
        self._open: dict[Segment, rtc.ByteStreamReader] = {}
        self.segments = 0
        self.refused: list[str] = []
        self.clears = 0

    def listen(self) -> None:
        """To be called before the room is joined, so that no early stream is lost."""
        self._room.register_byte_stream_handler(AUDIO_TOPIC, self._on_stream)

    def serve_calls(self) -> None:
        """To be called after the room was joined: RPC methods belong to the participant."""
        self._room.local_participant.register_rpc_method(CLEAR, self._on_clear)

    def _allowed(self, identity: str) -> bool:
        configured = self._room.local_participant.attributes.get(ON_BEHALF)
        if configured:
            return identity == configured
        agents = [
            p for p in self._room.remote_participants.values() if p.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
        ]
        return bool(agents) and agents[0].identity == identity

    def _on_stream(self, reader: rtc.ByteStreamReader, identity: str) -> None:
        attributes = reader.info.attributes or {}
        try:
            rate, channels = int(attributes["sample_rate"]), int(attributes["num_channels"])
        except (KeyError, ValueError):
            self._refuse(reader, "a stream without sample_rate and num_channels")
            return
        if not self._allowed(identity):
            self._refuse(reader, "a stream of somebody who is not our agent")
            return
        if not 8_000 <= rate <= 48_000 or channels not in (1, 2):
            self._refuse(reader, f"{rate} Hz with {channels} channels")
            return
        self.segments += 1
        self._spawn(self._play(reader, identity, rate, channels))

    def _refuse(self, reader: rtc.ByteStreamReader, why: str) -> None:
        logger.warning("refused %s", why)
        self.refused.append(why)
        reader.close()

    async def _play(self, reader: rtc.ByteStreamReader, sender: str, rate: int, channels: int) -> None:
        segment = self._voice.open(
            on_end=partial(self._on_end, sender),
            on_start=partial(self._on_start, sender),
        )
        self._open[segment] = reader
        convert = soxr.ResampleStream(rate, RATE, 1, dtype="int16") if rate != RATE else None
        rest = b""
        width = 2 * channels
        try:
            async for chunk in reader:
                data = rest + chunk
                whole = len(data) // width * width
                rest = data[whole:]
                samples = np.frombuffer(data[:whole], "<i2")[::channels].astype(np.int16)
                self._voice.append(segment, samples if convert is None else convert.resample_chunk(samples))
            if convert is not None:
                self._voice.append(segment, convert.resample_chunk(np.zeros(0, np.int16), last=True))
        except rtc.StreamError:
            logger.info("a speech stream broke off")
        finally:
            self._open.pop(segment, None)
            self._voice.close(segment)
            reader.close()

    async def _on_clear(self, call: rtc.RpcInvocationData) -> str:
        if not self._allowed(call.caller_identity):
            return "reject"
        self.clears += 1
        for reader in self._open.values():
            reader.close()  # the rest of the current stream is dropped
        self._voice.clear()
        return "ok"

    def _on_start(self, sender: str) -> None:
        self._spawn(self._call(sender, STARTED, ""))

    def _on_end(self, sender: str, played_s: float, interrupted: bool) -> None:
        self._spawn(self._finished(sender, played_s, interrupted))

    async def _finished(self, sender: str, played_s: float, interrupted: bool) -> None:
        if self._reports == "never":
            return
        if self._reports == "late":
            await asyncio.sleep(LATE_S)
        report = {
            "playback_position": round(played_s, 4),
            "interrupted": interrupted,
            "synchronized_transcript": None,
        }
        call = partial(self._call, sender, FINISHED, json.dumps(report))
        await call()
        if self._reports == "twice":
            await call()

    async def _call(self, to: str, method: str, payload: str) -> None:
        for attempt in range(RPC_TRIES):
            if to not in self._room.remote_participants:
                return  # a call to somebody who left would hang for 7 s
            try:
                await self._room.local_participant.perform_rpc(
                    destination_identity=to, method=method, payload=payload, response_timeout=2.0
                )
            except rtc.RpcError as error:
                if error.code == rtc.RpcError.ErrorCode.UNSUPPORTED_METHOD or attempt == RPC_TRIES - 1:
                    logger.info("%s was not taken: code %s", method, error.code)
                    return
                await asyncio.sleep(RPC_PAUSE_S)
            else:
                return
