"""One picture in the GPU's memory: three one-channel textures for I420, one of four channels for BGRA.

Every method needs the context to be current.
"""

from __future__ import annotations

from PySide6.QtGui import QOpenGLFunctions
from PySide6.QtOpenGL import QOpenGLTexture

from kiosk.media.frames import PixelFormat, VideoFrame
from kiosk.ui.plane_layout import PlaneLayout, i420_planes

GL_TEXTURE_2D = 0x0DE1
GL_RED = 0x1903
GL_RGBA = 0x1908
GL_UNSIGNED_BYTE = 0x1401
GL_UNPACK_ALIGNMENT = 0x0CF5


class PipelineError(Exception):
    """The driver refused the shaders or the textures; the text is the driver's."""


class GlPicture:
    def __init__(self, gl: QOpenGLFunctions) -> None:
        self._gl = gl
        self.textures: list[QOpenGLTexture] = []
        self.format = PixelFormat.I420
        self.size = (0, 0)  # pixels before it is turned; (0, 0) when none is held
        self.rotation = 0
        self.zoom = 1.0

    def upload(self, frame: VideoFrame) -> None:
        """Copies a frame to the GPU. Raises `PipelineError`, also for short data."""
        packed = frame.format is PixelFormat.BGRA
        planes = (PlaneLayout(frame.width, frame.height, 0),) if packed else i420_planes(frame.width, frame.height)
        depth = 4 if packed else 1  # bytes of one sample
        data = memoryview(frame.data).cast("B")
        last = planes[-1]
        if len(data) < last.offset + last.width * last.height * depth:
            raise PipelineError(f"a frame of {frame.width}x{frame.height} came with only {len(data)} bytes")
        if (self.size, self.format) != ((frame.width, frame.height), frame.format):
            self._allocate(planes, packed)
            self.size, self.format = (frame.width, frame.height), frame.format
        self.rotation, self.zoom = frame.rotation, frame.zoom
        gl = self._gl
        # Chroma rows may have an odd length; the default alignment of 4 would shear them.
        gl.glPixelStorei(GL_UNPACK_ALIGNMENT, 1)
        for texture, plane in zip(self.textures, planes, strict=True):
            texture.bind()
            pixels = data[plane.offset : plane.offset + plane.width * plane.height * depth]
            # The stub asks for an address, the binding takes any buffer (and refuses plain integers).
            gl.glTexSubImage2D(
                GL_TEXTURE_2D,
                0,
                0,
                0,
                plane.width,
                plane.height,
                GL_RGBA if packed else GL_RED,
                GL_UNSIGNED_BYTE,
                pixels,  # type: ignore[arg-type]
            )
            texture.release()
        gl.glPixelStorei(GL_UNPACK_ALIGNMENT, 4)

    def _allocate(self, planes: tuple[PlaneLayout, ...], packed: bool) -> None:
        self.forget()
        formats = QOpenGLTexture.TextureFormat
        for plane in planes:
            texture = QOpenGLTexture(QOpenGLTexture.Target.Target2D)
            texture.setFormat(formats.RGBA8_UNorm if packed else formats.R8_UNorm)
            texture.setSize(plane.width, plane.height)
            texture.setMipLevels(1)
            samples = QOpenGLTexture.PixelFormat.RGBA if packed else QOpenGLTexture.PixelFormat.Red
            texture.allocateStorage(samples, QOpenGLTexture.PixelType.UInt8)
            if not texture.isStorageAllocated():
                raise PipelineError(f"no texture of {plane.width}x{plane.height} to be had")
            texture.setMinMagFilters(QOpenGLTexture.Filter.Linear, QOpenGLTexture.Filter.Linear)
            texture.setWrapMode(QOpenGLTexture.WrapMode.ClampToEdge)
            self.textures.append(texture)

    def forget(self) -> None:
        """Drops the textures and with them the held picture."""
        for texture in self.textures:
            texture.destroy()
        self.textures = []
        self.size = (0, 0)
