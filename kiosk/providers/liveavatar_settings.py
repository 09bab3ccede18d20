"""The table [providers.liveavatar]."""

from __future__ import annotations

import uuid
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from kiosk.providers.web_address import web_address

MOST_VARIABLES = 50

_Key = Annotated[str, Field(min_length=1, max_length=64)]
_Value = Annotated[str, Field(max_length=1000)]


class LiveAvatarSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)

    base_url: str = Field("https://api.liveavatar.com", description="Where the vendor's API is.")
    avatar_id: str = Field(min_length=1, description="Id of the avatar: a UUID.")
    context_id: str = Field("", description="What the avatar knows and how it behaves: a UUID.")
    voice_id: str = Field("", description="Another voice than the avatar's own: a UUID.")
    voice_agent_id: str = Field("", description="A stored voice agent in place of context_id and voice_id: a UUID.")
    language: str | None = Field(None, min_length=2, description="e.g. en, de; unset: the visitor's choice.")
    dynamic_variables: dict[_Key, _Value] = Field(
        default_factory=dict, max_length=MOST_VARIABLES, description="Fill the context's placeholders."
    )
    llm_configuration_id: str = Field("", description="A language model of yours that the vendor knows: a UUID.")
    quality: Literal["very_high", "high", "medium", "low"] | None = Field(
        None, description="1080p, 720p, 480p, 360p; unset: the vendor's."
    )
    encoding: Literal["VP8", "H264"] | None = Field(None, description="Unset: the vendor's.")
    max_session_duration: int | None = Field(None, gt=0, description="Longest session, in seconds.")
    sandbox: bool = Field(False, description="Sessions of about a minute that cost nothing, with one avatar only.")
    # The vendor's own client looks for this participant's tracks and for no other.
    avatar_identity: str = Field("heygen", max_length=256, description="The avatar in the room; empty: who shows one.")
    # The vendor asks for one every 2 to 3 minutes; it ends what was idle for 5.
    keep_alive_s: float = Field(120.0, gt=0, le=240, description="Seconds from one sign of life to the next.")
    # Longer than other calls take: the vendor brings up room and avatar before it answers.
    start_timeout_s: float = Field(20.0, gt=0, le=120, description="Longest wait for a session, in seconds.")
    token_url: str | None = Field(None, description="A relay that holds the account's key.")

    @field_validator("base_url", "token_url")
    @classmethod
    def _is_web_address(cls, value: str | None) -> str | None:
        return None if value is None else web_address(value)

    @field_validator("avatar_id", "context_id", "voice_id", "voice_agent_id", "llm_configuration_id")
    @classmethod
    def _is_uuid(cls, value: str) -> str:
        if value:
            try:
                uuid.UUID(value)
            except ValueError:
                raise ValueError("must be a UUID, as 3c90c3cc-0d44-4b50-8888-8dd25736052a is") from None
        return value

    @model_validator(mode="after")
    def _has_one_persona(self) -> LiveAvatarSettings:
        if self.voice_agent_id and (self.context_id or self.voice_id):
            raise ValueError("voice_agent_id and context_id or voice_id exclude each other: the vendor takes one")
        return self
