"""The avatar's picture by QPainter, where there is no GPU: cheaper there than OpenGL emulated on the CPU."""

from __future__ import annotations

import logging

from PySide6.QtCore import QRect, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QWidget

from kiosk.clock import Clock
from kiosk.media.frames import PixelFormat, VideoFrame
from kiosk.ui.colour import Colour
from kiosk.ui.conversion_worker import ConversionWorker
from kiosk.ui.cross_fade import CrossFade
from kiosk.ui.frame_pacer import FramePacer
from kiosk.ui.frame_source import FrameSource, RendererKind
from kiosk.ui.frame_tally import FrameTally
from kiosk.ui.geometry import Fit, place

log = logging.getLogger("kiosk.view")

PAINT_S = 0.005


class RasterView(QWidget):
    """Implements `FrameRenderer`. Paints BGRA as it comes; I420 is converted first, in the colours that were set.

    BGRA frames come from LiveKit's library, which always assumes BT.601 limited. For any other setting this view
    therefore wants I420.
    """

    first_frame = Signal()

    def __init__(
        self,
        source: FrameSource,
        clock: Clock,
        *,
        colour: Colour | None = None,
        fit: Fit = Fit.COVER,
        background: QColor | None = None,
        animate: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        """`animate=False`: the next avatar's picture takes the place of the one before in one step."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._colour = colour or Colour()
        self._fit = fit
        self._background = background or QColor(0, 0, 0)
        self._tally = FrameTally(clock)
        self._held: VideoFrame | None = None
        self._image: QImage | None = None
        self._fresh = False
        self._fade = 1.0
        self._worker: ConversionWorker | None = None
        self._channel = 0  # of the newest frame that was taken
        self._animate = animate
        self._leaving: QPixmap | None = None  # what the view showed when the channel changed
        self._cross_fade = CrossFade(self.update, self)
        self._pacer = FramePacer(source, clock, self._present, parent=self)
        self._pacer.set_lead(PAINT_S)

    # FrameRenderer

    @property
    def kind(self) -> RendererKind:
        return RendererKind.RASTER

    @property
    def wanted_format(self) -> PixelFormat:
        return PixelFormat.BGRA if self._colour.is_default else PixelFormat.I420

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
        if self._worker is not None:
            self._worker.forget()
        self._held, self._image, self._fresh = None, None, False
        self._forget_leaving()
        self._tally.restart()
        self.update()

    def shut(self) -> None:
        self._pacer.shut()
        if self._worker is not None:
            self._worker.shut()
        self._forget_leaving()
        self._held, self._image = None, None

    # Frames

    def _present(self, frame: VideoFrame) -> None:
        if frame.channel != self._channel and self._worker is not None:
            self._worker.forget()  # what is still being converted is of the avatar before
        self._channel = frame.channel
        if frame.format is PixelFormat.BGRA:
            self._show(frame)
            return
        if self._worker is None:
            self._worker = ConversionWorker(self._colour, self)
            self._worker.converted.connect(self._show)
            self._worker.dropped.connect(self._note_dropped)
        self._worker.submit(frame)

    def _note_dropped(self) -> None:
        self._tally.note_dropped()

    def _show(self, frame: VideoFrame) -> None:
        if self._fresh:
            self._tally.note_dropped()
        stride = frame.width * 4
        if frame.width <= 0 or len(memoryview(frame.data).cast("B")) < stride * frame.height:
            log.warning("a video frame of %dx%d came with too few bytes", frame.width, frame.height)
            self._tally.note_dropped()
            return
        if self._held is not None and self._held.channel != frame.channel:
            self._keep_leaving()
        # QImage does not own these bytes: the frame is held for as long as the image.
        self._held = frame
        self._image = QImage(frame.data, frame.width, frame.height, stride, QImage.Format.Format_RGB32)
        self._fresh = True
        self.repaint()  # at once: an update would wait 5 ms for others to come

    def _keep_leaving(self) -> None:
        if not self._animate or not self.isVisible() or self.size().isEmpty():
            return
        ratio = self.devicePixelRatioF()
        leaving = QPixmap(self.size() * ratio)
        leaving.setDevicePixelRatio(ratio)
        painter = QPainter(leaving)
        self._paint(painter, self.rect())
        painter.end()
        self._leaving = leaving
        self._cross_fade.begin()

    def _forget_leaving(self) -> None:
        self._cross_fade.stop()
        self._leaving = None

    # QWidget

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        self._paint(painter, event.rect())
        painter.end()
        if self._cross_fade.share <= 0.0:
            self._leaving = None
        if self._fresh:
            self._fresh = False
            if self._tally.note_painted(self._held):
                self.first_frame.emit()

    def _paint(self, painter: QPainter, dirty: QRect) -> None:
        """The picture, and over it what is left of the one before."""
        self._paint_picture(painter, dirty)
        if self._leaving is not None and self._cross_fade.share > 0.0:
            painter.setOpacity(self._cross_fade.share)
            painter.drawPixmap(self.rect(), self._leaving)

    def _paint_picture(self, painter: QPainter, dirty: QRect) -> None:
        held, image = self._held, self._image
        if held is None or image is None:
            painter.fillRect(dirty, self._background)
            return
        area = place((held.width, held.height), held.rotation, (self.width(), self.height()), self._fit, held.zoom)
        covers = area.x <= 0 and area.y <= 0 and area.width >= self.width() and area.height >= self.height()
        if not covers or self._fade < 1.0:
            painter.fillRect(dirty, self._background)
        painter.save()
        painter.setOpacity(self._fade)
        turned = held.rotation % 180 != 0
        width, height = (area.height, area.width) if turned else (area.width, area.height)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, (width, height) != (held.width, held.height))
        painter.translate(area.x + area.width / 2.0, area.y + area.height / 2.0)
        painter.rotate(float(held.rotation))
        painter.drawImage(QRectF(-width / 2.0, -height / 2.0, width, height), image)
        painter.restore()
