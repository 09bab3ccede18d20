"""What a face shows at one instant, as numbers: the behaviour computes it, the painter draws it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from kiosk.persona.visemes import MouthShape


class Mood(StrEnum):
    IDLE = "idle"
    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"
    GREETING = "greeting"


@dataclass(frozen=True, slots=True)
class FaceState:
    """All offsets in parts of the head's height, all turns in degrees, all amounts 0 to 1 unless said otherwise."""

    mouth: MouthShape = field(default_factory=MouthShape)
    smile: float = 0.15  # -1 sad to 1
    left_lid: float = 0.0  # 0 open, 1 closed; left as the viewer sees it
    right_lid: float = 0.0
    gaze_x: float = 0.0  # -1 left to 1 right, as the viewer sees it
    gaze_y: float = 0.0  # -1 up to 1 down
    left_brow: float = 0.0  # -1 down to 1 up
    right_brow: float = 0.0
    brow_tilt: float = 0.0  # -1 worried to 1 stern
    head_x: float = 0.0
    head_y: float = 0.0
    head_turn: float = 0.0  # degrees about the vertical axis, shown by a shift of the features
    head_nod: float = 0.0  # degrees, positive looks down
    head_tilt: float = 0.0  # degrees in the picture's plane, clockwise
    breath: float = 0.0  # 0 breathed out, 1 in
    gesture: float = 0.0  # 0 hand out of sight, 1 a hand raised in emphasis
