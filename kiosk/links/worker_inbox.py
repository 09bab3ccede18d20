"""What an agent tells its avatar worker: speech as byte streams, and the call to be silent.

Source: the avatar contract of LiveKit's agents framework. The sender is the participant that our own attribute
`lk.publish_on_behalf` names, else the first participant of kind AGENT that is no worker itself. A stream is a segment;
the sender never has two open, so a new one ends the one before, whose end may have got lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Protocol

from livekit import rtc

from kiosk.links.participants import ON_BEHALF
from kiosk.links.pcm_decoder import PcmDecoder, PcmFormatError
from kiosk.links.worker_speech import Segment, WorkerSpeech

log = logging.getLogger("kiosk.worker")

AUDIO_TOPIC = "lk.audio_stream"
CLEAR_METHOD = "lk.clear_buffer"
STREAM_IDLE_S = 10.0  # without a chunk for so long, the end of a stream counts as lost
POLL_S = 0.5
NEWS_S, NEWS_POLL_S = 5.0, 0.05  # a server tells of a participant who publishes nothing up to 3 s late
MAX_STREAMS = 64


class Reports(Protocol):
    """Tells a sender what became of its speech."""

    def started(self, sender: str) -> None: ...

    def finished(self, sender: str, played_s: float, interrupted: bool) -> None: ...


def agent_of(room: rtc.Room) -> str | None:
    """The identity of the participant that speaks through us, if it is in the room."""
    named = room.local_participant.attributes.get(ON_BEHALF)
    if named:
        return named if named in room.remote_participants else None
    for participant in room.remote_participants.values():
        is_agent = participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
        if is_agent and not participant.attributes.get(ON_BEHALF):
            return participant.identity
    return None


class WorkerInbox:
    """`listen` before the room is joined, `serve_calls` after. `spawn` owns the tasks that read streams."""

    def __init__(
        self,
        room: rtc.Room,
        speech: WorkerSpeech,
        reports: Reports,
        spawn: Callable[[Coroutine[Any, Any, None], str], None],
    ):
        self._room = room
        self._speech = speech
        self._reports = reports
        self._spawn = spawn
        self._open: dict[Segment, rtc.ByteStreamReader] = {}

    def listen(self) -> None:
        """A stream that comes before its handler is lost."""
        self._room.register_byte_stream_handler(AUDIO_TOPIC, self._on_stream)

    def serve_calls(self) -> None:
        self._room.local_participant.register_rpc_method(CLEAR_METHOD, self._on_clear)

    def _on_stream(self, reader: rtc.ByteStreamReader, sender: str) -> None:
        if len(self._open) >= MAX_STREAMS:
            self._refuse(reader, f"{MAX_STREAMS} streams are open already")
            return
        try:
            decoder = PcmDecoder.from_attributes(reader.info.attributes or {})
        except PcmFormatError as error:
            self._refuse(reader, str(error))
            return
        self._spawn(self._take_in(reader, sender, decoder), "speech stream")

    async def _take_in(self, reader: rtc.ByteStreamReader, sender: str, decoder: PcmDecoder) -> None:
        if not await self._is_our_agent(sender):
            self._refuse(reader, "it does not come from the agent that this avatar belongs to")
            return
        segment = self._speech.open(
            on_start=partial(self._reports.started, sender), on_end=partial(self._reports.finished, sender)
        )
        self._open[segment] = reader
        await self._read(segment, reader, decoder)

    async def _is_our_agent(self, identity: str) -> bool:
        # The first speech of an agent that has just joined may come before the news that it joined.
        for _ in range(round(NEWS_S / NEWS_POLL_S)):
            if self._is_known(identity) or identity in self._room.remote_participants:
                break
            await asyncio.sleep(NEWS_POLL_S)
        return self._is_known(identity)

    def _is_known(self, identity: str) -> bool:
        return identity == (self._room.local_participant.attributes.get(ON_BEHALF) or agent_of(self._room))

    def _refuse(self, reader: rtc.ByteStreamReader, why: str) -> None:
        log.warning("a speech stream is refused: %s", why)
        reader.close()

    async def _read(self, segment: Segment, reader: rtc.ByteStreamReader, decoder: PcmDecoder) -> None:
        try:
            while (chunk := await self._next_chunk(segment, reader)) is not None:
                if not self._speech.append(segment, decoder.feed(chunk)):
                    if segment in self._open:
                        log.warning("too much speech is waiting; the rest of a segment is left out")
                    break
            else:
                self._speech.append(segment, decoder.finish())
        except rtc.StreamError:
            log.warning("a speech stream broke off; what came of it is said")
        finally:
            self._open.pop(segment, None)
            self._speech.close(segment)
            reader.close()

    async def _next_chunk(self, segment: Segment, reader: rtc.ByteStreamReader) -> bytes | None:
        """None at the end of the stream, and where that end will not come any more."""
        for _ in range(round(STREAM_IDLE_S / POLL_S)):
            try:
                async with asyncio.timeout(POLL_S):
                    return await anext(reader, None)
            except TimeoutError:
                if next(reversed(self._open), None) is not segment:
                    break
        log.info("the end of a speech stream did not come; it is taken as ended")
        return None

    async def _on_clear(self, call: rtc.RpcInvocationData) -> str:
        if not self._is_known(call.caller_identity):
            return "reject"
        readers, self._open = self._open, {}
        for reader in readers.values():
            reader.close()  # what is still to come of these is not wanted either
        self._speech.clear()
        return "ok"
