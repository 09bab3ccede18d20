"""Captions as LiveKit agents send them: text streams on `lk.transcription`."""

from __future__ import annotations

import asyncio
import uuid

from livekit import rtc

TOPIC = "lk.transcription"
SEGMENT = "lk.segment_id"
FINAL = "lk.transcription_final"
TRACK = "lk.transcribed_track_id"


class Transcript:
    """Sends what the avatar says as one growing stream, and what it heard as a stream of its own."""

    def __init__(self, room: rtc.Room) -> None:
        self._room = room

    async def spoken(self, text: str, seconds: float, track_sid: str) -> None:
        """Word by word over `seconds`; cancelling it closes the stream as final, losing the room abandons it."""
        words = text.split() or [""]
        attributes = {SEGMENT: f"SG_{uuid.uuid4().hex[:12]}", FINAL: "false", TRACK: track_sid}
        writer = await self._room.local_participant.stream_text(topic=TOPIC, attributes=attributes)
        try:
            for index, word in enumerate(words):
                if not self._room.isconnected():
                    return  # the library disposed of the stream with the room
                await writer.write(word if index == 0 else f" {word}")
                await asyncio.sleep(seconds / len(words))
        finally:
            if self._room.isconnected():
                await writer.aclose(attributes={**attributes, FINAL: "true"})

    async def heard(self, text: str, speaker: str, track_sid: str) -> None:
        """The visitor's words (here: how long they were), an interim and a final stream with the whole text each."""
        segment = f"SG_{uuid.uuid4().hex[:12]}"
        for final in ("false", "true"):
            attributes = {SEGMENT: segment, FINAL: final, TRACK: track_sid}
            writer = await self._room.local_participant.stream_text(
                topic=TOPIC, attributes=attributes, sender_identity=speaker
            )
            await writer.write(text)
            await writer.aclose(attributes=attributes)
