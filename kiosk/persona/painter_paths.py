"""Shapes for the painter: smooth outlines, locks of hair, soft shadows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath

Point = tuple[float, float]

_REACH = 6  # pixels: three standard deviations
_GAUSSIAN = np.exp(-0.5 * (np.arange(_REACH + 1) / 2.0) ** 2)
_KERNEL = (_GAUSSIAN / (2 * _GAUSSIAN.sum() - 1.0)).astype(np.float32)  # from the middle outwards


def smooth(points: Sequence[Point], *, closed: bool = True) -> QPainterPath:
    """A smooth curve through all points (Catmull-Rom as cubic pieces). At least three points."""
    path = QPainterPath(QPointF(*points[0]))
    count = len(points)
    for i in range(count if closed else count - 1):
        if closed:
            a, b, c, d = (points[(i + k) % count] for k in (-1, 0, 1, 2))
        else:
            a, b, c, d = (points[min(max(i + k, 0), count - 1)] for k in (-1, 0, 1, 2))
        path.cubicTo(
            b[0] + (c[0] - a[0]) / 6,
            b[1] + (c[1] - a[1]) / 6,
            c[0] - (d[0] - b[0]) / 6,
            c[1] - (d[1] - b[1]) / 6,
            c[0],
            c[1],
        )
    if closed:
        path.closeSubpath()
    return path


def mirrored(half: Sequence[Point]) -> list[Point]:
    """The right half of an outline, given from top to bottom, closed by its mirror image."""
    return [*half, *((-x, y) for x, y in reversed(half) if abs(x) > 1e-6)]


def flipped(points: Sequence[Point]) -> list[Point]:
    return [(-x, y) for x, y in points]


def ellipse(x: float, y: float, rx: float, ry: float) -> QPainterPath:
    path = QPainterPath()
    path.addEllipse(QPointF(x, y), rx, ry)
    return path


def lock(spine: Sequence[Point], widths: Sequence[float]) -> QPainterPath:
    """A tapered ribbon along `spine`; one full width for each of its points."""
    left: list[Point] = []
    right: list[Point] = []
    for i, (x, y) in enumerate(spine):
        ahead, behind = spine[min(i + 1, len(spine) - 1)], spine[max(i - 1, 0)]
        dx, dy = ahead[0] - behind[0], ahead[1] - behind[1]
        length = (dx * dx + dy * dy) ** 0.5 or 1.0
        nx, ny = -dy / length * widths[i] / 2, dx / length * widths[i] / 2
        left.append((x + nx, y + ny))
        right.append((x - nx, y - ny))
    outline = smooth(left, closed=False)
    outline.connectPath(smooth(right[::-1], closed=False))
    outline.closeSubpath()
    return outline


def between(a: Sequence[Point], b: Sequence[Point], part: float) -> list[Point]:
    """The curve that lies `part` (0 to 1) of the way from `a` to `b`; both have the same number of points."""
    return [(p[0] + (q[0] - p[0]) * part, p[1] + (q[1] - p[1]) * part) for p, q in zip(a, b, strict=True)]


def soft(painter: QPainter, path: QPainterPath, colour: QColor, blur: float) -> None:
    """Fills `path` with edges blurred by `blur` units (one standard deviation). Slow: for layers, not for frames."""
    box = path.boundingRect().adjusted(-3 * blur, -3 * blur, 3 * blur, 3 * blur)
    fine = 2.0 / blur  # the blur is two pixels of a small picture
    small = QImage(QSize(int(box.width() * fine) + 2, int(box.height() * fine) + 2), QImage.Format.Format_Alpha8)
    small.fill(0)
    box.setSize(box.size().__class__(small.width() / fine, small.height() / fine))
    brush = QPainter(small)
    brush.setRenderHint(QPainter.RenderHint.Antialiasing)
    brush.scale(fine, fine)
    brush.translate(-box.topLeft())
    brush.fillPath(path, Qt.GlobalColor.black)
    brush.end()
    _blur(small)
    tinted = QImage(small.size(), QImage.Format.Format_ARGB32_Premultiplied)
    tinted.fill(colour)
    brush = QPainter(tinted)
    brush.setCompositionMode(QPainter.CompositionMode.CompositionMode_DestinationIn)
    brush.drawImage(0, 0, small)
    brush.end()
    painter.drawImage(box, tinted)


def _blur(image: QImage) -> None:
    """In place, Gaussian of two pixels."""
    line = image.bytesPerLine()
    pixels = np.frombuffer(image.bits(), np.uint8).reshape(image.height(), line)[:, : image.width()]
    height, width = pixels.shape
    rows = np.zeros((height + 2 * _REACH, width + 2 * _REACH), np.float32)
    rows[_REACH:-_REACH, _REACH:-_REACH] = pixels
    across = rows[:, _REACH : _REACH + width] * _KERNEL[0]
    for away in range(1, _REACH + 1):
        left, right = _REACH - away, _REACH + away
        across += (rows[:, left : left + width] + rows[:, right : right + width]) * _KERNEL[away]
    down = across[_REACH : _REACH + height] * _KERNEL[0]
    for away in range(1, _REACH + 1):
        above, below = _REACH - away, _REACH + away
        down += (across[above : above + height] + across[below : below + height]) * _KERNEL[away]
    pixels[:] = np.rint(down)
