"""How a simulated participant enters a room and what it may do there."""

from __future__ import annotations

import asyncio
from typing import Any

import jwt
from livekit import rtc

JOIN_TIMEOUT_S = 15.0
STATE_ATTRIBUTE = "lk.agent.state"


class AvatarError(Exception):
    """A simulated participant could not join its room, or is in none."""


def claims_of(token: str) -> dict[str, Any]:
    """The video grants in a participant token."""
    grants: dict[str, Any] = jwt.decode(token, options={"verify_signature": False}).get("video", {})
    return grants


async def connect(room: rtc.Room, url: str, token: str) -> None:
    """Raises `AvatarError`. Never cancels `Room.connect`: the native attempt would go on and join as a ghost."""
    attempt = asyncio.ensure_future(room.connect(url, token, rtc.RoomOptions(auto_subscribe=True)))
    try:
        done, _ = await asyncio.wait({attempt}, timeout=JOIN_TIMEOUT_S)
    except asyncio.CancelledError:
        done = set()
    if not done:
        # Cancelled, or too late: what comes of it must still be undone.
        await asyncio.gather(attempt, return_exceptions=True)
        await room.disconnect()
        raise AvatarError("the room did not answer in time")
    if attempt.exception() is not None:
        # The library's own text carries the token: it is not repeated here.
        raise AvatarError("the room refused the participant") from None


async def show_state(room: rtc.Room, token: str, state: str) -> None:
    """Sets `lk.agent.state` where the token allows it: without the right, the call would fail without a word."""
    if claims_of(token).get("canUpdateOwnMetadata", False):
        await room.local_participant.set_attributes({STATE_ATTRIBUTE: state})
