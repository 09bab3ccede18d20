"""VideoSDK's tokens: JWTs signed with HS256 by the project's secret. Minted here, or given by the operator.

    REST token    roles ["crawler"] (the vendor's own word): calls the API, cannot join a room
    room token    roles ["rtc"], bound to one room and one participant: joins, cannot call the API

Both carry `version: 2`: without it the v2 API refuses the token, and so it does wherever a room, a participant or roles
are named. A given token is used as it is, for both; it needs no roles, or the calls it is not made for are refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kiosk.providers.contract import Misconfigured, Secrets

TOKEN = "KIOSK_VIDEOSDK_TOKEN"  # noqa: S105  (the name of a secret)
API_KEY = "KIOSK_VIDEOSDK_API_KEY"
API_SECRET = "KIOSK_VIDEOSDK_SECRET"  # noqa: S105
SECRETS = (TOKEN, API_KEY, API_SECRET)
WAYS_IN = ((TOKEN,), (API_KEY, API_SECRET))

REST_TTL_S = 300
"""A REST token is minted for each call: it has to outlive the call and a clock that is a few minutes slow."""

ROOM_TTL_S = 600
"""A room token is looked at when somebody joins; each attempt to join gets a new one."""

CLOCK_TOLERANCE_S = 60
"""`iat` lies this far back: some verifiers refuse a token from the future."""


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What a token says of itself. Nothing here was verified. `expires_at` is Unix time in seconds."""

    roles: tuple[str, ...]
    room_id: str
    participant_id: str
    expires_at: float | None


@dataclass(frozen=True, slots=True)
class VideoSdkAccess:
    """Where tokens come from: one that was given, else the project's key and secret."""

    token: str = field(default="", repr=False)
    api_key: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)

    @classmethod
    def of(cls, secrets: Secrets) -> VideoSdkAccess:
        """Raises `Misconfigured` where there is neither a token nor key and secret."""
        # Copied out of an example for another vendor; this one takes the bare token.
        token = secrets.get(TOKEN, "").strip().removeprefix("Bearer ").strip()
        api_key, secret = secrets.get(API_KEY, "").strip(), secrets.get(API_SECRET, "").strip()
        if not token and not (api_key and secret):
            raise Misconfigured(
                f"No access: set the secret {TOKEN}, or both {API_KEY} and {API_SECRET} (kiosk secret set)"
            )
        return cls(token, api_key, secret)

    @property
    def minted(self) -> bool:
        return not self.token

    def rest_token(self, now: float) -> str:
        """For one call of the API; `now` is Unix time in seconds."""
        return self.token or mint(self.api_key, self.secret, now=now, ttl_s=REST_TTL_S, roles=("crawler",))

    def room_token(self, room_id: str, participant_id: str, now: float) -> str:
        """For one participant to join one room; `now` is Unix time in seconds."""
        return self.token or mint(
            self.api_key,
            self.secret,
            now=now,
            ttl_s=ROOM_TTL_S,
            roles=("rtc",),
            room_id=room_id,
            participant_id=participant_id,
        )


def mint(
    api_key: str,
    secret: str,
    *,
    now: float,
    ttl_s: int,
    roles: tuple[str, ...] = (),
    room_id: str = "",
    participant_id: str = "",
) -> str:
    """A signed token that is good for `ttl_s` seconds from `now` (Unix time). What is empty is left out."""
    claims: dict[str, Any] = {
        "apikey": api_key,
        "permissions": ["allow_join"],
        "version": 2,
        "iat": int(now) - CLOCK_TOLERANCE_S,
        "exp": int(now) + ttl_s,
    }
    if roles:
        claims["roles"] = list(roles)
    if room_id:
        claims["roomId"] = room_id
    if participant_id:
        claims["participantId"] = participant_id
    signed = f"{_encode({'alg': 'HS256', 'typ': 'JWT'})}.{_encode(claims)}"
    # A secret from the environment may hold bytes that are no UTF-8.
    key = secret.encode("utf-8", "surrogateescape")
    return f"{signed}.{_base64(hmac.new(key, signed.encode('ascii'), hashlib.sha256).digest())}"


def read_claims(token: str) -> TokenClaims | None:
    """What `token` says of itself, or None if it is no JWT. Never raises."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        body = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    if not isinstance(body, dict):
        return None
    roles, expires = body.get("roles"), body.get("exp")
    return TokenClaims(
        roles=tuple(role for role in roles if isinstance(role, str)) if isinstance(roles, list) else (),
        room_id=_text(body.get("roomId")),
        participant_id=_text(body.get("participantId")),
        expires_at=expires if isinstance(expires, int | float) and not isinstance(expires, bool) else None,
    )


def token_fault(token: str, now: float, *, joins: str = "") -> str | None:
    """Why `token` cannot serve, as far as it can be told from here; None where nothing speaks against it.

    `joins` is the id of the room that is to be joined; empty: the token is for the API.
    """
    claims = read_claims(token)
    if claims is None:
        return f"the secret {TOKEN} is no token (three parts with dots between them): copy it again"
    if claims.expires_at is not None and claims.expires_at <= now:
        return (
            f"the token expired {_ago(now - claims.expires_at)} ago: set a new {TOKEN}, or check this machine's clock"
        )
    if not joins and "rtc" in claims.roles and "crawler" not in claims.roles:
        return f'the token has the role "rtc", which may not call the API: set a {TOKEN} without roles'
    if joins and "crawler" in claims.roles and "rtc" not in claims.roles:
        return f'the token has the role "crawler", which may not join a room: set a {TOKEN} without roles'
    if joins and claims.room_id not in ("", joins):
        return f"the token is bound to another room: set a {TOKEN} without roomId, or that room in room_id"
    return None


def _ago(seconds: float) -> str:
    for length, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * length:
            return f"{int(seconds // length)} {unit}"
    return f"{int(seconds)} seconds"


def _encode(part: Mapping[str, Any]) -> str:
    return _base64(json.dumps(part, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
