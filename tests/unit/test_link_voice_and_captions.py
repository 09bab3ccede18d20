"""Speaking told from the voice, captions merged from text streams, rights read from a token."""

from __future__ import annotations

import numpy as np
import pytest
from livekit import api

from kiosk.links.captions import CaptionStream
from kiosk.links.contract import Caption, Speaker
from kiosk.links.token_claims import may_publish
from kiosk.links.voice_activity import VoiceActivity
from kiosk.media.levels import level_dbfs


def tone(amplitude: int) -> bytes:
    return (np.sin(2 * np.pi * 1000 * np.arange(480) / 48_000) * amplitude).astype(np.int16).tobytes()


def test_levels_are_in_dbfs() -> None:
    assert level_dbfs(b"") == -100.0
    assert level_dbfs(bytes(960)) == -100.0
    assert level_dbfs(tone(32_767)) == pytest.approx(-3.01, abs=0.05)
    assert level_dbfs(tone(3_277)) == pytest.approx(-23.0, abs=0.1)


def test_speaking_begins_at_once_and_ends_after_the_hang() -> None:
    activity = VoiceActivity(hang_s=0.5)
    assert not activity.update(-80.0, 0.0)
    assert activity.update(-20.0, 1.0)
    assert activity.update(-80.0, 1.4)
    assert not activity.update(-80.0, 1.5)


def test_agent_speech_grows_within_one_segment() -> None:
    stream = CaptionStream("s", Speaker.AVATAR, {"lk.segment_id": "SG_1"})
    assert stream.feed("Good ") == Caption(Speaker.AVATAR, "SG_1", "Good ", False)
    assert stream.feed("day.").text == "Good day."
    assert stream.close({"lk.transcription_final": "true"}) == Caption(Speaker.AVATAR, "SG_1", "Good day.", True)


def test_an_interim_result_of_the_visitor_stays_open() -> None:
    stream = CaptionStream("s", Speaker.VISITOR, {})
    stream.feed("where is")
    assert stream.close({"lk.transcription_final": "false"}) == Caption(Speaker.VISITOR, "s", "where is", False)


def test_captions_are_bounded() -> None:
    stream = CaptionStream("s", Speaker.AVATAR, {})
    for _ in range(100):
        caption = stream.feed("x" * 1000)
    assert len(caption.text) == 2000


def token(**grants: object) -> str:
    given = api.VideoGrants(room_join=True, room="r", **grants)  # type: ignore[arg-type]
    return api.AccessToken("key", "s" * 32).with_identity("k").with_grants(given).to_jwt()


def test_rights_are_read_from_the_token() -> None:
    assert may_publish(token())
    assert not may_publish(token(can_publish=False))
    assert may_publish(token(can_publish_sources=["microphone"]))
    assert not may_publish(token(can_publish_sources=["camera"]))
    assert may_publish("no token at all")
