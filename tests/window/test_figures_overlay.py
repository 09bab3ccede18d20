"""The live figures over the picture: shown by keys alone, in nobody's way, and at no cost while they are hidden."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from kiosk.resources import resources_dir
from kiosk.session.operator_view import Figure
from kiosk.session.view import Phase, Situation
from kiosk.ui.figures_overlay import FiguresOverlay
from kiosk.ui.metrics import metrics_for
from kiosk.ui.texts import Texts
from kiosk.ui.theme import contrast, load_theme
from kiosk.ui.window import KioskWindow
from tests.display import Display
from tests.window.operator_scene import BUSY, FIGURES
from tests.window.test_operator_screen import TALK, Desk


@pytest.fixture
def desk(qtbot: QtBot, display: Display) -> Desk:
    return Desk(qtbot)


def press(window: KioskWindow) -> None:
    QTest.keyClick(window, Qt.Key.Key_I, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)


def overlay(window: KioskWindow) -> FiguresOverlay:
    assert window.figures is not None
    return window.figures


class Paints(QObject):
    count = 0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() is QEvent.Type.Paint
        return False


def test_keys_show_and_hide_it(desk: Desk) -> None:
    window = desk.open()
    assert window.figures is None, "made when it is first asked for"
    press(window)
    assert overlay(window).isVisible()
    assert overlay(window).rows == FIGURES
    press(window)
    assert not overlay(window).isVisible()
    press(window)
    assert overlay(window).isVisible()
    assert desk.visitor.did == []


def test_it_follows_the_news_and_looks_no_more_once_it_is_hidden(desk: Desk) -> None:
    window = desk.open()
    press(window)
    news = (replace(FIGURES[0], value="640 × 480"), *FIGURES[1:])
    desk.operator.view = replace(BUSY, figures=news)
    desk.qtbot.waitUntil(lambda: overlay(window).rows == news, timeout=30_000)
    press(window)
    assert not overlay(window)._timer.isActive()
    press(window)
    window.shut()
    assert not overlay(window)._timer.isActive()


def test_a_visitors_touch_goes_through_and_screens_come_and_go_beneath(desk: Desk) -> None:
    window = desk.open()
    press(window)
    for situation in (Situation(Phase.WELCOME), TALK, Situation(Phase.GOODBYE)):
        window.show_situation(situation)
        QApplication.processEvents()
        assert overlay(window).isVisible()
        middle = overlay(window).geometry().center()
        shown = window.childAt(middle)
        assert shown is None or shown is not overlay(window)
        corner = window.grab().toImage().pixelColor(overlay(window).geometry().topLeft())
        assert corner.rgb() == overlay(window)._ground.rgb(), situation.phase


def test_pictures_beneath_do_not_paint_it_again(desk: Desk) -> None:
    window = desk.open()
    window.show_situation(TALK)
    press(window)
    QApplication.processEvents()
    overlay(window).shut()  # no news now
    above, below = Paints(), Paints()
    overlay(window).installEventFilter(above)
    window.view.widget().installEventFilter(below)
    for _ in range(20):
        before = below.count
        window.view.widget().update()
        desk.qtbot.waitUntil(lambda before=before: below.count > before, timeout=30_000)  # type: ignore[misc]
    assert above.count <= 1


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("size", [(640, 480), (800, 600), (1280, 720), (1080, 1920), (2160, 3840)])
def test_all_of_it_fits_and_can_be_read(desk: Desk, size: tuple[int, int], language: str) -> None:
    """A standalone one: no screen of a test is as large as the largest."""
    window = desk.open()
    texts, theme = Texts.load(resources_dir() / "translations"), load_theme(resources_dir() / "themes", "dark")
    figures = FiguresOverlay(desk.operator.tools("", language), texts, theme, "Ctrl+Alt+I", window)
    figures.stand(QSize(*size), metrics_for(*size))
    figures.toggle()
    assert figures.x() + figures.width() <= size[0]
    assert figures.y() + figures.height() <= size[1]
    # In portrait the screen is far larger than what one reads at arm's length.
    assert figures._table.pixels >= (30 if size[1] >= 3840 else 14 if min(size) >= 720 else 9)
    assert all(texts.has(f"operator.figure.{row.name}") for row in figures.rows)
    figures.shut()


def test_its_ground_does_not_shrink_with_every_shorter_word(desk: Desk) -> None:
    window = desk.open()
    press(window)
    width = overlay(window).width()
    desk.operator.view = replace(BUSY, figures=tuple(Figure(row.name, "–", "", row.group) for row in FIGURES))
    desk.qtbot.waitUntil(lambda: overlay(window).rows[0].value == "–", timeout=30_000)
    assert overlay(window).width() == width


@pytest.mark.parametrize("name", ["dark", "light"])
def test_its_words_stand_out(name: str) -> None:
    theme = load_theme(resources_dir() / "themes", name)
    ground = theme.panel
    ground.setAlpha(255)
    assert contrast(theme.on_panel, ground) >= 7
    assert contrast(theme.on_panel_quiet, ground) >= 4.5
