"""What the checks ask of native code: Qt, LiveKit's library, PortAudio. Each runs in a process of its own.

`kiosk probe screen|window|frame|sound` prints one JSON object; `doctor` and `self-test` read it. A driver that hangs
or crashes then costs one line of the table and not the whole of it.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kiosk.clock import SystemClock
from kiosk.media.frames import PixelFormat, VideoFrame
from kiosk.resources import resources_dir

WIDTH, HEIGHT = 640, 360  # pixels of the test picture
PAINT_LIMIT_S = 8.0
FRAME_LIMIT_S = 8.0
LISTEN_S = 0.3
_BARS = ((180, 128, 128), (168, 44, 136), (145, 147, 44), (133, 63, 52), (63, 193, 204), (51, 109, 212), (28, 212, 120))


def probe_screen() -> dict[str, Any]:
    """Platform, screens and the renderer that `auto` would take."""
    from PySide6.QtCore import qVersion

    from kiosk.ui.application import configure_qt, create_application
    from kiosk.ui.renderer_choice import RendererSetting, choose_renderer, probe_gl

    configure_qt()
    application = create_application(["kiosk"])
    findings = probe_gl()
    choice = choose_renderer(RendererSetting.AUTO, findings)
    return {
        "qt": qVersion(),
        "platform": application.platformName(),
        "screens": [
            {
                "width": screen.size().width(),
                "height": screen.size().height(),
                "scale": screen.devicePixelRatio(),
                "hz": round(screen.refreshRate(), 1),
            }
            for screen in application.screens()
        ],
        "gl_renderer": findings.renderer,
        "renderer": choice.kind.value,
        "reason": choice.reason,
    }


class OneFrame:
    """A `FrameSource` with a single picture: seven colour bars."""

    def __init__(self) -> None:
        self._frame: VideoFrame | None = VideoFrame(PixelFormat.I420, WIDTH, HEIGHT, bars())

    def take(self, now_s: float) -> VideoFrame | None:
        frame, self._frame = self._frame, None
        return frame

    def next_due_s(self) -> float | None:
        return 0.0 if self._frame else None


def bars() -> bytes:
    """Seven colour bars as I420."""
    planes = []
    for plane, step in ((0, 1), (1, 2), (2, 2)):
        width = WIDTH // step
        row = bytes(_BARS[x * len(_BARS) // width][plane] for x in range(width))
        planes.append(row * (HEIGHT // step))
    return b"".join(planes)


def probe_window(renderer: str, screenshot: Path | None) -> dict[str, Any]:
    """Opens a window, paints a picture in it with the view that a visit would use, and looks at the pixels."""
    from PySide6.QtGui import QColor, QFont, QFontInfo

    from kiosk.ui.application import FONT_FAMILY, configure_qt, create_application
    from kiosk.ui.avatar_view import build_view
    from kiosk.ui.colour import Colour
    from kiosk.ui.geometry import Fit
    from kiosk.ui.renderer_choice import RendererSetting, decide_renderer

    configure_qt()
    application = create_application(["kiosk"])
    choice = decide_renderer(RendererSetting(renderer))
    view = build_view(
        choice.kind,
        OneFrame(),
        SystemClock(),
        resources_dir() / "shaders",
        colour=Colour(),
        fit=Fit.CONTAIN,
        background=QColor(0, 0, 0),
    )
    window = view.widget()
    window.resize(WIDTH, HEIGHT)
    window.show()
    view.pump()
    deadline = time.perf_counter() + PAINT_LIMIT_S
    while view.painted == 0 and time.perf_counter() < deadline:
        application.processEvents()
        time.sleep(0.005)
    picture = window.grab().toImage()
    middle = picture.height() // 2
    shown = {picture.pixelColor(x, middle).rgb() for x in range(0, picture.width(), 8)}
    saved = picture.save(str(screenshot)) if screenshot else None
    found = {
        "platform": application.platformName(),
        "renderer": choice.kind.value,
        "reason": choice.reason,
        "painted": view.painted,
        "colours": len(shown),
        "font": QFontInfo(QFont(FONT_FAMILY)).family() == FONT_FAMILY,
        "screenshot": saved,
    }
    view.shut()
    window.close()
    application.processEvents()
    return found


def probe_frame() -> dict[str, Any]:
    """Sends a picture through LiveKit's native library and back, without a server."""
    return asyncio.run(_loopback())


