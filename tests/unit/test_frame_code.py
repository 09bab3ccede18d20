from __future__ import annotations

import numpy as np
import pytest

from tests.simulators.frame_code import FrameCode, Reading
from tests.simulators.vendors import shaped

SIZES = [(1280, 720), (960, 720), (720, 960), (720, 720), (640, 480), (320, 240), (161, 121), (721, 961)]


def grey(width: int, height: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    return np.full(width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2), 128, np.uint8)


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("number", [0, 1, 0x5555, 0xAAAA, 0xFFFF])
@pytest.mark.parametrize("flash", [False, True])
def test_what_is_drawn_can_be_read(width: int, height: int, number: int, flash: bool) -> None:
    picture, code = grey(width, height), FrameCode(width, height)
    code.draw(picture, number, flash=flash)
    assert code.read(picture[: width * height].reshape(height, width)) == Reading(number, flash)


def test_lies_where_observers_of_the_screen_look() -> None:
    code = FrameCode(1280, 720)
    assert (code.block, code.x, code.y) == (32, 384, 324)


def test_a_picture_without_a_code_gives_none() -> None:
    assert FrameCode(320, 240).read(np.full((240, 320), 128, np.uint8)) is None
    assert FrameCode(16, 16).read(np.zeros((16, 16), np.uint8)) is None


@pytest.mark.parametrize(("ratio", "size"), [("4:3", (960, 720)), ("3:4", (720, 960)), ("1:1", (720, 720))])
def test_aspect_ratios(ratio: str, size: tuple[int, int]) -> None:
    assert shaped(720, ratio) == size
