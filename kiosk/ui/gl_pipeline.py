"""The OpenGL objects behind the avatar's picture: one program, the textures, no per-pixel work in Python.

Every method needs the context to be current.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QColor, QMatrix2x2, QMatrix3x3, QOpenGLContext, QOpenGLFunctions
from PySide6.QtOpenGL import QOpenGLShader, QOpenGLShaderProgram, QOpenGLVertexArrayObject

from kiosk.media.frames import PixelFormat, VideoFrame
from kiosk.ui.colour import Colour, coefficients
from kiosk.ui.geometry import Fit, beside, place
from kiosk.ui.gl_picture import GlPicture, PipelineError

GL_TEXTURE0 = 0x84C0
GL_TRIANGLES = 0x0004
GL_COLOR_BUFFER_BIT = 0x4000
GL_BLEND = 0x0BE2
GL_DEPTH_TEST = 0x0B71
GL_CONSTANT_ALPHA = 0x8003
GL_ONE_MINUS_CONSTANT_ALPHA = 0x8004

PLANE_NAMES = ("plane_y", "plane_u", "plane_v")
UNIFORM_NAMES = (*PLANE_NAMES, "turn", "chroma_scale", "to_rgb", "offset", "background", "fade", "bgra")
# (cos, sin) of the clockwise turns a video may carry, exact.
TURNS = {0: (1.0, 0.0), 90: (0.0, 1.0), 180: (-1.0, 0.0), 270: (0.0, -1.0)}


def shader_header(context: QOpenGLContext) -> str:
    """The first lines of a shader for the context's own language."""
    if context.isOpenGLES():
        return "#version 300 es\nprecision highp float;\nprecision highp sampler2D;\n"
    version = context.format().version()
    return "#version 330 core\n" if version >= (3, 3) else "#version 150\n"


class GlPipeline:
    def __init__(self, context: QOpenGLContext, shaders: Path, colour: Colour, background: QColor) -> None:
        """Compiles the program. Raises `PipelineError`."""
        self._gl: QOpenGLFunctions = context.functions()
        self._picture = GlPicture(self._gl)
        self._leaving: GlPicture | None = None
        self._background = background
        self._program = self._build_program(shader_header(context), shaders)
        self._uniforms = {name: self._program.uniformLocation(name) for name in UNIFORM_NAMES}
        self._vertices = QOpenGLVertexArrayObject()
        self._vertices.create()
        self._set_constants(colour)

    def _build_program(self, header: str, shaders: Path) -> QOpenGLShaderProgram:
        program = QOpenGLShaderProgram()
        for kind, name in (
            (QOpenGLShader.ShaderTypeBit.Vertex, "avatar.vert"),
            (QOpenGLShader.ShaderTypeBit.Fragment, "avatar.frag"),
        ):
            source = header + (shaders / name).read_text(encoding="utf-8")
            if not program.addShaderFromSourceCode(kind, source):
                raise PipelineError(f"{name}: {' '.join(program.log().split())}")
        if not program.link():
            raise PipelineError(" ".join(program.log().split()))
        return program

    def _set_constants(self, colour: Colour) -> None:
        factors = coefficients(colour)
        program = self._program
        program.bind()
        program.setUniformValue(self._uniforms["to_rgb"], QMatrix3x3(list(factors.rows())))
        program.setUniformValue(self._uniforms["offset"], *factors.offsets())
        for unit, name in enumerate(PLANE_NAMES):
            program.setUniformValue1i(self._uniforms[name], unit)
        program.release()

    @property
    def holds_picture(self) -> bool:
        return self._picture.size != (0, 0)

    def set_background(self, background: QColor) -> None:
        self._background = background

    def upload(self, frame: VideoFrame) -> None:
        """Copies a frame to the GPU. Raises `PipelineError`, also for short data."""
        self._picture.upload(frame)

    def set_aside(self) -> None:
        """The held picture is kept for `draw_leaving`; the next upload begins a new one."""
        self.forget_leaving()
        self._leaving, self._picture = self._picture, GlPicture(self._gl)

    def forget_leaving(self) -> None:
        if self._leaving is not None:
            self._leaving.forget()
            self._leaving = None

    def clear(self) -> None:
        """Fills the whole target with the background."""
        tone = self._background
        self._gl.glClearColor(tone.redF(), tone.greenF(), tone.blueF(), 1.0)
        self._gl.glClear(GL_COLOR_BUFFER_BIT)

    def draw(self, view: tuple[int, int], fit: Fit, fade: float) -> None:
        """Draws the held picture into a view of (width, height) physical pixels."""
        self._gl.glDisable(GL_BLEND)
        self._draw(self._picture, view, fit, fade)

    def draw_leaving(self, view: tuple[int, int], fit: Fit, fade: float, share: float) -> None:
        """Over the held picture, the one that was set aside and the bars beside it, as opaque as `share` (0 to 1)."""
        if self._leaving is None:
            return
        gl = self._gl
        gl.glEnable(GL_BLEND)
        gl.glBlendColor(0.0, 0.0, 0.0, share)
        gl.glBlendFunc(GL_CONSTANT_ALPHA, GL_ONE_MINUS_CONSTANT_ALPHA)
        self._draw(self._leaving, view, fit, fade, with_bars=True)
        gl.glDisable(GL_BLEND)

    def _draw(
        self, picture: GlPicture, view: tuple[int, int], fit: Fit, fade: float, *, with_bars: bool = False
    ) -> None:
        if not picture.textures:
            return
        gl, program, tone = self._gl, self._program, self._background
        width, height = picture.size
        area = place(picture.size, picture.rotation, view, fit, picture.zoom)
        cosine, sine = TURNS.get(picture.rotation % 360, TURNS[0])
        gl.glDisable(GL_DEPTH_TEST)
        program.bind()
        # A picture turned clockwise is sampled counter-clockwise.
        program.setUniformValue(self._uniforms["turn"], QMatrix2x2([cosine, sine, -sine, cosine]))
        program.setUniformValue(
            self._uniforms["chroma_scale"], width / (2.0 * ((width + 1) // 2)), height / (2.0 * ((height + 1) // 2))
        )
        program.setUniformValue(self._uniforms["background"], tone.redF(), tone.greenF(), tone.blueF())
        program.setUniformValue1i(self._uniforms["bgra"], int(picture.format is PixelFormat.BGRA))
        for unit, texture in enumerate(picture.textures):
            texture.bind(unit)
        self._vertices.bind()
        # Without any share of the picture the program paints the background alone.
        bars = [(bar, 0.0) for bar in beside(area, view)] if with_bars else []
        for part, share in ((area, fade), *bars):
            program.setUniformValue1f(self._uniforms["fade"], share)
            # OpenGL counts rows from the bottom.
            gl.glViewport(part.x, view[1] - part.y - part.height, part.width, part.height)
            gl.glDrawArrays(GL_TRIANGLES, 0, 3)
        self._vertices.release()
        for unit, texture in enumerate(picture.textures):
            texture.release(unit)
        gl.glActiveTexture(GL_TEXTURE0)
        program.release()

    def forget(self) -> None:
        """Drops the textures and with them the pictures."""
        self._picture.forget()
        self.forget_leaving()

    def destroy(self) -> None:
        self.forget()
        self._vertices.destroy()
        self._program.removeAllShaders()
