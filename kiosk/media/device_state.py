"""What is open of microphone and loudspeaker, and what goes wrong with them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class DeviceKind(StrEnum):
    SPEAKER = "speaker"
    MICROPHONE = "microphone"


@dataclass(frozen=True, slots=True)
class DeviceState:
    """`notice` is a key for the visitor's screen (empty: nothing to say)."""

    microphone: bool = False
    speaker: bool = False
    notice: str = ""


class DeviceError(Exception):
    """A sound device cannot be used. The text is one line for the operator: what, where and what to do about it.

    `screen` is a key for the visitor's screen.
    """

    def __init__(self, operator_line: str, screen: str):
        super().__init__(operator_line)
        self.operator_line = operator_line
        self.screen = screen
