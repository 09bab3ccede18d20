"""The avatar's picture by OpenGL: the planes go to the GPU as they were decoded, the shader makes the colours."""

from __future__ import annotations

import logging
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QColor
from PySide6.QtOpenGLWidgets import QOpenGLWidget
from PySide6.QtWidgets import QWidget

from kiosk.clock import Clock
from kiosk.media.frames import PixelFormat, VideoFrame
from kiosk.ui.colour import Colour
from kiosk.ui.cross_fade import CrossFade
from kiosk.ui.frame_pacer import FramePacer
from kiosk.ui.frame_source import FrameSource, RendererKind
from kiosk.ui.frame_tally import FrameTally
from kiosk.ui.geometry import Fit
from kiosk.ui.gl_picture import PipelineError
from kiosk.ui.gl_pipeline import GlPipeline

log = logging.getLogger("kiosk.view")


class GlView(QOpenGLWidget):
    """Implements `FrameRenderer`. Takes I420 as a vendor sends it, and BGRA as the persona is painted.

    `broken` is emitted once when the driver refuses to work; the owner then puts a raster view in its place.
    """

    broken = Signal()
    first_frame = Signal()

    def __init__(
        self,
        source: FrameSource,
        clock: Clock,
        shaders: Path,
        *,
        colour: Colour | None = None,
        fit: Fit = Fit.COVER,
        background: QColor | None = None,
        animate: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        """`animate=False`: the next avatar's picture takes the place of the one before in one step."""
        super().__init__(parent)
        self._shaders = shaders
        self._colour = colour or Colour()
        self._fit = fit
        self._background = background or QColor(0, 0, 0)
        self._tally = FrameTally(clock)
        self._pipeline: GlPipeline | None = None
        self._held: VideoFrame | None = None
        self._fresh = False
        self._fade = 1.0
        self._animate = animate
        self._cut = False  # the held frame is of another channel than the picture in the pipeline
        self._cross_fade = CrossFade(self.update, self)
        self._gave_up = False
        self._pacer = FramePacer(source, clock, self._present, parent=self)
        self.frameSwapped.connect(self._pacer.pump)

    # FrameRenderer

    @property
    def kind(self) -> RendererKind:
        return RendererKind.OPENGL

    @property
    def wanted_format(self) -> PixelFormat:
        return PixelFormat.I420

    @property
    def painted(self) -> int:
        return self._tally.painted

    @property
    def dropped(self) -> int:
        return self._tally.dropped

    @property
    def first_painted_s(self) -> float | None:
        return self._tally.first_painted_s

    def widget(self) -> QWidget:
        return self

    def pump(self) -> None:
        self._pacer.pump()

    def set_fade(self, fade: float) -> None:
        fade = min(1.0, max(0.0, fade))
        if fade != self._fade:
            self._fade = fade
            self.update()

    def clear(self) -> None:
        if self._fresh:
            self._tally.note_dropped()
        self._held, self._fresh, self._cut = None, False, False
        self._cross_fade.stop()
        self._tally.restart()
        self.update()

    def shut(self) -> None:
        self._pacer.shut()
        self._cross_fade.stop()
        self._held = None
        self._release_pipeline()

    # Frames

    def _present(self, frame: VideoFrame) -> None:
        if self._fresh:
            self._tally.note_dropped()
        self._cut = self._cut or (self._held is not None and self._held.channel != frame.channel)
        # The frame is held after the upload as well: a lost context loses its textures, never the picture.
        self._held, self._fresh = frame, True
        self.update()

    # QOpenGLWidget

    def initializeGL(self) -> None:
        # May run again in a new context, for instance after the widget moved to another window.
        context = self.context()
        context.aboutToBeDestroyed.connect(self._release_pipeline)
        try:
            self._pipeline = GlPipeline(context, self._shaders, self._colour, self._background)
        except (PipelineError, OSError) as error:
            self._give_up(str(error))
            return
        screen = self.screen()
        if screen.refreshRate() > 1.0:
            self._pacer.set_refresh(1.0 / screen.refreshRate())

    def paintGL(self) -> None:
        pipeline = self._pipeline
        if pipeline is None:
            return
        pipeline.clear()
        if self._held is None:
            pipeline.forget()
            return
        if self._fresh or not pipeline.holds_picture:
            if self._cut and pipeline.holds_picture and self._animate:
                pipeline.set_aside()
                self._cross_fade.begin()
            self._cut = False
            try:
                pipeline.upload(self._held)
            except PipelineError as error:
                self._refuse_frame(str(error))
                return
        ratio = self.devicePixelRatio()
        view = (round(self.width() * ratio), round(self.height() * ratio))
        pipeline.draw(view, self._fit, self._fade)
        if self._cross_fade.share > 0.0:
            pipeline.draw_leaving(view, self._fit, self._fade, self._cross_fade.share)
        else:
            pipeline.forget_leaving()
        if self._fresh:
            self._fresh = False
            if self._tally.note_painted(self._held):
                self.first_frame.emit()

    def _refuse_frame(self, reason: str) -> None:
        log.warning("a video frame could not be shown: %s", reason)
        self._held, self._fresh = None, False
        self._tally.note_dropped()

    def _give_up(self, reason: str) -> None:
        self._pipeline = None
        if not self._gave_up:
            self._gave_up = True
            log.warning("OpenGL cannot paint here, the raster view takes over: %s", reason)
            self.broken.emit()

    def _release_pipeline(self) -> None:
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is None:
            return
        self.makeCurrent()
        pipeline.destroy()
        self.doneCurrent()
        # What the lost context held is uploaded again in the next one.
