"""The OpenGL objects behind the avatar's picture: one program, three one-channel textures, no per-pixel work in Python.

Every method needs the context to be current.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QColor, QMatrix2x2, QMatrix3x3, QOpenGLContext, QOpenGLFunctions
from PySide6.QtOpenGL import QOpenGLShader, QOpenGLShaderProgram, QOpenGLTexture, QOpenGLVertexArrayObject

from kiosk.media.frames import VideoFrame
from kiosk.ui.colour import Colour, coefficients
from kiosk.ui.plane_layout import PlaneLayout, i420_planes

GL_TEXTURE_2D = 0x0DE1
GL_TEXTURE0 = 0x84C0
GL_RED = 0x1903
GL_UNSIGNED_BYTE = 0x1401
GL_UNPACK_ALIGNMENT = 0x0CF5
GL_TRIANGLES = 0x0004
GL_COLOR_BUFFER_BIT = 0x4000
GL_BLEND = 0x0BE2
GL_DEPTH_TEST = 0x0B71

PLANE_NAMES = ("plane_y", "plane_u", "plane_v")
UNIFORM_NAMES = (*PLANE_NAMES, "turn", "chroma_scale", "to_rgb", "offset", "background", "fade")
# (cos, sin) of the clockwise turns a video may carry, exact.
TURNS = {0: (1.0, 0.0), 90: (0.0, 1.0), 180: (-1.0, 0.0), 270: (0.0, -1.0)}


class PipelineError(Exception):
    """The driver refused the shaders or the textures; the text is the driver's."""


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
        self._textures: list[QOpenGLTexture] = []
        self._size = (0, 0)
        self._rotation = 0
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
    def size(self) -> tuple[int, int]:
        """Pixels of the held picture before it is turned; (0, 0) when none is held."""
        return self._size

    @property
    def rotation(self) -> int:
        return self._rotation

    def set_background(self, background: QColor) -> None:
        self._background = background

    def upload(self, frame: VideoFrame) -> None:
        """Copies the three planes of an I420 frame to the GPU. Raises `PipelineError`, also for short data."""
        planes = i420_planes(frame.width, frame.height)
        data = memoryview(frame.data).cast("B")
        if len(data) < planes[2].offset + planes[2].width * planes[2].height:
            raise PipelineError(f"a frame of {frame.width}x{frame.height} came with only {len(data)} bytes")
        if self._size != (frame.width, frame.height):
            self._allocate(planes)
            self._size = (frame.width, frame.height)
        self._rotation = frame.rotation
        gl = self._gl
        # Chroma rows may have an odd length; the default alignment of 4 would shear them.
        gl.glPixelStorei(GL_UNPACK_ALIGNMENT, 1)
        for texture, plane in zip(self._textures, planes, strict=True):
            texture.bind()
            pixels = data[plane.offset : plane.offset + plane.width * plane.height]
            # The stub asks for an address, the binding takes any buffer (and refuses plain integers).
            gl.glTexSubImage2D(
                GL_TEXTURE_2D,
                0,
                0,
                0,
                plane.width,
                plane.height,
                GL_RED,
                GL_UNSIGNED_BYTE,
                pixels,  # type: ignore[arg-type]
            )
            texture.release()
        gl.glPixelStorei(GL_UNPACK_ALIGNMENT, 4)

    def _allocate(self, planes: tuple[PlaneLayout, ...]) -> None:
        self.forget()
        for plane in planes:
            texture = QOpenGLTexture(QOpenGLTexture.Target.Target2D)
            texture.setFormat(QOpenGLTexture.TextureFormat.R8_UNorm)
            texture.setSize(plane.width, plane.height)
            texture.setMipLevels(1)
            texture.allocateStorage(QOpenGLTexture.PixelFormat.Red, QOpenGLTexture.PixelType.UInt8)
            if not texture.isStorageAllocated():
                raise PipelineError(f"no texture of {plane.width}x{plane.height} to be had")
            texture.setMinMagFilters(QOpenGLTexture.Filter.Linear, QOpenGLTexture.Filter.Linear)
            texture.setWrapMode(QOpenGLTexture.WrapMode.ClampToEdge)
            self._textures.append(texture)

    def clear(self) -> None:
        """Fills the whole target with the background."""
        tone = self._background
        self._gl.glClearColor(tone.redF(), tone.greenF(), tone.blueF(), 1.0)
        self._gl.glClear(GL_COLOR_BUFFER_BIT)

    def draw(self, viewport: tuple[int, int, int, int], fade: float) -> None:
        """Draws the held picture into `viewport` (x, y from the bottom left, width, height; physical pixels)."""
        if not self._textures:
            return
        gl, program, tone = self._gl, self._program, self._background
        width, height = self._size
        cosine, sine = TURNS.get(self._rotation % 360, TURNS[0])
        gl.glViewport(*viewport)
        gl.glDisable(GL_BLEND)
        gl.glDisable(GL_DEPTH_TEST)
        program.bind()
        # A picture turned clockwise is sampled counter-clockwise.
        program.setUniformValue(self._uniforms["turn"], QMatrix2x2([cosine, sine, -sine, cosine]))
        program.setUniformValue(
            self._uniforms["chroma_scale"], width / (2.0 * ((width + 1) // 2)), height / (2.0 * ((height + 1) // 2))
        )
        program.setUniformValue(self._uniforms["background"], tone.redF(), tone.greenF(), tone.blueF())
        program.setUniformValue1f(self._uniforms["fade"], fade)
        for unit, texture in enumerate(self._textures):
            texture.bind(unit)
        self._vertices.bind()
        gl.glDrawArrays(GL_TRIANGLES, 0, 3)
        self._vertices.release()
        for unit, texture in enumerate(self._textures):
            texture.release(unit)
        gl.glActiveTexture(GL_TEXTURE0)
        program.release()

    def forget(self) -> None:
        """Drops the textures and with them the held picture."""
        for texture in self._textures:
            texture.destroy()
        self._textures = []
        self._size = (0, 0)

    def destroy(self) -> None:
        self.forget()
        self._vertices.destroy()
        self._program.removeAllShaders()
