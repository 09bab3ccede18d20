"""The way of the face's pictures to the screen, shut until they are wanted: so the face can be drawn beforehand."""

from __future__ import annotations

from collections.abc import Callable

from kiosk.media.frames import PixelFormat, VideoFrame, VideoSink


class FaceGate:
    """A `VideoSink` before another one. `on_first` gets the first picture that passes."""

    def __init__(self, video: VideoSink, on_first: Callable[[VideoFrame], None]) -> None:
        self._video = video
        self._on_first = on_first
        self._passed = False
        self.is_open = False

    @property
    def wanted_format(self) -> PixelFormat:
        return self._video.wanted_format

    def put(self, frame: VideoFrame) -> None:
        if not self.is_open:
            return
        self._video.put(frame)
        if not self._passed:
            self._passed = True
            self._on_first(frame)
