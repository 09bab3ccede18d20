"""Neck, shoulders and clothes."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QBrush, QLinearGradient, QPainter

from kiosk.persona.look import Look
from kiosk.persona.painter_clothes import draw_badge, draw_cardigan, draw_lapels, draw_shirt, opening
from kiosk.persona.painter_colours import Palette, clear, mix
from kiosk.persona.painter_paths import Point, ellipse, flipped, mirrored, smooth, soft

NECK_BOX = QRectF(-150, 540, 300, 320)
LOWEST = 2400.0  # how far down the figure goes; a tall picture shows more of it


def body_box(bottom: float) -> QRectF:
    """`bottom`: the lowest unit that the picture shows."""
    return QRectF(-450, 660, 900, min(bottom, LOWEST) + 40 - 660)


def draw_neck(painter: QPainter, palette: Palette, look: Look) -> None:
    w = 66.0 if look.face.jaw < 1.04 else 80.0
    half: list[Point] = [(w * 0.96, 550), (w * 0.94, 640), (w * 1.05, 690), (w * 1.5, 732), (w * 1.6, 760), (0, 850)]
    shape = smooth([*half, *flipped(half[-2::-1])])
    fill = QLinearGradient(-w, 0, w, 0)
    fill.setColorAt(0.0, mix(palette.skin, palette.skin_shade, 0.35))
    fill.setColorAt(0.4, mix(palette.skin, palette.skin_shade, 0.25))
    fill.setColorAt(1.0, mix(palette.skin_shade, palette.skin_deep, 0.35))
    painter.fillPath(shape, QBrush(fill))
    painter.save()
    painter.setClipPath(shape)
    soft(painter, ellipse(8, 622, 120, 62), clear(palette.skin_deep, 0.8), 13)
    for side in (-1.0, 1.0):
        soft(
            painter,
            smooth([(side * 50, 640), (side * 16, 764), (side * 24, 768), (side * 62, 650)]),
            clear(palette.skin_deep, 0.22),
            6,
        )
    soft(painter, ellipse(0, 776, 9, 12), clear(palette.skin_deep, 0.4), 6)
    painter.restore()


def draw_body(painter: QPainter, palette: Palette, look: Look) -> None:
    k = look.clothes.shoulders
    torso = mirrored(
        [
            (0, 760), (64, 706), (104, 716), (190 * k, 752), (282 * k, 792), (338 * k, 850), (362 * k, 960),
            (380 * k, 1150), (384 * k, 1500), (380 * k, LOWEST), (0, LOWEST),
        ]
    )  # fmt: skip
    style = look.clothes.style
    shirt = smooth(mirrored([(0, 800), (52, 772), (94, 708), (126, 730), (150, 900), (120, 1300), (0, 1400)]))
    fill = QLinearGradient(0, 720, 0, 1150)
    fill.setColorAt(0.0, palette.shirt)
    fill.setColorAt(1.0, mix(palette.shirt, palette.shirt_shade, 0.6))
    jacket = smooth(torso)
    neckline = opening(style)
    shell = jacket.subtracted(neckline)
    painter.fillPath(shirt.intersected(jacket), QBrush(fill))
    draw_shirt(painter, palette, style)
    soft_edge = clear(palette.cloth_deep, 0.5)
    painter.save()
    painter.setClipPath(shirt)
    soft(painter, shell.translated(3, 7), soft_edge, 8)
    painter.restore()
    cloth = QLinearGradient(-360, 740, 380, 1120)
    cloth.setColorAt(0.0, palette.cloth_light)
    cloth.setColorAt(0.4, palette.cloth)
    cloth.setColorAt(1.0, palette.cloth_dark)
    painter.fillPath(shell, QBrush(cloth))
    painter.save()
    painter.setClipPath(shell)
    for side in (-1.0, 1.0):
        arm = [(side * 276 * k, 940.0), (side * 286 * k, 1000.0), (side * 292 * k, 1150.0), (side * 290 * k, LOWEST)]
        line = smooth([*arm, *((x + side * 10, y) for x, y in reversed(arm))])
        soft(painter, line, clear(palette.cloth_deep, 0.5), 9)
        soft(painter, ellipse(side * 210 * k, 782, 84, 16), clear(palette.cloth_light, 0.5), 16)
        soft(painter, ellipse(side * 384 * k, 1050, 26, 190), clear(palette.cloth_deep, 0.6), 18)
        soft(painter, ellipse(side * 120, 728, 44, 14), clear(palette.cloth_deep, 0.4), 12)
    painter.restore()
    if style == "cardigan":
        draw_cardigan(painter, palette)
    else:
        draw_lapels(painter, palette, style)
    if look.clothes.badge:
        draw_badge(painter, palette)
