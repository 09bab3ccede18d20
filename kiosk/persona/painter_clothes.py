"""What is worn: shirts, ties, lapels, a cardigan, a name badge."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QLinearGradient, QPainter, QPainterPath, QPen

from kiosk.persona.painter_colours import Palette, clear, darker, mix
from kiosk.persona.painter_paths import Point, ellipse, flipped, smooth, soft


def opening(style: str) -> QPainterPath:
    """Where the jacket shows what is worn below it."""
    deep = {"blazer": 1010.0, "suit": 985.0, "cardigan": 1400.0}[style]
    half: list[Point] = (
        [(84, 690), (104, 730), (96, 800), (66, 890), (0, deep)]
        if style != "cardigan"
        else [(84, 690), (112, 734), (112, 800), (92, 900), (76, 1050), (70, deep)]
    )
    path = smooth(half, closed=False)
    path.connectPath(smooth(flipped(half)[::-1], closed=False))
    path.closeSubpath()
    return path


def draw_shirt(painter: QPainter, palette: Palette, style: str) -> None:
    if style == "suit":
        tie = QPainterPath(QPointF(-17, 792))
        tie.lineTo(17, 792)
        tie.lineTo(12, 826)
        tie.cubicTo(24, 890, 34, 980, 36, 1090)
        tie.lineTo(-36, 1090)
        tie.cubicTo(-34, 980, -24, 890, -12, 826)
        tie.closeSubpath()
        fill = QLinearGradient(-30, 0, 34, 0)
        fill.setColorAt(0.0, mix(palette.accent, QColor("#ffffff"), 0.14))
        fill.setColorAt(1.0, darker(palette.accent, 0.3))
        soft(painter, tie.translated(4, 5), clear(palette.shirt_shade, 0.9), 5)
        painter.fillPath(tie, QBrush(fill))
        painter.setPen(QPen(clear(darker(palette.accent, 0.5), 0.6), 2))
        painter.drawLine(QPointF(-12, 826), QPointF(12, 826))
        painter.setPen(Qt.PenStyle.NoPen)
        for side in (-1.0, 1.0):
            wing = [
                (side * 70, 694),
                (side * 96, 716),
                (side * 66, 800),
                (side * 40, 836),
                (side * 3, 790),
                (side * 30, 758),
            ]
            flap = _polygon(wing)
            soft(painter, flap.translated(2, 6), clear(QColor("#3b3a4a"), 0.35), 5)
            shade = QLinearGradient(0, 700, 0, 840)
            shade.setColorAt(0.0, mix(palette.shirt, palette.shirt_shade, 0.45))
            shade.setColorAt(0.5, palette.shirt)
            painter.fillPath(flap, QBrush(shade))
        return
    if style == "blazer":
        for side in (-1.0, 1.0):
            wing = [
                (side * 74, 694),
                (side * 108, 722),
                (side * 92, 812),
                (side * 60, 852),
                (side * 2, 848),
                (side * 44, 780),
            ]
            flap = _polygon(wing)
            soft(painter, flap.translated(1, 6), clear(QColor("#4a3c3a"), 0.3), 5)
            shade = QLinearGradient(side * 100, 700, 0, 850)
            shade.setColorAt(0.0, mix(palette.shirt, palette.shirt_shade, 0.5))
            shade.setColorAt(0.5, palette.shirt)
            painter.fillPath(flap, QBrush(shade))
        soft(painter, _polygon([(-2, 850), (2, 850), (5, 1100), (-5, 1100)]), clear(palette.shirt_shade, 0.8), 3)
        for y in (890, 950):
            painter.fillPath(ellipse(0, y, 5, 5), mix(palette.shirt_shade, palette.shirt, 0.4))
        return
    neck = smooth(
        [
            (-92, 706),
            (-62, 764),
            (0, 800),
            (62, 764),
            (92, 706),
            (104, 724),
            (72, 790),
            (0, 828),
            (-72, 790),
            (-104, 724),
        ]
    )
    soft(painter, neck.translated(0, 6), clear(palette.shirt_shade, 0.7), 5)
    painter.fillPath(neck, mix(palette.shirt, palette.shirt_shade, 0.16))
    for x in (-52, -20, 16, 46):
        soft(
            painter,
            smooth([(x, 850), (x * 1.2 + 4, 960), (x * 1.3, 1100), (x * 1.2 - 4, 960)]),
            clear(palette.shirt_shade, 0.5),
            5,
        )
    chain = QPainterPath(QPointF(-74, 716))
    chain.cubicTo(-50, 830, -16, 872, 0, 880)
    chain.cubicTo(16, 872, 50, 830, 74, 716)
    painter.setPen(QPen(palette.accent, 2.6))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPath(chain)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.fillPath(ellipse(0, 887, 9, 9), palette.accent)
    painter.fillPath(ellipse(-2.5, 884, 3, 3), QColor(255, 255, 255, 170))


def draw_lapels(painter: QPainter, palette: Palette, style: str) -> None:
    deep = 1012.0 if style == "blazer" else 987.0
    for side in (-1.0, 1.0):
        collar = [
            (side * 82, 684),
            (side * 112, 702),
            (side * 168, 744),
            (side * 190, 812),
            (side * 150, 806),
            (side * 100, 790),
            (side * 98, 730),
        ]
        lapel = [
            (side * 101, 786),
            (side * 150, 806),
            (side * 158, 838),
            (side * 204, 832),
            (side * 150, 940),
            (side * 10, deep + 12),
            (0, deep),
            (side * 62, 896),
        ]
        for part, top in ((_polygon(lapel, 7), 0.0), (_polygon(collar, 7), 0.08)):
            soft(painter, part.translated(3 - side, 8), clear(palette.cloth_deep, 0.7), 6)
            fill = QLinearGradient(QPointF(side * 200, 760), QPointF(side * 40, 960))
            fill.setColorAt(0.0, mix(palette.cloth_light, palette.cloth, 0.2 if side < 0 else 0.7))
            fill.setColorAt(1.0, mix(palette.cloth, palette.cloth_dark, (0.2 if side < 0 else 0.6) - top))
            painter.fillPath(part, QBrush(fill))
            painter.setPen(QPen(clear(palette.cloth_light, 0.65), 1.6))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPath(part)
            painter.setPen(Qt.PenStyle.NoPen)
    soft(painter, _polygon([(-3, deep + 4), (3, deep + 4), (16, 1700), (8, 1700)]), clear(palette.cloth_deep, 0.9), 3)
    for y in (1050, 1190):
        painter.fillPath(ellipse(14, y + 3, 13, 13), clear(palette.cloth_deep, 0.8))
        painter.fillPath(ellipse(14, y, 12, 12), palette.cloth_dark)
        painter.fillPath(ellipse(11, y - 3, 4, 4), clear(palette.cloth_light, 0.8))


def draw_cardigan(painter: QPainter, palette: Palette) -> None:
    for side in (-1.0, 1.0):
        band = [
            (side * 84, 690),
            (side * 112, 734),
            (side * 112, 800),
            (side * 92, 900),
            (side * 76, 1050),
            (side * 70, 1400),
        ]
        outer = [
            (side * 112, 706),
            (side * 140, 740),
            (side * 138, 806),
            (side * 120, 904),
            (side * 106, 1052),
            (side * 100, 1400),
        ]
        path = smooth(band, closed=False)
        path.connectPath(smooth(outer[::-1], closed=False))
        path.closeSubpath()
        soft(painter, path.translated(side * 3, 3), clear(palette.cloth_deep, 0.5), 5)
        painter.fillPath(path, mix(palette.cloth, palette.cloth_light, 0.55 if side < 0 else 0.25))
        painter.save()
        painter.setClipPath(path)
        painter.setPen(QPen(clear(palette.cloth_dark, 0.4), 1.8))
        for y in range(690, 1400, 7):
            painter.drawLine(QPointF(side * 60, y), QPointF(side * 150, y + 8))
        painter.restore()
        painter.setPen(Qt.PenStyle.NoPen)
    for y in (960, 1090, 1220):
        x = 104 if y < 1000 else 92
        painter.fillPath(ellipse(x, y + 2, 11, 11), clear(palette.cloth_deep, 0.7))
        painter.fillPath(ellipse(x, y, 10, 10), mix(palette.accent, palette.cloth_dark, 0.25))


def draw_badge(painter: QPainter, palette: Palette) -> None:
    """A name badge, too small to be read: lines stand for letters."""
    painter.save()
    painter.translate(212, 912)
    painter.rotate(4)
    plate = QPainterPath()
    plate.addRoundedRect(QRectF(-54, -26, 108, 52), 8, 8)
    soft(painter, plate.translated(2, 6), clear(palette.cloth_deep, 0.8), 5)
    fill = QLinearGradient(0, -26, 0, 26)
    fill.setColorAt(0.0, QColor("#ffffff"))
    fill.setColorAt(1.0, QColor("#e7e5e1"))
    painter.fillPath(plate, QBrush(fill))
    painter.save()
    painter.setClipPath(plate)
    painter.fillRect(QRectF(-54, -26, 108, 15), palette.accent)
    painter.restore()
    for y, wide, colour in ((-1.0, 62.0, QColor("#4b4f58")), (12.0, 42.0, QColor("#a3a6ad"))):
        line = QPainterPath()
        line.addRoundedRect(QRectF(-42, y - 3, wide, 6), 3, 3)
        painter.fillPath(line, colour)
    painter.restore()


def _polygon(points: Sequence[Point], corner: float = 0.0) -> QPainterPath:
    """Straight edges; corners rounded by `corner` units."""
    path = QPainterPath()
    count = len(points)
    for i, (x, y) in enumerate(points):
        if corner <= 0.0:
            (path.lineTo if i else path.moveTo)(x, y)
            continue
        before, after = points[i - 1], points[(i + 1) % count]
        start, end = _towards((x, y), before, corner), _towards((x, y), after, corner)
        (path.lineTo if i else path.moveTo)(*start)
        path.quadTo(x, y, *end)
    path.closeSubpath()
    return path


def _towards(a: Point, b: Point, distance: float) -> Point:
    dx, dy = b[0] - a[0], b[1] - a[1]
    part = min(0.45, distance / ((dx * dx + dy * dy) ** 0.5 or 1.0))
    return a[0] + dx * part, a[1] + dy * part
