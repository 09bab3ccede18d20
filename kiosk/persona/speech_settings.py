"""The table [speech]: where a voice behind HTTP is, and which. Apart from the voice, so that settings load quickly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints


class SpeechEndpointSettings(BaseModel):
    """Where the voice is, and which. `voices` by language tag; `voice` for all other languages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: Annotated[str, StringConstraints(pattern=r"^https?://", max_length=2000)] = Field(
        description="The address before /audio/speech, e.g. https://speech.example.com/v1"
    )
    model: str = Field("tts-1", min_length=1, max_length=200, description="The engine, as the server names it.")
    voice: str = Field("alloy", min_length=1, max_length=200, description="The voice, as the server names it.")
    voices: Mapping[str, str] = Field(default_factory=dict, description="Another voice for a language.")
    speed: float = Field(1.0, ge=0.25, le=4.0, description="1 is the voice's own.")
    response_format: Literal["pcm", "wav"] = Field(
        "pcm", description="What is asked for: 16-bit sound, bare or as WAV."
    )
    pcm_rate: int = Field(24_000, ge=8_000, le=48_000, description="Hz of bare sound; a WAV tells its own.")
    timeout_s: float = Field(10.0, gt=0, le=60, description="The longest wait for a sentence to begin or to go on.")
