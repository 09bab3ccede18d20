"""From YUV to RGB: the four matrices a video may need. Pure numbers.

The link carries neither matrix nor range; avatar workers that push RGB through LiveKit produce BT.601 limited, so that
is the default, and the operator may say otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Matrix(StrEnum):
    BT601 = "bt601"
    BT709 = "bt709"


class Range(StrEnum):
    LIMITED = "limited"  # Y 16..235, chroma 16..240
    FULL = "full"  # 0..255


@dataclass(frozen=True, slots=True)
class Colour:
    matrix: Matrix = Matrix.BT601
    range: Range = Range.LIMITED

    @property
    def is_default(self) -> bool:
        """True for what LiveKit's own conversion to BGRA assumes."""
        return self.matrix is Matrix.BT601 and self.range is Range.LIMITED


@dataclass(frozen=True, slots=True)
class Coefficients:
    """r = y*(Y-y_offset) + r_v*V; g = y*(Y-y_offset) + g_u*U + g_v*V; b = y*(Y-y_offset) + b_u*U.

    U and V are centred at 128. The same factors hold for 0..255 and for 0..1 (then offsets are divided by 255).
    """

    y: float
    y_offset: float
    r_v: float
    g_u: float
    g_v: float
    b_u: float

    def rows(self) -> tuple[float, ...]:
        """The 3x3 matrix in row-major order, rows R, G, B and columns Y, U, V."""
        return (self.y, 0.0, self.r_v, self.y, self.g_u, self.g_v, self.y, self.b_u, 0.0)

    def offsets(self) -> tuple[float, float, float]:
        """What is taken from Y, U, V (0..1) first."""
        return (self.y_offset / 255.0, 128.0 / 255.0, 128.0 / 255.0)


LUMA_WEIGHTS = {Matrix.BT601: (0.299, 0.114), Matrix.BT709: (0.2126, 0.0722)}


def coefficients(colour: Colour) -> Coefficients:
    red, blue = LUMA_WEIGHTS[colour.matrix]
    green = 1.0 - red - blue
    limited = colour.range is Range.LIMITED
    luma = 255.0 / 219.0 if limited else 1.0
    chroma = 255.0 / 224.0 if limited else 1.0
    r_v = 2.0 * (1.0 - red)
    b_u = 2.0 * (1.0 - blue)
    return Coefficients(
        y=luma,
        y_offset=16.0 if limited else 0.0,
        r_v=r_v * chroma,
        g_u=-b_u * blue / green * chroma,
        g_v=-r_v * red / green * chroma,
        b_u=b_u * chroma,
    )
