"""The window as a visitor meets it: what each situation shows, what each touch does, and what stays behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QAbstractAnimation, QCoreApplication, QEvent, QPoint, Qt, QTimer
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from kiosk.clock import SystemClock
from kiosk.links.contract import AvatarMode, Caption, Speaker
from kiosk.media.frames import STAND_IN
from kiosk.resources import resources_dir
from kiosk.session.notices import Notice
from kiosk.session.view import Phase, Situation
from kiosk.ui.captions import CaptionPanel
from kiosk.ui.cursor_rest import CursorRest
from kiosk.ui.frame_source import FrameRenderer
from kiosk.ui.gl_view import GlView
from kiosk.ui.labels import Pill
from kiosk.ui.metrics import SMALLEST_TARGET
from kiosk.ui.microphone_mark import BARS
from kiosk.ui.raster_view import RasterView
from kiosk.ui.screens.attract import AttractScreen
from kiosk.ui.screens.connecting import ConnectingScreen
from kiosk.ui.screens.live import LiveScreen
from kiosk.ui.screens.message import MessageScreen
from kiosk.ui.screens.text_row import LONGEST_INPUT
from kiosk.ui.screens.waiting import WaitingScreen
from kiosk.ui.screens.welcome import WelcomeScreen
from kiosk.ui.texts import Texts
from kiosk.ui.theme import load_theme
from kiosk.ui.window import KioskWindow
from tests.display import Display
from tests.window.conftest import SCREEN
from tests.window.frames import FrameList, bgra_card, flat_i420
from tests.window.visitor import Visitor

SIZES = [(800, 600), (1280, 720), (1080, 1920)]
TALK = Situation(
    Phase.LIVE, AvatarMode.SPEAKING, picture=True, microphone=True, can_type=True, can_interrupt=True, language="en"
)
LONG_ANSWER = "The lift is behind you, and room 214 is the third door on the right. " * 12


class House:
    """A window with everything around it."""

    def __init__(self, qtbot: QtBot, display: Display) -> None:
        self.qtbot = qtbot
        self.display = display
        self.visitor = Visitor()
        self.frames = FrameList()
        self.texts = Texts.load(resources_dir() / "translations")

    def raster(self) -> RasterView:
        return RasterView(self.frames, SystemClock())

    def opengl(self) -> GlView:
        return GlView(self.frames, SystemClock(), resources_dir() / "shaders")

    def build(self, view: FrameRenderer | None = None, theme: str = "dark", text_scale: float = 1.0) -> KioskWindow:
        window = KioskWindow(
            view or self.raster(),
            self.visitor,
            self.texts,
            load_theme(resources_dir() / "themes", theme),
            badge="simulated",
            text_scale=text_scale,
        )
        self.qtbot.addWidget(window, before_close_func=lambda window: window.shut())
        return window

    def open(self, size: tuple[int, int] = (1280, 720), view: FrameRenderer | None = None) -> KioskWindow:
        window = self.build(view)
        window.show_windowed(*size)
        self.qtbot.waitExposed(window)
        return window

    def pixel(self, x: int, y: int) -> tuple[int, ...]:
        return tuple(int(value) for value in self.display.framebuffer()[y, x])

    def click(self, widget: QWidget) -> None:
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


@pytest.fixture
def house(qtbot: QtBot, display: Display) -> House:
    return House(qtbot, display)


def visible(window: QWidget, kind: type[QWidget]) -> list[QWidget]:
    return [widget for widget in window.findChildren(kind) if widget.isVisible()]


def live(window: KioskWindow) -> LiveScreen:
    assert isinstance(window.screen_shown, LiveScreen)
    return window.screen_shown


# What is on the screen


@pytest.mark.parametrize(
    ("phase", "picture", "screen"),
    [
        (Phase.ATTRACT, False, AttractScreen),
        (Phase.WELCOME, False, WelcomeScreen),
        (Phase.CONNECTING, False, ConnectingScreen),
        (Phase.LIVE, True, LiveScreen),
        (Phase.LIVE, False, ConnectingScreen),
        (Phase.RECOVERING, True, LiveScreen),
        (Phase.RECOVERING, False, ConnectingScreen),
        (Phase.FALLBACK, True, LiveScreen),
        (Phase.FALLBACK, False, LiveScreen),
        (Phase.GOODBYE, True, MessageScreen),
        (Phase.OUT_OF_SERVICE, False, MessageScreen),
    ],
)
def test_each_phase_has_its_screen(house: House, phase: Phase, picture: bool, screen: type[QWidget]) -> None:
    window = house.open()
    window.show_situation(Situation(phase, picture=picture))
    assert isinstance(window.screen_shown, screen)
    assert window.screen_shown.isVisible()
    assert window.screen_shown.size() == window.size()


COMPANY = Situation(Phase.CONNECTING, awaits_avatar=True)


def test_company_for_a_visitor_who_waits(house: House) -> None:
    """The picture is seen through the screen, and goes over into the avatar's without a new beginning."""
    window = house.open((640, 480))
    window.show_situation(COMPANY)
    assert isinstance(window.screen_shown, ConnectingScreen), "nobody is there yet"
    window.expect_company()
    waiting = window.screen_shown
    assert isinstance(waiting, WaitingScreen)
    house.frames.put(replace(flat_i420(320, 240, (81, 90, 240)), channel=STAND_IN))
    window.view.pump()
    house.qtbot.waitUntil(lambda: house.pixel(600, 200)[0] > 200)
    assert window.view.painted == 0
    assert window.view.first_painted_s is None, "no avatar was seen"
    house.click(waiting.back)
    QTest.mouseClick(waiting, Qt.MouseButton.LeftButton, pos=QPoint(20, 200))
    assert house.visitor.did == [("leave",), ("touch",)]
    house.frames.put(replace(flat_i420(320, 240, (41, 240, 110)), channel=1))
    window.show_situation(TALK)
    window.view.pump()
    seen: list[tuple[int, ...]] = []

    def is_there() -> bool:
        seen.append(house.pixel(600, 200))
        return seen[-1][2] > 200

    house.qtbot.waitUntil(is_there)
    assert min(max(colour) for colour in seen) > 100, "between the two it never grew dark"
    assert window.view.first_painted_s is not None


