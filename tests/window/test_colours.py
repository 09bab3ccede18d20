"""The colours on the glass: read from the X server's framebuffer, compared with the standards' formulas."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from kiosk.clock import SystemClock
from kiosk.media.frames import PixelFormat, VideoFrame
from kiosk.resources import resources_dir
from kiosk.ui.avatar_view import build_view
from kiosk.ui.colour import Colour, Matrix, Range
from kiosk.ui.frame_source import FrameRenderer, RendererKind
from kiosk.ui.geometry import Fit, place
from tests.display import Display
from tests.window.frames import (
    CARD,
    COLUMNS,
    ROWS,
    FrameList,
    bgra_card,
    field_centre,
    flat_i420,
    i420_card,
    reference_rgb,
)

COLOURS = [Colour(matrix, range_) for matrix in Matrix for range_ in Range]
TOLERANCE = 3
REPOSITORY = Path(__file__).resolve().parents[2]
BACKGROUND = (10, 20, 30)


class Stage:
    """A view in a bare window at the top left of the screen."""

    def __init__(self, qtbot: QtBot, display: Display) -> None:
        self._qtbot = qtbot
        self._display = display
        self.frames = FrameList()

    def open(
        self, kind: RendererKind, size: tuple[int, int], colour: Colour | None = None, fit: Fit = Fit.CONTAIN
    ) -> FrameRenderer:
        view = build_view(
            kind,
            self.frames,
            SystemClock(),
            resources_dir() / "shaders",
            colour=colour or Colour(),
            fit=fit,
            background=QColor(*BACKGROUND),
        )
        widget = view.widget()
        self._qtbot.addWidget(widget, before_close_func=lambda _: view.shut())
        widget.setGeometry(0, 0, *size)
        widget.show()
        self._qtbot.waitExposed(widget)
        self.view = view
        return view

    def show(self, frame: VideoFrame) -> None:
        before = self.view.painted
        self.frames.put(frame)
        self.view.pump()
        self._qtbot.waitUntil(lambda: self.view.painted == before + 1, timeout=5000)

    def expect(self, points: dict[tuple[int, int], tuple[float, float, float]]) -> None:
        """Waits until the screen shows these colours; the X server may lag a moment behind the paint event."""

        def right() -> None:
            screen = self._display.framebuffer()
            for (x, y), rgb in points.items():
                seen = tuple(int(value) for value in screen[y, x])
                assert all(abs(a - b) <= TOLERANCE for a, b in zip(seen, rgb, strict=True)), (
                    f"at {x},{y}: {seen} instead of {tuple(round(value) for value in rgb)}"
                )

        self._qtbot.waitUntil(right, timeout=5000)


@pytest.fixture
def stage(qtbot: QtBot, display: Display) -> Stage:
    return Stage(qtbot, display)


def card_points(
    area: tuple[int, int, int, int], rotation: int, colour: Colour
) -> dict[tuple[int, int], tuple[float, float, float]]:
    return {
        field_centre(row, column, area, rotation): reference_rgb(CARD[row][column], colour)
        for row in range(ROWS)
        for column in range(COLUMNS)
    }


def card_for(view: FrameRenderer, width: int, height: int, rotation: int = 0) -> VideoFrame:
    make = i420_card if view.wanted_format is PixelFormat.I420 else bgra_card
    return make(width, height, rotation)


@pytest.mark.parametrize("colour", COLOURS, ids=lambda colour: f"{colour.matrix}-{colour.range}")
@pytest.mark.parametrize("kind", list(RendererKind))
def test_i420_colours(stage: Stage, kind: RendererKind, colour: Colour) -> None:
    stage.open(kind, (640, 360), colour)
    stage.show(i420_card(640, 360))
    stage.expect(card_points((0, 0, 640, 360), 0, colour))


@pytest.mark.parametrize("kind", list(RendererKind))
@pytest.mark.parametrize("size", [(641, 361), (321, 181), (640, 361), (641, 360), (98, 55)])
def test_odd_sizes_one_to_one(stage: Stage, kind: RendererKind, size: tuple[int, int]) -> None:
    view = stage.open(kind, size)
    stage.show(card_for(view, *size))
    stage.expect(card_points((0, 0, *size), 0, Colour()))


@pytest.mark.parametrize("size", [(641, 361), (97, 55)])
def test_odd_sizes_converted_by_the_raster_view(stage: Stage, size: tuple[int, int]) -> None:
    colour = Colour(Matrix.BT709, Range.FULL)
    stage.open(RendererKind.RASTER, size, colour)
    stage.show(i420_card(*size))
    stage.expect(card_points((0, 0, *size), 0, colour))


@pytest.mark.parametrize("kind", list(RendererKind))
@pytest.mark.parametrize("fit", list(Fit))
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_rotation_and_fit(stage: Stage, kind: RendererKind, fit: Fit, rotation: int) -> None:
    view = stage.open(kind, (600, 500), fit=fit)
    stage.show(card_for(view, 640, 360, rotation))
    area = place((640, 360), rotation, (600, 500), fit)
    points = card_points((area.x, area.y, area.width, area.height), rotation, Colour())
    inside = {at: rgb for at, rgb in points.items() if 4 <= at[0] < 596 and 4 <= at[1] < 496}
    assert len(inside) >= ROWS * COLUMNS // 2
    stage.expect(inside)
    if fit is Fit.CONTAIN:
        corner = (2, 250) if area.x > 4 else (300, 2)
        stage.expect({corner: BACKGROUND})


@pytest.mark.parametrize("kind", list(RendererKind))
def test_size_changes_in_mid_stream(stage: Stage, kind: RendererKind) -> None:
    view = stage.open(kind, (640, 360))
    for size in [(320, 180), (641, 361), (1280, 720), (320, 180)]:
        stage.show(card_for(view, *size))
        area = place(size, 0, (640, 360), Fit.CONTAIN)
        stage.expect(card_points((area.x, area.y, area.width, area.height), 0, Colour()))
    assert view.painted == 4
    assert view.dropped == 0


@pytest.mark.parametrize("kind", list(RendererKind))
def test_window_resize_keeps_the_last_frame(stage: Stage, kind: RendererKind) -> None:
    view = stage.open(kind, (640, 360))
    stage.show(card_for(view, 640, 360))
    view.widget().resize(320, 180)
    stage.expect(card_points((0, 0, 320, 180), 0, Colour()))
    assert view.painted == 1


@pytest.mark.parametrize("kind", list(RendererKind))
def test_fade_mixes_with_the_background_and_clear_shows_it(stage: Stage, kind: RendererKind) -> None:
    view = stage.open(kind, (320, 180))
    stage.show(card_for(view, 320, 180))
    white = reference_rgb(CARD[0][1], Colour())
    at = field_centre(0, 1, (0, 0, 320, 180), 0)
    view.set_fade(0.5)
    r, g, b = (0.5 * light + 0.5 * dark for light, dark in zip(white, BACKGROUND, strict=True))
    stage.expect({at: (r, g, b)})
    view.set_fade(0.0)
    stage.expect({at: BACKGROUND})
    view.set_fade(1.0)
    stage.expect({at: white})
    assert view.first_painted_s is not None
    view.clear()
    stage.expect({at: BACKGROUND})
    assert view.first_painted_s is None


def test_opengl_survives_a_new_context(stage: Stage, qtbot: QtBot) -> None:
    view = stage.open(RendererKind.OPENGL, (320, 180))
    stage.show(i420_card(320, 180))
    home = QWidget()
    qtbot.addWidget(home)
    home.setGeometry(0, 0, 400, 300)
    view.widget().setParent(home)
    view.widget().setGeometry(40, 30, 320, 180)
    home.show()
    view.widget().show()
    stage.expect(card_points((40, 30, 320, 180), 0, Colour()))
    stage.show(flat_i420(320, 180, (81, 90, 240)))
    stage.expect({(200, 120): (254, 0, 0)})
    view.widget().setParent(None)


@pytest.mark.parametrize("kind", list(RendererKind))
def test_a_short_frame_is_refused_and_the_next_one_shows(
    stage: Stage, kind: RendererKind, qtbot: QtBot, expected_log: Callable[[str], None]
) -> None:
    expected_log("320x180")
    view = stage.open(kind, (320, 180))
    good = card_for(view, 320, 180)
    stage.frames.put(VideoFrame(good.format, 320, 180, memoryview(good.data)[:1000]))
    view.pump()
    qtbot.waitUntil(lambda: view.dropped == 1, timeout=5000)
    stage.show(good)
    stage.expect(card_points((0, 0, 320, 180), 0, Colour()))


@pytest.mark.parametrize("scale", ["2", "1.5"])
@pytest.mark.parametrize("kind", list(RendererKind))
def test_a_scaled_screen_shows_every_pixel(display: Display, qtbot: QtBot, kind: RendererKind, scale: str) -> None:
    """The scale is fixed for the life of a process, so this picture comes from one of its own."""
    command = [sys.executable, "-m", "tests.window.show_card", kind.value, "640", "360"]
    environment = {**os.environ, **display.env(), "QT_SCALE_FACTOR": scale}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == f"painted {float(scale)}\n"
            stage = Stage(qtbot, display)
            physical = (round(640 * float(scale)), round(360 * float(scale)))
            stage.expect(card_points((0, 0, *physical), 0, Colour()))
        finally:
            process.communicate(timeout=20)
    assert process.returncode == 0
