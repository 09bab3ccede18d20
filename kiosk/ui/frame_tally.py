"""What a view counts about the frames it was given."""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.clock import Clock
from kiosk.media.frames import STAND_IN, VideoFrame


@dataclass(slots=True)
class FrameTally:
    clock: Clock
    painted: int = 0
    dropped: int = 0
    first_painted_s: float | None = None

    def note_painted(self, frame: VideoFrame | None) -> bool:
        """Returns True for the first frame of an avatar since the start or the last `restart`."""
        if frame is None or frame.channel == STAND_IN:
            return False
        self.painted += 1
        if self.first_painted_s is None:
            self.first_painted_s = self.clock.monotonic()
            return True
        return False

    def note_dropped(self) -> None:
        self.dropped += 1

    def restart(self) -> None:
        """A new visit: the next frame is a first one again. The counts go on."""
        self.first_painted_s = None
