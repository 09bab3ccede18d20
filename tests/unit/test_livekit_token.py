"""The tokens minted here against the vendor's own library, which only the tests may load."""

from __future__ import annotations

import base64
import datetime
import json
import os
import time
from typing import Any

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from livekit import api

from kiosk.providers.livekit_token import (
    CLOCK_TOLERANCE_S,
    TTL_S,
    AgentDispatch,
    ParticipantKind,
    ParticipantRequest,
    mint,
    read_claims,
)

KEY = "testkey"
SECRET = "a-secret-of-at-least-32-characters"


def claims_of(token: str) -> dict[str, Any]:
    claims = jwt.decode(token, SECRET, algorithms=["HS256"], issuer=KEY)
    assert isinstance(claims, dict)
    return claims


def reference(participant: ParticipantRequest, room: str) -> dict[str, Any]:
    """The claims that the vendor's library would write for the same participant."""
    token = (
        api.AccessToken(KEY, SECRET)
        .with_identity(participant.identity)
        .with_name(participant.name)
        .with_kind(participant.kind.value)
        .with_ttl(datetime.timedelta(seconds=TTL_S))
        .with_grants(api.VideoGrants(room_join=True, room=room))
    )
    if participant.attributes:
        token = token.with_attributes(dict(participant.attributes))
    if participant.room_config():
        dispatch = participant.dispatch
        agents = [api.RoomAgentDispatch(agent_name=dispatch.agent_name, metadata=dispatch.metadata)] if dispatch else []
        token = token.with_room_config(
            api.RoomConfiguration(empty_timeout=participant.room_empty_timeout_s or 0, agents=agents)
        )
    return claims_of(token.to_jwt())


PARTICIPANTS = [
    ParticipantRequest(identity="kiosk", name="Kiosk"),
    ParticipantRequest(identity="kiosk"),
    ParticipantRequest(identity="kiosk", name="Kiosk", attributes={"k": "v"}),
    ParticipantRequest(
        identity="worker",
        name="Worker",
        kind=ParticipantKind.AGENT,
        attributes={"lk.publish_on_behalf": "kiosk"},
        room_empty_timeout_s=3600,
    ),
    ParticipantRequest(identity="kiosk", dispatch=AgentDispatch("concierge")),
    ParticipantRequest(identity="kiosk", dispatch=AgentDispatch("concierge", '{"desk": "front"}')),
    ParticipantRequest(identity="Empfang Süd 🙂", name="受付", attributes={"ort": "Zürich"}),
]


@pytest.mark.parametrize("participant", PARTICIPANTS, ids=lambda p: f"{p.identity}-{p.kind.value}")
def test_the_claims_are_those_of_the_vendors_library(participant: ParticipantRequest) -> None:
    ours = claims_of(mint(KEY, SECRET, "r", participant, now=time.time()))
    theirs = reference(participant, "r")
    for times in ("nbf", "exp"):
        ours.pop(times)
        theirs.pop(times)
    assert ours == theirs


@pytest.mark.parametrize("participant", PARTICIPANTS, ids=lambda p: f"{p.identity}-{p.kind.value}")
def test_the_vendors_verifier_accepts_it(participant: ParticipantRequest) -> None:
    seen = api.TokenVerifier(KEY, SECRET).verify(mint(KEY, SECRET, "r", participant, now=time.time()))
    assert seen.identity == participant.identity
    assert seen.kind == participant.kind.value
    assert seen.video is not None
    assert seen.video.room == "r"
    assert seen.video.room_join is True


def test_the_header_is_that_of_the_vendors_library() -> None:
    ours = mint(KEY, SECRET, "r", ParticipantRequest(identity="kiosk"), now=time.time())
    assert jwt.get_unverified_header(ours) == {"alg": "HS256", "typ": "JWT"}


def test_another_secret_is_refused() -> None:
    token = mint(
        KEY, "another-secret-of-at-least-32-characters", "r", ParticipantRequest(identity="k"), now=time.time()
    )
    with pytest.raises(jwt.InvalidSignatureError):
        api.TokenVerifier(KEY, SECRET).verify(token)


def test_a_short_secret_still_mints() -> None:
    token = mint("devkey", "secret", "r", ParticipantRequest(identity="k"), now=time.time())
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        assert jwt.decode(token, "secret", algorithms=["HS256"])["iss"] == "devkey"


def test_a_secret_of_odd_bytes_still_mints() -> None:
    secret = b"\xff\xfe-a-secret-of-at-least-32-characters"
    token = mint(KEY, os.fsdecode(secret), "r", ParticipantRequest(identity="k"), now=time.time())
    assert jwt.decode(token, secret, algorithms=["HS256"])["sub"] == "k"


@pytest.mark.parametrize("skew_s", [CLOCK_TOLERANCE_S - 5, -(TTL_S - 5)])
def test_a_kiosk_clock_that_is_minutes_wrong_does_no_harm(skew_s: int) -> None:
    token = mint(KEY, SECRET, "r", ParticipantRequest(identity="k"), now=time.time() + skew_s)
    assert claims_of(token)["sub"] == "k"


def test_the_same_moment_gives_the_same_token() -> None:
    participant = ParticipantRequest(identity="k")
    assert mint(KEY, SECRET, "r", participant, now=1e9) == mint(KEY, SECRET, "r", participant, now=1e9)


@pytest.mark.parametrize(("room", "identity"), [("", "k"), ("r", ""), ("", "")])
def test_room_and_identity_are_needed(room: str, identity: str) -> None:
    with pytest.raises(ValueError, match="room and an identity"):
        mint(KEY, SECRET, room, ParticipantRequest(identity=identity), now=0)


def test_reading_gives_back_what_was_written() -> None:
    token = mint(KEY, SECRET, "r", ParticipantRequest(identity="k", kind=ParticipantKind.AGENT), now=1_000)
    claims = read_claims(token)
    assert claims is not None
    assert (claims.identity, claims.room, claims.kind, claims.expires_at) == ("k", "r", "agent", 1_000 + TTL_S)


def _token_of(body: object) -> str:
    return "e30." + base64.urlsafe_b64encode(json.dumps(body).encode()).rstrip(b"=").decode() + ".c2ln"


def test_a_token_without_a_kind_is_a_standard_one() -> None:
    claims = read_claims(_token_of({"sub": "k", "video": {"room": "r"}}))
    assert claims is not None
    assert (claims.kind, claims.expires_at) == ("standard", None)


@pytest.mark.parametrize("body", [None, [], "x", 3, {}, {"video": None}, {"video": "yes"}])
def test_what_is_no_room_token_reads_as_none(body: object) -> None:
    assert read_claims(_token_of(body)) is None


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.one_of(st.text(), st.text().map(lambda middle: f"e30.{middle}.c2ln"), st.text("AQ0-_.=", max_size=40)))
def test_reading_rubbish_never_raises(text: str) -> None:
    read_claims(text)
