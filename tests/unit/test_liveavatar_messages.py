"""LiveAvatar's events in data messages: commands as documented, answers read, and whatever else comes in."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.providers.liveavatar_messages import LiveAvatarMessages
from kiosk.providers.room_messages import ConversationOver, Packet, Said, SessionFailed, Told

MESSAGES = LiveAvatarMessages()


def told(event: Any, topic: str = "agent-response") -> tuple[Told, ...] | None:
    return MESSAGES.read(Packet(topic, json.dumps(event).encode()))


@pytest.mark.parametrize(
    ("packet", "event"),
    [
        (MESSAGES.typed("Where is the lift?"), {"event_type": "avatar.speak_response", "text": "Where is the lift?"}),
        (MESSAGES.interrupt(), {"event_type": "avatar.interrupt"}),
    ],
)
def test_commands(packet: Packet, event: dict[str, str]) -> None:
    sent = json.loads(packet.payload)
    assert packet.topic == "agent-control"
    assert uuid.UUID(sent.pop("event_id")).version == 4
    assert sent == event


@pytest.mark.parametrize(("kind", "by_avatar"), [("avatar.transcription", True), ("user.transcription", False)])
def test_transcriptions(kind: str, by_avatar: bool) -> None:
    event = {"event_type": kind, "event_id": "e1", "session_id": "s", "source_event_id": None, "text": "Good day."}
    assert told(event) == (Said(by_avatar, "e1", "Good day."),)
    assert told({**event, "text": " "}) == ()
    (nameless,) = told({"event_type": kind, "text": "Good day."}) or ()
    assert isinstance(nameless, Said)
    assert nameless.segment


@pytest.mark.parametrize(
    "kind",
    [
        "user.speak_started",
        "user.speak_ended",
        "avatar.speak_started",
        "avatar.speak_ended",
        "user.push_to_talk_started",
        "user.push_to_talk_start_failed",
        "user.push_to_talk_stopped",
        "user.push_to_talk_stop_failed",
        "user.transcription.chunk",
        "avatar.transcription.chunk",
    ],
)
def test_what_is_known_and_not_needed(kind: str) -> None:
    assert told({"event_type": kind, "event_id": "e1"}) == ()


@pytest.mark.parametrize("reason", ["AGENT_HANG_UP", "MAX_DURATION_REACHED", "USER_CLOSED"])
def test_a_session_that_ended_as_agreed(reason: str) -> None:
    assert told({"event_type": "session.stopped", "end_reason": reason}) == (ConversationOver(),)


@pytest.mark.parametrize(
    ("reason", "retry", "line"),
    [
        ("NO_CREDITS", False, "no credits left"),
        ("AVATAR_DELETED", False, "was deleted"),
        ("USER_DISCONNECTED", True, "leave the room"),
        ("IDLE_TIMEOUT", True, "keep_alive_s"),
        ("SERVER_ERROR", True, "has a fault"),
        ("ZOMBIE_SESSION_REAP", True, "abandoned"),
        ("UNKNOWN", True, "UNKNOWN"),
        ("INVENTED", True, "INVENTED"),
        (None, True, "not given"),
        (7, True, "not given"),
    ],
)
def test_a_session_that_the_vendor_gave_up(reason: object, retry: bool, line: str) -> None:
    (failed,) = told({"event_type": "session.stopped", "end_reason": reason}) or ()
    assert isinstance(failed, SessionFailed)
    assert failed.retry is retry
    assert line in failed.operator_line


@pytest.mark.parametrize("event", [None, [], 5, "x", {}, {"event_type": 5}, {"event_type": "session.invented"}])
def test_what_nobody_documented_is_not_ours(event: Any) -> None:
    assert told(event) is None


def test_another_topic_is_not_ours() -> None:
    assert told({"event_type": "avatar.transcription", "text": "x"}, topic="lk.chat") is None


@given(st.binary(max_size=200), st.sampled_from(["agent-response", "", "other"]))
def test_no_packet_raises(payload: bytes, topic: str) -> None:
    assert MESSAGES.read(Packet(topic, payload)) is None or topic == "agent-response"


@given(
    st.fixed_dictionaries(
        {"event_type": st.sampled_from(["avatar.transcription", "session.stopped", "user.speak_started"])},
        optional={name: st.none() | st.integers() | st.text() for name in ("event_id", "text", "end_reason")},
    )
)
def test_no_event_raises_and_every_line_is_one(event: dict[str, Any]) -> None:
    for news in told(event) or ():
        if isinstance(news, SessionFailed):
            assert news.operator_line.isprintable()
            assert len(news.operator_line) < 200
