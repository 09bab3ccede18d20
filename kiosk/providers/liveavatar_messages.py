"""The events of a FULL mode session: JSON in data messages of the room, commands on one topic, answers on another.

agent-control    we send      {"event_id", "event_type", …}
agent-response   we are told  {"event_id", "event_type", "session_id", "source_event_id", …}
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

from kiosk.providers.room_messages import ConversationOver, Packet, Said, SessionFailed, Told
from kiosk.redact import one_line, redact

COMMANDS = "agent-control"
RESPONSES = "agent-response"
LONGEST_TEXT = 2000  # characters; the vendor names no limit

_SPEAKERS = {"avatar.transcription": True, "user.transcription": False}
# Documented, and of no use here: who speaks is told from the voice itself, and nothing here is pushed to talk.
_NO_NEWS = frozenset(
    {
        "user.speak_started",
        "user.speak_ended",
        "avatar.speak_started",
        "avatar.speak_ended",
        "user.push_to_talk_started",
        "user.push_to_talk_start_failed",
        "user.push_to_talk_stopped",
        "user.push_to_talk_stop_failed",
        # From the vendor's own client; whether a chunk adds to the one before is said nowhere.
        "user.transcription.chunk",
        "avatar.transcription.chunk",
        "session.updated",
        "session.state_updated",
    }
)
_ENDED_AS_AGREED = frozenset({"AGENT_HANG_UP", "MAX_DURATION_REACHED", "USER_CLOSED"})
# Why it ended -> whether a new session may help, and what the operator is told.
_FAILURES = {
    "NO_CREDITS": (False, "the account has no credits left: buy some, or allow overage"),
    "AVATAR_DELETED": (False, "the avatar was deleted: set another avatar_id"),
    "USER_DISCONNECTED": (True, "it saw the kiosk leave the room"),
    "IDLE_TIMEOUT": (True, "it found the session idle; check keep_alive_s"),
    "SERVER_ERROR": (True, "its service has a fault"),
    "ZOMBIE_SESSION_REAP": (True, "it took the session for abandoned"),
}


@dataclass(frozen=True, slots=True)
class LiveAvatarMessages:
    """See `kiosk.providers.room_messages.RoomMessages`."""

    def typed(self, text: str) -> Packet:
        """The vendor's language model answers the text."""
        return _command("avatar.speak_response", text=text[:LONGEST_TEXT])

    def interrupt(self) -> Packet:
        return _command("avatar.interrupt")

    def read(self, packet: Packet) -> tuple[Told, ...] | None:
        if packet.topic != RESPONSES:
            return None
        event = _object(packet.payload)
        kind = event.get("event_type")
        if not isinstance(kind, str):
            return None
        if kind in _SPEAKERS:
            return _said(event, by_avatar=_SPEAKERS[kind])
        if kind == "session.stopped":
            return (_ended(event.get("end_reason")),)
        return () if kind in _NO_NEWS else None


def _said(event: dict[str, Any], *, by_avatar: bool) -> tuple[Told, ...]:
    text, segment = event.get("text"), event.get("event_id")
    if not isinstance(text, str) or not text.strip():
        return ()
    # Without an id nothing can replace it.
    return (Said(by_avatar, segment[:200] if isinstance(segment, str) and segment else uuid.uuid4().hex, text),)


def _ended(reason: object) -> Told:
    if reason in _ENDED_AS_AGREED:
        return ConversationOver()
    if isinstance(reason, str) and reason in _FAILURES:
        retry, why = _FAILURES[reason]
    else:
        retry, why = True, f"its reason is {one_line(redact(reason), 40) if isinstance(reason, str) else 'not given'}"
    return SessionFailed(f"the vendor ended the session: {why}", retry)


def _command(event_type: str, **more: str) -> Packet:
    event = {"event_id": str(uuid.uuid4()), "event_type": event_type, **more}
    return Packet(COMMANDS, json.dumps(event).encode("utf-8"))


def _object(payload: bytes) -> dict[str, Any]:
    try:
        event = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}
