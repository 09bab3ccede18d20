"""A painter for tests that ask whether the mouth follows the voice."""

from __future__ import annotations

from kiosk.persona.face import FaceState


class MouthLamp:
    """A painter whose whole picture is as bright as the mouth is open, so that any codec lets it through."""

    width, height = 320, 240

    def paint(self, state: FaceState) -> bytes:
        return bytes((int(40 + 180 * state.mouth.open),) * 3 + (255,)) * (self.width * self.height)
