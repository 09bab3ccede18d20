"""The agent of a simulated LiveAvatar session: takes commands in data messages of the room and tells what happens.

agent-control    avatar.speak_response, avatar.speak_text, avatar.interrupt, …   what is not documented is a fault
agent-response   user.… and avatar.… events, session.stopped
"""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

from livekit import rtc

from tests.simulators.avatar import SimulatedAvatar
from tests.simulators.chores import Chores

COMMANDS, RESPONSES = "agent-control", "agent-response"
WITH_TEXT = ("avatar.speak_text", "avatar.speak_response")
WITHOUT = ("avatar.interrupt", "avatar.start_listening", "avatar.stop_listening")
LOOK_S = 0.05


class LiveAvatarAgent:
    """`attend` once, after the avatar has joined; `leave` before it goes."""

    def __init__(self, avatar: SimulatedAvatar, session_id: str) -> None:
        self._avatar = avatar
        self._session_id = session_id
        self._chores = Chores()
        self._speaking = False
        self.commands: list[str] = []
        self.faults: list[str] = []

    def attend(self) -> None:
        self._avatar.room.on("data_received", self._on_data)
        self._chores.spawn(self._watch_voice())

    def words(self, by_avatar: bool, text: str) -> None:
        """Somebody said something."""
        kind = "avatar.transcription" if by_avatar else "user.transcription"
        self._chores.spawn(self._tell(kind, text=text))

    async def leave(self, end_reason: str) -> None:
        await self._chores.end()
        if self._avatar.connected:
            await self.announce(end_reason)

    async def announce(self, end_reason: str) -> None:
        await self._tell("session.stopped", end_reason=end_reason)

    def _on_data(self, packet: rtc.DataPacket) -> None:
        if packet.topic != COMMANDS:
            self.faults.append(f"a message on topic {packet.topic}")
            return
        try:
            event = json.loads(packet.data)
            kind, event_id = event["event_type"], event.get("event_id")
        except (ValueError, KeyError, TypeError, AttributeError):
            self.faults.append("a command that is no JSON object with an event_type")
            return
        text = event.get("text")
        if kind in WITH_TEXT and isinstance(text, str) and text:
            self.commands.append(kind)
            self._chores.spawn(self._speak(text if kind == "avatar.speak_text" else f"You wrote: {text}", event_id))
        elif kind in WITHOUT and text is None:
            self.commands.append(kind)
            if kind == "avatar.interrupt":
                self._avatar.interrupt()
        else:
            self.faults.append(f"an unknown or incomplete command: {kind}")

    async def _speak(self, text: str, source: object) -> None:
        await self._tell("avatar.transcription", source=source, text=text)
        await self._avatar.say(text, told=True)

    async def _watch_voice(self) -> None:
        while True:
            if self._avatar.voice.speaking is not self._speaking:
                self._speaking = not self._speaking
                await self._tell("avatar.speak_started" if self._speaking else "avatar.speak_ended")
            await asyncio.sleep(LOOK_S)

    async def _tell(self, kind: str, *, source: object = None, **more: Any) -> None:
        event = {
            "event_id": str(uuid.uuid4()),
            "event_type": kind,
            "session_id": self._session_id,
            "source_event_id": source,
            **more,
        }
        await self._avatar.send_data(json.dumps(event).encode(), RESPONSES)
