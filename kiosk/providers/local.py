"""The kiosk's own persona as a provider: starts at once, costs nothing, calls nobody."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from kiosk.providers.contract import (
    Broken,
    Capabilities,
    EndReason,
    Grant,
    LocalGrant,
    Misconfigured,
    SessionRef,
    Visit,
)
from kiosk.providers.registry import ProviderContext, ProviderEntry

_log = logging.getLogger("kiosk.providers")

NAME = "local"
SPEECH_KEY = "KIOSK_SPEECH_API_KEY"
CALL_TOKEN = "KIOSK_CALL_TOKEN"  # noqa: S105 - the name of a secret


LanguageTag = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]


class LocalSettings(BaseModel):
    """The table [providers.local]."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    persona: str = Field(
        "mara", min_length=1, max_length=1_000, description="A persona's name, or the path of its file."
    )
    knowledge: Path | None = Field(None, description="Folder of the questions and answers; empty for the example.")
    width: int = Field(1280, ge=160, le=3840, description="Width of the drawn picture in pixels.")
    height: int = Field(720, ge=160, le=3840, description="Height of the drawn picture in pixels.")
    ears: bool = Field(True, description="Listen to the visitor; without it they touch or type.")
    ears_models: Mapping[LanguageTag, Path] = Field(
        default_factory=dict, description="Folder of a Vosk model for a language."
    )
    voice: Literal["espeak", "piper", "endpoint"] = Field(
        "espeak", description="Which engine speaks; endpoint: the one of the table [speech]."
    )
    piper_model: Path | None = Field(None, description="Voice file of Piper (voice = piper).")


class Local:
    """There is no vendor and no session, so there is nothing to end."""

    name = NAME
    capabilities = Capabilities(interrupts=True, hosted_dialogue=True, renews=True, at_once=True)

    def __init__(self, context: ProviderContext):
        self._clock = context.clock

    async def start(self, visit: Visit) -> Grant:
        _log.info("persona ready")
        return LocalGrant(SessionRef(NAME, visit.id, None, self._clock.wall()), visit.language)

    async def renew(self, grant: Grant) -> Grant:
        if not isinstance(grant, LocalGrant):
            raise Broken("Renew: this grant is not the persona's")
        return grant

    async def end(self, session: SessionRef, reason: EndReason) -> None:
        _log.debug("nothing to end (%s)", reason.value)

    async def say(self, session: SessionRef, text: str) -> None:
        raise Misconfigured("Say: the persona takes text through its link")

    async def check(self) -> str:
        return "needs no network"

    async def aclose(self) -> None:
        """Holds nothing open."""


def _create(settings: LocalSettings, context: ProviderContext) -> Local:
    return Local(context)


PROVIDER = ProviderEntry(
    NAME, LocalSettings, (SPEECH_KEY, CALL_TOKEN), _create, asks_http=lambda table, own_room: False
)
