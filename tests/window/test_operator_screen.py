"""The operator's screen: how one gets in, what it shows and hides, and that no visitor meets it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from kiosk.clock import SystemClock
from kiosk.resources import resources_dir
from kiosk.session.money_guard import Standing
from kiosk.session.operator_view import OpenLine
from kiosk.session.view import Phase, Situation
from kiosk.ui.metrics import SMALLEST_TARGET
from kiosk.ui.operator_board import OperatorBoard
from kiosk.ui.operator_entry import OperatorEntry
from kiosk.ui.operator_panel import OperatorPanel
from kiosk.ui.operator_parts import HIDDEN
from kiosk.ui.pin_lock import TRIES
from kiosk.ui.raster_view import RasterView
from kiosk.ui.texts import Texts
from kiosk.ui.theme import contrast, load_theme
from kiosk.ui.window import KioskWindow
from tests.display import Display
from tests.window.frames import FrameList
from tests.window.operator_scene import BUSY, FACTS, KEY, PROVIDERS, QUIET, Operator
from tests.window.visitor import Visitor

PIN = "2580"
TALK = Situation(Phase.LIVE, picture=True, microphone=True, can_type=True, can_interrupt=True)


class Desk:
    """A window with an operator and a visitor."""

    def __init__(self, qtbot: QtBot) -> None:
        self.qtbot = qtbot
        self.visitor = Visitor()
        self.operator = Operator()

    def open(
        self,
        size: tuple[int, int] = (1280, 720),
        *,
        pin: str = "",
        theme: str = "dark",
        text_scale: float = 1.0,
        kiosk: bool = False,
        language: str = "en",
    ) -> KioskWindow:
        window = KioskWindow(
            RasterView(FrameList(), SystemClock()),
            self.visitor,
            Texts.load(resources_dir() / "translations"),
            load_theme(resources_dir() / "themes", theme),
            text_scale=text_scale,
            operator=self.operator.tools(pin, language),
        )
        self.qtbot.addWidget(window, before_close_func=lambda window: window.shut())
        if kiosk:
            window.show_kiosk()
        else:
            window.show_windowed(*size)
        self.qtbot.waitUntil(window.isActiveWindow, timeout=30_000)
        return window

    def keys(self, window: KioskWindow) -> None:
        QTest.keyClick(window, Qt.Key.Key_O, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)


@pytest.fixture
def desk(qtbot: QtBot, display: Display) -> Desk:
    return Desk(qtbot)


def entry(window: KioskWindow) -> OperatorEntry:
    assert window.operator is not None
    return window.operator


def panel(window: KioskWindow) -> OperatorPanel:
    found = entry(window).panel
    assert found is not None
    return found


def board(window: KioskWindow) -> OperatorBoard:
    shown = panel(window).board
    assert shown.isVisible()
    return shown


def words(widget: QWidget) -> str:
    return "\n".join(
        label.accessibleName() or label.text() for label in widget.findChildren(QLabel) if label.isVisible()
    )


def click(widget: QWidget) -> None:
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


class TestTheWayIn:
    def test_by_keys(self, desk: Desk) -> None:
        window = desk.open()
        desk.keys(window)
        assert board(window).close_button.hasFocus()
        QTest.keyClick(window, Qt.Key.Key_Escape)
        assert not entry(window).is_open
        assert desk.visitor.did == [], "Escape closed the screen, not the visit"

    @pytest.mark.parametrize(("kiosk", "pin", "opens"), [(False, "", True), (True, "", False), (True, PIN, True)])
    def test_by_a_finger_that_rests_on_the_corner(self, desk: Desk, kiosk: bool, pin: str, opens: bool) -> None:
        window = desk.open(kiosk=kiosk, pin=pin)
        corner = entry(window).corner
        assert corner.isVisible() is opens
        if opens:
            assert window.childAt(4, 4) is corner
            QTest.mousePress(corner, Qt.MouseButton.LeftButton)
            desk.qtbot.waitUntil(lambda: entry(window).is_open, timeout=30_000)
            QTest.mouseRelease(corner, Qt.MouseButton.LeftButton)
            assert panel(window).pad.isVisible() is bool(pin)
            assert desk.visitor.did == []

    def test_an_ordinary_touch_there_is_a_visitors(self, desk: Desk) -> None:
        window = desk.open()
        window.show_situation(TALK)
        corner = entry(window).corner
        assert window.childAt(4, 4) is corner, "also above a screen that came later"
        click(corner)
        assert desk.visitor.did == [("touch",)]
        QTest.mousePress(corner, Qt.MouseButton.LeftButton)
        QTest.mouseMove(corner, QPoint(400, 300))
        QTest.mouseRelease(corner, Qt.MouseButton.LeftButton, pos=QPoint(400, 300))
        assert not entry(window).is_open

    def test_nothing_of_it_is_to_be_seen(self, desk: Desk) -> None:
        window = desk.open()
        before = window.grab().toImage()
        entry(window).corner.hide()
        assert window.grab().toImage() == before

    def test_without_tools_there_is_no_way(self, qtbot: QtBot, display: Display) -> None:
        window = KioskWindow(
            RasterView(FrameList(), SystemClock()),
            Visitor(),
            Texts.load(resources_dir() / "translations"),
            load_theme(resources_dir() / "themes", "dark"),
        )
        qtbot.addWidget(window, before_close_func=lambda window: window.shut())
        window.show_windowed(800, 600)
        assert window.operator is None


class TestThePin:
    def test_by_touch(self, desk: Desk) -> None:
        window = desk.open(pin=PIN)
        desk.keys(window)
        pad = panel(window).pad
        for digit in "2581":
            click(pad.keys[digit])
        click(pad.keys["⌫"])
        click(pad.keys["0"])
        assert pad.dots.text() == "●●●●"
        click(pad.keys["OK"])
        assert board(window).isVisible()
        assert not pad.isVisible()

    def test_by_keyboard(self, desk: Desk) -> None:
        window = desk.open(pin=PIN)
        desk.keys(window)
        desk.qtbot.waitUntil(lambda: panel(window).pad.hasFocus(), timeout=30_000)
        QTest.keyClicks(panel(window).pad, PIN)
        QTest.keyClick(panel(window).pad, Qt.Key.Key_Return)
        assert board(window).isVisible()

    def test_wrong_ones_are_counted_and_never_shown(self, desk: Desk) -> None:
        window = desk.open(pin=PIN)
        desk.keys(window)
        pad = panel(window).pad
        for _ in range(TRIES):
            for digit in "1111":
                pad.press(digit)
            assert "1111" not in words(pad)
            pad.press("OK")
        assert "60 s" in pad.line.text()
        for digit in PIN:
            pad.press(digit)
        pad.press("OK")
        assert pad.isVisible(), "not even the right one, for a minute"
        desk.operator.clock.now_s += 61.0
        for digit in PIN:
            pad.press(digit)
        pad.press("OK")
        assert board(window).isVisible()

    def test_it_is_asked_each_time_and_what_was_typed_is_forgotten(self, desk: Desk) -> None:
        window = desk.open(pin=PIN)
        desk.keys(window)
        pad = panel(window).pad
        pad.press("2")
        entry(window).close()
        desk.keys(window)
        assert pad.isVisible()
        assert "●" not in pad.dots.text()
        assert not panel(window).board.isVisible()


class TestTheBoard:
    def test_it_tells_what_is_going_on(self, desk: Desk) -> None:
        window = desk.open()
        entry(window).open()
        told = words(board(window))
        for part in ("in conversation", "163 of 200", "731 of 900", "budget is running out", "HTTP 503", "2:03:04"):
            assert part in told
        assert board(window).provider_rows.words == [
            ("deepbrain", "Visits: 121", "Minutes: 502"),
            ("tenbyte", "Visits: 42", "Minutes: 229"),
        ]
        desk.operator.view = QUIET
        desk.qtbot.waitUntil(lambda: "waiting for a visitor" in words(board(window)), timeout=30_000)
        told = words(board(window))
        assert "Nothing is open" in told
        for gone in ("running out", "HTTP 503", "RTMP", "of 200"):
            assert gone not in told

    def test_a_secret_shows_only_while_its_button_is_held(self, desk: Desk) -> None:
        window = desk.open()
        entry(window).open()
        server, key, instructions = board(window).facts
        assert (server.value.accessibleName(), instructions.value.accessibleName()) == (FACTS[0].value, FACTS[2].value)
        assert server.show_button is None
        assert key.value.accessibleName() == HIDDEN
        assert key.show_button is not None
        QTest.mousePress(key.show_button, Qt.MouseButton.LeftButton)
        assert key.value.accessibleName() == KEY.value
        panel(window).board.show_view(BUSY)
        assert board(window).facts[1] is key, "news do not take it out of the operator's hand"
        QTest.mouseRelease(key.show_button, Qt.MouseButton.LeftButton)
        assert key.value.accessibleName() == HIDDEN
        key.show_button.setFocus()
        QTest.keyPress(key.show_button, Qt.Key.Key_Space)
        assert key.value.accessibleName() == KEY.value
        QTest.keyRelease(key.show_button, Qt.Key.Key_Space)
        assert KEY.value not in words(board(window))

    def test_facts_go_with_their_session(self, desk: Desk) -> None:
        window = desk.open()
        entry(window).open()
        panel(window).board.show_view(replace(BUSY, open=(OpenLine("deepbrain", 3.0),)))
        assert board(window).facts == []
        panel(window).board.show_view(BUSY)
        entry(window).close()
        assert panel(window).board.facts == []

    def test_another_avatar_the_end_of_the_visit_and_of_the_kiosk(self, desk: Desk) -> None:
        window = desk.open()
        entry(window).open()
        shown = board(window)
        assert [name for name, choice in shown.choices.items() if choice.isChecked()] == ["tenbyte"]
        assert tuple(shown.choices) == PROVIDERS
        click(shown.choices["deepbrain"])
        click(shown.leave)
        assert desk.operator.did == [("switch", "deepbrain"), ("leave",)]
        with desk.qtbot.assertNotEmitted(window.operator_quit):
            click(shown.quit)
        assert shown.quit.text() == "Really quit?"
        with desk.qtbot.waitSignal(window.operator_quit, timeout=5000):
            click(shown.quit)

    def test_a_visit_goes_on_beneath_it_and_does_not_take_the_focus(self, desk: Desk) -> None:
        window = desk.open()
        entry(window).open()
        for situation in (
            Situation(Phase.WELCOME),
            TALK,
            replace(TALK, notice="still_there", ends_in_s=5.0),
            Situation(Phase.GOODBYE),
        ):
            window.show_situation(situation)
            QApplication.processEvents()
            assert board(window).close_button.hasFocus()
            on_top = window.childAt(640, 360)
            assert on_top is not None
            assert panel(window).isAncestorOf(on_top), situation.phase
        entry(window).close()
        assert window.screen_shown is not None
        assert window.screen_shown.isVisible()
        assert desk.visitor.did == []

    def test_who_walks_away_leaves_nothing_open(self, desk: Desk) -> None:
        window = desk.open()
        tools = desk.operator.tools()
        short = OperatorPanel(window._tools, tools, window, away_ms=400)
        short.open(window.rect())
        desk.qtbot.waitUntil(lambda: not short.isVisible(), timeout=30_000)
        short.shut()
        entry(window).open()
        away = panel(window)._away
        assert (away.isActive(), away.interval()) == (True, 60_000)
        away.stop()
        QTest.keyClick(panel(window), Qt.Key.Key_Tab)
        assert away.isActive(), "every touch begins the minute anew"


def tab_stops(window: KioskWindow) -> set[QWidget | None]:
    seen: set[QWidget | None] = set()
    for _ in range(60):
        QTest.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_Tab)
        seen.add(QApplication.focusWidget())
    return seen


def faults(window: KioskWindow, page: QWidget) -> Iterator[str]:
    """What is cut off, too small to touch, or without a name."""
    for label in page.findChildren(QLabel):
        if label.isVisible() and label.text():
            needed = label.heightForWidth(label.width()) if label.wordWrap() else label.sizeHint().height()
            if needed > label.height() or (not label.wordWrap() and label.sizeHint().width() > label.width()):
                yield f"'{label.accessibleName() or label.text()}' is cut off"
            if not window.rect().left() <= label.mapTo(window, QPoint(0, 0)).x() <= window.width() - label.width():
                yield f"'{label.text()}' reaches beyond the window"
    for button in page.findChildren(QAbstractButton):
        if button.isVisible():
            if min(button.width(), button.height()) < SMALLEST_TARGET:
                yield f"'{button.accessibleName()}' is only {button.width()}x{button.height()}"
            if button.sizeHint().width() > button.width():
                yield f"'{button.text()}' is cut off"
            if not button.accessibleName():
                yield "a button without a name"
            if not window.rect().left() <= button.mapTo(window, QPoint(0, 0)).x() <= window.width() - button.width():
                yield f"'{button.text()}' reaches beyond the window"


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize(
    ("size", "text_scale"), [((800, 600), 1.0), ((1280, 720), 1.0), ((1280, 720), 1.5), ((1080, 1920), 1.0)]
)
def test_everything_fits_and_can_be_touched(
    desk: Desk, size: tuple[int, int], text_scale: float, language: str
) -> None:
    window = desk.open(size, text_scale=text_scale, language=language, pin=PIN)
    entry(window).open()
    QApplication.processEvents()
    assert list(faults(window, panel(window).pad)) == []
    panel(window).pad.opened.emit()
    QApplication.processEvents()
    assert list(faults(window, board(window))) == []
    for bar in (board(window).leave, board(window).quit, board(window).close_button):
        assert window.rect().contains(bar.mapTo(window, bar.rect().center()))


def test_every_control_is_reached_by_the_tab_key_alone(desk: Desk) -> None:
    window = desk.open()
    entry(window).open()
    shown = board(window)
    controls = {button for button in shown.findChildren(QAbstractButton) if button.isVisible()}
    stops = tab_stops(window)
    assert {shown.close_button, shown.leave, shown.quit} <= stops
    assert controls <= stops | set(shown.choices.values())  # of a group of choices one is a stop, arrows lead on
    assert all(stop is None or panel(window).isAncestorOf(stop) for stop in stops), "no visitor's button is among them"


@pytest.mark.parametrize("name", ["dark", "light"])
def test_words_are_readable_on_the_cards(name: str) -> None:
    theme = load_theme(resources_dir() / "themes", name)
    for ink in (theme.text_quiet, theme.on_control):
        assert contrast(ink, theme.control) >= 4.5


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_phase_has_words(language: str) -> None:
    texts = Texts.load(resources_dir() / "translations")
    told = [texts.of(language, f"operator.phase.{phase}") for phase in Phase]
    assert len(set(told)) == len(Phase)


def test_an_empty_budget_draws_no_bar(desk: Desk) -> None:
    window = desk.open()
    entry(window).open()
    panel(window).board.show_view(replace(BUSY, standing=Standing(QUIET.standing.budget, BUSY.standing.spent)))
    assert not board(window).visits_bar.isVisible()
    assert "Visits: 163" in words(board(window))
