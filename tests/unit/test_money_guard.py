"""No session beyond the budget, none ended twice, and every one in the record: whatever happens to it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kiosk.providers.contract import (
    EndReason,
    Fact,
    Grant,
    LiveKitGrant,
    ProviderError,
    SessionRef,
    Unavailable,
    Visit,
)
from kiosk.session.budget import Budget
from kiosk.session.money_guard import BudgetSpent, GuardedProvider
from kiosk.session.usage import Usage, totals
from kiosk.session.usage_file import UsageFile
from tests import virtual_time
from tests.fakes import FakeProvider
from tests.unit.money_desk import NEARLY, Desk, make_guard

DAY_S = 86_400.0


class TestAdmission:
    def test_the_last_visit_of_the_day(self, tmp_path: Path, expected_log: Callable[[str], None]) -> None:
        expected_log(NEARLY)

        async def main() -> None:
            desk = Desk(tmp_path, Budget(visits_per_day=2))
            for name in ("v1", "v2"):
                grant = await desk.provider.start(Visit(name))
                await desk.provider.end(grant.session, EndReason.VISITOR_LEFT)
            with pytest.raises(BudgetSpent) as caught:
                await desk.provider.start(Visit("v3"))
            assert (caught.value.screen, caught.value.kind, caught.value.retry) == ("budget_spent", "budget", False)
            assert desk.vendor.starts == 2, "the vendor is not even asked"
            assert (await desk.provider.start(Visit("v2"))).session.visit_id == "v2", "a visit may build a new link"
            await asyncio.sleep(DAY_S)
            await desk.provider.start(Visit("v3"))

        virtual_time.run(main())

    def test_minutes_shorten_the_grant_and_then_refuse(
        self, tmp_path: Path, expected_log: Callable[[str], None]
    ) -> None:
        expected_log(NEARLY)

        async def main() -> None:
            desk = Desk(tmp_path, Budget(minutes_per_day=10))
            grant = await desk.provider.start(Visit("v1"))
            assert grant.max_duration_s == 590.0
            await asyncio.sleep(8.5 * 60)
            await desk.provider.end(grant.session, EndReason.VISITOR_LEFT)
            grant = await desk.provider.start(Visit("v2"))
            assert grant.max_duration_s == 50.0
            await asyncio.sleep(50)
            with pytest.raises(BudgetSpent):
                await desk.provider.start(Visit("v3"))  # a session that runs counts as well
            await desk.provider.end(grant.session, EndReason.TIME_LIMIT)
            assert desk.minutes() == 10

        virtual_time.run(main())

    def test_a_shorter_limit_of_the_vendor_stays(self, tmp_path: Path) -> None:
        async def main() -> None:
            desk = Desk(tmp_path, Budget(minutes_per_day=10), FakeProvider(max_duration_s=30.0))
            assert (await desk.provider.start(Visit("v1"))).max_duration_s == 30.0

        virtual_time.run(main())

    def test_a_failed_start_costs_nothing_unless_a_session_came_of_it(self, tmp_path: Path) -> None:
        async def main() -> None:
            session = SessionRef("fake", "v2", "odd", virtual_time.WALL_START)
            errors: list[ProviderError | None] = [Unavailable("down"), Unavailable("half", session=session)]
            desk = Desk(tmp_path, provider=FakeProvider(start_errors=errors))
            for name in ("v1", "v2"):
                with pytest.raises(Unavailable):
                    await desk.provider.start(Visit(name))
            assert [one.session for one in desk.guard.standing().open] == [session]
            await desk.provider.end(session, EndReason.FAULT)
            assert [use.session for use in desk.usage().sessions] == [session]

        virtual_time.run(main())

    def test_the_operator_is_warned_once_a_day_also_over_a_restart(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture, expected_log: Callable[[str], None]
    ) -> None:
        expected_log(NEARLY)
        budget = Budget(visits_per_day=5)

        def warnings() -> int:
            return sum("running out" in record.message for record in caplog.records)

        async def main() -> None:
            desk = Desk(tmp_path, budget)
            for number in range(1, 5):
                grant = await desk.provider.start(Visit(f"v{number}"))
                assert warnings() == (1 if number >= 4 else 0)
                await desk.provider.end(grant.session, EndReason.VISITOR_LEFT)
            desk = Desk(tmp_path, budget)
            await desk.provider.start(Visit("v5"))
            assert warnings() == 1
            assert desk.guard.standing().near

        with caplog.at_level(logging.WARNING):
            virtual_time.run(main())

    def test_facts_are_for_the_operator_and_go_nowhere_else(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Broadcasting(FakeProvider):
            async def start(self, visit: Visit) -> Grant:
                grant = await super().start(visit)
                assert isinstance(grant, LiveKitGrant)
                return replace(grant, facts=(Fact("Stream key", "k3y-0f-the-stream", secret=True),))

            async def renew(self, grant: Grant) -> Grant:
                fresh = await super().renew(grant)
                assert isinstance(fresh, LiveKitGrant)
                return replace(fresh, facts=(*fresh.facts, Fact("Instructions", "Smile")))

        async def main() -> None:
            desk = Desk(tmp_path, provider=Broadcasting())
            grant = await desk.provider.start(Visit("v1"))
            assert [fact.value for fact in desk.guard.standing().open[0].facts] == ["k3y-0f-the-stream"]
            assert "k3y" not in repr(desk.guard.standing())
            await desk.provider.renew(grant)
            assert [fact.label for fact in desk.guard.standing().open[0].facts] == ["Stream key", "Instructions"]
            await desk.provider.end(grant.session, EndReason.VISITOR_LEFT)
            assert desk.guard.standing().open == ()

        with caplog.at_level(logging.DEBUG):
            virtual_time.run(main())
        assert "k3y" not in caplog.text + (tmp_path / "usage.json").read_text()


class TestEnding:
    def test_asked_twice_and_by_many_at_once_it_ends_once(self, tmp_path: Path) -> None:
        async def main() -> None:
            desk = Desk(tmp_path)
            session = (await desk.provider.start(Visit("v"))).session
            await asyncio.gather(*(desk.provider.end(session, EndReason.IDLE) for _ in range(5)))
            await desk.provider.end(session, EndReason.SHUTDOWN)
            assert desk.vendor.ended == [(session.session_id, EndReason.IDLE)]

        virtual_time.run(main())

    def test_five_failures_then_an_end_among_many_callers(self, tmp_path: Path) -> None:
        async def main() -> None:
            desk = Desk(tmp_path, provider=FakeProvider(end_errors=[Unavailable("down")] * 5))
            session = (await desk.provider.start(Visit("v"))).session
            outcomes = await asyncio.gather(
                *(desk.provider.end(session, EndReason.IDLE) for _ in range(8)), return_exceptions=True
            )
            assert [type(outcome) for outcome in outcomes] == [Unavailable] * 5 + [type(None)] * 3
            assert desk.vendor.ended == [(session.session_id, EndReason.IDLE)]
            assert [(use.session, use.ended) for use in desk.usage().sessions] == [(session, True)]

        virtual_time.run(main())

    def test_an_end_that_was_given_up_may_be_tried_again(self, tmp_path: Path) -> None:
        async def main() -> None:
            desk = Desk(tmp_path, provider=FakeProvider(end_s=60.0))
            session = (await desk.provider.start(Visit("v"))).session
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(30.0):
                    await desk.provider.end(session, EndReason.IDLE)
            assert desk.vendor.ended == []
            await desk.provider.end(session, EndReason.IDLE)
            assert len(desk.vendor.ended) == 1

        virtual_time.run(main())

    def test_the_next_run_does_not_end_again_what_the_vendor_confirmed(self, tmp_path: Path) -> None:
        """A power cut between the vendor's answer and the ledger's new page."""

        async def main() -> None:
            desk = Desk(tmp_path)
            session = (await desk.provider.start(Visit("v"))).session
            await desk.provider.end(session, EndReason.IDLE)
            again = Desk(tmp_path)
            await again.provider.end(session, EndReason.ORPHAN)
            assert again.vendor.ended == []
            assert again.minutes() == 1

        virtual_time.run(main())

    def test_a_full_disk_loses_no_end_and_no_limit(self, tmp_path: Path, expected_log: Callable[[str], None]) -> None:
        expected_log(NEARLY)
        expected_log("what a session cost cannot be written down")

        class FullDisk(UsageFile):
            def save(self, usage: Usage) -> None:
                raise OSError(28, "No space left on device")

        async def main() -> None:
            desk = Desk(tmp_path)
            guard = make_guard(FullDisk(tmp_path / "usage.json"), desk.clock, Budget(visits_per_day=1))
            provider = GuardedProvider(desk.vendor, guard)
            session = (await provider.start(Visit("v"))).session
            await provider.end(session, EndReason.IDLE)
            assert len(desk.vendor.ended) == 1
            with pytest.raises(BudgetSpent):
                await provider.start(Visit("w"))

        virtual_time.run(main())


class TestTheClockMoved:
    @pytest.mark.parametrize("jump_s", [DAY_S, -DAY_S, 400 * DAY_S, -400 * DAY_S])
    def test_in_mid_session_it_costs_what_it_lasted(self, tmp_path: Path, jump_s: float) -> None:
        async def main() -> None:
            desk = Desk(tmp_path)
            session = (await desk.provider.start(Visit("v"))).session
            await asyncio.sleep(90)
            desk.clock.offset_s = jump_s
            await asyncio.sleep(60)
            await desk.provider.end(session, EndReason.IDLE)
            assert desk.minutes() == 3
            desk.clock.offset_s = 0.0
            assert desk.guard.standing().spent.minutes == 3, "it belongs to the day on which it began"

        virtual_time.run(main())

    @pytest.mark.parametrize("jump_s", [DAY_S, -DAY_S])
    def test_a_day_there_and_back_loses_and_doubles_nothing(
        self, tmp_path: Path, jump_s: float, expected_log: Callable[[str], None]
    ) -> None:
        expected_log(NEARLY)

        async def visit(desk: Desk, name: str) -> None:
            grant = await desk.provider.start(Visit(name))
            await desk.provider.end(grant.session, EndReason.VISITOR_LEFT)

        async def main() -> None:
            desk = Desk(tmp_path, Budget(visits_per_day=3))
            await visit(desk, "v1")
            desk.clock.offset_s = jump_s
            await visit(desk, "v2")
            desk.clock.offset_s = 0.0
            await visit(desk, "v3")
            assert sum(total.visits for total in totals(desk.usage())) == 3
            assert desk.guard.standing().spent.visits >= 2
            await asyncio.sleep(2 * DAY_S)
            await visit(desk, "v4")
            assert desk.guard.standing().spent.visits == 1, "and two days later at the latest all is new"

        virtual_time.run(main())

    @pytest.mark.parametrize(("age_s", "minutes"), [(-5 * DAY_S, 1), (90.0, 2), (14 * 3600.0, 10), (5_000 * DAY_S, 10)])
    def test_what_is_found_after_a_crash_is_bounded(self, tmp_path: Path, age_s: float, minutes: int) -> None:
        async def main() -> None:
            desk = Desk(tmp_path, longest_s=600.0, provider=FakeProvider(open_sessions={"s"}))
            session = SessionRef("fake", "v", "s", desk.clock.wall() - age_s)
            await desk.provider.end(session, EndReason.ORPHAN)
            (use,) = desk.guard.standing().by_provider or totals(desk.usage())
            assert use.minutes == minutes
            assert desk.vendor.ended == [("s", EndReason.ORPHAN)]

        virtual_time.run(main())
