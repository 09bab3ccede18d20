"""Where a picture lies inside a view. Pure numbers, in pixels."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Fit(StrEnum):
    CONTAIN = "contain"  # the whole picture, bars beside it
    COVER = "cover"  # the whole view, edges of the picture cut off


@dataclass(frozen=True, slots=True)
class Placement:
    """A rectangle in the view's pixels, origin at the top left; it may reach beyond the view when the fit is cover."""

    x: int
    y: int
    width: int
    height: int


def beside(area: Placement, view: tuple[int, int]) -> list[Placement]:
    """What a placed picture leaves free of a view of (width, height)."""
    width, height = view
    right, bottom = area.x + area.width, area.y + area.height
    bars = [
        Placement(0, 0, width, area.y),
        Placement(0, bottom, width, height - bottom),
        Placement(0, area.y, area.x, area.height),
        Placement(right, area.y, width - right, area.height),
    ]
    return [bar for bar in bars if bar.width > 0 and bar.height > 0]


def place(picture: tuple[int, int], rotation: int, view: tuple[int, int], fit: Fit, zoom: float = 1.0) -> Placement:
    """Centres a picture of (width, height), turned clockwise by `rotation` degrees, in a view of (width, height).

    An empty picture or view gives an empty rectangle. `zoom`: so much larger than fits.
    """
    width, height = picture if rotation % 180 == 0 else (picture[1], picture[0])
    view_width, view_height = view
    if min(width, height, view_width, view_height) <= 0:
        return Placement(0, 0, 0, 0)
    across, down = view_width / width, view_height / height
    scale = zoom * (min(across, down) if fit is Fit.CONTAIN else max(across, down))
    placed_width, placed_height = max(1, round(width * scale)), max(1, round(height * scale))
    return Placement((view_width - placed_width) // 2, (view_height - placed_height) // 2, placed_width, placed_height)
