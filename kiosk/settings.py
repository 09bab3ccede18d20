"""The settings of a kiosk, typed. `settings_load` reads them; nothing here touches a file.

Every table is frozen and refuses unknown keys. Times are in seconds, volumes linear from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from kiosk.dialogue.call_settings import CallSettings
from kiosk.persona.speech_settings import SpeechEndpointSettings
from kiosk.providers.own_room import OwnRoomSettings
from kiosk.session.prewarm import Prewarm
from kiosk.settings_budget import BudgetSettings

LOCAL = "local"
"""The kiosk's own persona: always a valid name in settings, built in or not."""

Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]


class Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)


class SessionSettings(Table):
    """[session]"""

    provider: Annotated[str, StringConstraints(min_length=1, max_length=64)] = Field(
        LOCAL, description="Who gives the avatar: the name of a provider."
    )
    fallback: Annotated[str, StringConstraints(max_length=64)] = Field(
        LOCAL, description="Who speaks when the provider is down; empty for nobody."
    )
    max_visit_s: float = Field(600, ge=5, le=86_400, description="A visit ends after this many seconds.")
    idle_s: float = Field(45, ge=5, le=3_600, description="A visit ends when nobody spoke or touched for so long.")
    welcome: bool = Field(True, description="Show the notice and the choice of language before a visit.")
    language: Language = Field("en", description="The language that the kiosk starts in.")
    languages: tuple[Language, ...] = Field(
        ("en", "de"), min_length=1, max_length=32, description="The languages that a visitor may choose from."
    )

    waiting: Literal["persona", "last-picture", "plain"] = Field(
        "persona", description="Who is seen until the avatar comes: the persona, the avatar as last seen, or nobody."
    )

    prewarm: Prewarm = Field(
        Prewarm.OFF, description="Begin the vendor's session before the visit: off, at the welcome screen, or always."
    )
    prewarm_s: float = Field(
        60, ge=10, le=300, description="So long a session that was begun ahead waits for its visitor."
    )

    @model_validator(mode="after")
    def language_is_offered(self) -> SessionSettings:
        if self.language not in self.languages:
            raise ValueError(f'language "{self.language}" must be one of languages: {", ".join(self.languages)}')
        return self


class ViewSettings(Table):
    """[view]"""

    renderer: Literal["auto", "opengl", "raster"] = Field(
        "auto", description="How the picture is painted; auto takes raster where OpenGL would run in software."
    )
    fit: Literal["contain", "cover"] = Field("cover", description="Show all of the picture, or fill the screen.")
    matrix: Literal["bt601", "bt709"] = Field("bt601", description="Colour matrix of the vendor's video.")
    range: Literal["limited", "full"] = Field("limited", description="Value range of the vendor's video.")
    theme: Literal["dark", "light"] = Field("dark", description="Look of the screens.")
    badge: str = Field("", max_length=60, description="A word in the corner of the screen, e.g. DEMO.")
    text_scale: float = Field(1.0, ge=0.8, le=2.0, description="Size of all words and buttons, 1 as designed.")
    animate: bool = Field(True, description="Let things on the screen move; off for people whom motion disturbs.")


class AudioSettings(Table):
    """[audio]"""

    speaker: str = Field("", max_length=200, description="Part of the loudspeaker's name; empty for the default.")
    microphone: str = Field("", max_length=200, description="Part of the microphone's name; empty for the default.")
    echo_cancellation: bool = Field(True, description="Take the avatar's own voice out of the microphone.")
    noise_suppression: bool = Field(True, description="Take steady noise out of the microphone.")
    gain_control: bool = Field(True, description="Bring quiet and loud visitors to the same level.")
    volume: float = Field(1.0, ge=0, le=1, description="Loudness of the avatar, 0 to 1.")


class LogSettings(Table):
    """[log]"""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least that is logged.")
    file: str = Field(
        "auto", min_length=1, max_length=1_000, description='A path; "auto" for the usual place, "off" for no file.'
    )
    as_json: bool = Field(False, alias="json", description="One JSON object a line on the standard error output.")


class Settings(Table):
    """All of kiosk.toml. `providers` holds the tables as written: a provider's own model checks its table."""

    session: SessionSettings = SessionSettings()
    budget: BudgetSettings = Field(BudgetSettings(), validate_default=True)
    view: ViewSettings = ViewSettings()
    audio: AudioSettings = AudioSettings()
    livekit: OwnRoomSettings = OwnRoomSettings()
    call: CallSettings = CallSettings()
    speech: SpeechEndpointSettings | None = None
    log: LogSettings = LogSettings()
    providers: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)

    @field_validator("budget")
    @classmethod
    def waiting_all_day_has_a_limit(cls, budget: BudgetSettings, info: ValidationInfo) -> BudgetSettings:
        session = info.data.get("session")
        if session is not None and session.prewarm is Prewarm.ATTRACT and not budget.minutes_per_day:
            raise ValueError(
                'prewarm = "attract" in [session] keeps a vendor\'s session open all day, with nobody there: '
                "set minutes_per_day to what that may cost"
            )
        return budget
