"""The table [call]: who is called when the persona does not know. Apart from the calling: settings load quickly."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints


class CallSettings(BaseModel):
    """[call]"""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: Annotated[str, StringConstraints(pattern=r"^(https?://[^\s/]+(/\S*)?)?$", max_length=1_000)] = Field(
        "", description="A webhook that calls a person to the kiosk; empty: nobody can be called."
    )
    place: Annotated[str, StringConstraints(max_length=120)] = Field(
        "", description="Where this kiosk stands, as the person who is called should read it."
    )
    send_text: bool = Field(False, description="Send what the visitor asked along with the call.")
