"""The words of an ingest socket: what goes out is exact, what comes in never hurts."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.links import ingest_protocol
from kiosk.links.ingest_protocol import (
    MAX_TEXT,
    Complaint,
    Media,
    MeetingJoined,
    MeetingLeft,
    Person,
    PersonJoined,
    PersonLeft,
    TopicMessage,
    parse,
)

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
EVENTS = ["media", "message", "participant-joined", "participant-left", "meeting-joined", "meeting-left", "error", "x"]
FIELDS = ["payload", "topic", "data", "participant", "message", "error", "roomId", "sessionId"]


def test_what_goes_out_is_as_documented() -> None:
    frame = bytes(range(256)) + bytes(64)
    assert [
        json.loads(text)
        for text in (
            ingest_protocol.start(),
            ingest_protocol.media(frame),
            ingest_protocol.subscribe("CHAT"),
            ingest_protocol.unsubscribe("CHAT"),
            ingest_protocol.message("CHAT", 'He said "hello"\n…'),
            ingest_protocol.stop(),
        )
    ] == [
        {"event": "start"},
        {"event": "media", "payload": base64.b64encode(frame).decode()},
        {"event": "subscribe", "topic": "CHAT"},
        {"event": "unsubscribe", "topic": "CHAT"},
        {"event": "message", "topic": "CHAT", "data": 'He said "hello"\n…'},
        {"event": "stop"},
    ]
    assert len(base64.b64encode(frame)) == 428


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ({"event": "meeting-joined", "roomId": "r", "sessionId": "s"}, MeetingJoined()),
        ({"event": "meeting-joined", "roomId": 7}, MeetingJoined()),
        ({"event": "meeting-left"}, MeetingLeft("")),
        ({"event": "meeting-left", "message": "over"}, MeetingLeft("over")),
        ({"event": "meeting-left", "message": {"a": 1}}, MeetingLeft("")),
        (
            {"event": "participant-joined", "participant": {"id": "p", "name": "Host", "metadata": {"a": 1}}},
            PersonJoined(Person("p", "Host", {"a": 1})),
        ),
        ({"event": "participant-left", "participant": {"id": "p"}}, PersonLeft(Person("p", "p"))),
        (
            {"event": "participant-joined", "participant": {"id": "p", "metadata": '{"agent_id": "a"}'}},
            PersonJoined(Person("p", "p", {"agent_id": "a"})),
        ),
        ({"event": "participant-joined", "participant": {"id": 7}}, None),
        ({"event": "participant-joined", "participant": "p"}, None),
        ({"event": "participant-joined"}, None),
        ({"event": "media", "payload": base64.b64encode(b"\1\2\3\4").decode()}, Media(b"\1\2\3\4")),
        ({"event": "media", "payload": base64.b64encode(b"\1\2\3").decode()}, Media(b"\1\2")),
        ({"event": "media", "payload": "AQI"}, Media(b"\1\2")),
        ({"event": "media", "payload": "*"}, None),
        ({"event": "media", "payload": "ä"}, None),
        ({"event": "media", "payload": ""}, None),
        ({"event": "media", "payload": "AQ=="}, None),
        ({"event": "media", "payload": [1, 2]}, None),
        ({"event": "media"}, None),
        (
            {"event": "message", "topic": "CHAT", "data": {"senderId": "p", "senderName": "Host", "message": "Hi"}},
            TopicMessage("CHAT", "p", "Hi"),
        ),
        (
            {"event": "message", "topic": "CHAT", "data": {"message": {"a": [1]}}},
            TopicMessage("CHAT", "", '{"a": [1]}'),
        ),
        ({"event": "message", "topic": "CHAT", "data": "Hi"}, TopicMessage("CHAT", "", "Hi")),
        ({"event": "message", "topic": "CHAT", "data": {"senderId": "p"}}, None),
        ({"event": "message", "topic": "CHAT"}, None),
        ({"event": "message", "topic": 1, "data": {"message": "Hi"}}, None),
        ({"event": "error", "error": "bad"}, Complaint("bad")),
        ({"event": "stream-error"}, Complaint("stream-error")),
        ({"error": "bad"}, Complaint("bad")),
        ({"event": "news", "error": "bad"}, Complaint("bad")),
        ({"event": "news"}, None),
        ({"event": 7}, None),
        ({}, None),
        ([], None),
        ("event", None),
        (None, None),
    ],
    ids=str,
)
def test_what_comes_in(said: object, means: object) -> None:
    assert parse(json.dumps(said)) == means


@pytest.mark.parametrize("text", ["", "{", "\0", "[" * 100_000, '{"event": ' * 5000, "1" * 10_000, "NaN"])
def test_what_is_no_json_is_ignored(text: str) -> None:
    assert parse(text) is None


def test_texts_are_cut_and_lone_surrogates_taken_out() -> None:
    heard = parse('{"event": "message", "topic": "CHAT", "data": {"message": "a\\ud800' + "b" * 2 * MAX_TEXT + '"}}')
    assert isinstance(heard, TopicMessage)
    assert heard.text.startswith("a?b")
    assert len(heard.text) == MAX_TEXT


@given(st.text(max_size=200))
def test_any_text_does_no_harm(text: str) -> None:
    parse(text)


@given(st.sampled_from(EVENTS), st.dictionaries(st.sampled_from(FIELDS), ANYTHING))
def test_fields_of_any_type_do_no_harm(event: str, fields: dict[str, Any]) -> None:
    heard = parse(json.dumps({"event": event, **fields}))
    match heard:
        case Media(pcm):
            assert pcm
            assert len(pcm) % 2 == 0
        case TopicMessage(topic, sender, text):
            assert topic
            (topic + sender + text).encode()
        case _:
            assert heard is None or isinstance(
                heard, MeetingJoined | MeetingLeft | PersonJoined | PersonLeft | Complaint
            )


@given(st.binary(min_size=2, max_size=2000))
def test_sound_comes_back_as_it_went(pcm: bytes) -> None:
    assert parse(ingest_protocol.media(pcm)) == Media(pcm[: len(pcm) // 2 * 2])
