"""Pictures with known colours, and the exact colours they must have on the screen."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kiosk.media.frames import PixelFormat, VideoFrame
from kiosk.ui.colour import Colour, Matrix, Range

# (Y, U, V) of the card's fields, top left to bottom right: greys, primaries, secondaries, skin, ends of the range.
CARD = (
    ((16, 128, 128), (235, 128, 128), (126, 128, 128), (180, 128, 128)),
    ((81, 90, 240), (145, 54, 34), (41, 240, 110), (210, 16, 146)),
    ((170, 166, 16), (106, 202, 222), (170, 110, 150), (120, 105, 155)),
    ((40, 120, 135), (90, 60, 120), (200, 140, 140), (60, 150, 100)),
)
ROWS, COLUMNS = len(CARD), len(CARD[0])

Pixels = npt.NDArray[np.uint8]


def reference_rgb(yuv: tuple[int, int, int], colour: Colour) -> tuple[float, float, float]:
    """The standards' own formulas in floating point: 0..255 for R, G, B. Written apart from the kiosk's tables."""
    red_share, blue_share = (0.299, 0.114) if colour.matrix is Matrix.BT601 else (0.2126, 0.0722)
    green_share = 1 - red_share - blue_share
    if colour.range is Range.LIMITED:
        luma, blue_difference, red_difference = (yuv[0] - 16) / 219, (yuv[1] - 128) / 224, (yuv[2] - 128) / 224
    else:
        luma, blue_difference, red_difference = yuv[0] / 255, (yuv[1] - 128) / 255, (yuv[2] - 128) / 255
    red = luma + 2 * (1 - red_share) * red_difference
    blue = luma + 2 * (1 - blue_share) * blue_difference
    green = (luma - red_share * red - blue_share * blue) / green_share
    r, g, b = (min(1.0, max(0.0, value)) * 255 for value in (red, green, blue))
    return r, g, b


def card_planes(width: int, height: int) -> tuple[Pixels, Pixels, Pixels]:
    def plane(channel: int, across: int, down: int, step: int) -> Pixels:
        columns = np.minimum(np.arange(across) * step * COLUMNS // width, COLUMNS - 1)
        rows = np.minimum(np.arange(down) * step * ROWS // height, ROWS - 1)
        values = np.array([[field[channel] for field in row] for row in CARD], np.uint8)
        picked: Pixels = values[np.ix_(rows, columns)]
        return picked

    chroma = ((width + 1) // 2, (height + 1) // 2)
    return plane(0, width, height, 1), plane(1, *chroma, 2), plane(2, *chroma, 2)


def i420_card(width: int, height: int, rotation: int = 0) -> VideoFrame:
    data = b"".join(plane.tobytes() for plane in card_planes(width, height))
    return VideoFrame(PixelFormat.I420, width, height, data, rotation)


def bgra_card(width: int, height: int, rotation: int = 0) -> VideoFrame:
    """The same card as LiveKit's library converts it: BT.601 limited."""
    pixels = np.zeros((height, width, 4), np.uint8)
    for row in range(ROWS):
        for column in range(COLUMNS):
            r, g, b = reference_rgb(CARD[row][column], Colour())
            down = slice(-(-row * height // ROWS), -(-(row + 1) * height // ROWS))
            across = slice(-(-column * width // COLUMNS), -(-(column + 1) * width // COLUMNS))
            pixels[down, across] = (round(b), round(g), round(r), 255)
    return VideoFrame(PixelFormat.BGRA, width, height, pixels.tobytes(), rotation)


def flat_i420(width: int, height: int, yuv: tuple[int, int, int], due_s: float = 0.0) -> VideoFrame:
    chroma = ((width + 1) // 2) * ((height + 1) // 2)
    data = bytes([yuv[0]]) * (width * height) + bytes([yuv[1]]) * chroma + bytes([yuv[2]]) * chroma
    return VideoFrame(PixelFormat.I420, width, height, data, due_s=due_s)


def field_centre(row: int, column: int, area: tuple[int, int, int, int], rotation: int) -> tuple[int, int]:
    """Where (x, y) the centre of a field lies on the screen when the card fills `area` (x, y, width, height)."""
    across, down = (column + 0.5) / COLUMNS, (row + 0.5) / ROWS
    for _ in range(rotation // 90):
        across, down = 1.0 - down, across
    x, y, width, height = area
    return int(x + across * width), int(y + down * height)


class FrameList:
    """A `FrameSource` that hands out what a test puts in."""

    def __init__(self) -> None:
        self.frames: list[VideoFrame] = []

    def put(self, frame: VideoFrame) -> None:
        self.frames.append(frame)

    def take(self, now_s: float) -> VideoFrame | None:
        due = [frame for frame in self.frames if frame.due_s <= now_s]
        self.frames = [frame for frame in self.frames if frame.due_s > now_s]
        return due[-1] if due else None

    def next_due_s(self) -> float | None:
        return min((frame.due_s for frame in self.frames), default=None)