@pytest.mark.parametrize(
    ("situation", "screen"),
    [
        (COMPANY, WaitingScreen),
        (replace(COMPANY, phase=Phase.LIVE), WaitingScreen),  # a voice whose face is being drawn
        (Situation(Phase.CONNECTING), ConnectingScreen),  # the persona itself, which is there at once
        (Situation(Phase.LIVE, notice="stage_empty"), ConnectingScreen),
        (Situation(Phase.RECOVERING), ConnectingScreen),
        (Situation(Phase.OUT_OF_SERVICE), MessageScreen),
    ],
)
def test_company_only_where_somebody_comes(house: House, situation: Situation, screen: type[QWidget]) -> None:
    window = house.open()
    window.expect_company()
    window.show_situation(situation)
    assert isinstance(window.screen_shown, screen)


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("size", SIZES)
def test_the_words_of_who_waits_fit(house: House, size: tuple[int, int], language: str) -> None:
    window = house.build(text_scale=1.3)
    window.expect_company()
    window.show_windowed(*size)
    for notice in ("", *Notice):
        window.show_situation(replace(COMPANY, notice=notice, language=language))
        assert everything_fits(window) == []


def lay_out() -> None:
    QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)


def everything_fits(window: KioskWindow) -> list[str]:
    """What is cut off or too small to touch, in words; empty when all is well."""
    faults: list[str] = []
    room = window.rect()
    for widget in [*visible(window, QLabel), *visible(window, Pill), *visible(window, CaptionPanel)]:
        area = widget.rect().translated(widget.mapTo(window, QPoint(0, 0)))
        if not room.contains(area):
            faults.append(f"{widget.accessibleName()} reaches beyond the window: {area}")
    for label in visible(window, QLabel):
        assert isinstance(label, QLabel)
        if label.text() and label.heightForWidth(label.width()) > label.height():
            faults.append(f"'{label.text()}' needs {label.heightForWidth(label.width())} of {label.height()} pixels")
    for control in [*visible(window, QAbstractButton), *visible(window, QLineEdit)]:
        area = control.rect().translated(control.mapTo(window, QPoint(0, 0)))
        name = control.accessibleName()
        if not name:
            faults.append(f"a {type(control).__name__} without a name")
        if not room.contains(area):
            faults.append(f"'{name}' reaches beyond the window: {area}")
        if area.height() < SMALLEST_TARGET or area.width() < SMALLEST_TARGET:
            faults.append(f"'{name}' is only {area.width()}x{area.height()}")
        if area.center().y() < window.height() // 2:
            faults.append(f"'{name}' is out of reach in the upper half")
        if isinstance(control, QAbstractButton) and control.sizeHint().width() > control.width():
            faults.append(f"'{name}' is cut off: {control.sizeHint().width()} > {control.width()}")
        if control.focusPolicy() & Qt.FocusPolicy.TabFocus != Qt.FocusPolicy.TabFocus:
            faults.append(f"'{name}' cannot be reached with the Tab key")
    return faults


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_cut_off_in_any_situation(house: House, size: tuple[int, int], language: str) -> None:
    window = house.open(size)
    notices = ["", *Notice, "a_word_nobody_knows"]
    faults: list[str] = []
    for phase in Phase:
        for notice in notices:
            seconds = 10.0 if notice in (Notice.STILL_THERE, Notice.ENDING_SOON) else None
            situation = replace(TALK, phase=phase, notice=notice, ends_in_s=seconds, language=language)
            window.show_situation(situation)
            if phase is Phase.LIVE and notice == "":
                window.show_words(Caption(Speaker.VISITOR, "v", LONG_ANSWER, True))
                window.show_words(Caption(Speaker.AVATAR, "a", LONG_ANSWER, True))
                house.click(live(window).type)
            lay_out()
            faults += [f"{phase} {notice}: {fault}" for fault in everything_fits(window)]
    assert not faults, "\n".join(faults)


