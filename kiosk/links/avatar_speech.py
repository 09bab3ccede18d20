"""Speech for an avatar worker: byte stream `lk.audio_stream`, RPC `lk.clear_buffer`, `lk.playback_finished` back.

Source: the avatar contract of LiveKit's agents framework. One stream is one utterance: raw s16le mono, attributes
`sample_rate` and `num_channels` as strings. The worker buffers without bound, so the sender keeps only a little ahead
of the playing: then an interruption is quick. `lk.playback_finished` is not waited for, as third-party workers send it
late, twice or never: the end is computed from the length sent.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable

import numpy as np
import soxr
from livekit import rtc

from kiosk.links.contract import AvatarMode

log = logging.getLogger("kiosk.link")

TOPIC = "lk.audio_stream"
CLEAR_METHOD = "lk.clear_buffer"
FINISHED_METHOD = "lk.playback_finished"
STARTED_METHOD = "lk.playback_started"
CHUNK_S = 0.1
AHEAD_S = 1.5
CLEAR_TIMEOUT_S = 2.0
TAIL_S = 1.0
MAX_QUEUED = 16


def resample(pcm: bytes, source_rate: int, target_rate: int) -> bytes:
    """s16le mono from one rate in Hz to another; an odd last byte is cut off."""
    samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], np.int16)
    if source_rate == target_rate or samples.size == 0:
        return samples.tobytes()
    return bytes(np.asarray(soxr.resample(samples, source_rate, target_rate), dtype=np.int16).tobytes())


class AvatarSpeech:
    """Sends utterances one after the other to the avatar `destination`, in real time. Lives on the media loop."""

    def __init__(
        self,
        participant: rtc.LocalParticipant,
        destination: str,
        sample_rate: int,
        on_mode: Callable[[AvatarMode], None],
    ):
        self._participant = participant
        self._destination = destination
        self._rate = sample_rate
        self._on_mode = on_mode
        self._ready = asyncio.Event()
        self._interrupted = asyncio.Event()
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(MAX_QUEUED)
        self._task: asyncio.Task[None] | None = None
        participant.register_rpc_method(FINISHED_METHOD, self._on_finished)
        participant.register_rpc_method(STARTED_METHOD, self._on_started)

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name="avatar speech")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def avatar_is_here(self) -> None:
        """The avatar joined and publishes its picture: from now on speech reaches it."""
        self._ready.set()

    def say(self, pcm: bytes, sample_rate: int) -> None:
        """Queues an utterance of s16le mono. Raises asyncio.QueueFull when `MAX_QUEUED` are waiting."""
        self._queue.put_nowait(resample(pcm, sample_rate, self._rate))

    async def interrupt(self) -> None:
        """Drops what is queued and being sent, then tells the worker; bounded by `CLEAR_TIMEOUT_S`."""
        while not self._queue.empty():
            self._queue.get_nowait()
        self._interrupted.set()
        self._on_mode(AvatarMode.LISTENING)
        call = self._participant.perform_rpc(
            destination_identity=self._destination,
            method=CLEAR_METHOD,
            payload="",
            response_timeout=CLEAR_TIMEOUT_S,
        )
        try:
            await asyncio.wait_for(call, CLEAR_TIMEOUT_S)
        except (rtc.RpcError, TimeoutError) as error:
            log.warning("the avatar did not confirm the interruption: %s", type(error).__name__)

    async def _run(self) -> None:
        await self._ready.wait()
        while True:
            pcm = await self._queue.get()
            self._interrupted.clear()
            try:
                await self._send(pcm)
            except rtc.StreamError as error:
                log.warning("speech could not be sent to the avatar: %s", error)

    async def _send(self, pcm: bytes) -> None:
        writer = await self._participant.stream_bytes(
            name=f"AUDIO_{uuid.uuid4().hex[:12]}",
            topic=TOPIC,
            destination_identities=[self._destination],
            attributes={"sample_rate": str(self._rate), "num_channels": "1"},
        )
        self._on_mode(AvatarMode.SPEAKING)
        step = int(self._rate * CHUNK_S) * 2
        began = time.perf_counter()
        try:
            for sent in range(0, len(pcm), step):
                if self._interrupted.is_set():
                    break
                await writer.write(pcm[sent : sent + step])
                ahead = (sent + step) / 2 / self._rate - (time.perf_counter() - began)
                await self._pause(ahead - AHEAD_S)
        finally:
            await writer.aclose()
        rest = len(pcm) / 2 / self._rate - (time.perf_counter() - began) + TAIL_S
        await self._pause(rest)
        self._on_mode(AvatarMode.LISTENING)

    async def _pause(self, seconds: float) -> None:
        """Waits, unless interrupted."""
        if seconds > 0 and not self._interrupted.is_set():
            try:
                await asyncio.wait_for(self._interrupted.wait(), seconds)
            except TimeoutError:
                pass

    async def _on_finished(self, call: rtc.RpcInvocationData) -> str:
        return "ok" if call.caller_identity == self._destination else "reject"

    async def _on_started(self, call: rtc.RpcInvocationData) -> str:
        return "ok" if call.caller_identity == self._destination else "reject"
