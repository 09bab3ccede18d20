"""What the command line says about one run, and no settings file may say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunOptions:
    """`windowed` is (width, height) in logical pixels; None and `kiosk` False: the window decides by itself.

    `for_s` ends the run cleanly after that many seconds; None: it runs until somebody ends it.
    """

    config: Path | None = None
    provider: str | None = None
    windowed: tuple[int, int] | None = None
    kiosk: bool = False
    auto_start: bool = False
    for_s: float | None = None
    report: Path | None = None