def test_larger_text_still_fits(house: House) -> None:
    window = house.build(text_scale=1.3)
    window.show_windowed(1280, 720)
    for phase in Phase:
        window.show_situation(replace(TALK, phase=phase, notice=""))
        lay_out()
        assert everything_fits(window) == []


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_both_themes_draw(house: House, theme: str) -> None:
    window = house.build(theme=theme)
    window.show_windowed(800, 600)
    house.qtbot.waitExposed(window)
    lightness = window.grab().toImage().pixelColor(4, 4).lightness()
    assert (lightness > 128) is (theme == "light")


def test_controls_are_buttons_with_names_for_screen_readers(house: House) -> None:
    window = house.open()
    window.show_situation(TALK)
    screen = live(window)
    for button, name in ((screen.interrupt, "Stop speaking"), (screen.type, "Type"), (screen.goodbye, "Goodbye")):
        interface = QAccessible.queryAccessibleInterface(button)
        assert interface.text(QAccessible.Text.Name) == name
        assert interface.role() == QAccessible.Role.Button
    window.show_situation(Situation(Phase.WELCOME))
    assert isinstance(window.screen_shown, WelcomeScreen)
    chosen = QAccessible.queryAccessibleInterface(window.screen_shown.choices["en"])
    assert chosen.state().checked


@pytest.mark.parametrize(
    ("situation", "words"),
    [
        (Situation(Phase.GOODBYE), "Thank you for your visit."),
        (Situation(Phase.GOODBYE, notice="busy"), "talking with other visitors"),
        (Situation(Phase.GOODBYE, notice="connection_lost"), "We were cut off"),
        (Situation(Phase.OUT_OF_SERVICE), "Our staff will be glad to help you."),
        (Situation(Phase.OUT_OF_SERVICE, notice="unavailable"), "cannot be reached right now"),
        (Situation(Phase.OUT_OF_SERVICE, notice="ConnectError: 401"), "One moment, please"),
        (Situation(Phase.OUT_OF_SERVICE, notice="busy", language="de"), "Ein wenig Geduld"),
    ],
)
def test_messages_are_friendly_words(house: House, situation: Situation, words: str) -> None:
    window = house.open()
    window.show_situation(situation)
    assert isinstance(window.screen_shown, MessageScreen)
    assert words in window.screen_shown.words
    assert "401" not in window.screen_shown.words


# What a touch does


def test_attract_begins_with_a_touch_anywhere_once_the_finger_is_lifted(house: House) -> None:
    window = house.open()
    screen = window.screen_shown
    assert screen is not None
    QTest.mousePress(screen, Qt.MouseButton.LeftButton, pos=QPoint(20, 20))
    assert house.visitor.did == []
    QTest.mouseRelease(screen, Qt.MouseButton.LeftButton, pos=QPoint(20, 20))
    assert house.visitor.did == [("touch",)]
    assert isinstance(screen, AttractScreen)
    house.click(screen.begin)
    assert house.visitor.did == [("touch",)] * 2


