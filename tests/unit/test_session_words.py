"""What the far side gives to read reaches the screens in its order, and what a visitor picks reaches the far side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kiosk.links.contract import AvatarMode, Caption, Card, Mode, Speaker, Suggestions
from kiosk.session.effects import ShowWords
from kiosk.session.events import FromLink, Left
from kiosk.session.view import Phase, Words
from tests import virtual_time
from tests.unit.session_kiosk import Kiosk
from tests.unit.session_script import Script

QUESTIONS = Suggestions(("Where is the lift?", "When do you open?"))
CARD = Card("Lift", "Behind you, on the left.", Path("lift.png"), "https://example.test/lift", "example.test/lift")
CAPTION = Caption(Speaker.AVATAR, "1", "Good day", True)


@pytest.mark.parametrize("words", [QUESTIONS, CARD, Card(), CAPTION])
def test_words_are_shown_as_they_came(words: Words) -> None:
    assert Script().live().link(words) == (ShowWords(words),)


@pytest.mark.parametrize("words", [QUESTIONS, CARD])
def test_words_may_come_before_the_picture(words: Words) -> None:
    script = Script().connecting().opening()
    assert script.link(words) == (ShowWords(words),)
    assert script.phase() is Phase.CONNECTING


@pytest.mark.parametrize("words", [QUESTIONS, CARD])
def test_an_offer_does_not_keep_an_empty_visit_alive(words: Suggestions | Card) -> None:
    script = Script().live()
    script.link(Mode(AvatarMode.THINKING))
    script.link(Mode(AvatarMode.LISTENING))
    script.wait(script.limits.idle_s - 1)
    script.link(words)
    script.wait(1.5)
    assert script.phase() is Phase.GOODBYE


def test_words_of_a_link_that_is_gone_are_not_shown() -> None:
    script = Script().live()
    ticket = script.state.connection.ticket
    script.send(Left())
    assert script.send(FromLink(ticket, QUESTIONS)) == ()


def test_words_reach_every_listener_in_their_order_until_it_unsubscribes(tmp_path: Path) -> None:
    async def main() -> None:
        kiosk = Kiosk(tmp_path / "ledger.json")
        late: list[Words] = []
        await kiosk.live()
        unsubscribe = kiosk.controller.subscribe_words(late.append)
        for words in (QUESTIONS, CAPTION, CARD):
            kiosk.link.emit(words)
        await kiosk.until(lambda: len(kiosk.words) == 3)
        unsubscribe()
        kiosk.link.emit(Card())
        await kiosk.until(lambda: len(kiosk.words) == 4)
        assert kiosk.words == [QUESTIONS, CAPTION, CARD, Card()]
        assert late == [QUESTIONS, CAPTION, CARD]
        await kiosk.controller.shutdown()

    virtual_time.run(main())


def test_a_screen_that_fails_on_words_harms_nobody(tmp_path: Path, expected_log: Callable[[str], None]) -> None:
    expected_log("a listener failed")

    def fail(words: Words) -> None:
        raise RuntimeError("no room on the screen")

    async def main() -> None:
        kiosk = Kiosk(tmp_path / "ledger.json")
        kiosk.controller.subscribe_words(fail)
        await kiosk.live()
        kiosk.link.emit(CARD)
        await kiosk.until(lambda: len(kiosk.words) == 1)
        assert kiosk.phase is Phase.LIVE
        await kiosk.controller.shutdown()

    virtual_time.run(main())
