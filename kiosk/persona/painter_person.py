"""A person, put together: layers that are kept, and eyes and mouth drawn anew, each at its own depth."""

from __future__ import annotations

import math

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from kiosk.persona.face import FaceState
from kiosk.persona.look import Look
from kiosk.persona.painter_body import NECK_BOX, body_box, draw_body, draw_neck
from kiosk.persona.painter_colours import Palette
from kiosk.persona.painter_eyes import Eyes
from kiosk.persona.painter_framing import Framing
from kiosk.persona.painter_hair import HAIR_BOX, Hair
from kiosk.persona.painter_hand import Hand
from kiosk.persona.painter_head import (
    EYE_X,
    EYE_Y,
    HEAD_BOX,
    JAW_Y,
    MOUTH_Y,
    draw_blush,
    draw_glasses,
    draw_head,
    draw_nose,
)
from kiosk.persona.painter_layer import Layer
from kiosk.persona.painter_mouth import Mouth

_HEAD = 475.0  # units of a head's height
_NECK_Y = 690.0  # the head tilts about this point
_SWAY = 30.0  # units that the hair behind the head may move against what is before it
_ROUND = 190.0  # radius of the head, for what turns with it


class Person:
    def __init__(self, look: Look, palette: Palette, framing: Framing):
        scale, face = framing.scale, look.face
        hair = Hair(palette, look.hair.style, look.hair.highlight)
        front = hair.front
        self._hair_front = Layer(HAIR_BOX, scale, hair.draw_front) if front is not None else None
        self._neck = Layer(NECK_BOX, scale, lambda p: draw_neck(p, palette, look))
        self._body = Layer(body_box(framing.bottom_unit), scale, lambda p: draw_body(p, palette, look))
        skull, jaw = QRectF(HEAD_BOX), QRectF(HEAD_BOX)
        skull.setBottom(JAW_Y + 3.0)  # the jaw lies over it, so that no seam shows
        jaw.setTop(JAW_Y - 3.0)
        self._head, self._jaw = (
            Layer(box, scale, lambda p: draw_head(p, palette, face, front, bare_ears=not hair.falls))
            for box in (skull, jaw)
        )
        self._blush = Layer(QRectF(-190, 440, 380, 120), scale, lambda p: draw_blush(p, palette, face), glassy=True)
        self._nose = Layer(QRectF(-60, 390, 120, 160), scale, lambda p: draw_nose(p, palette, face), glassy=True)
        self._glasses = (
            Layer(QRectF(-190, -64, 380, 140), scale, lambda p: draw_glasses(p, palette, face), glassy=True)
            if face.glasses != "none"
            else None
        )
        self._hair_back = (
            Layer(HAIR_BOX, scale, hair.draw_back, hidden=Layer(HAIR_BOX, scale, self._paint_front).hides(_SWAY))
            if hair.has_back
            else None
        )
        self._hand = Hand(look, palette, framing)
        self._eyes, self._mouth = Eyes(palette, face, scale), Mouth(palette, face, scale)

    def paint(self, painter: QPainter, state: FaceState) -> None:
        """`painter` is in drawing units."""
        turn, nod = math.radians(state.head_turn), state.head_nod
        side_shift, down = math.sin(turn) * _ROUND, nod * 2.4
        lift = -5.0 * state.breath

        painter.save()
        if self._hair_back is not None:
            painter.save()
            self._to_head(painter, state, lift)
            painter.translate(-0.12 * side_shift, -0.2 * down)
            painter.translate(0.0, 200.0)
            painter.rotate(-0.55 * state.head_tilt)
            painter.translate(0.0, -200.0)
            self._hair_back.paint(painter)
            painter.restore()
        painter.save()
        _breathe(painter, state.breath)
        painter.translate(0.25 * state.head_x * _HEAD, 0.0)
        self._neck.paint(painter)
        painter.restore()
        painter.save()
        _breathe(painter, state.breath)
        self._body.paint(painter)
        painter.restore()

        self._to_head(painter, state, lift)
        painter.translate(0.10 * side_shift, 0.25 * down)
        self._paint_skull(painter, state.mouth.open)
        painter.save()
        painter.translate(0.75 * side_shift, 0.8 * down)
        cheer = max(state.smile, 0.0)
        painter.setOpacity(0.45 + 0.55 * cheer)
        painter.translate(0.0, -7.0 * cheer)
        self._blush.paint(painter)
        painter.setOpacity(1.0)
        painter.restore()
        self._paint_features(painter, state, turn, side_shift, down)
        if self._hair_front is not None:
            painter.save()
            painter.translate(0.22 * side_shift, 0.2 * down)
            painter.translate(0.0, 200.0)
            painter.rotate(-0.35 * state.head_tilt)
            painter.translate(0.0, -200.0)
            self._hair_front.paint(painter)
            painter.restore()
        if self._glasses is not None:
            painter.translate(0.92 * side_shift, EYE_Y + 0.95 * down)
            painter.scale(1.0 - 0.12 * abs(math.sin(turn)), 1.0)
            self._glasses.paint(painter)
        painter.restore()
        self._hand.paint(painter, state.gesture)

    def _paint_front(self, painter: QPainter) -> None:
        """All that is before the hair at the back, at rest."""
        for layer in (self._neck, self._body, self._head, self._jaw, self._hair_front):
            if layer is not None:
                layer.paint(painter)

    def _to_head(self, painter: QPainter, state: FaceState, lift: float) -> None:
        painter.translate(state.head_x * _HEAD, state.head_y * _HEAD + 0.7 * lift + _NECK_Y)
        painter.rotate(state.head_tilt)
        painter.translate(0.0, -_NECK_Y)

    def _paint_skull(self, painter: QPainter, opened: float) -> None:
        """The part below the cheeks is drawn out a little as the jaw goes down."""
        self._head.paint(painter)
        painter.save()
        painter.translate(0.0, JAW_Y)
        painter.scale(1.0, 1.0 + 0.13 * opened)
        painter.translate(0.0, -JAW_Y)
        self._jaw.paint(painter)
        painter.restore()

    def _paint_features(self, painter: QPainter, state: FaceState, turn: float, shift: float, down: float) -> None:
        for side, lid, brow in ((-1.0, state.left_lid, state.left_brow), (1.0, state.right_lid, state.right_brow)):
            angle = math.asin(side * EYE_X / _ROUND) + turn
            x = math.sin(angle) * _ROUND
            narrow = math.cos(angle) / math.cos(math.asin(EYE_X / _ROUND))
            painter.save()
            painter.translate(x, EYE_Y + 0.9 * down)
            self._eyes.paint(painter, side, lid, state.gaze_x, state.gaze_y, state.smile, narrow)
            self._eyes.paint_brow(painter, side, brow, state.brow_tilt)
            painter.restore()
        painter.save()
        painter.translate(1.12 * shift, 1.15 * down)
        self._nose.paint(painter)
        painter.restore()
        painter.save()
        painter.translate(0.95 * shift, MOUTH_Y + 1.0 * down)
        self._mouth.paint(painter, state.mouth, state.smile, 1.0 - 0.1 * abs(math.sin(turn)))
        painter.restore()


def _breathe(painter: QPainter, breath: float) -> None:
    """Chest and shoulders widen and rise."""
    painter.translate(0.0, 1000.0 - 2.5 * breath)
    painter.scale(1.001 + 0.004 * breath, 1.001 + 0.010 * breath)  # never exactly 1: Qt would round to whole pixels
    painter.translate(0.0, -1000.0)
