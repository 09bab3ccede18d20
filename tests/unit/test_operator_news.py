"""What the operator's screen is told, and who may see it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.clock import local_day
from kiosk.figures import Figures, LiveFigures
from kiosk.operator_news import OperatorNews
from kiosk.providers.contract import Fact, SessionRef, Visit
from kiosk.session.budget import Budget
from kiosk.session.ledger import FileLedger
from kiosk.session.money_guard import MoneyGuard
from kiosk.session.usage_file import UsageFile
from kiosk.session.view import Phase, Situation
from kiosk.ui.operator_parts import INVISIBLE_BREAK, breakable
from kiosk.ui.pin_lock import TRIES, WAIT_S, PinLock

NOW = 1_793_880_000.0


class HeldClock:
    now_s = 50.0

    def monotonic(self) -> float:
        return self.now_s

    def wall(self) -> float:
        return NOW + self.now_s


class Course:
    situation = Situation(Phase.LIVE)
    provider = "deepbrain"
    errors: tuple[tuple[str, str], ...] = ()
    reconnects = 2


class Desk:
    def __init__(self, folder: Path) -> None:
        self.clock = HeldClock()
        self.course = Course()
        self.guard = MoneyGuard(Budget(), UsageFile(folder / "usage.json"), self.clock, local_day, 600.0)
        self.ledger = FileLedger(folder / "ledger.json", self.clock)
        self.live = LiveFigures()
        self.news = OperatorNews(self.course, self.guard, self.ledger, self.clock, lambda: self.live)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_kiosk_at_rest(desk: Desk) -> None:
    view = desk.news.now()
    assert (view.phase, view.provider, view.open, view.trouble) == (Phase.LIVE, "deepbrain", (), "")
    figures = {figure.name: figure.value for figure in view.figures}
    assert (figures["picture"], figures["lip_sync"], figures["reconnects"]) == ("–", "–", "2")


def test_the_latest_fault_and_the_lips(desk: Desk) -> None:
    desk.course.errors = (("busy", "the first"), ("broken", "the latest"))
    desk.live = LiveFigures(Figures(1.0, latency_ms=142.4, av_offset_ms=-8.1))
    view = desk.news.now()
    assert view.trouble == "the latest"
    figures = {figure.name: figure.value for figure in view.figures}
    assert (figures["latency"], figures["lip_sync"]) == ("142 ms", "-8 ms")


def test_every_open_session_is_listed_once(desk: Desk) -> None:
    """One of this run, with its facts; one of an earlier run; a start under way. The persona's cost nothing."""
    facts = (Fact("RTMP server", "rtmp://example.test"),)
    own = SessionRef("tenbyte", "v1", "s1", NOW)
    desk.guard.began(own, 20.0, facts)
    desk.ledger.open(own)
    desk.ledger.open(SessionRef("deepbrain", "v0", "s0", NOW - 60.0))
    desk.ledger.open(SessionRef("tenbyte", "v1", "s00", NOW))  # of the same visit, and its end failed
    desk.ledger.intend("local", Visit("v1"))
    desk.ledger.intend("agenthuman", Visit("v2"))
    lines = desk.news.now().open
    assert [(line.provider, line.seconds, line.facts) for line in lines] == [
        ("tenbyte", 30.0, facts),
        ("deepbrain", 110.0, ()),
        ("tenbyte", 50.0, ()),
        ("agenthuman", 0.0, ()),
    ]


class TestThePin:
    def test_without_one_nothing_is_asked(self) -> None:
        assert not PinLock("", HeldClock()).needed

    @pytest.mark.parametrize("pin", ["123", "12a4", "1" * 13, "１２３４", " 1234"])
    def test_what_a_keypad_cannot_type_is_refused(self, pin: str) -> None:
        with pytest.raises(ValueError, match="4 to 12 digits"):
            PinLock(pin, HeldClock())

    def test_one_that_is_not_known_yet_opens_nothing(self) -> None:
        lock = PinLock(None, HeldClock())
        assert (lock.known, lock.needed, lock.opens(""), lock.opens("2580")) == (False, True, False, False)
        with pytest.raises(ValueError, match="4 to 12 digits"):
            lock.learn("12a4")
        assert not lock.opens("12a4")
        lock.learn("2580")
        assert lock.known
        assert lock.opens("2580")
        lock.learn("")
        assert not lock.needed

    def test_the_right_one_opens_and_forgives(self) -> None:
        lock = PinLock("2580", HeldClock())
        for _ in range(3):
            for _ in range(TRIES - 1):
                assert not lock.opens("0000")
            assert lock.opens("2580")
        assert not lock.opens("")

    def test_who_guesses_waits(self) -> None:
        clock = HeldClock()
        lock = PinLock("2580", clock)
        for _ in range(TRIES):
            assert not lock.opens("0000")
        assert lock.wait_s == WAIT_S
        assert not lock.opens("2580")
        clock.now_s += WAIT_S
        assert lock.opens("2580")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a few short words", "a few short words"),
        ("https://example.com/a?b=c", "https:|/|/|example.|com/|a?|b=|c"),
        ("x" * 17, "|".join("x" * 17)),
        ("", ""),
    ],
)
def test_long_words_may_break(text: str, lines: str) -> None:
    assert breakable(text).replace(INVISIBLE_BREAK, "|") == lines
    assert breakable(text).replace(INVISIBLE_BREAK, "") == text
