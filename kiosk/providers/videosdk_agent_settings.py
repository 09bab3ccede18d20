"""The table [providers.videosdk-agent]."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, get_args

from pydantic import Field, JsonValue, StringConstraints, field_validator, model_validator

from kiosk.providers.videosdk_api import BASE_URL, VideoSdkTable, base_url_of

NAME = "videosdk-agent"
TABLE = f"[providers.{NAME}]"

WebhookEvent = Literal[
    "ai-deployment-session-starting",
    "ai-deployment-session-started",
    "ai-deployment-session-stopping",
    "ai-deployment-session-stopped",
    "ai-deployment-session-failed",
]
ALL_EVENTS: tuple[WebhookEvent, ...] = get_args(WebhookEvent)
Id = Annotated[str, StringConstraints(max_length=200, pattern=r"^[A-Za-z0-9._-]*$")]


class StartBy(StrEnum):
    """How the agent comes into the room."""

    DEPLOYMENT = "deployment"  # a deployment session; the room is handed to it by an environment variable
    DISPATCH = "dispatch"  # a registered agent is sent into the room by its id
    NOBODY = "nobody"  # it comes by itself


class Webhook(VideoSdkTable):
    """Where the vendor reports what becomes of a deployment session."""

    end_point: str = Field(min_length=1, description="An https:// address that takes POST.")
    events: tuple[WebhookEvent, ...] = Field(ALL_EVENTS, min_length=1, description="Which events are reported.")

    @field_validator("end_point")
    @classmethod
    def _is_web_address(cls, value: str) -> str:
        return base_url_of(value)


class VideoSdkAgentSettings(VideoSdkTable):
    """The table itself."""

    base_url: str = Field(BASE_URL, description="The vendor's API.")
    start_by: StartBy = Field(StartBy.DEPLOYMENT, description="How the agent comes: deployment, dispatch or nobody.")
    deployment_id: Id = Field("", description="The deployment that runs the agent.")
    tag: str = Field("", max_length=200, description="Version of the deployment, e.g. v1.0.")
    env: dict[str, str] = Field(default_factory=dict, description="Environment variables of the deployment session.")
    room_env: str = Field(
        "VIDEOSDK_ROOM_ID", pattern=r"^[A-Za-z0-9_]*$", description="The variable that names the room; empty: none."
    )
    meta_data: dict[str, JsonValue] = Field(default_factory=dict, description="Kept with the session by the vendor.")
    webhook: Webhook | None = Field(None, description="Reports of the deployment session to a server of yours.")
    room_id: Id = Field("", description="A room that exists; empty: a new one for each visit.")
    agent_id: Id = Field("", description="The registered agent (start_by = dispatch).")
    version_id: Id = Field("", description="A version of that agent.")
    agent_waits_s: int = Field(
        60, ge=5, le=3600, description="So long a dispatched agent waits for a kiosk whose network broke off."
    )
    agent_participant: Id = Field("", description="The participant that is awaited; empty: any agent.")
    participant_name: str = Field(
        "Kiosk", min_length=1, max_length=100, description="As whom the kiosk appears in the room."
    )
    chat_topic: str = Field("CHAT", max_length=200, description="Where typed text is published; empty: nowhere.")
    ready_s: float = Field(
        25.0, ge=0, le=120, description="The longest wait for the deployment session to run; 0: do not ask."
    )

    @field_validator("base_url")
    @classmethod
    def _safe_base_url(cls, value: str) -> str:
        return base_url_of(value)

    @field_validator("participant_name")
    @classmethod
    def _no_agent(cls, value: str) -> str:
        if "agent" in value.lower():
            raise ValueError('must not contain "agent": the vendor\'s agents do not listen to such a participant')
        return value

    @model_validator(mode="after")
    def _can_be_started(self) -> VideoSdkAgentSettings:
        if self.start_by is StartBy.DISPATCH and not self.agent_id:
            raise ValueError('start_by = "dispatch" needs agent_id')
        if self.start_by is StartBy.NOBODY and not self.room_id:
            raise ValueError('start_by = "nobody" needs room_id: the room into which the agent comes')
        return self
