"""Lips, teeth and tongue: the one part whose shape is new in every frame."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QLinearGradient, QPainter, QPainterPath, QPen, QTransform

from kiosk.persona.look import Face
from kiosk.persona.painter_colours import Palette, clear, mix
from kiosk.persona.painter_layer import Layer
from kiosk.persona.painter_paths import ellipse, soft
from kiosk.persona.visemes import MouthShape


class Mouth:
    """Drawn about the middle of the line between the lips."""

    def __init__(self, palette: Palette, face: Face, scale: float):
        self._full, self._years = face.lips, 0.3 * face.age
        upper, lower = QLinearGradient(0, -20, 0, 4), QLinearGradient(0, 0, 0, 20)
        upper.setColorAt(0.0, palette.lip)
        upper.setColorAt(1.0, palette.lip_dark)
        lower.setColorAt(0.0, mix(palette.lip, palette.lip_dark, 0.3))
        lower.setColorAt(0.4, mix(palette.lip, palette.lip_light, 0.3))
        lower.setColorAt(1.0, mix(palette.lip, palette.lip_dark, 0.45))
        self._upper, self._lower = QBrush(upper), QBrush(lower)
        inside = QLinearGradient(0, -12, 0, 56)
        inside.setColorAt(0.0, QColor("#2a0b10"))
        inside.setColorAt(0.5, QColor("#4d161c"))
        inside.setColorAt(1.0, QColor("#7a2a2e"))
        self._inside = QBrush(inside)
        teeth = QLinearGradient(0, -10, 0, 14)
        teeth.setColorAt(0.0, QColor("#cfc4bc"))
        teeth.setColorAt(0.45, QColor("#f7f2ea"))
        teeth.setColorAt(1.0, QColor("#fffdf8"))
        self._teeth = QBrush(teeth)
        self._gap = QPen(QColor(150, 128, 118, 60), 1.0)
        self._tongue = QColor("#c4605f")
        self._tongue_light = QColor(236, 150, 142, 130)
        self._line = _pen(palette.lip_line, 3.4)
        self._corner = _pen(clear(palette.skin_line, 0.34), 3.0)
        self._fold = _pen(clear(palette.skin_deep, 0.42), 3.6)
        shade, light = palette.skin_deep, palette.lip_light
        self._under = Layer(
            QRectF(-60, -24, 120, 48),
            scale,
            lambda p: soft(p, ellipse(0, 0, 26, 4), clear(shade, 0.55), 6),
            glassy=True,
        )
        self._shine = Layer(
            QRectF(-40, -16, 80, 32),
            scale,
            lambda p: soft(p, ellipse(0, 0, 15, 2.0), clear(light, 0.75), 3),
            glassy=True,
        )

    def paint(self, painter: QPainter, shape: MouthShape, smile: float, narrow: float) -> None:
        """The painter stands at the mouth. `smile` -1 to 1; `narrow` 1 is seen full front."""
        opened, ring, press, teeth = shape.open, shape.round, shape.press, shape.teeth
        cheer = max(smile, 0.0) * (1.0 - 0.6 * ring)
        wide = (56.0 + 40.0 * (shape.width - 0.5) - 8.0 * ring + 15.0 * cheer - 6.0 * opened) * narrow
        corner = -2.5 - 15.0 * smile * (1.0 - 0.4 * opened) * (1.0 - 0.5 * ring) + 5.0 * opened
        lift = 8.0 * opened + 3.5 * teeth * (1.0 - press) + 1.5 * ring
        drop = 60.0 * opened + 1.5 * teeth * (1.0 - opened) + 2.0 * ring
        sag = (1.0 + 7.0 * smile) * (1.0 - min(1.0, 4.0 * opened))
        full = self._full * (1.0 - 0.42 * press) * (1.0 - 0.10 * cheer)
        above = (12.0 + 4.0 * ring - 2.5 * opened) * full
        below = (16.5 + 5.0 * ring - 2.0 * opened) * full
        top, bottom = -lift + sag, drop + sag
        corner += 0.42 * ring * (top + bottom - 2.0 * corner)  # a ring's corners lie half way up
        # Handles of the curves: flat at rest, those of an ellipse where the lips make a ring.
        flank_x, flank_y = 0.64 + 0.36 * ring, 0.72 - 0.14 * ring
        roof_x, roof_y = 0.30 + 0.25 * ring, 0.5 * (1.0 - ring)
        jaw_x, jaw_y, floor_x = 0.86 + 0.14 * ring, 0.66 - 0.10 * ring, 0.52 + 0.03 * ring

        roof = QPainterPath(QPointF(-wide, corner))
        side_y = corner + (top - corner) * flank_y
        roof.cubicTo(-wide * flank_x, side_y, -wide * roof_x, top + roof_y, 0.0, top + 0.8)
        roof.cubicTo(wide * roof_x, top + roof_y, wide * flank_x, side_y, wide, corner)
        hole = QPainterPath(roof)
        side_y = corner + (bottom - corner) * jaw_y
        hole.cubicTo(wide * jaw_x, side_y, wide * floor_x, bottom, 0.0, bottom)
        hole.cubicTo(-wide * floor_x, bottom, -wide * jaw_x, side_y, -wide, corner)

        edge = wide + 3.5 + 3.0 * ring
        peak, dip = top - above, top - above + 4.2 * (1.0 - 0.5 * cheer) * (1.0 - 0.4 * ring)
        rim = corner + (peak - corner) * (0.62 + 0.10 * ring)
        lips = QPainterPath(QPointF(-edge, corner))
        lips.cubicTo(-edge * (0.66 + 0.28 * ring), rim, -edge * (0.42 + 0.2 * ring), peak - 1.0, -13.0 * narrow, peak)
        lips.cubicTo(-7.0, peak + 0.5, -4.0, dip, 0.0, dip)
        lips.cubicTo(4.0, dip, 7.0, peak + 0.5, 13.0 * narrow, peak)
        lips.cubicTo(edge * (0.42 + 0.2 * ring), peak - 1.0, edge * (0.66 + 0.28 * ring), rim, edge, corner)
        lips.cubicTo(wide * 0.6, corner + 4.0, wide * 0.4, top + 1.0, 0.0, top + 1.2)
        lips.cubicTo(-wide * 0.4, top + 1.0, -wide * 0.6, corner + 4.0, -edge, corner)
        lower = QPainterPath(QPointF(-edge, corner))
        foot = bottom + below
        side_y = corner + (foot - corner) * (0.66 - 0.06 * ring)
        lower.cubicTo(-edge * (0.88 + 0.1 * ring), side_y, -edge * 0.56, foot, 0.0, foot)
        lower.cubicTo(edge * 0.56, foot, edge * (0.88 + 0.1 * ring), side_y, edge, corner)
        lower.cubicTo(wide * 0.6, corner + 1.0, wide * 0.3, top, 0.0, top)
        lower.cubicTo(-wide * 0.3, top, -wide * 0.6, corner + 1.0, -edge, corner)

        painter.save()
        painter.translate(0.0, foot + 7.0)
        self._under.paint(painter)
        painter.restore()
        self._paint_folds(painter, edge, corner, cheer)
        painter.setPen(Qt.PenStyle.NoPen)
        self._lower.setTransform(_moved(bottom))
        painter.fillPath(lower, self._lower)
        self._upper.setTransform(_moved(top))
        painter.fillPath(lips, self._upper)
        painter.save()
        painter.translate(-4.0, bottom + below * 0.45)
        painter.scale(wide / 52.0, 1.0)
        self._shine.paint(painter)
        painter.restore()
        if bottom - top > 3.0:
            self._paint_inside(painter, hole, shape, wide, top, bottom)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(self._line)
        painter.drawPath(roof)

    def _paint_inside(
        self, painter: QPainter, hole: QPainterPath, shape: MouthShape, wide: float, top: float, bottom: float
    ) -> None:
        tall = bottom - top
        painter.save()
        painter.setClipPath(hole, Qt.ClipOperation.IntersectClip)
        painter.fillPath(hole, self._inside)
        painter.setPen(Qt.PenStyle.NoPen)
        if tall > 8.0:
            rise = 7.0 + 15.0 * shape.tongue
            painter.setBrush(self._tongue)
            tongue_y = max(bottom - rise * min(1.0, tall / 26.0) + 9.0, top + 11.0)
            painter.drawEllipse(QPointF(0.0, tongue_y + 4.0), wide * 0.66, 15.0)
            painter.setBrush(self._tongue_light)
            painter.drawEllipse(QPointF(-2.0, tongue_y - 4.0), wide * 0.26, 3.4)
        if shape.teeth > 0.02:
            self._teeth.setTransform(_moved(top))
            reach = top + min(5.0 + 11.0 * shape.teeth, 4.0 + tall * 0.78)
            row = QPainterPath(QPointF(-wide, top - 14.0))
            row.lineTo(wide, top - 14.0)
            row.cubicTo(wide * 0.92, reach, wide * 0.5, reach + 1.5, 0.0, reach + 1.5)
            row.cubicTo(-wide * 0.5, reach + 1.5, -wide * 0.92, reach, -wide, top - 14.0)
            painter.setOpacity(min(1.0, shape.teeth * 4.0))
            painter.fillPath(row, self._teeth)
            painter.setPen(self._gap)
            for x in (-0.46, -0.23, 0.0, 0.23, 0.46):
                painter.drawLine(QPointF(wide * x, top - 4.0), QPointF(wide * x, reach - 0.5))
            painter.setPen(Qt.PenStyle.NoPen)
            if shape.teeth > 0.5 and tall < 28.0 and shape.tongue < 0.5:
                low = bottom - 13.0 * (shape.teeth - 0.5) * min(1.0, (28.0 - tall) / 10.0)
                painter.setBrush(QColor(236, 228, 218))
                painter.drawRoundedRect(QRectF(-wide * 0.62, low, wide * 1.24, 24.0), 8.0, 5.0)
            painter.setOpacity(1.0)
        if shape.tongue > 0.7 and shape.teeth > 0.3:  # th: the tip shows between the teeth
            painter.setBrush(self._tongue)
            painter.drawEllipse(QPointF(0.0, bottom - 2.0), wide * 0.42, 10.0 * shape.tongue)
        shadow = QPainterPath(QPointF(-wide, top - 16.0))
        shadow.lineTo(wide, top - 16.0)
        shadow.cubicTo(wide * 0.8, top + 4.5, -wide * 0.8, top + 4.5, -wide, top - 16.0)
        painter.fillPath(shadow, QColor(40, 8, 14, 70))
        painter.restore()

    def _paint_folds(self, painter: QPainter, edge: float, corner: float, cheer: float) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(self._corner)
        tuck = 3.0 + 4.0 * cheer
        for side in (-1.0, 1.0):
            dimple = QPainterPath(QPointF(side * (edge + 1.0), corner - tuck))
            dimple.quadTo(side * (edge + 4.5), corner, side * (edge + 1.0), corner + tuck)
            painter.drawPath(dimple)
        if cheer > 0.5 - self._years:
            painter.setOpacity(min(1.0, (cheer - 0.5 + self._years) * 1.2))
            painter.setPen(self._fold)
            for side in (-1.0, 1.0):
                fold = QPainterPath(QPointF(side * 52.0, -58.0))
                fold.cubicTo(side * 70.0, -46.0, side * (edge + 20.0), -26.0, side * (edge + 19.0), -4.0)
                painter.drawPath(fold)
            painter.setOpacity(1.0)


def _moved(y: float) -> QTransform:
    return QTransform.fromTranslate(0.0, y)


def _pen(colour: QColor, width: float) -> QPen:
    return QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
