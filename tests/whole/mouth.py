"""How far the persona's mouth stands open on a screen, told from the screen's pixels."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

_LEFT, _TOP, _RIGHT, _BOTTOM = -0.07, 0.065, 0.07, 0.16  # of the picture's height, from its middle: mouth and chin
_DARK: Final = 110  # of 255, in red: lips and skin are brighter, the hole between the lips is darker


def mouth_box(width: int, height: int) -> tuple[slice, slice]:
    """(rows, columns) of the screen in which Mara's mouth moves, where her picture covers a screen of this size."""
    middle, centre = height / 2, width / 2
    rows = slice(round(middle + _TOP * height), round(middle + _BOTTOM * height))
    return rows, slice(round(centre + _LEFT * height), round(centre + _RIGHT * height))


def openness(red: NDArray[np.uint8]) -> float:
    """The share of dark pixels in the red channel of `mouth_box`: 0.03 when shut, 0.1 and more when open."""
    return float(np.count_nonzero(red < _DARK)) / red.size
