"""A part of the picture that does not change its shape: drawn once at full sharpness, then only moved."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

_CELL = 16  # pixels
_BANDS = 10  # a layer is painted in at most so many rows of tiles
_GAP = 3  # cells; a narrower gap is not worth a tile of its own

Mask = npt.NDArray[np.bool_]


class Layer:
    """Painted in tiles that leave out what is empty: a pixel that is turned costs the same whether it shows or not."""

    def __init__(
        self,
        box: QRectF,
        scale: float,
        draw: Callable[[QPainter], None],
        *,
        hidden: Mask | None = None,
        glassy: bool = False,
    ):
        """`box` in drawing units, `scale` in pixels per unit. `hidden`: see `hides`, of a layer with the same box.

        `glassy`: what lies below shines through, so that tiles which overlap would show.
        """
        width, height = max(1, round(box.width() * scale)), max(1, round(box.height() * scale))
        self._image = QImage(width, height, QImage.Format.Format_ARGB32_Premultiplied)
        self._image.fill(0)
        painter = QPainter(self._image)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.scale(scale, scale)
        painter.translate(-box.topLeft())
        draw(painter)
        painter.end()
        self._scale = scale
        shown = _cells(self._alpha() > 0, outside=False)
        if hidden is not None:
            shown &= ~hidden
        self._tiles = [
            (QRectF(box.x() + x / scale, box.y() + y / scale, w / scale, h / scale), QRectF(x, y, w, h))
            for x, y, w, h in _tiles(shown, width, height, 1 if glassy else _BANDS)
        ]

    def paint(self, painter: QPainter) -> None:
        # Without antialiasing tiles meet without a seam; what is drawn on them was smoothed when it was drawn.
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        image = self._image
        for place, source in self._tiles:
            painter.drawImage(place, image, source)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)

    def hides(self, margin: float) -> Mask:
        """Cells that stay hidden behind this layer when it moves by up to `margin` units against what is behind."""
        solid = _cells(self._alpha() < 255, outside=True)
        reach = int(margin * self._scale / _CELL) + 1
        near = np.pad(solid, reach, constant_values=True)
        rows, columns = solid.shape
        size = range(2 * reach + 1)
        tall = np.logical_or.reduce([near[k : k + rows] for k in size])
        seen: Mask = np.logical_or.reduce([tall[:, k : k + columns] for k in size])
        return ~seen

    def _alpha(self) -> npt.NDArray[np.uint8]:
        image = self._image
        pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)
        return pixels[..., 3]


def _cells(pixels: Mask, *, outside: bool) -> Mask:
    """In which cells any pixel is True; `outside` stands for what lies beyond the edge."""
    height, width = pixels.shape
    rows, columns = -(-height // _CELL), -(-width // _CELL)
    padded = np.full((rows * _CELL, columns * _CELL), outside)
    padded[:height, :width] = pixels
    found: Mask = padded.reshape(rows, _CELL, columns, _CELL).any(axis=(1, 3))
    return found


def _tiles(cells: Mask, width: int, height: int, bands: int) -> list[tuple[int, int, int, int]]:
    """Rectangles (x, y, width, height in pixels) that hold all that is shown; bands overlap by a pixel."""
    rows = len(cells)
    band = -(-rows // bands)
    tiles = []
    for row in range(0, rows, band):
        used = np.flatnonzero(cells[row : row + band].any(axis=0))
        if not len(used):
            continue
        for run in np.split(used, np.flatnonzero(np.diff(used) > _GAP) + 1):
            part = np.flatnonzero(cells[row : row + band, run[0] : run[-1] + 1].any(axis=1)) + row
            x, y = int(run[0]) * _CELL, int(part[0]) * _CELL
            right, bottom = min(width, int(run[-1] + 1) * _CELL + 1), min(height, int(part[-1] + 1) * _CELL + 1)
            tiles.append((x, y, right - x, bottom - y))
    return tiles
