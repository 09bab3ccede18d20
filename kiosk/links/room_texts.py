"""Words in a LiveKit room: captions and data messages in, typed text out. Runs on the media loop."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from livekit import rtc

from kiosk.links.captions import TOPIC as CAPTIONS
from kiosk.links.captions import CaptionStream
from kiosk.links.contract import LinkEvent, Message, Speaker

log = logging.getLogger("kiosk.link")

CHAT = "lk.chat"
MAX_STREAMS = 16
MAX_MESSAGE_BYTES = 16_384
MESSAGES_PER_S = 20


class RoomTexts:
    """Registered before the room is joined: a text stream that finds no handler is lost."""

    def __init__(self, room: rtc.Room, emit: Callable[[LinkEvent], None]):
        self._room = room
        self._emit = emit
        self._is_avatar: Callable[[str], bool] = lambda _: True
        self._tasks: set[asyncio.Task[None]] = set()
        self._allowance = float(MESSAGES_PER_S)
        self._allowance_at_s = time.perf_counter()
        self.suppressed = 0

    def listen(self, is_avatar: Callable[[str], bool]) -> None:
        self._is_avatar = is_avatar
        self._room.register_text_stream_handler(CAPTIONS, self._on_captions)
        self._room.on("data_received", self._on_data)

    async def send(self, text: str) -> None:
        await self._room.local_participant.send_text(text, topic=CHAT)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _on_captions(self, reader: rtc.TextStreamReader, identity: str) -> None:
        if len(self._tasks) >= MAX_STREAMS:
            reader.close()
            return
        task = asyncio.get_running_loop().create_task(self._read(reader, identity), name="captions")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read(self, reader: rtc.TextStreamReader, identity: str) -> None:
        speaker = Speaker.AVATAR if self._is_avatar(identity) else Speaker.VISITOR
        captions = CaptionStream(reader.info.stream_id, speaker, reader.info.attributes or {})
        try:
            async for chunk in reader:
                self._emit(captions.feed(chunk))
            self._emit(captions.close(reader.info.attributes or {}))
        except rtc.StreamError as error:
            log.debug("a caption stream broke off: %s", error)
        finally:
            reader.close()

    def _on_data(self, packet: rtc.DataPacket) -> None:
        """Unknown data harms nothing: logged by topic and size, passed on within a rate, its size bounded."""
        now = time.perf_counter()
        self._allowance = min(MESSAGES_PER_S, self._allowance + (now - self._allowance_at_s) * MESSAGES_PER_S)
        self._allowance_at_s = now
        if self._allowance < 1.0:
            self.suppressed += 1
            return
        self._allowance -= 1.0
        topic = (packet.topic or "")[:64]
        log.debug("data message: topic %r, %d bytes", topic, len(packet.data))
        sender = packet.participant.identity if packet.participant is not None else ""
        self._emit(Message(topic, bytes(packet.data[:MAX_MESSAGE_BYTES]), sender))
