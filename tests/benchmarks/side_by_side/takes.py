"""What is shown to whom, and what a take brings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

KIOSK: Final = "kiosk"
BROWSER: Final = "browser"
BROWSER_SENDING: Final = "browser-sending"


@dataclass(frozen=True, slots=True)
class Format:
    """What is published, on a screen of the same size."""

    width: int
    height: int
    fps: int

    @classmethod
    def parse(cls, text: str) -> Format:
        """`1280x720@30`, even sizes. Raises `ValueError`."""
        size, _, fps = text.partition("@")
        width, height = (int(part) for part in size.split("x"))
        if width % 2 or height % 2 or min(width, height) < 180:
            raise ValueError(f"{text}: even sizes from 180 pixels are needed")
        return cls(width, height, int(fps or 30))

    def __str__(self) -> str:
        return f"{self.width}x{self.height}@{self.fps}"


@dataclass(frozen=True, slots=True)
class Take:
    """`figures` by name, units in the names; `notes` tell what a figure may have suffered from."""

    kind: str  # voice, silent, start or attract
    client: str
    format: str
    round: int
    figures: dict[str, float]
    notes: dict[str, Any] = field(default_factory=dict)
