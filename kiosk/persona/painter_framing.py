"""Where the figure stands in a picture of any size and aspect: head and shoulders, the eyes above the middle."""

from __future__ import annotations

from dataclasses import dataclass

SMALLEST, LARGEST = 16, 8192  # pixels

_EYES_Y = 420.0  # in drawing units, whose x = 0 is the middle and whose head is 450 high


@dataclass(frozen=True, slots=True)
class Framing:
    width: int
    height: int
    scale: float  # pixels per unit
    left: float  # pixels of the unit (0, 0)
    top: float

    @property
    def bottom_unit(self) -> float:
        return (self.height - self.top) / self.scale

    @property
    def half_units(self) -> float:
        """Units from the middle to the edge of the picture."""
        return self.width / 2 / self.scale


def frame(width: int, height: int) -> Framing:
    """Raises ValueError for a size that no picture has."""
    if not (SMALLEST <= width <= LARGEST and SMALLEST <= height <= LARGEST):
        raise ValueError(f"a picture of {width}x{height}: both sides must be {SMALLEST} to {LARGEST} pixels")
    scale = min(height / 930.0, width / 690.0)
    wide = min(max((width / height - 0.55) / 0.6, 0.0), 1.0)
    eyes = 0.37 + 0.065 * wide
    return Framing(width, height, scale, width / 2, height * eyes - _EYES_Y * scale)
