"""A hand that is raised, palm open, to underline a word."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QLinearGradient, QPainter, QPainterPath, QPen

from kiosk.persona.look import Look
from kiosk.persona.painter_colours import Palette, clear, mix
from kiosk.persona.painter_framing import Framing
from kiosk.persona.painter_layer import Layer
from kiosk.persona.painter_paths import Point, ellipse, lock, smooth, soft

# About the wrist, fingers up; a right hand as the viewer's left, mirrored where it is painted.
_FINGERS: list[tuple[list[Point], list[float]]] = [
    ([(-35, -66), (-48, -104), (-57, -136), (-61, -152)], [25, 24, 22, 19]),
    ([(-13, -76), (-17, -124), (-21, -164), (-22, -182)], [26, 25, 23, 20]),
    ([(11, -76), (14, -124), (16, -160), (17, -176)], [26, 25, 23, 20]),
    ([(33, -66), (42, -104), (48, -132), (51, -146)], [23, 22, 20, 17]),
    ([(34, -14), (60, -44), (76, -70), (83, -86)], [30, 27, 24, 20]),
]


class Hand:
    def __init__(self, look: Look, palette: Palette, framing: Framing):
        self._x = min(296.0, framing.half_units - 122.0)
        self._bottom = min(framing.bottom_unit, 1500.0)
        reach = max(self._bottom - 800.0, 120.0) + 60.0
        self._layer = Layer(QRectF(-110, -215, 220, 215 + reach), framing.scale, lambda p: _draw(p, palette, reach))

    def paint(self, painter: QPainter, raised: float) -> None:
        """`raised` 0: below the picture, nothing is painted; 1: beside the shoulder."""
        if raised <= 0.005:
            return
        top = min(self._bottom - 110.0, 905.0)
        away = (1.0 - raised) * (self._bottom - top + 225.0)
        painter.save()
        painter.translate(-self._x - 34.0 * (1.0 - raised), top + away)
        painter.rotate(-17.0 + 22.0 * (1.0 - raised))
        self._layer.paint(painter)
        painter.restore()


def _draw(painter: QPainter, palette: Palette, reach: float) -> None:
    _draw_sleeve(painter, palette, reach)
    palm = smooth(
        [(-24, 14), (-40, -20), (-49, -56), (-44, -86), (0, -94), (40, -86), (48, -56), (44, -18), (26, 14), (0, 18)]
    )
    whole = QPainterPath(palm)
    for spine, widths in _FINGERS:
        whole = whole.united(_finger(spine, widths))
    fill = QLinearGradient(-60, -170, 70, 10)
    fill.setColorAt(0.0, palette.skin_light)
    fill.setColorAt(0.5, mix(palette.skin, palette.blush, 0.10))
    fill.setColorAt(1.0, palette.skin_shade)
    painter.fillPath(whole, QBrush(fill))
    painter.save()
    painter.setClipPath(whole)
    soft(painter, ellipse(30, -30, 22, 30), clear(palette.blush, 0.35), 9)
    soft(painter, ellipse(-24, -40, 16, 30), clear(palette.skin_light, 0.55), 9)
    soft(painter, ellipse(0, 22, 50, 16), clear(palette.skin_deep, 0.6), 8)
    for spine, _widths in _FINGERS[:4]:
        x, y = spine[-1]
        soft(painter, ellipse(x, y, 7, 8), clear(palette.blush, 0.4), 4)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(clear(palette.skin_line, 0.34), 2.4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    for x in (-25.0, -1.0, 23.0):
        painter.drawLine(QPointF(x * 0.95, -76), QPointF(x * 1.08, -102))
    for start, turn, end in (
        ((-38, -58), (-4, -44), (34, -66)),
        ((-34, -40), (4, -30), (22, -60)),
        ((6, 6), (-2, -34), (34, -56)),
    ):
        crease = QPainterPath(QPointF(*start))
        crease.quadTo(QPointF(*turn), QPointF(*end))
        painter.drawPath(crease)
    painter.restore()
    painter.setPen(QPen(clear(palette.skin_line, 0.30), 1.8))
    painter.drawPath(whole)
    painter.setPen(Qt.PenStyle.NoPen)


def _finger(spine: list[Point], widths: list[float]) -> QPainterPath:
    x, y = spine[-1]
    return lock(spine, widths).united(ellipse(x, y, widths[-1] / 2, widths[-1] / 2))


def _draw_sleeve(painter: QPainter, palette: Palette, reach: float) -> None:
    cuff = smooth([(-40, 14), (0, 22), (40, 14), (44, 44), (0, 52), (-44, 44)])
    wrist = smooth([(-26, -4), (26, -4), (32, 40), (-32, 40)])
    painter.fillPath(wrist, palette.skin_shade)
    painter.fillPath(cuff, mix(palette.shirt, palette.shirt_shade, 0.3))
    sleeve = QPainterPath(QPointF(-50, 34))
    sleeve.quadTo(0, 46, 50, 34)
    sleeve.lineTo(86, reach)
    sleeve.lineTo(-86, reach)
    sleeve.closeSubpath()
    fill = QLinearGradient(-80, 0, 80, 0)
    fill.setColorAt(0.0, palette.cloth_light)
    fill.setColorAt(0.4, palette.cloth)
    fill.setColorAt(1.0, palette.cloth_dark)
    painter.fillPath(sleeve, QBrush(fill))
    painter.setPen(QPen(clear(palette.cloth_deep, 0.5), 2))
    painter.drawPath(sleeve)
    painter.setPen(Qt.PenStyle.NoPen)
