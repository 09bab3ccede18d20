"""Small line drawings on buttons and marks, drawn in a square of 24 units, so that they are sharp at every size."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

UNITS = 24.0
STROKE = 2.0


class Glyph(StrEnum):
    STOP = "stop"
    KEYBOARD = "keyboard"
    LEAVE = "leave"
    SEND = "send"
    MICROPHONE = "microphone"
    MICROPHONE_OFF = "microphone_off"
    AVATAR = "avatar"
    CHECK = "check"
    HAND = "hand"


def _outline(glyph: Glyph) -> QPainterPath:
    path = QPainterPath()

    def line(*points: tuple[float, float]) -> None:
        path.moveTo(QPointF(*points[0]))
        for point in points[1:]:
            path.lineTo(QPointF(*point))

    match glyph:
        case Glyph.STOP:
            path.addRoundedRect(QRectF(6, 6, 12, 12), 2, 2)
        case Glyph.KEYBOARD:
            path.addRoundedRect(QRectF(2, 6, 20, 13), 2.5, 2.5)
            for x in (6.0, 10.0, 14.0, 18.0):
                line((x, 10.4), (x + 0.01, 10.4))
            line((8.0, 15.0), (16.0, 15.0))
        case Glyph.LEAVE:
            line((13.0, 4.0), (5.0, 4.0), (5.0, 20.0), (13.0, 20.0))
            line((10.5, 12.0), (20.5, 12.0))
            line((16.5, 8.0), (20.5, 12.0), (16.5, 16.0))
        case Glyph.SEND:
            line((4.0, 12.0), (20.0, 12.0))
            line((13.5, 5.5), (20.0, 12.0), (13.5, 18.5))
        case Glyph.MICROPHONE | Glyph.MICROPHONE_OFF:
            path.addRoundedRect(QRectF(9, 3, 6, 11), 3, 3)
            path.moveTo(5.5, 11.5)
            path.arcTo(QRectF(5.5, 5.0, 13.0, 13.0), 180.0, 180.0)
            line((12.0, 18.0), (12.0, 21.5))
            if glyph is Glyph.MICROPHONE_OFF:
                line((4.0, 4.0), (20.0, 20.0))
        case Glyph.AVATAR:
            path.addEllipse(QPointF(12, 12), 9.5, 9.5)
            line((9.0, 9.0), (9.0, 11.0))
            line((15.0, 9.0), (15.0, 11.0))
            path.moveTo(8.0, 14.5)
            path.quadTo(QPointF(12.0, 18.5), QPointF(16.0, 14.5))
        case Glyph.CHECK:
            line((5.0, 12.5), (10.0, 17.5), (19.5, 7.0))
        case Glyph.HAND:
            path.moveTo(9.0, 13.0)
            path.lineTo(9.0, 5.5)
            path.arcTo(QRectF(9.0, 4.0, 3.0, 3.0), 180.0, -180.0)
            path.lineTo(12.0, 11.0)
            path.lineTo(17.2, 12.2)
            path.quadTo(QPointF(19.4, 12.8), QPointF(19.0, 15.0))
            path.lineTo(18.0, 20.5)
            path.lineTo(10.5, 20.5)
            path.lineTo(5.4, 14.8)
            path.quadTo(QPointF(6.8, 12.6), QPointF(9.0, 14.6))
    return path


def draw_glyph(painter: QPainter, glyph: Glyph, area: QRectF, colour: QColor) -> None:
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(area.topLeft())
    painter.scale(area.width() / UNITS, area.height() / UNITS)
    pen = QPen(colour, STROKE, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPath(_outline(glyph))
    painter.restore()
