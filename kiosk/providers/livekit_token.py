"""Participant tokens for a LiveKit room: minted with the standard library, read without checking the signature.

A token is a JWT signed with HS256. Writing one takes three base64 parts and one HMAC; the JWT libraries cost a
quarter of a second at start-up, because they load every cipher they could ever need.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

TTL_S = 600
"""A token is needed for the first connect only; whoever is connected gets fresh ones from the server."""

CLOCK_TOLERANCE_S = 600
"""How far the kiosk's clock may run ahead of the server's before its tokens are "not yet valid"."""


class ParticipantKind(StrEnum):
    STANDARD = "standard"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class AgentDispatch:
    """Asks the server to send the agent of this name into the room when the room is created."""

    agent_name: str
    metadata: str = ""


@dataclass(frozen=True, slots=True)
class ParticipantRequest:
    """One participant that needs a token.

    `room_empty_timeout_s` says how long the server keeps a room that nobody of kind STANDARD has joined. It must be
    set where only agents meet: the server counts such a room as empty and closes it after 300 s by default.
    """

    identity: str
    name: str = ""
    kind: ParticipantKind = ParticipantKind.STANDARD
    attributes: Mapping[str, str] = field(default_factory=dict)
    dispatch: AgentDispatch | None = None
    room_empty_timeout_s: int | None = None

    def room_config(self) -> dict[str, Any]:
        """The room configuration in the server's JSON spelling; empty where nothing is asked for."""
        config: dict[str, Any] = {}
        if self.room_empty_timeout_s is not None:
            config["emptyTimeout"] = self.room_empty_timeout_s
        if self.dispatch is not None:
            agent = {"agentName": self.dispatch.agent_name}
            if self.dispatch.metadata:
                agent["metadata"] = self.dispatch.metadata
            config["agents"] = [agent]
        return config


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What a token says of itself. Nothing here was verified. `expires_at` is Unix time in seconds.

    `can_publish` is None where the token does not say.
    """

    identity: str
    room: str
    kind: str
    expires_at: float | None
    can_publish: bool | None = None


def mint(api_key: str, api_secret: str, room: str, participant: ParticipantRequest, *, now: float) -> str:
    """A signed token for `participant` in `room`; `now` is Unix time in seconds. Raises ValueError without a name."""
    if not room or not participant.identity:
        raise ValueError("a token needs a room and an identity")
    claims: dict[str, Any] = {
        "sub": participant.identity,
        "iss": api_key,
        "nbf": int(now) - CLOCK_TOLERANCE_S,
        "exp": int(now) + TTL_S,
        "kind": participant.kind.value,
        "video": {
            "roomJoin": True,
            "room": room,
            "canPublish": True,
            "canSubscribe": True,
            "canPublishData": True,
        },
    }
    if participant.name:
        claims["name"] = participant.name
    if participant.attributes:
        claims["attributes"] = dict(participant.attributes)
    if config := participant.room_config():
        claims["roomConfig"] = config
    signed = f"{_encode({'alg': 'HS256', 'typ': 'JWT'})}.{_encode(claims)}"
    # A secret from the environment may hold bytes that are no UTF-8.
    key = api_secret.encode("utf-8", "surrogateescape")
    signature = hmac.new(key, signed.encode("ascii"), hashlib.sha256).digest()
    return f"{signed}.{_base64(signature)}"


def read_claims(token: str) -> TokenClaims | None:
    """What `token` says of itself, or None if it is no LiveKit token. Never raises."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        body = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    if not isinstance(body, dict) or not isinstance(video := body.get("video"), dict):
        return None
    expires, can_publish = body.get("exp"), video.get("canPublish")
    return TokenClaims(
        identity=_text(body.get("sub")),
        room=_text(video.get("room")),
        kind=_text(body.get("kind")) or ParticipantKind.STANDARD.value,
        expires_at=expires if isinstance(expires, int | float) and not isinstance(expires, bool) else None,
        can_publish=can_publish if isinstance(can_publish, bool) else None,
    )


def _encode(part: Mapping[str, Any]) -> str:
    return _base64(json.dumps(part, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
