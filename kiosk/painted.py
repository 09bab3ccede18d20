"""What became of the pictures on the screen, beside what came in."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from kiosk.media.mailbox import FrameMailbox
from kiosk.media.statistics import VideoStatistics


class Painted(Protocol):
    """What figures and report ask of the stage. `first_frame_s` on the controller's clock."""

    @property
    def renderer(self) -> str: ...
    @property
    def painted(self) -> int: ...
    @property
    def dropped(self) -> int: ...
    @property
    def first_frame_s(self) -> float | None: ...


def pictures(mailbox: FrameMailbox, stage: Painted | None) -> VideoStatistics:
    """What the mailbox counts, and what became of it on the screen, once there is one."""
    video = mailbox.statistics()
    if stage is None:
        return video
    return replace(video, painted=stage.painted, dropped=video.dropped + stage.dropped)