def test_attract_begins_with_the_keyboard(house: House) -> None:
    window = house.open()
    house.qtbot.waitUntil(window.isActiveWindow, timeout=5000)
    focused = window.focusWidget()
    assert focused is not None
    QTest.keyClick(focused, Qt.Key.Key_Return)
    QTest.keyClick(focused, Qt.Key.Key_Space)
    assert house.visitor.did == [("touch",)] * 2


def test_welcome_tells_of_the_ai_and_hands_on_the_language(house: House) -> None:
    window = house.open()
    window.show_situation(Situation(Phase.WELCOME))
    screen = window.screen_shown
    assert isinstance(screen, WelcomeScreen)
    words = " ".join(label.text() for label in screen.findChildren(QLabel))
    assert "AI avatar" in words
    assert "microphone" in words
    house.click(screen.choices["de"])
    words = " ".join(label.text() for label in screen.findChildren(QLabel))
    assert "KI-Avatar" in words
    assert screen.start.text() == "Gespräch beginnen"
    house.click(screen.start)
    house.click(screen.back)
    assert house.visitor.did == [("touch",), ("accept", "de"), ("leave",)]
    # The next visitor starts from the kiosk's own language again.
    window.show_situation(Situation(Phase.ATTRACT))
    window.show_situation(Situation(Phase.WELCOME))
    assert screen.language == "en"


def test_live_controls(house: House) -> None:
    window = house.open()
    window.show_situation(TALK)
    screen = live(window)
    house.click(screen.interrupt)
    house.click(screen.goodbye)
    assert house.visitor.did == [("interrupt",), ("leave",)]
    window.show_situation(replace(TALK, mode=AvatarMode.LISTENING))
    assert not screen.interrupt.isEnabled()
    window.show_situation(replace(TALK, can_interrupt=False, can_type=False))
    assert not screen.interrupt.isVisible()
    assert not screen.type.isVisible()
    QTest.mouseClick(screen, Qt.MouseButton.LeftButton, pos=QPoint(640, 300))
    assert house.visitor.did[-1] == ("touch",)


def test_typing(house: House) -> None:
    window = house.open()
    window.show_situation(TALK)
    screen = live(window)
    house.click(screen.type)
    field = screen.text_row.field
    assert field.isVisible()
    QTest.keyClicks(field, "  Where is the lift?  ")
    QTest.keyClick(field, Qt.Key.Key_Return)
    QTest.keyClick(field, Qt.Key.Key_Return)  # nothing to send now
    assert [did for did in house.visitor.did if did[0] == "type"] == [("type", "Where is the lift?")]
    assert screen.captions.lines == [(Speaker.VISITOR, "You:  Where is the lift?")]
    assert ("touch",) in house.visitor.did  # typing shows that somebody is there
    field.insert("x" * (LONGEST_INPUT + 50))
    house.click(screen.text_row.button)
    assert house.visitor.did[-1] == ("type", "x" * LONGEST_INPUT)
    window.show_situation(replace(TALK, can_type=False))
    assert not field.isVisible()


def test_idle_countdown_is_ended_by_a_touch_anywhere(house: House) -> None:
    window = house.open()
    window.show_situation(replace(TALK, notice=Notice.STILL_THERE, ends_in_s=9.0))
    panel = window.idle_panel
    assert panel is not None
    assert panel.isVisible()
    assert "9 s" in " ".join(label.text() for label in panel.findChildren(QLabel))
    house.click(panel.stay)
    QTest.mouseClick(panel, Qt.MouseButton.LeftButton, pos=QPoint(10, 10))
    house.click(panel.leave)
    assert house.visitor.did == [("touch",), ("touch",), ("leave",)]
    window.show_situation(replace(TALK, notice=Notice.STILL_THERE, ends_in_s=8.0))
    assert "8 s" in " ".join(label.text() for label in panel.findChildren(QLabel))
    window.show_situation(TALK)
    assert not panel.isVisible()


def test_notices_stand_over_the_picture(house: House) -> None:
    window = house.open()
    window.show_situation(replace(TALK, phase=Phase.RECOVERING, notice=Notice.RECONNECTING))
    banner = live(window).banner
    assert banner.isVisible()
    assert banner.text == "One moment, we are reconnecting …"
    window.show_situation(replace(TALK, notice=Notice.ENDING_SOON, ends_in_s=25.0))
    assert banner.text == "Our time is almost over: 25 s left."
    window.show_situation(TALK)
    assert not banner.isVisible()


