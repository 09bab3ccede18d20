"""Builds the view that the renderer choice asks for. OpenGL is imported only where it is used."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QColor

from kiosk.clock import Clock
from kiosk.ui.colour import Colour
from kiosk.ui.frame_source import FrameRenderer, FrameSource, RendererKind
from kiosk.ui.geometry import Fit
from kiosk.ui.raster_view import RasterView


def build_view(
    kind: RendererKind,
    source: FrameSource,
    clock: Clock,
    shaders: Path,
    *,
    colour: Colour,
    fit: Fit,
    background: QColor,
    animate: bool = True,
) -> FrameRenderer:
    """`shaders`: the folder with avatar.vert and avatar.frag. Needs a QApplication."""
    if kind is RendererKind.OPENGL:
        from kiosk.ui.gl_view import GlView

        return GlView(source, clock, shaders, colour=colour, fit=fit, background=background, animate=animate)
    return RasterView(source, clock, colour=colour, fit=fit, background=background, animate=animate)
