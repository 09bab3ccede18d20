"""Two seconds of a head-and-shoulders picture that a hand-held camera might take, which repeat without a seam."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tests.simulators.portrait import MOUTHS, POSES, Portrait

PICTURES = 60
SWAY = 16  # pixels to each side: every pixel of the picture moves
GRAIN = 2.0  # standard deviation of the luma, of 255


def reel(width: int, height: int) -> list[bytearray]:
    """I420 pictures of `width` x `height` (both even), rows tightly packed. Takes some seconds."""
    wide, high = width + 2 * SWAY, height + 2 * SWAY
    portrait = Portrait(wide, high)
    random = np.random.default_rng(1)
    # Grain that is made once and laid over each picture from another place costs a tenth of fresh grain.
    grain = np.rint(random.normal(0.0, GRAIN, (height + 64, width + 64))).astype(np.int16)
    pictures = []
    for number in range(PICTURES):
        turn = 2 * math.pi * number / PICTURES
        left, top = (int(SWAY * (1 + 0.99 * f(turn))) & ~1 for f in (math.sin, math.cos))
        mouth = round((0.5 - 0.5 * math.cos(6 * turn)) * (MOUTHS - 1))
        whole = portrait.picture(number * POSES // PICTURES, mouth, 2 if number == 20 else 0)
        luma = whole[: wide * high].reshape(high, wide)[top : top + height, left : left + width]
        down, across = random.integers(0, 64, 2)
        noisy = np.clip(luma + grain[down : down + height, across : across + width], 16, 235).astype(np.uint8)
        chroma = whole[wide * high :].reshape(2, high // 2, wide // 2)
        small = chroma[:, top // 2 : (top + height) // 2, left // 2 : (left + width) // 2]
        pictures.append(bytearray(noisy.tobytes() + small.tobytes()))
    return pictures


def planes(picture: bytearray) -> NDArray[np.uint8]:
    """The same bytes, to be drawn upon."""
    return np.frombuffer(picture, np.uint8)
