"""A QR code as a picture: one pixel a module, to be enlarged by whole numbers so that its edges stay sharp."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QImage, QPainter

QUIET_MODULES = 4  # the empty frame that scanners need
SMALLEST_MODULE = 2  # device pixels; smaller ones blur in a telephone's camera
DARK, LIGHT = 0, 255


def qr_image(text: str) -> QImage:
    """Black on white whatever the theme, with its quiet zone. Raises `ValueError` for a text that is too long.

    Takes some milliseconds, the first time more: not for the GUI thread.
    """
    import segno  # brings many modules with it, which a kiosk without cards never needs

    code = segno.make(text, error="m", micro=False, boost_error=False)
    side = len(code.matrix) + 2 * QUIET_MODULES
    margin = bytes([LIGHT]) * QUIET_MODULES
    empty = bytes([LIGHT]) * side
    rows = [margin + bytes(DARK if module else LIGHT for module in row) + margin for row in code.matrix]
    pixels = b"".join([empty] * QUIET_MODULES + rows + [empty] * QUIET_MODULES)
    return QImage(pixels, side, side, side, QImage.Format.Format_Grayscale8).copy()


def module_size(code: QImage, side: int) -> int:
    """Device pixels of one module when the code may be `side` device pixels wide; 0: too small to be scanned."""
    size = side // code.width()
    return size if size >= SMALLEST_MODULE else 0


def draw_qr(painter: QPainter, code: QImage, area: QRect, ratio: float) -> None:
    """Centred in a white square: `area` in logical pixels, `ratio` device pixels each."""
    painter.save()
    painter.scale(1 / ratio, 1 / ratio)
    left, top, side = round(area.left() * ratio), round(area.top() * ratio), round(area.width() * ratio)
    edge = module_size(code, side) * code.width()
    inset = (side - edge) // 2
    painter.fillRect(left, top, side, side, Qt.GlobalColor.white)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
    painter.drawImage(QRect(left + inset, top + inset, edge, edge), code)
    painter.restore()