def test_microphone_state_and_level(house: House) -> None:
    window = house.open()
    window.show_situation(TALK)
    mark = live(window).microphone
    assert mark.accessibleName() == "Speaking"
    house.qtbot.wait(100)
    window.set_microphone_level(0.0)
    assert mark.lit == BARS
    house.qtbot.wait(100)
    window.set_microphone_level(-90.0)
    assert mark.lit == 0
    window.show_situation(replace(TALK, mode=AvatarMode.LISTENING, microphone=False))
    assert mark.accessibleName() == "Microphone off"
    house.qtbot.wait(100)
    window.set_microphone_level(0.0)
    assert mark.lit == 0


def test_captions_of_both_sides(house: House) -> None:
    window = house.open()
    window.show_situation(TALK)
    captions = live(window).captions
    window.show_words(Caption(Speaker.VISITOR, "v1", "Where is", False))
    window.show_words(Caption(Speaker.VISITOR, "v1", "Where is the lift?", True))
    window.show_words(Caption(Speaker.AVATAR, "a1", "Behind", False))
    window.show_words(Caption(Speaker.AVATAR, "a1", "Behind you.", True))
    assert captions.lines == [
        (Speaker.VISITOR, "You:  Where is the lift?"),
        (Speaker.AVATAR, "Avatar:  Behind you."),
    ]
    window.show_words(Caption(Speaker.AVATAR, "a2", LONG_ANSWER + "The end.", False))
    avatar = [line for speaker, line in captions.lines if speaker is Speaker.AVATAR]
    assert len(avatar) == 3
    assert avatar[0].startswith("… ")
    assert " ".join(avatar).endswith("The end.")
    window.show_words(Caption(Speaker.VISITOR, "v2", "Thanks.", True))
    assert captions.lines[-1] == (Speaker.VISITOR, "You:  Thanks.")
    captions.clear()
    assert not captions.isVisible()


def test_captions_outside_a_conversation_are_not_shown(house: House) -> None:
    window = house.open()
    window.show_words(Caption(Speaker.AVATAR, "a1", "Too late.", True))
    window.show_situation(TALK)
    assert live(window).captions.lines == []


def test_nothing_of_a_visit_stays_for_the_next_visitor(house: House) -> None:
    window = house.open()
    window.show_situation(TALK)
    house.frames.put(bgra_card(64, 48))
    window.view.pump()
    house.qtbot.waitUntil(lambda: window.view.painted == 1, timeout=5000)
    screen = live(window)
    house.click(screen.type)
    QTest.keyClicks(screen.text_row.field, "my secret")
    window.show_words(Caption(Speaker.VISITOR, "v1", "my name is Ada", True))
    window.show_situation(Situation(Phase.GOODBYE))
    window.show_situation(Situation(Phase.ATTRACT))
    window.show_situation(TALK)
    assert screen.text_row.field.text() == ""
    assert screen.captions.lines == []
    assert window.view.first_painted_s is None
    assert "Ada" not in (screen.captions.accessibleName() or "")


# The picture below


@pytest.mark.parametrize("kind", ["opengl", "raster"])
def test_the_last_picture_is_held_under_the_banner(house: House, kind: str) -> None:
    view = house.opengl() if kind == "opengl" else house.raster()
    window = house.open((1280, 720), view)
    window.move(0, 0)
    window.show_situation(TALK)
    house.frames.put(flat_i420(320, 180, (81, 90, 240)))
    view.pump()
    house.qtbot.waitUntil(lambda: not running(window), timeout=5000)
    house.qtbot.waitUntil(lambda: house.pixel(200, 300) == (254, 0, 0), timeout=5000)
    window.show_situation(replace(TALK, phase=Phase.RECOVERING, notice=Notice.RECONNECTING))
    house.qtbot.wait(200)
    assert house.pixel(200, 300) == (254, 0, 0)
    assert view.painted == 1


def test_a_broken_view_is_replaced_in_the_open_window(house: House) -> None:
    view = house.opengl()
    window = house.open((640, 360), view)
    window.move(0, 0)
    window.show_situation(TALK)
    window.replace_view(house.raster())
    house.frames.put(bgra_card(640, 360))
    window.view.pump()
    house.qtbot.waitUntil(lambda: house.pixel(80, 135)[0] > 250, timeout=5000)
    assert window.view.kind == "raster"


