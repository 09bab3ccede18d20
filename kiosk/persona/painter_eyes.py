"""Eyes, lids, lashes and brows."""

from __future__ import annotations

import math
from random import Random

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QLinearGradient, QPainter, QPainterPath, QPen, QRadialGradient

from kiosk.persona.look import Face
from kiosk.persona.painter_colours import Palette, clear, mix
from kiosk.persona.painter_layer import Layer
from kiosk.persona.painter_paths import lock

_IRIS = 20.5


class Eyes:
    """Drawn about each eye's own middle, x outwards; one drawing serves both sides."""

    def __init__(self, palette: Palette, face: Face, scale: float):
        self._palette, self._size, self._lashes = palette, 1.16 * face.eyes, face.lashes
        white = QLinearGradient(0, -28, 0, 18)
        white.setColorAt(0.0, mix(palette.skin_deep, QColor("#b9b4bd"), 0.6))
        white.setColorAt(0.42, QColor("#f3efec"))
        white.setColorAt(1.0, QColor("#fffdfa"))
        self._white = QBrush(white)
        self._iris = Layer(QRectF(-24, -24, 48, 48), scale * self._size, self._draw_iris)
        self._lash_brush = QBrush(palette.lash)
        self._crease = _pen(clear(palette.skin_line, 0.62), 2.6)
        self._lower_line = _pen(clear(palette.skin_line, 0.38), 2.2)
        self._lid = QBrush(mix(palette.skin, palette.skin_deep, 0.30))
        self._bag = _pen(clear(palette.skin_deep, 0.5 * face.age), 2.6) if face.age > 0.2 else None
        weight = face.brows
        self._brow = Layer(QRectF(-64, -30, 134, 60), scale, lambda painter: _draw_brow(painter, palette, weight))

    def paint(
        self, painter: QPainter, side: float, closed: float, gaze_x: float, gaze_y: float, smile: float, narrow: float
    ) -> None:
        """The painter stands at the eye's middle. `side` -1 is left in the picture; `narrow` 1 is seen full front."""
        size = self._size
        painter.save()
        painter.scale(side * size * narrow, size)
        cheer = max(smile, 0.0)
        shut = closed + 0.10 * cheer * (1.0 - closed)
        low = 17.0 - 7.0 * cheer * (1.0 - closed)
        # Upper lid: from open (up) to shut (a bow that hangs to the lower lid).
        inner, outer = QPointF(-41.0, 7.0 + 1.0 * shut), QPointF(44.0, -4.0 + 6.0 * shut)
        up_1, up_2 = -27.0 + 44.0 * shut, -34.0 + 53.0 * shut
        opening = QPainterPath(inner)
        opening.cubicTo(-26.0, up_1, 20.0, up_2, outer.x(), outer.y())
        if shut < 0.97:
            if shut > 0.12:
                lid = QPainterPath(inner)
                lid.cubicTo(-26.0, -30.0, 20.0, -37.0, outer.x(), outer.y())
                lid.cubicTo(20.0, up_2, -26.0, up_1, inner.x(), inner.y())
                painter.fillPath(lid, self._lid)
            eye = QPainterPath(opening)
            eye.cubicTo(30.0, low + 1.0, -16.0, low + 5.0, inner.x(), inner.y())
            painter.fillPath(eye, self._white)
            painter.save()
            painter.setClipPath(eye, Qt.ClipOperation.IntersectClip)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(214, 122, 108, 110))
            painter.drawEllipse(QPointF(-41.0, 8.0), 9.0, 6.0)
            x, y = side * gaze_x * 17.0 + 0.5, gaze_y * 9.5 - 3.0
            painter.translate(x, y)
            self._iris.paint(painter)
            # Catch-lights stay where the lamp is, on the same side of both eyes.
            painter.scale(side, 1.0)
            painter.setBrush(QColor(255, 255, 255, 240))
            painter.drawEllipse(QPointF(-6.5 - 3.0 * gaze_x, -8.0 - 2.0 * gaze_y), 5.4, 5.8)
            painter.setBrush(QColor(255, 255, 255, 130))
            painter.drawEllipse(QPointF(7.0 - 3.0 * gaze_x, 7.5), 2.8, 2.6)
            painter.scale(side, 1.0)
            painter.translate(-x, -y)
            shadow = QPainterPath(inner)
            shadow.cubicTo(-26.0, up_1, 20.0, up_2, outer.x(), outer.y())
            shadow.cubicTo(20.0, up_2 + 13.0, -26.0, up_1 + 11.0, inner.x(), inner.y())
            painter.fillPath(shadow, QColor(60, 32, 36, 70))
            painter.restore()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        lower = QPainterPath(QPointF(38.0, 3.0 + 3.0 * shut))
        lower.cubicTo(26.0, low + 1.5, -14.0, low + 5.5, -36.0, 10.5)
        painter.setPen(self._lower_line)
        painter.drawPath(lower)
        if self._bag is not None:
            bag = QPainterPath(QPointF(30.0, low + 12.0))
            bag.cubicTo(16.0, low + 17.0, -10.0, low + 17.0, -28.0, low + 10.0)
            painter.setPen(self._bag)
            painter.drawPath(bag)
        crease = QPainterPath(QPointF(-38.0, -4.0 + 5.0 * shut))
        crease.cubicTo(
            -24.0, up_1 * 0.7 - 18.0 + 6 * shut, 22.0, up_2 * 0.7 - 20.0 + 4 * shut, 48.0, -13.0 + 5.0 * shut
        )
        painter.setPen(self._crease)
        painter.drawPath(crease)
        self._paint_lashes(painter, inner, outer, up_1, up_2)
        painter.restore()

    def _paint_lashes(self, painter: QPainter, inner: QPointF, outer: QPointF, up_1: float, up_2: float) -> None:
        weight = 3.2 + 4.2 * self._lashes
        x, y = outer.x(), outer.y()
        line = QPainterPath(QPointF(inner.x() - 1.0, inner.y() + 0.5))
        line.cubicTo(-26.0, up_1 - 2.0, 20.0, up_2 - weight * 1.5, x + 2.0 + 4.0 * self._lashes, y - weight * 0.75)
        line.cubicTo(x + 1.0, y + 0.5, 24.0, up_2 + (y - up_2) * 0.42, 14.0, _at(up_1, up_2, inner.y(), y, 0.68) + 0.8)
        line.cubicTo(2.0, _at(up_1, up_2, inner.y(), y, 0.5) + 0.5, -22.0, up_1 + 3.0, inner.x() - 1.0, inner.y() + 0.5)
        painter.fillPath(line, self._lash_brush)
        if self._lashes < 0.4:
            return
        long = 13.0 * self._lashes
        droop = max(0.0, (up_2 + 34.0) / 53.0)
        lashes = QPainterPath()
        for k, part in enumerate((0.72, 0.81, 0.89, 0.96)):
            px, py = _bezier(inner.x(), -26.0, 20.0, x, part), _at(up_1, up_2, inner.y(), y, part)
            reach = long * (0.75 + 0.12 * k)
            tip = QPointF(px + reach * 0.85, py - reach * (0.75 - 1.35 * droop) - 1.0)
            lashes.moveTo(px - 2.8, py - 1.5)
            lashes.quadTo(px + reach * 0.45, py - 1.0 + reach * 0.3 * droop, tip.x(), tip.y())
            lashes.quadTo(px + reach * 0.25, py + 1.0 + reach * 0.3 * droop, px + 1.4, py)
        painter.fillPath(lashes, self._lash_brush)

    def paint_brow(self, painter: QPainter, side: float, raised: float, tilt: float) -> None:
        """The painter stands at the eye's middle. `raised` -1 to 1; `tilt` -1 worried to 1 stern."""
        painter.save()
        painter.scale(side, 1.0)
        painter.translate(0.0, -68.0 - 15.0 * raised)
        painter.rotate(9.0 * tilt)
        self._brow.paint(painter)
        painter.restore()

    def _draw_iris(self, painter: QPainter) -> None:
        palette = self._palette
        iris = QRadialGradient(QPointF(0, 2), _IRIS)
        iris.setColorAt(0.0, palette.iris_light)
        iris.setColorAt(0.55, palette.iris)
        iris.setColorAt(0.84, mix(palette.iris, palette.iris_dark, 0.65))
        iris.setColorAt(1.0, palette.iris_dark)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QBrush(iris))
        painter.drawEllipse(QPointF(0, 0), _IRIS, _IRIS)
        rays = Random(11)  # noqa: S311 - the fibres of an iris
        for k in range(36):
            angle = 2 * math.pi * k / 36 + rays.uniform(-0.07, 0.07)
            near, far = rays.uniform(9, 11), rays.uniform(14, 18.5)
            light = k % 2 == 0
            painter.setPen(_pen(clear(palette.iris_light if light else palette.iris_dark, 0.35), 0.9))
            cos, sin = math.cos(angle), math.sin(angle)
            painter.drawLine(QPointF(cos * near, sin * near), QPointF(cos * far, sin * far))
        painter.setPen(Qt.PenStyle.NoPen)
        glow = QRadialGradient(QPointF(0, 13), 14)
        glow.setColorAt(0.0, clear(mix(palette.iris_light, QColor("#ffffff"), 0.35), 0.75))
        glow.setColorAt(1.0, clear(palette.iris_light, 0.0))
        painter.setBrush(QBrush(glow))
        painter.drawEllipse(QPointF(0, 9), 14, 10)
        painter.setBrush(QColor(20, 14, 16))
        painter.drawEllipse(QPointF(0, 0), 9.4, 9.4)


