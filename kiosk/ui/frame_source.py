"""What a view needs from the frames' side, and what the rest of the kiosk may ask of a view."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from PySide6.QtWidgets import QWidget

from kiosk.media.frames import PixelFormat, VideoFrame


class FrameSource(Protocol):
    """Holds the frames that were not shown yet. Called on the GUI thread; never blocks."""

    def take(self, now_s: float) -> VideoFrame | None:
        """The newest frame that is due at `now_s` (seconds on `time.perf_counter`); older ones are dropped."""
        ...

    def next_due_s(self) -> float | None:
        """When the earliest frame that waits is due; None when none waits."""
        ...


class RendererKind(StrEnum):
    OPENGL = "opengl"
    RASTER = "raster"


class FrameRenderer(Protocol):
    """A widget that shows the avatar's picture and holds the last one until `clear`.

    Where the frames' channel changes it goes over from the last picture of the one to those of the other.
    """

    @property
    def kind(self) -> RendererKind: ...

    @property
    def wanted_format(self) -> PixelFormat:
        """What it paints most cheaply and rightly."""
        ...

    @property
    def painted(self) -> int:
        """Frames that were painted."""
        ...

    @property
    def dropped(self) -> int:
        """Frames that were taken but replaced by a newer one before they could be painted."""
        ...

    @property
    def first_painted_s(self) -> float | None:
        """When the first frame since the start or the last `clear` was painted (seconds on the clock)."""
        ...

    def widget(self) -> QWidget: ...

    def pump(self) -> None:
        """A frame may have arrived: connect `FrameBridge.arrived` to this. GUI thread only."""
        ...

    def set_fade(self, fade: float) -> None:
        """0: background only. 1: picture only."""
        ...

    def clear(self) -> None:
        """Forgets the held picture and shows the background."""
        ...

    def shut(self) -> None:
        """Stops timers and drops graphics memory. Idempotent."""
        ...
