"""What sessions cost, by day: minutes begun, nothing twice, nothing lost when the clock jumps."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.clock import day_text, local_day
from kiosk.providers.contract import SessionRef
from kiosk.session.budget import (
    Budget,
    is_near,
    longest_session_s,
    minutes_left,
    refusal,
    visits_left,
    warning,
)
from kiosk.session.usage import (
    KEPT_DAYS,
    MOST_SESSIONS,
    Spent,
    Total,
    Usage,
    Use,
    current_day,
    folded,
    is_ended,
    noted,
    spent,
    totals,
)

TODAY = 739_925


def use(
    number: int, *, day: int = TODAY, seconds: float = 30.0, visit: str = "", provider: str = "a", ended: bool = True
) -> Use:
    return Use(SessionRef(provider, visit or f"v{number}", f"s{number}", 0.0), day, seconds, ended)


def book(*uses: Use) -> Usage:
    usage = Usage()
    for one in uses:
        usage = noted(usage, one)
    return usage


@pytest.mark.parametrize(("seconds", "minutes"), [(0, 1), (0.1, 1), (60, 1), (60.1, 2), (600, 10), (601, 11)])
def test_every_minute_begun_counts(seconds: float, minutes: int) -> None:
    assert use(1, seconds=seconds).minutes == minutes


def test_a_visit_with_three_sessions_is_one_visit_and_three_bills() -> None:
    usage = book(use(1, visit="v"), use(2, visit="v", seconds=70), use(3, visit="v"), use(4, day=TODAY - 1))
    assert spent(usage, TODAY) == Spent(1, 4, frozenset({"v"}))


def test_a_session_counts_once_and_is_never_made_smaller() -> None:
    usage = book(use(1, seconds=100, ended=False), use(1, seconds=20, day=TODAY + 1, ended=False))
    assert usage.sessions == (use(1, seconds=100, ended=False),)
    usage = noted(usage, use(1, seconds=130))
    assert is_ended(usage, use(1).session)
    assert noted(usage, use(1, seconds=999)) == usage, "what the vendor confirmed is final"
    assert spent(usage, TODAY, running=[use(1, seconds=999)]).minutes == 3


def test_running_sessions_count_too() -> None:
    assert spent(book(use(1)), TODAY, running=[use(2, seconds=61, ended=False)]).minutes == 3


def test_totals_are_by_day_and_provider_newest_first() -> None:
    usage = Usage(
        (use(1), use(2, provider="b"), use(3, day=TODAY - 1)),
        (Total(TODAY - 1, "a", 2, 5), Total(TODAY - 9, "a", 1, 1)),
    )
    assert totals(usage) == (
        Total(TODAY, "a", 1, 1),
        Total(TODAY, "b", 1, 1),
        Total(TODAY - 1, "a", 3, 6),
        Total(TODAY - 9, "a", 1, 1),
    )


class TestTheClockMoved:
    def test_a_day_ahead_and_back_begins_no_day_twice(self) -> None:
        usage = book(use(1), use(2, day=TODAY + 1))
        assert current_day(usage, TODAY) == TODAY + 1, "what was used under the later date counts on"
        assert current_day(usage, TODAY + 1) == TODAY + 1
        assert current_day(usage, TODAY + 2) == TODAY + 2

    def test_a_day_back_and_ahead_counts_all_of_it_on_one_day(self) -> None:
        usage = book(use(1))
        wrong = current_day(usage, TODAY - 1)
        usage = noted(usage, use(2, day=wrong))
        assert spent(usage, current_day(usage, TODAY)).minutes == 2

    @pytest.mark.parametrize("jump", [2, 30, 40_000, -2, -500_000])
    def test_a_clock_gone_mad_holds_nobody_back_for_good(self, jump: int) -> None:
        full = book(use(1, day=TODAY + jump, seconds=36_000))
        assert current_day(full, TODAY) == TODAY
        assert spent(full, TODAY) == Spent()

    def test_a_jump_into_another_age_does_not_wipe_the_book(self) -> None:
        usage = book(*(use(number, day=TODAY - number) for number in range(40)))
        ages = folded(noted(usage, use(99, day=TODAY + 40_000)), TODAY + 40_000)
        back = folded(noted(ages, use(100, day=TODAY)), TODAY)
        assert len({total.day for total in totals(back)}) == 41
        assert spent(back, TODAY).minutes == 2


class TestFolding:
    def test_old_days_become_totals_and_nothing_changes_in_sum(self) -> None:
        usage = book(*(use(number, day=TODAY - number) for number in range(5)))
        small = folded(usage, TODAY)
        assert [one.day for one in small.sessions] == [TODAY, TODAY - 1]
        assert totals(small) == totals(usage)

    def test_a_session_without_an_end_stays_until_it_has_one(self) -> None:
        usage = folded(book(use(1, day=TODAY - 5, ended=False)), TODAY)
        assert usage.sessions
        assert folded(noted(usage, use(1)), TODAY) == Usage((), (Total(TODAY - 5, "a", 1, 1),))

    def test_it_is_bounded(self) -> None:
        usage = Usage()
        for day in range(KEPT_DAYS + 30):
            usage = folded(noted(usage, use(day, day=day)), day)
        assert len({total.day for total in totals(usage)}) in (KEPT_DAYS, KEPT_DAYS + 1, KEPT_DAYS + 2)
        many = Usage(tuple(use(number, ended=False) for number in range(MOST_SESSIONS + 50)))
        assert len(folded(many, TODAY).sessions) == MOST_SESSIONS
        assert spent(folded(many, TODAY), TODAY).minutes == MOST_SESSIONS + 50

    @given(
        st.lists(
            st.builds(
                use,
                st.integers(0, 20),
                day=st.integers(TODAY - 4, TODAY + 1),
                seconds=st.floats(0, 4_000),
                visit=st.sampled_from(["v", "w", ""]),
                provider=st.sampled_from("ab"),
                ended=st.booleans(),
            ),
            max_size=30,
        )
    )
    def test_minutes_are_neither_lost_nor_doubled(self, uses: list[Use]) -> None:
        usage = book(*uses)
        known = {one.session for one in uses}
        assert {one.session for one in usage.sessions} == known
        minutes = sum(one.minutes for one in usage.sessions)
        assert sum(total.minutes for total in totals(folded(usage, TODAY))) == minutes


class TestBudget:
    def test_without_limits_nothing_is_refused(self) -> None:
        budget = Budget()
        much = Spent(10**6, 10**6)
        assert refusal(budget, much, "v") == ""
        assert (visits_left(budget, much), minutes_left(budget, much)) == (None, None)
        assert longest_session_s(budget, much) is None
        assert not is_near(budget, much)

    def test_visits(self) -> None:
        budget = Budget(visits_per_day=2)
        assert refusal(budget, Spent(1, 1, frozenset({"v"})), "w") == ""
        full = Spent(2, 2, frozenset({"v", "w"}))
        assert "visits_per_day" in refusal(budget, full, "x")
        assert refusal(budget, full, "w") == "", "a new link for the same visit is no new visit"
        assert visits_left(budget, full) == 0

    def test_minutes(self) -> None:
        budget = Budget(minutes_per_day=10)
        assert longest_session_s(budget, Spent()) == 590.0
        assert longest_session_s(budget, Spent(1, 9)) == 50.0
        assert "minutes_per_day" in refusal(budget, Spent(1, 10, frozenset({"v"})), "v")
        assert minutes_left(budget, Spent(1, 12)) == 0

    def test_the_warning_comes_before_the_limit(self) -> None:
        budget = Budget(visits_per_day=10, minutes_per_day=100, warn_at=0.8)
        assert not is_near(budget, Spent(7, 79))
        assert is_near(budget, Spent(8, 0))
        assert is_near(budget, Spent(0, 80))
        assert "8 of 10 visits, 3 of 100 vendor minutes" in warning(budget, Spent(8, 3))


def test_days_are_those_of_the_wall_on_the_spot(monkeypatch: pytest.MonkeyPatch) -> None:
    noon = 1_793_880_000.0  # 2026-11-05 12:00 UTC
    for zone, expected in (("UTC", "2026-11-05"), ("Pacific/Kiritimati", "2026-11-06"), ("Pacific/Niue", "2026-11-05")):
        with monkeypatch.context() as patch:
            patch.setenv("TZ", zone)
            time.tzset()
            assert day_text(local_day(noon)) == expected
    time.tzset()
