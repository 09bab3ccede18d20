"""The table [providers.tenbyte]."""

from __future__ import annotations

import uuid
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

LOOPBACK = ("localhost", "127.0.0.1", "::1")

WhipCredential = Literal["url", "stream_key", "livekit_token"]


class TenbyteSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)

    base_url: str = Field("https://api.tenbyte.io/v1/webinar", description="Where the vendor's API is.")
    session_id: str = Field("", description="The session that the kiosk joins, or starts as its host: a UUID.")
    room_id: str = Field("", description="As host: make a new session in this room for each visit.")
    preset_id: str = Field("", description="The preset of those sessions: a UUID, with room_id.")
    title: str = Field("Kiosk", min_length=3, max_length=255, description="The title of those sessions.")
    # No call of the vendor returns it.
    livekit_url: str = Field(description="wss:// address of the LiveKit server that the stage is on.")
    role: Literal["viewer", "host"] = Field("viewer", description="Join a stage, or start and end it.")
    shown: str = Field("", max_length=256, description="Identity of who is shown; empty: whoever is on the stage.")
    publish_microphone: bool = Field(False, description="Send the visitor's voice to everybody on the stage.")
    go_live: bool = Field(True, description="As host: go live where the start alone leaves the session scheduled.")
    persona: Literal["off", "room", "whip"] = Field(
        "off", description="As host: how the kiosk's own persona goes on the stage."
    )
    persona_height: int = Field(360, ge=180, le=1080, multiple_of=2, description="Height of its picture, 16:9, pixels.")
    persona_fps: int = Field(24, ge=5, le=30, description="Its pictures a second.")
    whip_auth: tuple[WhipCredential, ...] = Field(
        ("url", "stream_key", "livekit_token"),
        min_length=1,
        max_length=3,
        description="What the kiosk shows to whip_url, one after the other until one is taken.",
    )
    # Longer than other calls take: the vendor may bring up an ingress before it answers.
    start_timeout_s: float = Field(20.0, gt=0, le=120, description="Longest wait for a start or a join, in seconds.")

    @field_validator("base_url")
    @classmethod
    def _is_web_address(cls, value: str) -> str:
        problem = web_address_problem(value)
        if problem:
            raise ValueError(problem)
        return value.rstrip("/")

    @field_validator("livekit_url")
    @classmethod
    def _is_room_server(cls, value: str) -> str:
        problem = _address_problem(value, "wss", "ws")
        if problem:
            raise ValueError(problem)
        return value

    @field_validator("session_id", "room_id", "preset_id")
    @classmethod
    def _is_uuid(cls, value: str) -> str:
        if value:
            try:
                uuid.UUID(value)
            except ValueError:
                raise ValueError("must be a UUID, as 3c90c3cc-0d44-4b50-8888-8dd25736052a is") from None
        return value

    @model_validator(mode="after")
    def _names_its_stage(self) -> TenbyteSettings:
        if self.role == "viewer" and self.persona != "off":
            raise ValueError('persona goes on the stage as host only: set role = "host", or persona = "off"')
        if self.role == "viewer" and not self.session_id:
            raise ValueError("session_id is required: the id of the session to join")
        if self.role == "host" and not self.session_id and not (self.room_id and self.preset_id):
            raise ValueError("session_id is required, or room_id and preset_id")
        if self.session_id and (self.room_id or self.preset_id):
            raise ValueError("session_id and room_id exclude each other: one session, or a new one for each visit")
        return self


def web_address_problem(value: str) -> str:
    """Why `value` is no address to which a secret may be sent; empty where it is one."""
    return _address_problem(value, "https", "http")


def _address_problem(value: str, scheme: str, on_this_machine: str) -> str:
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return f"must begin with {scheme}:// and name a host"
    if parts.scheme not in (scheme, on_this_machine) or not host or not value.isprintable() or " " in value:
        return f"must begin with {scheme}:// and name a host"
    if parts.username is not None or parts.password is not None:
        return "must not hold a user name or a password"
    if parts.scheme == on_this_machine and host not in LOOPBACK:
        return f"must begin with {scheme}:// ({on_this_machine}:// only on this machine): a key goes over this line"
    return ""
