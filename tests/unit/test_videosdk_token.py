"""VideoSDK's tokens against a JWT library, which only the tests may load."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.providers.contract import Misconfigured
from kiosk.providers.videosdk_token import (
    API_KEY,
    API_SECRET,
    REST_TTL_S,
    ROOM_TTL_S,
    TOKEN,
    VideoSdkAccess,
    mint,
    read_claims,
    token_fault,
)

KEY = "7e4c7f0a-key"
SECRET = "a-secret-of-at-least-32-characters"
NOW = 1_750_000_000.0
MINTING = VideoSdkAccess.of({API_KEY: KEY, API_SECRET: SECRET})


def claims_of(token: str) -> dict[str, Any]:
    claims = jwt.decode(token, SECRET, algorithms=["HS256"], options={"verify_exp": False})
    assert isinstance(claims, dict)
    return claims


def test_a_rest_token_calls_the_api_and_cannot_join() -> None:
    claims = claims_of(MINTING.rest_token(NOW))
    assert claims["apikey"] == KEY
    assert claims["version"] == 2
    assert claims["permissions"] == ["allow_join"]
    assert claims["roles"] == ["crawler"]
    assert "roomId" not in claims
    assert "participantId" not in claims
    assert claims["iat"] <= NOW < claims["exp"] == NOW + REST_TTL_S


def test_a_room_token_is_bound_to_one_room_and_one_participant() -> None:
    claims = claims_of(MINTING.room_token("abcd-efgh-ijkl", "kiosk-1", NOW))
    assert claims["roles"] == ["rtc"]
    assert (claims["roomId"], claims["participantId"]) == ("abcd-efgh-ijkl", "kiosk-1")
    assert claims["version"] == 2
    assert claims["exp"] == NOW + ROOM_TTL_S <= NOW + 3600


@pytest.mark.parametrize("given_token", ["a.b.c", " a.b.c\n", "Bearer a.b.c"])
def test_a_given_token_wins_and_is_used_as_it_is(given_token: str) -> None:
    access = VideoSdkAccess.of({TOKEN: given_token, API_KEY: KEY, API_SECRET: SECRET})
    assert access.rest_token(NOW) == access.room_token("room", "kiosk", NOW) == "a.b.c"
    assert not access.minted


@pytest.mark.parametrize("secrets", [{}, {API_KEY: KEY}, {API_SECRET: SECRET}, {TOKEN: "  "}])
def test_without_token_or_pair_it_names_the_secrets_to_set(secrets: dict[str, str]) -> None:
    with pytest.raises(Misconfigured) as caught:
        VideoSdkAccess.of(secrets)
    assert TOKEN in caught.value.operator_line
    assert API_SECRET in caught.value.operator_line


def test_no_secret_stands_in_a_repr() -> None:
    access = VideoSdkAccess.of({TOKEN: "eyJ.token", API_KEY: KEY, API_SECRET: SECRET})
    assert not any(secret in repr(access) for secret in ("eyJ.token", KEY, SECRET))


@pytest.mark.parametrize(
    ("token", "joins", "word"),
    [
        ("garbage", "", "no token"),
        (mint(KEY, SECRET, now=NOW - 7200, ttl_s=60), "", "expired 119 minutes ago"),
        (mint(KEY, SECRET, now=NOW, ttl_s=60, roles=("rtc",)), "", "may not call the API"),
        (mint(KEY, SECRET, now=NOW, ttl_s=60, roles=("crawler",)), "room", "may not join"),
        (mint(KEY, SECRET, now=NOW, ttl_s=60, room_id="other"), "room", "another room"),
    ],
)
def test_a_token_that_cannot_serve_is_told_from_its_claims(token: str, joins: str, word: str) -> None:
    assert word in (token_fault(token, NOW, joins=joins) or "")


@pytest.mark.parametrize("joins", ["", "room"])
def test_a_token_without_roles_serves_for_both(joins: str) -> None:
    assert token_fault(mint(KEY, SECRET, now=NOW, ttl_s=60), NOW, joins=joins) is None


@settings(max_examples=200)
@given(st.one_of(st.text(), st.tuples(st.text(), st.text(), st.text()).map(".".join)))
def test_no_text_makes_reading_raise(text: str) -> None:
    read_claims(text)
    token_fault(text, NOW, joins="room")
