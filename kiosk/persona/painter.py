"""Paints a persona's face as frames of video. Runs on any thread, in a process without a window."""

from __future__ import annotations

import threading

from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from kiosk.persona.face import FaceState
from kiosk.persona.look import Look
from kiosk.persona.painter_background import background
from kiosk.persona.painter_colours import Palette
from kiosk.persona.painter_framing import frame
from kiosk.persona.painter_person import Person
from kiosk.persona.painter_robot import Robot

_BODY_UNITS = 480.0  # to either side of the middle; nothing moves farther out


class FacePainter:
    """One persona at one size, in pixels. Two threads may paint with it, one after the other. Raises ValueError for an
    odd size.

    Layers that keep their shape are drawn here, once; a frame moves them and draws eyes and mouth anew. Only the part
    of the canvas in which something may move is painted again.
    """

    def __init__(self, look: Look, width: int, height: int):
        framing = frame(width, height)
        palette = Palette(look)
        self.width, self.height = width, height
        self._brush = threading.Lock()  # a visit with the persona may begin while its face still serves another voice
        self._framing = framing
        self._background = background(palette, width, height)
        self._canvas = self._background.copy()
        self._figure = Robot(look, palette, framing) if look.kind == "robot" else Person(look, palette, framing)
        left = max(0, int(framing.left - _BODY_UNITS * framing.scale))
        right = min(width, int(framing.left + _BODY_UNITS * framing.scale) + 1)
        self._moving = QRectF(left, 0, right - left, height)

    def paint(self, state: FaceState) -> bytes:
        """BGRA, `width * height * 4` bytes, rows tightly packed. The bytes are the caller's, and never change."""
        with self._brush:
            self._paint(state)
            return bytes(self._canvas.constBits())

    def _paint(self, state: FaceState) -> None:
        painter = QPainter(self._canvas)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
        painter.drawImage(self._moving, self._background, self._moving)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceOver)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        framing = self._framing
        painter.setClipRect(self._moving)
        painter.translate(framing.left, framing.top)
        painter.scale(framing.scale, framing.scale)
        self._figure.paint(painter, state)
        painter.end()

    def picture(self, state: FaceState) -> QImage:
        """The same as an image, for a sheet or a file."""
        with self._brush:
            self._paint(state)
            return self._canvas.copy()
