"""The table [providers.videosdk-ingest]."""

from __future__ import annotations

from pydantic import Field, JsonValue, field_validator, model_validator

from kiosk.providers.videosdk_api import BASE_URL, VideoSdkTable, base_url_of

NAME = "videosdk-ingest"
TABLE = f"[providers.{NAME}]"


class ParticipantSettings(VideoSdkTable):
    """As whom the kiosk appears in the room."""

    id: str = Field("", max_length=100, pattern=r"^[A-Za-z0-9._-]*$", description="Empty: a new one each session.")
    name: str = Field("Kiosk", min_length=1, max_length=100, description="Shown to the others in the room.")
    metadata: dict[str, JsonValue] = Field(default_factory=dict, description="Told to the others in the room.")

    @field_validator("name")
    @classmethod
    def no_agent(cls, value: str) -> str:
        if "agent" in value.lower():
            raise ValueError('must not contain "agent": the vendor\'s agents do not listen to such a participant')
        return value


class AgentSettings(VideoSdkTable):
    """The agent that is sent into the room."""

    id: str = Field(min_length=1, max_length=200, description="The agent's id.")
    metadata: dict[str, JsonValue] = Field(default_factory=dict, description="Handed to the agent.")


class VideoSdkIngestSettings(VideoSdkTable):
    """The table itself. Without `agent`, whoever else is in the room is the one to talk to."""

    base_url: str = Field(BASE_URL, description="The vendor's API.")
    room_id: str = Field("", max_length=200, pattern=r"^[A-Za-z0-9._-]*$", description="The room; must be given.")
    participant: ParticipantSettings = Field(default_factory=lambda: ParticipantSettings())
    agent: AgentSettings | None = Field(None, description="The agent that is sent into the room.")
    agent_wait_s: float = Field(
        20.0, ge=0, le=25, description="The longest wait for the agent; 0: the face appears without it."
    )
    region: str | None = Field(
        None, max_length=40, pattern=r"^[A-Za-z0-9-]+$", description="Where the sound goes in, e.g. us002."
    )
    chat_topic: str = Field("CHAT", max_length=200, description="Where typed text is published; empty: nowhere.")
    transcript_topic: str = Field("", max_length=200, description="Whose messages are shown as captions; empty: none.")
    half_duplex: bool = Field(False, description="Do not send the microphone while the far side speaks.")

    @field_validator("base_url")
    @classmethod
    def safe_base_url(cls, value: str) -> str:
        return base_url_of(value)

    @model_validator(mode="after")
    def topics_differ(self) -> VideoSdkIngestSettings:
        if self.transcript_topic and self.transcript_topic == self.chat_topic:
            raise ValueError("transcript_topic and chat_topic must not be the same")
        return self
