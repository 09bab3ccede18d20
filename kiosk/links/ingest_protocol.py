"""The words of an ingest socket: JSON text frames with a field `event`, built and read. Pure: no socket, no clock.

    to the far side     start  media  subscribe  unsubscribe  message  stop
    from it             meeting-joined  meeting-left  participant-joined  participant-left  media  message

Sound is s16le mono at 8 kHz in base64, both ways. `data` of a message is a text on the way out, and an object on the
way in. What the far side says is read tolerantly: whatever is not understood gives None, and nothing raises.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_ID = 200  # characters of an id, name or topic that are kept
MAX_TEXT = 16_384  # characters of a message that are kept
MAX_WORDS = 300  # characters of an explanation that are kept


@dataclass(frozen=True, slots=True)
class MeetingJoined:
    """The room is joined."""


@dataclass(frozen=True, slots=True)
class MeetingLeft:
    """The room's session is over. `why` may be empty."""

    why: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """A participant. `metadata` is what the participant says of itself; never trusted."""

    id: str
    name: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PersonJoined:
    person: Person


@dataclass(frozen=True, slots=True)
class PersonLeft:
    person: Person


@dataclass(frozen=True, slots=True)
class Media:
    """Sound of the room: s16le mono, 8 kHz, an even number of bytes."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class TopicMessage:
    """What somebody published. `text` is the message as text; what was an object is JSON again."""

    topic: str
    sender: str  # an id; empty where the far side does not say
    text: str


@dataclass(frozen=True, slots=True)
class Complaint:
    """The far side reports an error; no document names such a frame."""

    words: str


Incoming = MeetingJoined | MeetingLeft | PersonJoined | PersonLeft | Media | TopicMessage | Complaint


def start() -> str:
    return _frame("start")


def media(pcm: bytes) -> str:
    """`pcm`: s16le mono at 8 kHz, 20 ms (320 bytes)."""
    return _frame("media", payload=base64.b64encode(pcm).decode("ascii"))


def subscribe(topic: str) -> str:
    return _frame("subscribe", topic=topic)


def unsubscribe(topic: str) -> str:
    return _frame("unsubscribe", topic=topic)


def message(topic: str, text: str) -> str:
    return _frame("message", topic=topic, data=text)


def stop() -> str:
    return _frame("stop")


def parse(frame: str) -> Incoming | None:
    """What a text frame says; None for what is not understood. Never raises."""
    try:
        said = json.loads(frame)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    event = said.get("event")
    if not isinstance(event, str):
        return _complaint(said)
    match event:
        case "media":
            return _media(said.get("payload"))
        case "message":
            return _message(said.get("topic"), said.get("data"))
        case "participant-joined":
            joined = _person(said.get("participant"))
            return None if joined is None else PersonJoined(joined)
        case "participant-left":
            left = _person(said.get("participant"))
            return None if left is None else PersonLeft(left)
        case "meeting-joined":
            return MeetingJoined()
        case "meeting-left":
            return MeetingLeft(_text(said.get("message"), MAX_WORDS))
        case _ if "error" in event.lower():
            return _complaint(said) or Complaint(_text(event, MAX_WORDS))
        case _:
            return _complaint(said)


def _frame(event: str, **fields: str) -> str:
    return json.dumps({"event": event, **fields}, separators=(",", ":"))


def _media(payload: object) -> Media | None:
    if not isinstance(payload, str):
        return None
    try:
        pcm = base64.b64decode(payload.rstrip("=") + "=" * (-len(payload.rstrip("=")) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    pcm = pcm[: len(pcm) // 2 * 2]  # half a sample is none
    return Media(pcm) if pcm else None


def _message(topic: object, data: object) -> TopicMessage | None:
    if not isinstance(topic, str) or not topic:
        return None
    if isinstance(data, dict):
        sender, said = data.get("senderId"), data.get("message")
    else:
        sender, said = "", data
    if said is None:
        return None
    text = said if isinstance(said, str) else _json(said)
    return TopicMessage(_text(topic, MAX_ID), _text(sender, MAX_ID), _text(text, MAX_TEXT))


def _person(value: object) -> Person | None:
    if not isinstance(value, dict):
        return None
    identity = _text(value.get("id"), MAX_ID)
    if not identity:
        return None
    return Person(identity, _text(value.get("name"), MAX_ID) or identity, _metadata(value.get("metadata")))


def _metadata(value: object) -> Mapping[str, Any]:
    """An object, or one written as text: both are seen in this vendor's clients."""
    if isinstance(value, str):
        try:
            value = json.loads(value[:MAX_TEXT])
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def _complaint(said: Mapping[str, Any]) -> Complaint | None:
    """A frame that is none of the known ones and carries a text `error`."""
    words = said.get("error")
    if not isinstance(words, str) or not words:
        return None
    return Complaint(_text(words, MAX_WORDS))


def _json(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        return ""


def _text(value: object, limit: int) -> str:
    """`value` where it is a text, cut, and without the lone surrogates that JSON can smuggle in."""
    return value[:limit].encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else ""
