"""A frame number that a program can read from the picture: drawn by the avatar, read back by tests and benchmarks.

Layout for pictures at least 576 px wide: one row of 16 squares of 32 px, bit 0 leftmost, white = 1, centred in x, its
top at 45 % of the height, inside a black band that reaches one square above and beside it and four squares below it.
Under the row a white square of 96 px flashes. Smaller pictures use smaller, even squares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]

BITS = 16
LIMIT = 1 << BITS
BLACK, WHITE, GREY = 16, 235, 128  # limited range, as video uses it
FULL_BLOCK = 32


@dataclass(frozen=True, slots=True)
class Reading:
    number: int  # 0..65535, wraps
    flash: bool


@dataclass(frozen=True, slots=True)
class FrameCode:
    """Where the code lies in a picture of `width` x `height` pixels (I420, rows tightly packed)."""

    width: int
    height: int

    @property
    def block(self) -> int:
        """Side of one square in pixels: 32, or less (even) where the band would not fit."""
        across = self.width // (BITS + 2)
        down = int(self.height * 0.5) // 5
        return max(4, min(FULL_BLOCK, across, down) & ~1)

    @property
    def x(self) -> int:
        return (self.width - self.block * BITS) // 2 & ~1

    @property
    def y(self) -> int:
        return int(self.height * 0.45) & ~1

    def draw(self, picture: Plane, number: int, *, flash: bool) -> None:
        """Writes into a flat I420 picture in place."""
        w, h, b, x, y = self.width, self.height, self.block, self.x, self.y
        luma = picture[: w * h].reshape(h, w)
        luma[y - b : y + 5 * b, max(0, x - b) : x + b * (BITS + 1)] = BLACK
        bits = (number >> np.arange(BITS)) & 1
        row = np.repeat(np.where(bits == 1, WHITE, BLACK).astype(np.uint8), b)
        luma[y : y + b, x : x + b * BITS] = row
        if flash:
            half = b * 3 // 2
            luma[y + half : y + 3 * half, w // 2 - half : w // 2 + half] = WHITE
        cw, ch = (w + 1) // 2, (h + 1) // 2
        chroma = picture[w * h :].reshape(2, ch, cw)
        # Neutral chroma, so that an observer of RGB pixels sees the same greys.
        chroma[:, (y - b) // 2 : (y + 5 * b) // 2, max(0, (x - b) // 2) : (x + b * (BITS + 1)) // 2] = GREY

    def read(self, luma: Plane) -> Reading | None:
        """From a `height` x `width` plane of luma (or of one colour channel); None where there is no code."""
        b, x, y = self.block, self.x, self.y
        if x < 0 or y < b or y + 5 * b > self.height:
            return None  # too small to carry one
        squares = luma[y + b // 4 : y + b - b // 4, x : x + b * BITS].reshape(-1, BITS, b)
        levels = squares[:, :, b // 4 : b - b // 4].mean(axis=(0, 2))
        if not bool(((levels > 180) | (levels < 75)).all()):
            return None
        above = luma[y - b // 2, x : x + b * BITS]
        if int(above.max()) >= 90:
            return None
        number = int(((levels > 128) * (1 << np.arange(BITS))).sum())
        return Reading(number, bool(luma[y + 3 * b, self.width // 2] > 150))
