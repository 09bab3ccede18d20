"""Questions to touch and cards to look at: where they stand, what a touch does, and that nothing of them stays."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import segno
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QAccessible, QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from kiosk.links.contract import AvatarMode, Caption, Card, Speaker, Suggestions
from kiosk.session.notices import Notice
from kiosk.session.view import Phase, Situation
from kiosk.ui.card_art import load_picture
from kiosk.ui.chips import MOST, REPEAT_MS
from kiosk.ui.metrics import SMALLEST_TARGET
from kiosk.ui.qr import QUIET_MODULES, qr_image
from kiosk.ui.screens.live import LiveScreen
from kiosk.ui.screens.screen import Screen
from kiosk.ui.window import KioskWindow
from tests.display import Display
from tests.window.test_kiosk_window import House, everything_fits, lay_out, live

TALK = Situation(
    Phase.LIVE, AvatarMode.SPEAKING, picture=True, microphone=True, can_type=True, can_interrupt=True, language="en"
)
SIZES = [(800, 600), (1280, 720), (1920, 1080), (1080, 1920), (720, 1280)]
QUESTIONS = (
    "What are the opening hours?",
    "How do I find my room?",
    "Is there Wi-Fi?",
    "Where can I park, and what does it cost when I leave the car for a whole day?",
    "I have a delivery",
    "Can I talk to a person?",
)
LINK = "https://example.test/visitors/rooms?floor=2"
LONG_ANSWER = "The lift is behind you, and room 214 is the third door on the right. " * 12


@pytest.fixture
def house(qtbot: QtBot, display: Display) -> House:
    return House(qtbot, display)


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    picture = QImage(1200, 700, QImage.Format.Format_RGB32)
    picture.fill(QColor("#ff8800"))
    path = tmp_path / "plan.png"
    assert picture.save(str(path))
    return path


def full_card(plan: Path | None = None) -> Card:
    text = "Ground floor: reception, canteen\n1st floor: offices\n2nd floor: meeting rooms 201 – 212"
    return Card("The way to the rooms", text, plan, LINK, "example.test/visitors/rooms")


def talk(house: House, size: tuple[int, int] = (1280, 720)) -> tuple[KioskWindow, LiveScreen]:
    window = house.open(size)
    window.show_situation(TALK)
    return window, live(window)


def with_art(house: House, window: KioskWindow, card: Card) -> LiveScreen:
    """Shows a card and waits for its picture and code."""
    window.show_words(card)
    screen = live(window)
    wanted = (card.picture is not None, bool(card.qr))
    house.qtbot.waitUntil(
        lambda: (screen.card.art.picture is not None, screen.card.art.qr is not None) == wanted, timeout=10_000
    )
    return screen


def chips(screen: LiveScreen) -> list[str]:
    return [chip.question for chip in screen.chips.chips if chip.isVisible()]


def area(widget: QWidget) -> QRect:
    return widget.rect().translated(widget.mapTo(widget.window(), QPoint(0, 0)))


def overlaps(screen: LiveScreen) -> list[str]:
    parts = {"captions": screen.captions, "card": screen.card, "banner": screen.banner, "text row": screen.text_row}
    parts |= {"interrupt": screen.interrupt, "type": screen.type, "goodbye": screen.goodbye}
    parts |= {"badge": screen.badge, "microphone": screen.microphone}
    parts |= {chip.question: chip for chip in screen.chips.chips}
    shown = {name: area(part) for name, part in parts.items() if part.isVisible()}
    return [
        f"{one} {shown[one]} lies over {other} {shown[other]}"
        for one, other in itertools.combinations(shown, 2)
        if shown[one].intersects(shown[other])
    ]


# Where they stand


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", ["en", "de"])
def test_nothing_is_cut_off_and_nothing_covers_anything(
    house: House, plan: Path, size: tuple[int, int], language: str
) -> None:
    window = house.open(size)
    window.show_situation(replace(TALK, language=language))
    screen = with_art(house, window, full_card(plan))
    faults: list[str] = []
    for card in (Card(), Card("Short"), Card("Words", LONG_ANSWER * 20, link="x" * 300), full_card(plan)):
        for questions, notice, typing in itertools.product(((), QUESTIONS), ("", Notice.ENDING_SOON), (False, True)):
            window.show_situation(replace(TALK, language=language, notice=notice, ends_in_s=20.0 if notice else None))
            window.show_words(Suggestions(questions))
            window.show_words(card)
            window.show_words(Caption(Speaker.VISITOR, "v", LONG_ANSWER, True))
            window.show_words(Caption(Speaker.AVATAR, "a", LONG_ANSWER, True))
            if screen.text_row.isVisible() is not typing:
                house.click(screen.type)
            lay_out()
            state = f"{card.title or 'no card'}, {len(questions)} questions, {notice or 'calm'}, typing {typing}"
            faults += [f"{state}: {fault}" for fault in [*everything_fits(window), *overlaps(screen)]]
            if not screen.captions.isVisible():
                faults.append(f"{state}: no caption can be read")
            if questions and not chips(screen):
                faults.append(f"{state}: no question is offered")
            if card.title:
                room = screen.card.rect()
                parts = placed(screen)
                faults += [f"{state}: {part} leaves the card {room}" for part in parts if not room.contains(part)]
                faults += [
                    f"{state}: {one} lies over {other} in the card"
                    for one, other in itertools.combinations(parts, 2)
                    if one.intersects(other)
                ]
    assert not faults, "\n".join(faults)


def placed(screen: LiveScreen) -> list[QRect]:
    layout = screen.card.placed
    blocks = [QRect(block.x, block.y, block.width, block.height) for block in layout.blocks]
    return [part for part in (*blocks, layout.picture, layout.code, layout.button) if not part.isEmpty()]


@pytest.mark.parametrize("scale", [0.8, 1.4, 2.0])
@pytest.mark.parametrize("size", [*SIZES, (1000, 1000)])
def test_larger_and_smaller_text_still_fits(house: House, plan: Path, size: tuple[int, int], scale: float) -> None:
    window = house.build(text_scale=scale)
    window.show_windowed(*size)
    faults: list[str] = []
    for phase, language, notice in itertools.product(Phase, ("en", "de"), ("", Notice.BUSY, Notice.STILL_THERE)):
        seconds = 9.0 if notice == Notice.STILL_THERE else None
        window.show_situation(replace(TALK, phase=phase, language=language, notice=notice, ends_in_s=seconds))
        if phase is Phase.LIVE:
            window.show_words(Suggestions(QUESTIONS))
            window.show_words(full_card(plan))
            window.show_words(Caption(Speaker.AVATAR, "a", LONG_ANSWER, True))
            faults += overlaps(live(window))
        lay_out()
        faults += [f"{phase} {language} {notice}: {fault}" for fault in everything_fits(window)]
    assert not faults, "\n".join(faults)


def test_larger_text_is_larger_where_there_is_room(house: House) -> None:
    window = house.build(text_scale=1.4)
    window.show_windowed(1920, 1080)
    window.show_situation(TALK)
    assert live(window).metrics.text == 42
    window.show_situation(Situation(Phase.GOODBYE))
    screen = window.screen_shown
    assert isinstance(screen, Screen)
    assert screen.metrics.text == 42


def test_in_landscape_the_face_stays_free(house: House) -> None:
    window, screen = talk(house)
    window.show_words(Suggestions(QUESTIONS))
    window.show_words(Caption(Speaker.AVATAR, "a", LONG_ANSWER, True))
    lips = round(720 * 0.61)
    assert area(screen.captions).top() >= lips
    assert max(area(chip).right() for chip in screen.chips.chips if chip.isVisible()) < 1280 * 0.36
    window.show_words(full_card())
    assert area(screen.card).left() > 1280 * 0.6
    assert area(screen.captions).top() >= lips


# What a touch does


def test_a_touched_question_is_asked(house: House) -> None:
    window, screen = talk(house)
    window.show_words(Suggestions(QUESTIONS))
    asked = chips(screen)
    assert asked == list(QUESTIONS[: len(asked)])
    assert len(asked) >= 4
    house.click(screen.chips.chips[1])
    house.click(screen.chips.chips[1])  # an unsteady hand
    assert house.visitor.did == [("type", QUESTIONS[1])]
    assert screen.captions.lines == [(Speaker.VISITOR, f"You:  {QUESTIONS[1]}")]
    house.qtbot.wait(REPEAT_MS + 50)
    house.click(screen.chips.chips[3])
    assert house.visitor.did[-1] == ("type", QUESTIONS[3])  # the whole question, however much of it was to be seen
    assert screen.chips.chips[3].text() != QUESTIONS[3]


def test_new_questions_take_the_place_of_the_old_ones(house: House) -> None:
    window, screen = talk(house)
    window.show_words(Suggestions(QUESTIONS))
    window.show_words(Suggestions(("Anything else?", " ", "Anything else?")))
    assert chips(screen) == ["Anything else?"]
    window.show_words(Suggestions(()))
    assert chips(screen) == []
    assert not screen.chips.isVisible()


def test_questions_are_offered_only_where_they_would_be_heard(house: House) -> None:
    window, screen = talk(house)
    window.show_words(Suggestions(QUESTIONS))
    window.show_situation(replace(TALK, phase=Phase.RECOVERING, can_type=False, notice=Notice.RECONNECTING))
    assert chips(screen) == []
    window.show_situation(TALK)
    assert chips(screen)


def test_strange_questions(house: House) -> None:
    window, screen = talk(house)
    strange = ("x" * 10_000, "R&D <b>&amp;</b>", "שאלה על חניה", "👋🏽 hi\nthere", "$(rm -rf /)", "six", "seven")
    window.show_words(Suggestions(strange))
    assert screen.chips.questions == strange[:MOST]
    lay_out()
    assert everything_fits(window) == []
    assert all(chip.shortcut().isEmpty() for chip in screen.chips.chips)
    house.click(screen.chips.chips[1])
    assert house.visitor.did == [("type", strange[1])]


def test_chips_and_the_close_button_are_reached_by_the_keyboard_in_their_order(house: House) -> None:
    window, screen = talk(house)
    house.qtbot.waitUntil(window.isActiveWindow, timeout=5000)
    window.show_words(Suggestions(QUESTIONS[:3]))
    window.show_words(Card("Hours", "8 to 18"))
    first = screen.chips.chips[0]
    first.setFocus(Qt.FocusReason.TabFocusReason)
    order: list[QWidget] = [first]
    for _ in range(12):
        focused = window.focusWidget()
        assert focused is not None
        QTest.keyClick(focused, Qt.Key.Key_Tab)
        following = window.focusWidget()
        assert following is not None
        if following is first:
            break
        order.append(following)
    names = [widget.accessibleName() for widget in order]
    shown = chips(screen)
    assert names == [*shown, "Close", "Stop speaking", "Type", "Goodbye"]
    QTest.keyClick(first, Qt.Key.Key_Return)
    assert house.visitor.did == [("type", QUESTIONS[0])]


def test_the_focus_of_the_keyboard_is_seen(house: House) -> None:
    window, screen = talk(house)
    house.qtbot.waitUntil(window.isActiveWindow, timeout=5000)
    window.show_words(Suggestions(QUESTIONS[:1]))
    chip = screen.chips.chips[0]
    plain = chip.grab().toImage()
    chip.setFocus(Qt.FocusReason.TabFocusReason)
    assert chip.grab().toImage() != plain
    assert chip.height() >= SMALLEST_TARGET


def test_a_screen_reader_is_told_the_whole_question(house: House) -> None:
    window, screen = talk(house, (800, 600))
    window.show_words(Suggestions((QUESTIONS[3],)))
    chip = QAccessible.queryAccessibleInterface(screen.chips.chips[0])
    assert chip.text(QAccessible.Text.Name) == QUESTIONS[3]
    assert chip.role() == QAccessible.Role.Button
    assert screen.chips.accessibleName() == "Suggested questions"


# Cards


def test_a_card_shows_its_words_and_is_closed_by_the_visitor(house: House) -> None:
    window, screen = talk(house)
    window.show_words(full_card())
    assert screen.card.isVisible()
    assert screen.card.lines[0] == "The way to the rooms"
    assert "example.test/visitors/rooms" in screen.card.lines
    assert screen.card.accessibleName() == "The way to the rooms"
    house.click(screen.card.close_button)
    assert not screen.card.isVisible()
    assert house.visitor.did == [("touch",)]
    window.show_situation(replace(TALK, mode=AvatarMode.LISTENING))
    assert not screen.card.isVisible()


def test_an_empty_card_takes_the_card_away_and_gives_the_room_back(house: House) -> None:
    window, screen = talk(house)
    window.show_words(Caption(Speaker.AVATAR, "a", LONG_ANSWER, True))
    wide = screen.captions.width()
    window.show_words(full_card())
    assert screen.captions.width() < wide
    window.show_words(Card())
    assert not screen.card.isVisible()
    assert screen.captions.width() == wide


def test_the_picture_is_shown_in_its_own_shape(house: House, plan: Path) -> None:
    window, _ = talk(house)
    screen = with_art(house, window, full_card(plan))
    shown = screen.card.placed.picture
    assert shown.width() / shown.height() == pytest.approx(1200 / 700, rel=0.03)
    centre = screen.card.grab().toImage().pixelColor(shown.center())
    assert (centre.red(), centre.green(), centre.blue()) == (0xFF, 0x88, 0x00)


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", [(800, 600), (1280, 720), (1080, 1920)])
def test_the_code_on_the_screen_is_the_code_of_the_text(house: House, theme: str, size: tuple[int, int]) -> None:
    window = house.build(theme=theme)
    window.show_windowed(*size)
    window.show_situation(TALK)
    screen = with_art(house, window, full_card())
    matrix = np.array([list(row) for row in segno.make(LINK, error="m", micro=False, boost_error=False).matrix], bool)
    square = grey(screen.card.grab(screen.card.placed.code).toImage())
    assert scanned(square, len(matrix)).tolist() == matrix.tolist()


def grey(image: QImage) -> npt.NDArray[np.uint8]:
    levels = image.convertToFormat(QImage.Format.Format_Grayscale8)
    rows = np.frombuffer(levels.constBits(), np.uint8).reshape(levels.height(), levels.bytesPerLine())
    return rows[:, : levels.width()].copy()


def scanned(square: npt.NDArray[np.uint8], modules: int) -> npt.NDArray[np.bool_]:
    """Finds the code by its dark edges, as a camera would, and reads the middle of each module."""
    dark = square < 128
    rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
    top, left, side = rows[0], columns[0], rows[-1] - rows[0] + 1
    assert columns[-1] - columns[0] + 1 == side
    step = side / modules
    assert step >= 2
    # Nothing but white around it, and nothing between black and white in it.
    assert min(top, left, len(square) - 1 - rows[-1], len(square) - 1 - columns[-1]) >= QUIET_MODULES * int(step)
    assert set(np.unique(square)) == {0, 255}
    middles = [int((index + 0.5) * step) for index in range(modules)]
    read: npt.NDArray[np.bool_] = dark[np.ix_([top + m for m in middles], [left + m for m in middles])]
    return read


def test_a_text_too_long_for_a_code_is_shown_without_one(house: House, expected_log: Callable[[str], None]) -> None:
    expected_log("too long for a code")
    with pytest.raises(ValueError, match="Data too large"):
        qr_image("x" * 5000)
    window, screen = talk(house)
    window.show_words(Card("Long", "Words", qr="x" * 5000, link="example.test"))
    house.qtbot.wait(400)
    assert screen.card.isVisible()
    assert screen.card.placed.code.isEmpty()
    assert "example.test" in screen.card.lines


def test_a_code_too_dense_for_a_camera_is_not_drawn(house: House) -> None:
    window, _ = talk(house, (800, 600))
    screen = with_art(house, window, Card("Dense", qr="x" * 1200, link="example.test"))
    assert screen.card.placed.code.isEmpty()
    assert screen.card.lines == ["Dense", "example.test"]


def test_missing_and_broken_pictures_leave_the_words(
    house: House, tmp_path: Path, expected_log: Callable[[str], None]
) -> None:
    expected_log("the card shows its words alone")
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\nnothing of the kind")
    window, screen = talk(house)
    for path in (tmp_path / "none.png", broken, tmp_path):
        window.show_words(Card("Hours", "8 to 18", path))
        house.qtbot.wait(150)
        assert screen.card.lines == ["Hours", "8 to 18"]
        assert screen.card.placed.picture.isEmpty()
        window.show_words(Card())


def test_a_large_photo_is_read_no_larger_than_it_is_shown(qtbot: QtBot, tmp_path: Path) -> None:
    from PySide6.QtCore import QSize

    photo = QImage(5000, 3000, QImage.Format.Format_RGB32)
    photo.fill(QColor("#224466"))
    assert photo.save(str(tmp_path / "photo.jpg"))
    read = load_picture(tmp_path / "photo.jpg", QSize(400, 400))
    assert read is not None
    assert (read.width(), read.height()) == (400, 240)


def test_markup_in_a_card_is_only_text(house: House) -> None:
    window, screen = talk(house)
    window.show_words(Card("<h1>Big</h1>", "<img src='http://example.test/x.png'> & more"))
    assert screen.card.lines[0] == "<h1>Big</h1>"
    assert "<img" in " ".join(screen.card.lines)


# Before, after and beside the visit


def test_words_that_come_before_the_picture_are_there_with_it(house: House) -> None:
    window = house.open()
    window.show_words(Suggestions(("too early",)))  # nobody is there yet
    window.show_situation(Situation(Phase.CONNECTING))
    assert window.screen_shown is not None
    window.show_words(Suggestions(QUESTIONS))
    window.show_words(Card("Hours", "8 to 18"))
    assert not isinstance(window.screen_shown, LiveScreen)
    window.show_situation(TALK)
    screen = live(window)
    assert chips(screen)[0] == QUESTIONS[0]
    assert screen.card.isVisible()
    lay_out()
    assert everything_fits(window) == []


def test_nothing_of_a_visit_stays_for_the_next_visitor(house: House, plan: Path) -> None:
    window, _ = talk(house)
    window.show_words(Suggestions(QUESTIONS))
    screen = with_art(house, window, full_card(plan))
    window.show_situation(Situation(Phase.GOODBYE))
    window.show_situation(Situation(Phase.ATTRACT))
    assert screen.chips.questions == ()
    assert screen.card.card == Card()
    assert screen.card.art.picture is None
    assert not screen.card.accessibleName()
    assert not screen.card.accessibleDescription()
    assert all(not chip.text() and not chip.accessibleName() for chip in screen.chips.chips)
    window.show_situation(TALK)
    assert chips(screen) == []
    assert not screen.card.isVisible()


def test_art_that_comes_after_the_card_went_is_dropped(house: House, plan: Path) -> None:
    window, screen = talk(house)
    window.show_words(full_card(plan))
    window.show_situation(Situation(Phase.ATTRACT))
    house.qtbot.wait(500)
    assert screen.card.art.picture is None
    assert not screen.card.isVisible()


def test_a_window_that_is_shut_takes_no_more_words(house: House, plan: Path) -> None:
    window, screen = talk(house)
    window.show_words(full_card(plan))
    window.shut()
    window.show_words(Suggestions(QUESTIONS))
    window.show_words(full_card(plan))
    assert screen.chips.questions == ()
    assert screen.card.card == Card()


# For screen readers


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a screen reader would be told, from Qt's own hands."""
    told: list[str] = []

    def listen(event: object) -> None:
        if hasattr(event, "message"):
            told.append(event.message())

    monkeypatch.setattr(QAccessible, "updateAccessibility", listen)
    monkeypatch.setattr(QAccessible, "isActive", lambda: True)
    return told


def test_what_the_avatar_does_is_announced(house: House, heard: list[str], qtbot: QtBot) -> None:
    window, _ = talk(house)
    qtbot.waitUntil(lambda: heard == ["Speaking"])
    window.show_situation(TALK)  # nothing new
    window.show_situation(replace(TALK, mode=AvatarMode.LISTENING, language="de"))
    window.show_situation(replace(TALK, mode=AvatarMode.THINKING, language="de"))
    window.show_words(Card("Hours", "8 to 18"))
    qtbot.waitUntil(lambda: heard[1:] == ["Hört zu", "Denkt nach", "Hours\n8 to 18"])


def test_nothing_is_announced_where_no_screen_reader_runs(
    house: House, heard: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QAccessible, "isActive", lambda: False)
    talk(house)
    assert heard == []
