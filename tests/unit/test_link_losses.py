"""What a lost room means, and that no token leaves the classification."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.links.contract import LostReason
from kiosk.links.losses import from_connect_error, from_disconnect

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJraW9zayJ9.c2lnbmF0dXJlLXNpZ25hdHVyZQ"


@pytest.mark.parametrize("reason", [2, 4, 5, 12])
def test_expelled_for_good(reason: int) -> None:
    lost = from_disconnect(reason)
    assert lost.reason is LostReason.EXPELLED
    assert not lost.retry


@pytest.mark.parametrize("reason", [0, 1, 3, 6, 7, 8, 9, 10, 14, 15, 16, 99])
def test_everything_else_is_tried_again(reason: int) -> None:
    assert from_disconnect(reason).retry


@pytest.mark.parametrize(
    ("text", "reason", "retry", "says"),
    [
        (f"signal failure: 401 Unauthorized - {TOKEN}", LostReason.REFUSED, False, "clock"),
        ("404 Not Found - requested room does not exist", LostReason.REFUSED, False, "room"),
        ("wait_pc_connection timed out", LostReason.NETWORK, True, "firewall"),
        ("invalid peer certificate: Expired", LostReason.NETWORK, True, "certificate"),
        ("failed to lookup address information", LostReason.NETWORK, True, "resolved"),
        ("transport closed", LostReason.NETWORK, True, "network"),
    ],
)
def test_refusals_and_failures(text: str, reason: LostReason, retry: bool, says: str) -> None:
    lost = from_connect_error(text, "rooms.example")
    assert (lost.reason, lost.retry) == (reason, retry)
    assert says in lost.operator_line
    assert "rooms.example" in lost.operator_line


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_token_in_the_text_never_reaches_the_operator(before: str, after: str) -> None:
    lost = from_connect_error(f"{before} {TOKEN} {after}", "rooms.example")
    assert TOKEN.split(".")[2] not in lost.operator_line
    assert "\n" not in lost.operator_line
