"""Which view paints: OpenGL on a GPU, QPainter elsewhere, because OpenGL emulated on the CPU costs far more."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from PySide6.QtGui import QOffscreenSurface, QOpenGLContext

from kiosk.ui.frame_source import RendererKind

GL_RENDERER = 0x1F01
SOFTWARE_RENDERERS = ("llvmpipe", "softpipe", "swrast", "software rasterizer", "swiftshader", "microsoft basic render")
GPU_DEVICES = ("dri", "nvidiactl", "nvidia0", "dxg", "mali0", "kgsl-3d0")
OLDEST_GL = (3, 2)
OLDEST_GLES = (3, 0)


class RendererSetting(StrEnum):
    AUTO = "auto"
    OPENGL = "opengl"
    RASTER = "raster"


@dataclass(frozen=True, slots=True)
class GlFindings:
    """What a trial context told. `renderer` is the driver's GL_RENDERER, empty when there is no context."""

    usable: bool
    renderer: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RendererChoice:
    """`reason`: one line for the log, the report and `doctor`."""

    kind: RendererKind
    reason: str


def choose_renderer(setting: RendererSetting, findings: GlFindings) -> RendererChoice:
    if setting is RendererSetting.RASTER:
        return RendererChoice(RendererKind.RASTER, "set by view.renderer")
    if not findings.usable:
        return RendererChoice(RendererKind.RASTER, findings.reason or "no OpenGL context to be had")
    if setting is RendererSetting.OPENGL:
        return RendererChoice(RendererKind.OPENGL, f"set by view.renderer ({findings.renderer})")
    name = findings.renderer.lower()
    if not name:
        return RendererChoice(RendererKind.RASTER, "the OpenGL driver does not give its name")
    if any(mark in name for mark in SOFTWARE_RENDERERS):
        return RendererChoice(RendererKind.RASTER, f"OpenGL is emulated on the CPU ({findings.renderer})")
    return RendererChoice(RendererKind.OPENGL, findings.renderer)


def probe_gl() -> GlFindings:
    """Opens an invisible context of the default format and asks the driver. Needs a QGuiApplication; some 50 ms."""
    context = QOpenGLContext()
    if not context.create():
        return GlFindings(False, reason="no OpenGL context could be created")
    surface = QOffscreenSurface()
    surface.setFormat(context.format())
    surface.create()
    if not surface.isValid() or not context.makeCurrent(surface):
        surface.destroy()
        return GlFindings(False, reason="the OpenGL context cannot be made current")
    try:
        renderer = str(context.functions().glGetString(GL_RENDERER) or "")
        version = context.format().version()
    finally:
        context.doneCurrent()
        surface.destroy()
    if version < (OLDEST_GLES if context.isOpenGLES() else OLDEST_GL):
        return GlFindings(False, renderer, f"OpenGL {version[0]}.{version[1]} of {renderer} is too old")
    return GlFindings(True, renderer)


def has_graphics_device(devices: Path = Path("/dev"), platform: str = sys.platform) -> bool:
    """False where OpenGL can only be emulated: on Linux without any device of a GPU. Costs no driver's start."""
    return not platform.startswith("linux") or any((devices / name).exists() for name in GPU_DEVICES)


def decide_renderer(setting: RendererSetting) -> RendererChoice:
    """Probes only when the answer matters: loading a software driver takes longer than all the rest of the window."""
    if setting is RendererSetting.RASTER:
        return choose_renderer(setting, GlFindings(False))
    if setting is RendererSetting.AUTO and not has_graphics_device():
        return choose_renderer(setting, GlFindings(False, reason="this machine has no graphics device"))
    return choose_renderer(setting, probe_gl())