async def _loopback() -> dict[str, Any]:
    from importlib.metadata import PackageNotFoundError, version

    from livekit import rtc

    source = rtc.VideoSource(WIDTH, HEIGHT)
    track = rtc.LocalVideoTrack.create_video_track("self-test", source)
    stream = rtc.VideoStream(track, capacity=1)
    sent = rtc.VideoFrame(WIDTH, HEIGHT, rtc.VideoBufferType.I420, bytearray(bars()))

    async def first() -> rtc.VideoFrame:
        async for event in stream:
            return event.frame
        raise RuntimeError("the stream ended without a picture")

    waiting = asyncio.create_task(first())
    try:
        deadline = time.perf_counter() + FRAME_LIMIT_S
        while not waiting.done() and time.perf_counter() < deadline:
            source.capture_frame(sent)
            await asyncio.wait({waiting}, timeout=1 / 30)
        if not waiting.done():
            raise RuntimeError(f"no picture came back within {FRAME_LIMIT_S:g} s")
        frame = waiting.result()
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await stream.aclose()
        await source.aclose()
    try:
        library = version("livekit")
    except PackageNotFoundError:
        library = "unknown"
    same = bytes(frame.data[: WIDTH * HEIGHT]) == bytes(sent.data[: WIDTH * HEIGHT])
    return {"livekit": library, "width": frame.width, "height": frame.height, "same": same}


def probe_sound(speaker: str, microphone: str) -> dict[str, Any]:
    """Opens both devices, plays silence, listens for a moment."""
    from kiosk.media.device_state import DeviceKind

    heard = Loudness()
    return {
        "speaker": _try_device(DeviceKind.SPEAKER, speaker, _play_silence),
        "microphone": _try_device(DeviceKind.MICROPHONE, microphone, heard.listen) | {"level_dbfs": heard.dbfs()},
    }


class Loudness:
    """Sums up what a microphone's callback brings. s16 samples."""

    def __init__(self) -> None:
        self._squares = 0.0
        self._count = 0

    def listen(self, block: Any, frames: int, when: Any, status: Any) -> None:
        samples = memoryview(block).cast("B").cast("h")
        self._squares += sum(sample * sample for sample in samples)
        self._count += len(samples)

    def dbfs(self) -> float | None:
        """None for digital silence."""
        if not self._count or not self._squares:
            return None
        return round(20 * math.log10(math.sqrt(self._squares / self._count) / 32_768), 1)


def _play_silence(block: Any, frames: int, when: Any, status: Any) -> None:
    block[:] = bytes(len(block))


def _try_device(kind: Any, wanted: str, callback: Callable[[Any, int, Any, Any], None]) -> dict[str, Any]:
    from kiosk.media.device_state import DeviceError
    from kiosk.media.portaudio import open_stream, start_stream

    called = threading.Event()

    def note(block: Any, frames: int, when: Any, status: Any) -> None:
        callback(block, frames, when, status)
        called.set()

    try:
        opened = open_stream(kind, wanted, note, lambda: None)
        start_stream(kind, opened)
    except DeviceError as error:
        return {"error": error.operator_line}
    runs = called.wait(2.0)
    time.sleep(LISTEN_S)
    opened.end(abort=True)
    found = {"name": opened.device.label, "sample_rate": opened.rate}
    return found if runs else {"error": f'{kind} "{opened.device.label}" opens but moves no sound; check the system'}
