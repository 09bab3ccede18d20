"""The room behind the persona: a lobby far out of focus, with daylight from one side and warm lamps."""

from __future__ import annotations

from random import Random

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QImage, QLinearGradient, QPainter, QPainterPath, QRadialGradient

from kiosk.persona.painter_colours import Palette, clear, darker, mix
from kiosk.persona.painter_paths import ellipse, soft

_UNITS = 540.0  # height of the drawing


def background(palette: Palette, width: int, height: int) -> QImage:
    """The finished room, `width` x `height` pixels, opaque."""
    out = QImage(width, height, QImage.Format.Format_RGB32)
    painter = QPainter(out)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    painter.scale(height / _UNITS, height / _UNITS)
    _room(painter, palette, width / height * _UNITS)
    painter.resetTransform()
    _grain(painter, width, height)
    painter.end()
    return out


def _room(painter: QPainter, palette: Palette, wide: float) -> None:
    wall, dark = palette.wall, palette.wall_dark
    light = mix(wall, QColor("#fffaf0"), 0.55)
    sky = QLinearGradient(0, 0, wide, _UNITS)
    sky.setColorAt(0.0, light)
    sky.setColorAt(0.45, wall)
    sky.setColorAt(1.0, mix(wall, dark, 0.75))
    painter.fillRect(QRectF(0, 0, wide, _UNITS), sky)
    middle = wide / 2
    # Tall windows on the left, three panes of daylight.
    for k, left in enumerate((-330, -205, -80)):
        x = middle + left - 90
        pane = mix(light, QColor("#ffffff"), 0.6 - 0.12 * k)
        soft(painter, _box(x, 20, 92, 330), clear(pane, 0.75 - 0.15 * k), 11)
        soft(painter, _box(x + 6, 230, 80, 120), clear(mix(dark, QColor("#7fa58c"), 0.6), 0.25), 20)
    # A panelled wall and a shelf on the right.
    panel = mix(darker(wall, 0.25), dark, 0.45)
    soft(painter, _box(middle + 190, -40, 520, 640), clear(panel, 0.55), 26)
    for k in range(4):
        soft(painter, _box(middle + 235 + 62 * k, 0, 7, 420), clear(mix(panel, QColor("#fff3dd"), 0.5), 0.4), 7)
    for y in (150, 262):
        soft(painter, _box(middle + 250, y, 330, 12), clear(darker(panel, 0.35), 0.55), 7)
    random = Random(7)  # noqa: S311 - books on a shelf
    for y in (112, 224):
        for k in range(9):
            tint = QColor.fromHsvF(random.uniform(0.02, 0.6), 0.28, random.uniform(0.45, 0.8))
            tall = random.uniform(20, 36)
            soft(painter, _box(middle + 262 + 24 * k, y + 36 - tall, 14, tall), clear(mix(tint, wall, 0.4), 0.6), 6)
    # A plant by the window, leaves as blots.
    for _ in range(15):
        across = middle - 395 + random.uniform(-62, 62)
        down = 330 + random.uniform(-100, 60)
        leaf = mix(QColor("#4f7d58"), QColor("#a9c58f"), random.random())
        soft(
            painter,
            ellipse(across, down, random.uniform(13, 26), random.uniform(20, 44)),
            clear(mix(leaf, wall, 0.25), 0.5),
            9,
        )
    # Floor and desk line.
    floor = QLinearGradient(0, 380, 0, _UNITS)
    floor.setColorAt(0.0, clear(darker(mix(wall, dark, 0.5), 0.1), 0.0))
    floor.setColorAt(1.0, clear(darker(mix(wall, dark, 0.7), 0.25), 0.8))
    painter.fillRect(QRectF(0, 380, wide, _UNITS - 380), floor)
    # Lamps: discs of light, as a lens draws what is out of focus.
    for x, y, r in (
        (228, 66, 19),
        (300, 44, 15),
        (372, 72, 21),
        (-30, 40, 13),
        (58, 62, 11),
        (452, 50, 16),
        (530, 78, 18),
    ):
        glow = mix(QColor("#ffe2a8"), palette.accent, 0.15)
        soft(painter, ellipse(middle + x, y, r * 1.5, r * 1.5), clear(glow, 0.28), 12)
        disc = QRadialGradient(QPointF(middle + x, y), r)
        disc.setColorAt(0.0, clear(glow, 0.36))
        disc.setColorAt(0.86, clear(glow, 0.46))
        disc.setColorAt(1.0, clear(glow, 0.0))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QBrush(disc))
        painter.drawEllipse(QPointF(middle + x, y), r, r)
    # Light behind the head, darkness in the corners: the face is what one looks at.
    halo = QRadialGradient(QPointF(middle, _UNITS * 0.42), _UNITS * 0.52)
    halo.setColorAt(0.0, clear(light, 0.55))
    halo.setColorAt(1.0, clear(light, 0.0))
    painter.fillRect(QRectF(0, 0, wide, _UNITS), halo)
    corner = QRadialGradient(QPointF(middle, _UNITS * 0.45), max(wide, _UNITS) * 0.72)
    corner.setColorAt(0.55, clear(dark, 0.0))
    corner.setColorAt(1.0, clear(darker(dark, 0.35), 0.42))
    painter.fillRect(QRectF(0, 0, wide, _UNITS), corner)


def _box(x: float, y: float, width: float, height: float) -> QPainterPath:
    path = QPainterPath()
    path.addRoundedRect(QRectF(x, y, width, height), 4, 4)
    return path


def _grain(painter: QPainter, width: int, height: int) -> None:
    """A breath of noise: without it, wide gradients of 8 bits show as bands."""
    side = 256
    noise = np.zeros((side, side, 4), np.uint8)
    # Not by numpy's generators: their libraries take longer to load than the whole room to paint.
    chance = np.frombuffer(Random(3).randbytes(2 * side * side), np.uint8).reshape(2, side, side, 1)  # noqa: S311
    noise[..., 3:] = chance[0] % 7
    noise[..., :3] = np.where(chance[1] < 128, 0, noise[..., 3:])
    tile = QImage(noise.data, side, side, 4 * side, QImage.Format.Format_ARGB32_Premultiplied).copy()
    painter.fillRect(0, 0, width, height, QBrush(tile))
