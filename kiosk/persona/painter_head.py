"""The head without eyes and mouth: skin, ears, the nose, beard and glasses, each as a layer of its own."""

from __future__ import annotations

from random import Random

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QLinearGradient, QPainter, QPainterPath, QPen, QRadialGradient

from kiosk.persona.look import Face
from kiosk.persona.painter_colours import Palette, clear, mix
from kiosk.persona.painter_paths import Point, ellipse, flipped, lock, mirrored, smooth, soft

EYE_X, EYE_Y, MOUTH_Y, JAW_Y = 76.0, 420.0, 568.0, 522.0
HEAD_BOX = QRectF(-225, 150, 450, 570)


def outline(face: Face) -> list[Point]:
    w, j = 165.0 * face.width, face.jaw
    return mirrored(
        [
            (0.0, 176.0),
            (w * 0.58, 192.0),
            (w * 0.92, 258.0),
            (w * 1.01, 345.0),
            (w * 0.99, 430.0),
            (w * 0.95, 500.0),
            (w * 0.78 * j, 578.0),
            (w * 0.42 * j, 634.0),
            (0.0, 652.0),
        ]
    )


def draw_head(painter: QPainter, palette: Palette, face: Face, fringe: QPainterPath | None, *, bare_ears: bool) -> None:
    """`fringe`: the front hair, whose shadow lies on the forehead. `bare_ears`: no hair hides them."""
    shape = smooth(outline(face))
    ears = 168.0 * face.width
    for side in (-1.0, 1.0) if bare_ears else ():
        _draw_ear(painter, palette, side, ears)
        if face.earrings:
            _draw_earring(painter, palette, side * (ears + 9))
    base = QRadialGradient(QPointF(-58.0, 360.0), 330.0)
    base.setColorAt(0.0, palette.skin_light)
    base.setColorAt(0.42, palette.skin)
    base.setColorAt(0.78, mix(palette.skin, palette.skin_shade, 0.55))
    base.setColorAt(1.0, palette.skin_shade)
    painter.fillPath(shape, QBrush(base))
    painter.save()
    painter.setClipPath(shape)
    # The side turned from the window, and the roundness at both edges.
    inner = smooth([(x * 0.93 - 16, y * 0.99 - 4) for x, y in outline(face)])
    soft(painter, shape.subtracted(inner), clear(palette.skin_deep, 0.42), 20)
    soft(painter, ellipse(0, 668, 100, 26), clear(palette.skin_deep, 0.38), 15)
    if fringe is not None:
        soft(painter, fringe.translated(5, 15), clear(palette.skin_deep, 0.55), 10)
    soft(painter, ellipse(-24, 300, 74, 34), clear(palette.skin_light, 0.5), 24)
    for side in (-1.0, 1.0):
        soft(painter, ellipse(side * (EYE_X - 4), EYE_Y - 14, 46, 22), clear(palette.skin_deep, 0.26), 11)
        soft(painter, ellipse(side * 30, EYE_Y + 4, 9, 24), clear(palette.skin_deep, 0.20), 8)
        soft(painter, ellipse(side * 96, 476, 40, 18), clear(palette.skin_light, 0.42), 14)
    soft(painter, ellipse(-3, 628, 24, 9), clear(palette.skin_light, 0.45), 9)
    soft(painter, ellipse(0, 538, 6, 11), clear(palette.skin_deep, 0.22), 4)
    if face.age > 0.05:
        _draw_years(painter, palette, face.age)
    if face.beard != "none":
        _draw_beard(painter, palette, face)
    painter.restore()


def draw_blush(painter: QPainter, palette: Palette, face: Face) -> None:
    for side in (-1.0, 1.0):
        soft(painter, ellipse(side * 103 * face.width, 497, 34, 19), clear(palette.blush, 0.95 * face.blush), 15)
    soft(painter, ellipse(0, 497, 15, 9), clear(palette.blush, 0.30 * face.blush), 8)


