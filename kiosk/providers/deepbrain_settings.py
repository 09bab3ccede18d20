"""The table [providers.deepbrain]."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from kiosk.providers.web_address import web_address


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)


class CustomSettings(_Table):
    # No greeting_text: the vendor does not say which of its two greetings wins, so only the top-level one is sent.
    system_prompt: str | None = Field(None, description="What the vendor's language model is told to be.")


class LlmConfigurations(_Table):
    provider: str | None = Field(None, min_length=1, description="openai, anthropic, google or custom.")
    model: str | None = Field(None, min_length=1, description="Name of the model at that provider.")
    temperature: float | None = Field(None, description="Temperature of the model.")
    custom_settings: CustomSettings | None = Field(None, description="Further settings of the model.")


class Persona(_Table):
    language: str | None = Field(None, min_length=2, description="Overrides `language` of the table above.")
    llm_configurations: LlmConfigurations | None = Field(None, description="The vendor's own language model.")


class DeepBrainSettings(_Table):
    base_url: str = Field("https://ai-streamer.deepbrain.io", description="Where the vendor's API is.")
    # The vendor's samples post to another path; its reference page says this one.
    token_path: str = Field("/api/v2/sessions/token", pattern=r"^/[^\s?#]*$", description="Path of the token call.")
    app_id: str = Field("", description="The account's app id; not needed with token_url.")
    avatar_id: str = Field(min_length=1, description="Id of the avatar, copied from the vendor's console.")
    language: str | None = Field(None, min_length=2, description="e.g. en, ko, en-US; unset: the visitor's choice.")
    persona: Persona | None = Field(None, description="Persona and language model, passed on as they are.")
    greeting_text: str | None = Field(None, min_length=1, description="What the avatar says when it appears.")
    max_session_duration: int | None = Field(None, gt=0, description="Longest session that the vendor allows.")
    # The vendor does not say in which unit it counts.
    max_session_duration_unit: Literal["minutes", "seconds"] = Field("minutes", description="Unit of that number.")
    # Longer than other calls take: the vendor brings up a renderer before it answers.
    start_timeout_s: float = Field(20.0, gt=0, le=120, description="Longest wait for a session, in seconds.")
    lip_audio_mode: str | None = Field(None, min_length=1, description="If set, the vendor speaks no greeting.")
    publish_microphone: bool = Field(False, description="Send the visitor's voice into the vendor's room.")
    token_url: str | None = Field(None, description="A relay that returns a session_token: no account key here.")
    stop_url: str | None = Field(None, description="A relay that stops a session: only the account key can.")

    @field_validator("base_url", "token_url", "stop_url")
    @classmethod
    def _is_web_address(cls, value: str | None) -> str | None:
        return None if value is None else web_address(value)

    @model_validator(mode="after")
    def _names_its_account(self) -> DeepBrainSettings:
        if not self.app_id and self.token_url is None:
            raise ValueError("app_id is required, or a token_url")
        return self
