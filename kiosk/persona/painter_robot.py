"""A robot, put together: a white shell, a dark visor, and eyes and mouth of light."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QLinearGradient, QPainter, QPainterPath, QPen, QRadialGradient

from kiosk.persona.face import FaceState
from kiosk.persona.look import Look
from kiosk.persona.painter_body import LOWEST, body_box
from kiosk.persona.painter_colours import Palette, clear, darker, mix
from kiosk.persona.painter_framing import Framing
from kiosk.persona.painter_layer import Layer
from kiosk.persona.painter_paths import ellipse, mirrored, smooth, soft
from kiosk.persona.visemes import MouthShape

_HEAD, _NECK_Y, _ROUND = 475.0, 690.0, 190.0


class Robot:
    def __init__(self, look: Look, palette: Palette, framing: Framing):
        scale = framing.scale
        self._palette = palette
        self._shell, self._glow = QColor(look.colours.skin), QColor(look.colours.eyes)
        self._body = Layer(body_box(framing.bottom_unit), scale, self._draw_body)
        self._head = Layer(QRectF(-260, 60, 520, 640), scale, self._draw_head)
        self._halo = Layer(
            QRectF(-70, -70, 140, 140),
            scale,
            lambda p: soft(p, ellipse(0, 0, 24, 30), clear(self._glow, 0.55), 13),
            glassy=True,
        )
        self._gleam = Layer(QRectF(-190, 270, 380, 340), scale, self._draw_gleam, glassy=True)
        light = QLinearGradient(0, -44, 0, 44)
        light.setColorAt(0.0, mix(self._glow, QColor("#ffffff"), 0.55))
        light.setColorAt(1.0, self._glow)
        self._light = QBrush(light)
        self._mouth_light = QColor(look.colours.lips)

    def paint(self, painter: QPainter, state: FaceState) -> None:
        """`painter` is in drawing units."""
        turn = math.radians(state.head_turn)
        shift, down = math.sin(turn) * _ROUND, state.head_nod * 2.6
        lift = -6.0 * state.breath
        painter.save()
        painter.translate(0.0, lift)
        self._body.paint(painter)
        painter.restore()
        painter.save()
        painter.translate(state.head_x * _HEAD, state.head_y * _HEAD + 0.8 * lift + _NECK_Y)
        painter.rotate(state.head_tilt)
        painter.translate(0.15 * shift, 0.3 * down - _NECK_Y)
        self._head.paint(painter)
        painter.translate(shift, down)
        for side, lid, brow in ((-1.0, state.left_lid, state.left_brow), (1.0, state.right_lid, state.right_brow)):
            painter.save()
            painter.translate(side * 76.0 + 20.0 * state.gaze_x, 400.0 + 14.0 * state.gaze_y)
            self._paint_eye(painter, lid, state.smile, brow, side * state.brow_tilt)
            painter.restore()
        painter.save()
        painter.translate(0.0, 512.0)
        self._paint_mouth(painter, state.mouth, state.smile)
        painter.restore()
        painter.translate(-0.7 * shift, -0.7 * down)
        self._gleam.paint(painter)
        painter.restore()

    def _paint_eye(self, painter: QPainter, lid: float, smile: float, brow: float, tilt: float) -> None:
        opened = max(0.06, (1.0 - lid) * (1.0 + 0.12 * brow))
        self._halo.paint(painter)
        painter.setPen(Qt.PenStyle.NoPen)
        eye = QPainterPath()
        tall = 40.0 * opened
        eye.addRoundedRect(QRectF(-27, -tall, 54, 2 * tall), 27, min(27.0, tall))
        cheer = max(smile, 0.0) * (1.0 if opened > 0.5 else 0.0)
        if cheer > 0.3:  # a cheek pushes up from below
            eye = eye.subtracted(ellipse(0.0, 40.0 + 34.0 - 26.0 * (cheer - 0.3), 48.0, 34.0))
        painter.fillPath(eye, self._light)
        if opened > 0.4:
            painter.setBrush(QColor(255, 255, 255, 220))
            painter.drawEllipse(QPointF(-9.0, -tall * 0.45), 6.5, 8.0 * opened)
        painter.save()
        painter.translate(0.0, -62.0 - 12.0 * brow)
        painter.rotate(10.0 * tilt)
        painter.setPen(_pen(clear(self._glow, 0.75), 7.0))
        bow = QPainterPath(QPointF(-26.0, 5.0))
        bow.quadTo(0.0, -7.0 - 4.0 * brow, 26.0, 5.0)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(bow)
        painter.restore()

    def _paint_mouth(self, painter: QPainter, shape: MouthShape, smile: float) -> None:
        wide = 46.0 + 44.0 * (shape.width - 0.5) - 10.0 * shape.round + 10.0 * max(smile, 0.0)
        tall = 62.0 * shape.open + 5.0 * shape.teeth
        corner = -16.0 * smile * (1.0 - shape.round)
        path = QPainterPath(QPointF(-wide, corner))
        path.cubicTo(-wide * 0.7, 8.0 * smile - tall * 0.25, wide * 0.7, 8.0 * smile - tall * 0.25, wide, corner)
        if tall > 3.0:
            path.cubicTo(
                wide * 0.95, corner + tall * 1.15 + 6.0, -wide * 0.95, corner + tall * 1.15 + 6.0, -wide, corner
            )
            painter.fillPath(path, clear(self._mouth_light, 0.22))
            if shape.teeth > 0.3:
                painter.save()
                painter.setClipPath(path, Qt.ClipOperation.IntersectClip)
                painter.fillRect(
                    QRectF(-wide, corner - 20, 2 * wide, 22 + 8.0 * shape.teeth), clear(QColor("#ffffff"), 0.75)
                )
                painter.restore()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(_pen(clear(self._mouth_light, 0.22), 19.0))
        painter.drawPath(path)
        painter.setPen(_pen(mix(self._mouth_light, QColor("#ffffff"), 0.3), 8.0 + 3.0 * shape.press))
        painter.drawPath(path)

    def _draw_head(self, painter: QPainter) -> None:
        shell, accent = self._shell, self._palette.accent
        painter.fillPath(smooth(mirrored([(0, 600), (52, 606), (56, 690), (0, 700)])), darker(self._palette.shirt, 0.1))
        rod = QLinearGradient(-5, 0, 6, 0)
        rod.setColorAt(0.0, shell)
        rod.setColorAt(1.0, darker(shell, 0.35))
        painter.fillRect(QRectF(-5, 128, 10, 60), QBrush(rod))
        soft(painter, ellipse(0, 116, 16, 16), clear(accent, 0.6), 9)
        ball = QRadialGradient(QPointF(-5, 110), 20)
        ball.setColorAt(0.0, mix(accent, QColor("#ffffff"), 0.7))
        ball.setColorAt(1.0, accent)
        painter.fillPath(ellipse(0, 116, 16, 16), QBrush(ball))
        for side in (-1.0, 1.0):
            cup = QPainterPath()
            cup.addRoundedRect(QRectF(side * 214 - 30, 352, 60, 128), 26, 34)
            fill = QLinearGradient(0, 352, 0, 480)
            fill.setColorAt(0.0, mix(shell, QColor("#8fa0b0"), 0.25))
            fill.setColorAt(1.0, darker(mix(shell, QColor("#8fa0b0"), 0.4), 0.25))
            painter.fillPath(cup, QBrush(fill))
            ring = QPainterPath()
            ring.addRoundedRect(QRectF(side * 226 - 9, 382, 18, 68), 9, 9)
            painter.fillPath(ring, accent)
        outline = smooth(
            mirrored([(0, 176), (110, 184), (192, 240), (216, 350), (214, 470), (190, 570), (120, 630), (0, 642)])
        )
        gloss = QRadialGradient(QPointF(-80, 270), 470)
        gloss.setColorAt(0.0, QColor("#ffffff"))
        gloss.setColorAt(0.45, shell)
        gloss.setColorAt(1.0, darker(mix(shell, QColor("#7d92a8"), 0.45), 0.25))
        painter.fillPath(outline, QBrush(gloss))
        painter.save()
        painter.setClipPath(outline)
        soft(painter, ellipse(0, 660, 190, 34), clear(QColor("#4a5c70"), 0.5), 20)
        soft(painter, ellipse(-70, 214, 90, 16), clear(QColor("#ffffff"), 0.95), 10)
        painter.restore()
        visor = smooth(mirrored([(0, 268), (110, 272), (170, 304), (184, 400), (176, 510), (134, 576), (0, 590)]))
        soft(painter, visor.translated(0, -4), clear(QColor("#5d7287"), 0.55), 5)
        glass = QLinearGradient(0, 268, 0, 590)
        dark = self._palette.shirt
        glass.setColorAt(0.0, mix(dark, QColor("#000000"), 0.35))
        glass.setColorAt(1.0, mix(dark, self._glow, 0.10))
        painter.fillPath(visor, QBrush(glass))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(clear(QColor("#ffffff"), 0.35), 2.2))
        painter.drawPath(visor.translated(0, 2.5))

    def _draw_gleam(self, painter: QPainter) -> None:
        """The lamp's reflection on the glass, over eyes and mouth."""
        visor = smooth(mirrored([(0, 274), (108, 278), (164, 308), (178, 400), (170, 508), (130, 570), (0, 584)]))
        painter.setClipPath(visor)
        gleam = QLinearGradient(-150, 270, 20, 470)
        gleam.setColorAt(0.0, QColor(255, 255, 255, 64))
        gleam.setColorAt(1.0, QColor(255, 255, 255, 4))
        painter.fillPath(
            smooth([(-190, 260), (10, 262), (-60, 330), (-120, 420), (-150, 560), (-200, 540)]), QBrush(gleam)
        )

    def _draw_body(self, painter: QPainter) -> None:
        cloth = self._palette.cloth
        torso = smooth(
            mirrored(
                [(0, 742), (110, 744), (236, 778), (306, 860), (330, 990), (338, 1300), (330, LOWEST), (0, LOWEST)]
            )
        )
        for side in (-1.0, 1.0):
            arm = ellipse(side * 322, 930, 74, 128)
            fill = QRadialGradient(QPointF(side * 322 - 26, 860), 190)
            fill.setColorAt(0.0, QColor("#ffffff"))
            fill.setColorAt(0.5, cloth)
            fill.setColorAt(1.0, darker(cloth, 0.45))
            painter.fillPath(arm, QBrush(fill))
        fill_body = QRadialGradient(QPointF(-110, 800), 620)
        fill_body.setColorAt(0.0, QColor("#ffffff"))
        fill_body.setColorAt(0.4, mix(cloth, QColor("#ffffff"), 0.3))
        fill_body.setColorAt(1.0, darker(cloth, 0.4))
        painter.fillPath(torso, QBrush(fill_body))
        painter.save()
        painter.setClipPath(torso)
        soft(painter, ellipse(0, 722, 190, 46), clear(QColor("#3f5063"), 0.65), 18)
        for side in (-1.0, 1.0):
            soft(painter, ellipse(side * 336, 980, 40, 190), clear(QColor("#3f5063"), 0.45), 18)
        painter.restore()
        collar = smooth(mirrored([(0, 690), (74, 694), (96, 738), (60, 764), (0, 770)]))
        steel = QLinearGradient(-96, 0, 96, 0)
        dark = self._palette.shirt
        steel.setColorAt(0.0, mix(dark, QColor("#ffffff"), 0.3))
        steel.setColorAt(0.4, dark)
        steel.setColorAt(1.0, darker(dark, 0.4))
        painter.fillPath(collar, QBrush(steel))
        panel = QPainterPath()
        panel.addRoundedRect(QRectF(-110, 856, 220, 76), 38, 38)
        soft(painter, panel.translated(0, -2), clear(QColor("#54677b"), 0.6), 4)
        painter.fillPath(panel, mix(dark, QColor("#000000"), 0.2))
        for k, x in enumerate((-56, 0, 56)):
            light = self._palette.accent if k == 0 else self._glow
            soft(painter, ellipse(x, 894, 11, 11), clear(light, 0.5), 7)
            painter.fillPath(ellipse(x, 894, 10, 10), mix(light, QColor("#ffffff"), 0.25))


def _pen(colour: QColor, width: float) -> QPen:
    return QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
