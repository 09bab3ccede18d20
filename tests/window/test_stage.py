"""The stage: window, view and the way of the frames, as the composition root uses them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from kiosk.clock import SystemClock
from kiosk.links.contract import AvatarMode
from kiosk.media.frames import PixelFormat
from kiosk.media.mailbox import FrameMailbox
from kiosk.resources import resources_dir
from kiosk.session.view import Phase, Situation
from kiosk.ui.colour import Colour, Matrix
from kiosk.ui.geometry import Fit
from kiosk.ui.renderer_choice import RendererSetting
from kiosk.ui.stage import Look, Stage
from tests.display import Display
from tests.window.frames import bgra_card, i420_card
from tests.window.visitor import Visitor

TALK = Situation(Phase.LIVE, AvatarMode.LISTENING, picture=True, microphone=True)


class Theatre:
    def __init__(self, qtbot: QtBot) -> None:
        self.qtbot = qtbot
        self.mailbox = FrameMailbox()
        self.asked = 0
        self.stages: list[Stage] = []

    def level(self) -> float:
        self.asked += 1
        return -20.0

    def build(self, renderer: str, colour: Colour | None = None, resources: Path | None = None) -> Stage:
        look = Look(RendererSetting(renderer), colour or Colour(), Fit.CONTAIN, "dark", ["en", "de"], "simulated")
        stage = Stage(self.mailbox, Visitor(), SystemClock(), resources or resources_dir(), look, self.level)
        self.stages.append(stage)
        self.qtbot.addWidget(stage.window)
        return stage

    def put_from_a_thread(self) -> None:
        make = i420_card if self.mailbox.wanted_format is PixelFormat.I420 else bgra_card
        thread = threading.Thread(target=lambda: self.mailbox.put(make(640, 360)))
        thread.start()
        thread.join(10)


@pytest.fixture
def theatre(qtbot: QtBot) -> Iterator[Theatre]:
    theatre = Theatre(qtbot)
    yield theatre
    for stage in theatre.stages:
        stage.shut()


@pytest.mark.parametrize("renderer", ["auto", "opengl", "raster"])
def test_frames_reach_the_window(theatre: Theatre, renderer: str) -> None:
    stage = theatre.build(renderer)
    assert stage.renderer == ("raster" if renderer == "auto" else renderer)  # Xvfb has no GPU
    assert theatre.mailbox.wanted_format is (PixelFormat.I420 if renderer == "opengl" else PixelFormat.BGRA)
    stage.open((640, 360), kiosk=False)
    theatre.qtbot.waitExposed(stage.window)
    stage.show_situation(TALK)
    theatre.put_from_a_thread()
    theatre.qtbot.waitUntil(lambda: stage.painted == 1, timeout=5000)
    first = stage.first_frame_s
    assert first is not None
    stage.show_situation(Situation(Phase.ATTRACT))
    assert stage.painted == 1


def test_raster_asks_for_planes_when_the_colours_are_not_the_librarys(theatre: Theatre) -> None:
    theatre.build("raster", Colour(Matrix.BT709))
    assert theatre.mailbox.wanted_format is PixelFormat.I420


def test_the_microphone_is_looked_at_only_while_it_is_open(theatre: Theatre) -> None:
    stage = theatre.build("raster")
    stage.open((640, 360), kiosk=False)
    stage.show_situation(TALK)
    theatre.qtbot.waitUntil(lambda: theatre.asked >= 2, timeout=5000)
    stage.show_situation(Situation(Phase.GOODBYE))
    asked = theatre.asked
    theatre.qtbot.wait(250)
    assert theatre.asked == asked


def test_a_failing_driver_costs_a_blink_and_not_the_visit(
    theatre: Theatre, tmp_path: Path, display: Display, expected_log: Callable[[str], None]
) -> None:
    expected_log("OpenGL")
    resources = resources_dir()
    for name in ("themes", "translations"):
        (tmp_path / name).symlink_to(resources / name)
    (tmp_path / "shaders").mkdir()
    stage = theatre.build("opengl", resources=tmp_path)
    stage.open((640, 360), kiosk=False)
    theatre.qtbot.waitUntil(lambda: stage.renderer == "raster", timeout=5000)
    assert theatre.mailbox.wanted_format is PixelFormat.BGRA
    stage.show_situation(TALK)
    theatre.put_from_a_thread()
    theatre.qtbot.waitUntil(lambda: stage.painted == 1, timeout=5000)


def test_a_shut_stage_is_deaf(theatre: Theatre) -> None:
    stage = theatre.build("raster")
    stage.open((640, 360), kiosk=False)
    stage.shut()
    theatre.put_from_a_thread()
    stage.show_situation(Situation(Phase.ATTRACT))
    theatre.qtbot.wait(50)
    assert stage.painted == 0
    assert not stage.window.isVisible()
