"""Whatever Tenbyte answers is read without an error, and only what is usable comes out."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from kiosk.providers.http import HttpAnswer
from kiosk.providers.tenbyte_answers import entry_of, info_of, new_session_id, read_reply
from kiosk.providers.tenbyte_settings import web_address_problem

NAMES = """session livekit_token rtmp rtmp_setup whip_url instructions url server stream_key status id room_name error
message errors field success data viewer_count effective_max_join_limit"""
KEYS = st.sampled_from(NAMES.split())
TEXTS = st.text(max_size=30) | st.sampled_from(
    ["live", "ended", "https://host/w/key", "http://host", "https://", "a\nb"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | TEXTS, inner, max_size=8),
    max_leaves=20,
)


@given(data=JSON)
@example(data={"livekit_token": "x" * 20_000, "whip_url": "https://host/" + "y" * 20_000})
@example(data={"rtmp_setup": {"instructions": {f"step{n}": "z" * 1_000 for n in range(1_000)}}})
def test_any_data_is_read(data: Any) -> None:
    entry = entry_of(data)
    for value in (entry.token, entry.whip_url, entry.rtmp_server, entry.stream_key):
        assert value.isascii()
        assert " " not in value
        assert value.isprintable()
        assert len(value) <= 16_384
    assert not entry.whip_url or not web_address_problem(entry.whip_url)
    assert len(entry.instructions) <= 12
    assert all(step and step.isprintable() and len(step) <= 500 for step in entry.instructions)
    assert entry.room.isprintable()
    assert entry.status in ("scheduled", "live", "ended", "expired", "")
    assert new_session_id(data).isprintable()
    assert info_of(data).full in (True, False)


@given(body=JSON)
@example(body={"success": False, "errors": [{"field": "id", "message": "a secret-planted one"}] * 100, "error": 7})
def test_any_envelope_is_one_line_without_the_secret(body: Any) -> None:
    reply = read_reply(HttpAnswer(200, {}, body, ""), ["secret-planted"])
    assert reply.said.isprintable()
    assert len(reply.said) <= 200
    assert "secret-planted" not in reply.said
    assert reply.ok is not (isinstance(body, dict) and body.get("success") is False)