def draw_nose(painter: QPainter, palette: Palette, face: Face) -> None:
    size = face.nose
    painter.translate(0, 510)
    painter.scale(1.16 * size, 0.58 + 0.5 * size)
    soft(painter, smooth([(7, -84), (17, -52), (27, -12), (16, -4), (11, -40)]), clear(palette.skin_deep, 0.5), 5.5)
    soft(painter, smooth([(-5, -92), (-1, -92), (0, -26), (-9, -26)]), clear(palette.skin_light, 0.75), 5)
    soft(painter, ellipse(2, 10, 25, 6.5), clear(palette.skin_deep, 0.55), 4.5)
    soft(painter, ellipse(20, -8, 10, 11), clear(palette.skin_deep, 0.30), 5)
    soft(painter, ellipse(-18, -6, 8, 9), clear(palette.skin_shade, 0.35), 5)
    soft(painter, ellipse(-4, -14, 9, 7), clear(palette.skin_light, 0.95), 4)
    line = clear(palette.skin_line, 0.72)
    for side in (-1.0, 1.0):
        wing = [(side * 23, -15.0), (side * 28.5, -5.0), (side * 26, 3.0), (side * 18, 4.5)]
        painter.fillPath(lock(wing, [0.6, 2.8, 3.4, 0.8]), clear(palette.skin_line, 0.42))
        painter.fillPath(lock([(side * 17, 2.0), (side * 11.5, -0.5), (side * 6, 4.0)], [1.0, 5.4, 0.8]), line)
    painter.fillPath(lock([(-8, 6.0), (0, 8.6), (8, 6.0)], [0.5, 2.6, 0.5]), clear(palette.skin_line, 0.45))


