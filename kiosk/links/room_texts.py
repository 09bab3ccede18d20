"""Words in a LiveKit room: captions and data messages in, typed text out. Runs on the media loop."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from livekit import rtc

from kiosk.links import losses
from kiosk.links.allowance import Allowance
from kiosk.links.captions import MAX_CHARS, CaptionStream
from kiosk.links.captions import TOPIC as CAPTIONS
from kiosk.links.contract import Caption, LinkEvent, Lost, Message, Speaker, TookLeave
from kiosk.providers.room_messages import ConversationOver, Packet, RoomMessages, Said, SessionFailed

log = logging.getLogger("kiosk.link")

CHAT = "lk.chat"
MAX_STREAMS = 16
MAX_MESSAGE_BYTES = 16_384
MESSAGES_PER_S = 20
KNOWN_MESSAGES_PER_S = 100  # those that the vendor documents: words may come one by one


class RoomTexts:
    """Registered before the room is joined: a text stream that finds no handler is lost."""

    def __init__(self, room: rtc.Room, emit: Callable[[LinkEvent], None]):
        self._room = room
        self._emit = emit
        self._is_avatar: Callable[[str], bool] = lambda _: True
        self._tasks: set[asyncio.Task[None]] = set()
        self._messages: RoomMessages | None = None
        self._lose: Callable[[Lost], None] = emit
        self._allowance = Allowance(MESSAGES_PER_S)
        self._known_allowance = Allowance(KNOWN_MESSAGES_PER_S)

    def listen(
        self, is_avatar: Callable[[str], bool], messages: RoomMessages | None, lose: Callable[[Lost], None]
    ) -> None:
        """`messages`: how the vendor speaks in data messages, if it does; `lose` is told where it gives up."""
        self._is_avatar = is_avatar
        self._messages = messages
        self._lose = lose
        self._room.register_text_stream_handler(CAPTIONS, self._on_captions)
        self._room.on("data_received", self._on_data)

    async def send(self, text: str) -> None:
        if self._messages is None:
            await self._room.local_participant.send_text(text, topic=CHAT)
        else:
            await self._publish(self._messages.typed(text))

    async def interrupt(self) -> None:
        """Tells the far side to stop speaking, where it takes that in a data message."""
        if self._messages is not None:
            await self._publish(self._messages.interrupt())

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

    async def _publish(self, packet: Packet) -> None:
        await self._room.local_participant.publish_data(packet.payload, reliable=True, topic=packet.topic)

    def _on_data(self, packet: rtc.DataPacket) -> None:
        if self._messages is None or not self._take(self._messages, packet):
            self._pass_on(packet)

    def _take(self, messages: RoomMessages, packet: rtc.DataPacket) -> bool:
        """Whether the packet is done with: it was one of the vendor's, or there were too many to tell."""
        if not self._known_allowance.take(time.perf_counter()):
            return True
        if len(packet.data) > MAX_MESSAGE_BYTES:
            return False
        told = messages.read(Packet(packet.topic or "", bytes(packet.data)))
        for news in told or ():
            match news:
                case Said(by_avatar, segment, text, final):
                    speaker = Speaker.AVATAR if by_avatar else Speaker.VISITOR
                    self._emit(Caption(speaker, segment, text[-MAX_CHARS:], final))
                case ConversationOver():
                    self._emit(TookLeave())
                case SessionFailed(line, retry):
                    self._lose(losses.given_up(line, retry))
        return told is not None

    def _pass_on(self, packet: rtc.DataPacket) -> None:
        """Unknown data harms nothing: logged by topic and size, passed on within a rate, its size bounded."""
        if not self._allowance.take(time.perf_counter()):
            return
        topic = (packet.topic or "")[:64]
        log.debug("data message: topic %r, %d bytes", topic, len(packet.data))
        sender = packet.participant.identity if packet.participant is not None else ""
        self._emit(Message(topic, bytes(packet.data[:MAX_MESSAGE_BYTES]), sender))
