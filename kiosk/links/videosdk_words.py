"""Words of a VideoSDK room: transcripts and typed answers become captions, the rest is passed on, no flood is."""

from __future__ import annotations

import time
from collections.abc import Callable

from kiosk.links.allowance import Allowance
from kiosk.links.contract import Caption, LinkEvent, Message, Speaker
from kiosk.links.videosdk_facts import Data, Published, Transcript

MESSAGES_PER_S = 20  # more than this a screen cannot show, and no operator reads
CAPTIONS_PER_S = 40  # of those who may: an agent's interim results come a few times for each word


class RoomWords:
    """`is_avatar` tells whether a participant is the agent or its face. On the media loop."""

    def __init__(self, topic: str, is_avatar: Callable[[str], bool], emit: Callable[[LinkEvent], None]):
        """`topic`: where typed text goes, and typed answers come from; empty: nowhere."""
        self._topic = topic
        self._is_avatar = is_avatar
        self._emit = emit
        self._messages = Allowance(MESSAGES_PER_S)
        self._captions = Allowance(CAPTIONS_PER_S)
        self._segments = {Speaker.AVATAR: 0, Speaker.VISITOR: 0}
        self._open: set[Speaker] = set()

    def transcript(self, said: Transcript) -> None:
        """Interim results replace each other until the final one. Whose words they are is only told for the agent's."""
        if said.final or self._captions.take(time.perf_counter()):
            self._caption(Speaker.AVATAR if self._is_avatar(said.peer) else Speaker.VISITOR, said.text, said.final)

    def published(self, message: Published) -> None:
        if message.topic == self._topic and self._is_avatar(message.sender):
            if self._captions.take(time.perf_counter()):
                self._caption(Speaker.AVATAR, message.text, True)
        else:
            self._pass_on(Message(message.topic, message.text.encode("utf-8", "replace"), message.sender))

    def data(self, data: Data) -> None:
        """Never read: agents send their avatars sound and commands this way, to everybody."""
        self._pass_on(Message("reliable" if data.reliable else "unreliable", data.payload, data.sender))

    def _caption(self, speaker: Speaker, text: str, final: bool) -> None:
        if speaker not in self._open:
            self._segments[speaker] += 1
            self._open.add(speaker)
        if final:
            self._open.discard(speaker)
        self._emit(Caption(speaker, f"{speaker.value}-{self._segments[speaker]}", text, final))

    def _pass_on(self, message: Message) -> None:
        if self._messages.take(time.perf_counter()):
            self._emit(message)