def draw_glasses(painter: QPainter, palette: Palette, face: Face) -> None:
    """About the point between the eyes."""
    frame = mix(palette.hair_deep, QColor("#20181a"), 0.6) if face.age < 0.5 else QColor("#3a3f47")
    round_ones = face.glasses == "round"
    width = 5.0 if round_ones else 6.5
    for side in (-1.0, 1.0):
        x = side * (EYE_X + 1)
        rim = QPainterPath()
        if round_ones:
            rim.addEllipse(QPointF(x, 4), 59, 55)
        else:
            rim.addRoundedRect(QRectF(x - 60, -38, 120, 82), 24, 26)
        shine = QLinearGradient(x - 50, -50, x + 40, 60)
        shine.setColorAt(0.0, QColor(255, 255, 255, 56))
        shine.setColorAt(0.36, QColor(255, 255, 255, 20))
        shine.setColorAt(0.37, QColor(255, 255, 255, 4))
        shine.setColorAt(1.0, QColor(255, 255, 255, 22))
        painter.fillPath(rim, QBrush(shine))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(clear(palette.skin_line, 0.22), width))
        painter.drawPath(rim.translated(2, 7))
        painter.setPen(QPen(frame, width))
        painter.drawPath(rim)
        painter.setPen(QPen(QColor(255, 255, 255, 70), 1.3))
        painter.drawPath(rim.translated(-0.8, -1.2))
        painter.setPen(QPen(frame, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(QPointF(x + side * 59, -8), QPointF(side * 168 * face.width, -16))
    bridge = QPainterPath(QPointF(-18, -2))
    bridge.cubicTo(-9, -13, 9, -13, 18, -2)
    painter.drawPath(bridge)


def _draw_ear(painter: QPainter, palette: Palette, side: float, x: float) -> None:
    shape = [
        (x - 10, 384.0),
        (x + 12, 368.0),
        (x + 27, 386.0),
        (x + 25, 428.0),
        (x + 12, 470.0),
        (x - 4, 486.0),
        (x - 14, 470.0),
    ]
    fold = [(x + 2, 392.0), (x + 14, 388.0), (x + 17, 410.0), (x + 10, 436.0), (x + 2, 446.0)]
    if side < 0:
        shape, fold = flipped(shape), flipped(fold)
    fill = QLinearGradient(0, 370, 0, 486)
    fill.setColorAt(0.0, mix(palette.skin, palette.skin_shade, 0.25))
    fill.setColorAt(1.0, mix(palette.skin, palette.skin_shade, 0.8))
    ear = smooth(shape)
    painter.fillPath(ear, QBrush(fill))
    painter.save()
    painter.setClipPath(ear)
    soft(painter, smooth(fold), clear(palette.skin_deep, 0.65), 4)
    painter.restore()


def _draw_earring(painter: QPainter, palette: Palette, x: float) -> None:
    gold = QRadialGradient(QPointF(x - 4, 490), 18)
    gold.setColorAt(0.0, mix(palette.accent, QColor("#ffffff"), 0.6))
    gold.setColorAt(1.0, mix(palette.accent, QColor("#3a2408"), 0.35))
    painter.fillPath(ellipse(x, 484, 4.5, 4.5), QBrush(gold))
    painter.fillPath(ellipse(x, 502, 8.5, 12), QBrush(gold))


def _draw_years(painter: QPainter, palette: Palette, age: float) -> None:
    line = clear(palette.skin_deep, 0.55 * age)
    for y, wide in ((262.0, 74.0), (286.0, 88.0)):
        painter.fillPath(
            lock([(-wide, y + 4), (-wide / 3, y - 2), (wide / 3, y - 2), (wide, y + 4)], [0.4, 2.8, 2.8, 0.4]), line
        )
    for side in (-1.0, 1.0):
        for k in range(3):
            start, end = (side * 128, EYE_Y - 4 + 9 * k), (side * (146 - k), EYE_Y - 14 + 16 * k)
            middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + 1)
            painter.fillPath(lock([start, middle, end], [0.4, 2.4, 0.4]), line)
        painter.fillPath(lock([(side * 40, 512.0), (side * 62, 532.0), (side * 76, 566.0)], [0.5, 4.0, 0.6]), line)


def _draw_beard(painter: QPainter, palette: Palette, face: Face) -> None:
    w = 165.0 * face.width
    full = face.beard == "full"
    inner_x, cheek = (78.0, 500.0) if full else (92.0, 520.0)
    edge = [
        (w * 1.06, 430.0),
        (w * 0.92, 474.0),
        (inner_x + 26, cheek + 12),
        (inner_x - 4, 536.0),
        (44.0, 532.0),
        (0.0, 530.0),
    ]
    lower = [(w * 1.06, 430.0), (w * 1.02, 560.0), (w * 0.6, 676.0), (0.0, 700.0)]
    area = smooth([*edge, *flipped(edge[-2::-1])], closed=False)
    area.connectPath(smooth([*flipped(lower), *lower[-2::-1]], closed=False))
    area.closeSubpath()
    mouth = ellipse(0, MOUTH_Y + 3, 61, 22)
    below = ellipse(0, MOUTH_Y + 32, 34, 9)
    area = area.subtracted(mouth)
    thick = {"stubble": 0.26, "short": 0.66, "full": 0.94}[face.beard]
    soft(
        painter,
        area.subtracted(below) if not full else area,
        clear(palette.hair_dark if not full else palette.hair, thick),
        4 if full else 6,
    )
    if face.beard == "stubble":
        return
    hairs = Random(9)  # noqa: S311 - the hairs of a beard
    painter.save()
    painter.setClipPath(area, Qt.ClipOperation.IntersectClip)
    for _ in range(420 if full else 260):
        x, y = hairs.uniform(-w, w), hairs.uniform(470, 655)
        long = hairs.uniform(9, 17) if full else hairs.uniform(4, 8)
        colour = hairs.choice((palette.hair_light, palette.hair_shine, palette.hair_dark))
        painter.setPen(QPen(clear(colour, hairs.uniform(0.12, 0.30)), 1.6))
        painter.drawLine(QPointF(x, y), QPointF(x + x / w * 4 + hairs.uniform(-2, 2), y + long))
    painter.restore()