def _draw_brow(painter: QPainter, palette: Palette, weight: float) -> None:
    spine = [(-44.0, 3.0), (-26.0, -2.0), (0.0, -8.0), (26.0, -9.0), (45.0, -2.0), (58.0, 10.0)]
    widths = [6.0 * weight, 12.0 * weight, 12.5 * weight, 10.0 * weight, 6.5 * weight, 1.0]
    painter.setOpacity(0.78)
    painter.fillPath(lock(spine, widths), palette.brow)
    painter.setOpacity(0.85)
    painter.setClipPath(lock(spine, [1.15 * width for width in widths]))
    hairs = Random(5)  # noqa: S311 - the hairs of a brow
    for k in range(40):
        part = 0.88 * k / 39
        i = min(int(part * 5), 4)
        f = part * 5 - i
        x = spine[i][0] + (spine[i + 1][0] - spine[i][0]) * f
        y = spine[i][1] + (spine[i + 1][1] - spine[i][1]) * f
        w = widths[i] + (widths[i + 1] - widths[i]) * f
        lean = 3.0 + 6.0 * part
        painter.setPen(_pen(clear(palette.brow, hairs.uniform(0.3, 0.8)), 1.5 * weight**0.5))
        start = hairs.uniform(-0.1, 0.55) * w
        painter.drawLine(QPointF(x, y + start), QPointF(x + lean, y + start - 0.62 * w * (1.1 - 0.7 * part)))


def _pen(colour: QColor, width: float) -> QPen:
    return QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)


def _bezier(a: float, b: float, c: float, d: float, t: float) -> float:
    s = 1.0 - t
    return s * s * s * a + 3 * s * s * t * b + 3 * s * t * t * c + t * t * t * d


def _at(up_1: float, up_2: float, start: float, end: float, part: float) -> float:
    """Height of the upper lid at `part` of its length."""
    return _bezier(start, up_1, up_2, end, part)
