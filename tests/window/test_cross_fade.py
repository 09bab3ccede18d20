"""From one avatar's picture to the next one's, as the X server's framebuffer shows it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from kiosk.clock import SystemClock
from kiosk.media.air import Air, Channel
from kiosk.media.frames import PixelFormat, VideoFrame
from kiosk.media.mailbox import FrameMailbox
from kiosk.resources import resources_dir
from kiosk.ui.avatar_view import build_view
from kiosk.ui.colour import Colour
from kiosk.ui.frame_bridge import FrameBridge
from kiosk.ui.frame_source import FrameRenderer, RendererKind
from kiosk.ui.geometry import Fit
from tests.display import Display
from tests.media_doubles import SilentMicrophone, VoiceLog

WIDTH, HEIGHT = 320, 240
BACKGROUND = (0, 0, 0)
RED, BLUE = (200, 60, 40), (40, 60, 200)  # green is the same in both, so that it is in every mix of the two
TOLERANCE = 8
Rgb = tuple[int, int, int]
Pixels = NDArray[np.uint8]


def picture(size: tuple[int, int], rgb: Rgb, pixels: PixelFormat) -> VideoFrame:
    width, height = size
    red, green, blue = rgb
    if pixels is PixelFormat.BGRA:
        return VideoFrame(pixels, width, height, bytes([blue, green, red, 255]) * (width * height))
    luma = round(16 + 0.257 * red + 0.504 * green + 0.098 * blue)
    u, v = (
        round(128 - 0.148 * red - 0.291 * green + 0.439 * blue),
        round(128 + 0.439 * red - 0.368 * green - 0.071 * blue),
    )
    quarter = ((width + 1) // 2) * ((height + 1) // 2)
    data = bytes([luma]) * (width * height) + bytes([u]) * quarter + bytes([v]) * quarter
    return VideoFrame(pixels, width, height, data)


class Watch:
    """Looks at some pixels again and again, on a thread of its own, and keeps every different sight of them."""

    def __init__(self, display: Display, points: tuple[tuple[int, int], ...]) -> None:
        self._display = display
        self._points = points
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watch")
        self.seen: list[tuple[Rgb, ...]] = []
        self.looks = 0

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(10)

    def _look(self) -> None:
        while not self._ended.wait(0.002):
            screen = self._display.region(0, 0, WIDTH, HEIGHT)
            sight = tuple((int(screen[y, x, 0]), int(screen[y, x, 1]), int(screen[y, x, 2])) for x, y in self._points)
            self.looks += 1
            if not self.seen or sight != self.seen[-1]:
                self.seen.append(sight)


class Scene:
    """A view on the screen with the air in front of it, as in the kiosk."""

    def __init__(self, qtbot: QtBot, display: Display) -> None:
        self._qtbot = qtbot
        self._display = display
        self._bridge = FrameBridge()
        self.mailbox = FrameMailbox()
        self.air = Air(self.mailbox, VoiceLog(), SilentMicrophone())

    def open(self, kind: RendererKind, fit: Fit = Fit.COVER, *, animate: bool = True) -> FrameRenderer:
        view = build_view(
            kind,
            self.mailbox,
            SystemClock(),
            resources_dir() / "shaders",
            colour=Colour(),
            fit=fit,
            background=QColor(*BACKGROUND),
            animate=animate,
        )
        self.mailbox.on_frame = self._bridge.notify
        self._bridge.arrived.connect(view.pump)
        widget = view.widget()

        def shut(_: object) -> None:
            self._bridge.shut()
            view.shut()

        self._qtbot.addWidget(widget, before_close_func=shut)
        widget.setGeometry(0, 0, WIDTH, HEIGHT)
        widget.show()
        self._qtbot.waitExposed(widget)
        return view

    def at(self, x: int, y: int) -> Rgb:
        pixel = self._display.region(x, y, 1, 1)[0, 0]
        return int(pixel[0]), int(pixel[1]), int(pixel[2])

    def until(self, shows: Rgb, x: int = WIDTH // 2, y: int = HEIGHT // 2) -> None:
        self._qtbot.waitUntil(lambda: near(self.at(x, y), shows), timeout=30_000)


def near(seen: Rgb, wanted: Rgb, tolerance: int = TOLERANCE) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(seen, wanted, strict=True))


def is_mix(seen: Rgb, one: Rgb, other: Rgb) -> bool:
    """Whether a colour lies on the way from one to the other."""
    ends, start = np.array(other, float), np.array(one, float)
    way = ends - start
    share = float(np.clip(np.dot(np.array(seen) - start, way) / np.dot(way, way), 0.0, 1.0))
    return bool(np.abs(start + share * way - seen).max() <= TOLERANCE)


@pytest.fixture
def scene(qtbot: QtBot, display: Display) -> Scene:
    return Scene(qtbot, display)


@pytest.mark.parametrize("kind", list(RendererKind))
@pytest.mark.parametrize(
    ("first", "second"),
    [(PixelFormat.I420, PixelFormat.BGRA), (PixelFormat.BGRA, PixelFormat.I420), (PixelFormat.BGRA, PixelFormat.BGRA)],
    ids=lambda pixels: str(pixels),
)
def test_one_picture_goes_over_into_the_next(
    scene: Scene, display: Display, kind: RendererKind, first: PixelFormat, second: PixelFormat
) -> None:
    scene.open(kind)
    present = scene.air.open_channel()
    present.video.put(picture((64, 48), RED, first))
    scene.until(RED)
    coming = scene.air.open_channel()
    coming.video.put(picture((48, 64), BLUE, second))
    with Watch(display, ((WIDTH // 2, HEIGHT // 2), (3, 3), (WIDTH - 4, HEIGHT - 4))) as watch:
        coming.take_the_air()
        present.video.put(picture((64, 48), RED, first))  # too late
        scene.until(BLUE)
    assert all(is_mix(rgb, RED, BLUE) for sight in watch.seen for rgb in sight), watch.seen
    blues = [sight[0][2] for sight in watch.seen]
    assert blues == sorted(blues), "it goes one way only"
    assert len(set(blues)) > 2, "and not in one step"


@pytest.mark.parametrize("kind", list(RendererKind))
def test_bars_beside_a_picture_go_over_too(scene: Scene, display: Display, kind: RendererKind) -> None:
    """A wide picture, then a high one: where the first had bars the second is, and the other way round."""
    scene.open(kind, Fit.CONTAIN)
    present = scene.air.open_channel()
    present.video.put(picture((96, 24), RED, PixelFormat.BGRA))
    left, top = (3, HEIGHT // 2), (WIDTH // 2, 3)
    scene.until(RED, *left)
    assert near(scene.at(*top), BACKGROUND)
    coming = scene.air.open_channel()
    coming.video.put(picture((24, 96), BLUE, PixelFormat.BGRA))
    with Watch(display, (left, top)) as watch:
        coming.take_the_air()
        scene.until(BLUE, *top)
        scene.until(BACKGROUND, *left)
    assert all(is_mix(at_left, RED, BACKGROUND) and is_mix(at_top, BACKGROUND, BLUE) for at_left, at_top in watch.seen)
    assert len(watch.seen) > 2


@pytest.mark.parametrize("kind", list(RendererKind))
def test_for_people_whom_motion_disturbs_it_is_one_step(scene: Scene, display: Display, kind: RendererKind) -> None:
    scene.open(kind, animate=False)
    present = scene.air.open_channel()
    present.video.put(picture((64, 48), RED, PixelFormat.BGRA))
    scene.until(RED)
    coming = scene.air.open_channel()
    coming.video.put(picture((64, 48), BLUE, PixelFormat.BGRA))
    with Watch(display, ((WIDTH // 2, HEIGHT // 2),)) as watch:
        coming.take_the_air()
        scene.until(BLUE)
    assert len(watch.seen) <= 2
    assert all(near(sight[0], RED) or near(sight[0], BLUE) for sight in watch.seen)


@pytest.mark.parametrize("kind", list(RendererKind))
def test_the_next_visitor_sees_nothing_of_a_fade(scene: Scene, qtbot: QtBot, kind: RendererKind) -> None:
    view = scene.open(kind)
    present = scene.air.open_channel()
    present.video.put(picture((64, 48), RED, PixelFormat.BGRA))
    scene.until(RED)
    coming = scene.air.open_channel()
    coming.video.put(picture((64, 48), BLUE, PixelFormat.BGRA))
    painted = view.painted
    coming.take_the_air()
    qtbot.waitUntil(lambda: view.painted > painted, timeout=30_000)
    view.clear()
    scene.until(BACKGROUND)
    again = scene.air.open_channel()
    again.video.put(picture((64, 48), RED, PixelFormat.BGRA))
    again.take_the_air()
    scene.until(RED)


class Source:
    """Puts a picture into a channel thirty times a second, on a thread of its own."""

    def __init__(self, channel: Channel, frame: VideoFrame) -> None:
        self.channel = channel
        self._frame = frame
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._play, name="source")
        self._thread.start()

    def _play(self) -> None:
        while True:
            self.channel.video.put(self._frame)
            if self._ended.wait(1 / 30):
                return

    def stop(self) -> None:
        self.channel.close()
        self._ended.set()
        self._thread.join(10)


@pytest.mark.parametrize("kind", list(RendererKind))
def test_a_hundred_switches_without_an_empty_picture(
    scene: Scene, qtbot: QtBot, display: Display, kind: RendererKind
) -> None:
    """Faster than a fade, so that most are cut short by the next: the hardest case."""
    looks: list[tuple[tuple[int, int], Rgb, PixelFormat]] = [
        ((320, 240), RED, PixelFormat.I420),
        ((240, 320), BLUE, PixelFormat.BGRA),
        ((160, 90), RED, PixelFormat.BGRA),
        ((322, 242), BLUE, PixelFormat.I420),
    ]
    scene.open(kind)
    present = Source(scene.air.open_channel(), picture(*looks[0]))
    try:
        scene.until(RED)
        with Watch(display, ((WIDTH // 2, HEIGHT // 2), (2, 2), (WIDTH - 3, 2), (WIDTH - 3, HEIGHT - 3))) as watch:
            for number in range(1, 101):
                coming = Source(scene.air.open_channel(), picture(*looks[number % 4]))
                qtbot.waitUntil(has_frame(coming.channel), timeout=30_000)
                before, present = present, coming
                coming.channel.take_the_air()
                before.stop()
                qtbot.wait(40)
            scene.until(RED)
    finally:
        present.stop()
    assert all(is_mix(rgb, RED, BLUE) for sight in watch.seen for rgb in sight)
    assert len(watch.seen) > 20, f"{watch.looks} looks"


def has_frame(channel: Channel) -> Callable[[], bool]:
    return lambda: channel.held is not None


def test_a_frame_of_the_avatar_before_that_is_still_being_converted_is_not_shown(scene: Scene, qtbot: QtBot) -> None:
    """Raster paints I420 on a thread of its own: what comes out of it late belongs to nobody."""
    view = scene.open(RendererKind.RASTER, animate=False)
    present = scene.air.open_channel()
    present.video.put(picture((1920, 1080), RED, PixelFormat.I420))
    view.pump()
    coming = scene.air.open_channel()
    coming.video.put(picture((64, 48), BLUE, PixelFormat.BGRA))
    coming.take_the_air()
    scene.until(BLUE)
    deadline = time.monotonic() + 0.5
    while time.monotonic() < deadline:
        qtbot.wait(10)
        assert near(scene.at(WIDTH // 2, HEIGHT // 2), BLUE)