def test_bad_shaders_are_reported_as_broken(house: House, expected_log: Callable[[str], None]) -> None:
    expected_log("OpenGL cannot paint here")
    view = GlView(house.frames, SystemClock(), resources_dir() / "no-such-folder")
    house.qtbot.addWidget(view, before_close_func=lambda view: view.shut())
    with house.qtbot.waitSignal(view.broken, timeout=5000):
        view.show()


# Window, keys and the end


def test_kiosk_fills_the_screen_without_a_window_manager(house: House) -> None:
    window = house.build()
    window.show_kiosk()
    house.qtbot.waitExposed(window)
    assert window.geometry().getRect() == (0, 0, *SCREEN)

    def covered() -> None:
        screen = house.display.framebuffer().astype(np.int16)
        corners = [screen[0, 0], screen[0, -1], screen[-1, 0], screen[-1, -1]]
        assert all(int(corner.sum()) > 0 for corner in corners)  # the bare X screen is black

    house.qtbot.waitUntil(covered, timeout=5000)


def test_kiosk_keys(house: House) -> None:
    window = house.build()
    window.show_kiosk()
    house.qtbot.waitUntil(window.isActiveWindow, timeout=5000)
    quits: list[None] = []
    window.operator_quit.connect(lambda: quits.append(None))
    QTest.keyClick(window, Qt.Key.Key_Escape)
    window.close()
    assert window.isVisible()
    assert house.visitor.did == []
    assert quits == []
    QTest.keyClick(window, Qt.Key.Key_Q, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
    assert quits == [None]


def test_windowed_keys(house: House) -> None:
    window = house.open((800, 600))
    house.qtbot.waitUntil(window.isActiveWindow, timeout=5000)
    quits: list[None] = []
    window.operator_quit.connect(lambda: quits.append(None))
    window.show_situation(TALK)
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert house.visitor.did == [("leave",)]
    window.close()
    assert quits == [None]
    assert window.isVisible()  # until the visit was ended in order
    window.shut()
    assert not window.isVisible()


def test_the_pointer_rests_out_of_sight(house: House, qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    rest = CursorRest(window, rest_ms=30)
    assert window.cursor().shape() is Qt.CursorShape.BlankCursor
    window.resize(300, 200)
    window.show()
    qtbot.waitExposed(window)
    QTest.mouseMove(window, QPoint(50, 50))
    QTest.mouseMove(window, QPoint(60, 60))
    qtbot.waitUntil(lambda: window.cursor().shape() is Qt.CursorShape.ArrowCursor, timeout=5000)
    qtbot.waitUntil(lambda: window.cursor().shape() is Qt.CursorShape.BlankCursor, timeout=5000)
    rest.stop()
    assert window.cursor().shape() is Qt.CursorShape.ArrowCursor


def running(window: QWidget) -> list[object]:
    timers = [timer for timer in window.findChildren(QTimer) if timer.isActive()]
    motions = [
        motion
        for motion in window.findChildren(QAbstractAnimation)
        if motion.state() is QAbstractAnimation.State.Running
    ]
    return [*timers, *motions]


@pytest.mark.parametrize("phase", list(Phase))
def test_no_timer_or_animation_outlives_the_window(house: House, phase: Phase) -> None:
    window = house.build()
    window.show_kiosk()
    house.qtbot.waitExposed(window)
    window.show_situation(replace(TALK, phase=phase))
    window.show_words(Caption(Speaker.AVATAR, "a", "Hello", True))
    window.shut()
    window.shut()
    assert running(window) == []
    window.show_situation(Situation(Phase.ATTRACT))  # a late word changes nothing
    window.set_microphone_level(-20.0)
    assert running(window) == []


def test_nothing_moves_while_the_picture_is_shown(house: House) -> None:
    window = house.open()
    assert running(window)  # the attract screen moves
    window.show_situation(TALK)
    house.qtbot.waitUntil(lambda: not running(window), timeout=5000)


def test_a_countdown_is_never_shown_as_a_placeholder(house: House) -> None:
    window = house.open()
    for phase in Phase:
        for notice in Notice:
            window.show_situation(Situation(phase, notice=notice))
            shown = [label.text() for label in window.findChildren(QLabel)]
            assert "{" not in "".join([*shown, *(pill.text for pill in window.findChildren(Pill))])
