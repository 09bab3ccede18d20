"""The controller, the ledger and the money guard together: every way in which a session could be left open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from kiosk.links.contract import Lost, LostReason
from kiosk.providers.contract import (
    EndReason,
    SessionRef,
    Unavailable,
    Visit,
)
from kiosk.session.budget import Budget
from kiosk.session.ledger import FileLedger
from kiosk.session.limits import Limits
from kiosk.session.money_guard import GuardedProvider
from kiosk.session.notices import Notice
from kiosk.session.usage import spent
from kiosk.session.usage_file import UsageFile
from kiosk.session.view import Phase
from tests import virtual_time
from tests.fakes import FakeProvider
from tests.unit.money_desk import NEARLY, MovableClock, make_guard
from tests.unit.session_kiosk import Kiosk

NETWORK = Lost(LostReason.NETWORK, True, "the network is gone")


def guarded_kiosk(
    folder: Path,
    budget: Budget,
    *,
    provider: FakeProvider | None = None,
    fallback: FakeProvider | None = None,
    limits: Limits | None = None,
) -> tuple[Kiosk, UsageFile]:
    book = UsageFile(folder / "usage.json")
    guard = make_guard(book, MovableClock(), budget, (limits or Limits()).max_visit_s)
    kiosk = Kiosk(
        folder / "ledger.json",
        provider=provider,
        fallback=fallback,
        limits=limits,
        guarded=lambda inner: GuardedProvider(inner, guard),
    )
    return kiosk, book


class TestInTheWholeSession:
    """The controller, the ledger and the guard together."""

    def test_the_budget_ends_the_visit_kindly(self, tmp_path: Path, expected_log: Callable[[str], None]) -> None:
        expected_log(NEARLY)
        expected_log("budget: the day's")

        async def main() -> None:
            kiosk, book = guarded_kiosk(
                tmp_path, Budget(minutes_per_day=2), limits=Limits(idle_s=3_600.0, max_visit_s=600.0)
            )
            await kiosk.live()
            await kiosk.until(lambda: kiosk.controller.situation.notice == Notice.ENDING_SOON)
            await kiosk.reach(Phase.ATTRACT)
            assert kiosk.provider.ended == [("fake-s1", EndReason.TIME_LIMIT)]
            kiosk.begin()
            await kiosk.reach(Phase.OUT_OF_SERVICE)
            assert kiosk.controller.situation.notice == Notice.BUDGET_SPENT
            assert kiosk.provider.starts == 1
            await kiosk.controller.shutdown()
            assert [use.minutes for use in book.load().sessions] == [2]

        virtual_time.run(main())

    def test_the_fallback_takes_over_and_costs_nothing(
        self, tmp_path: Path, expected_log: Callable[[str], None]
    ) -> None:
        expected_log(NEARLY)
        expected_log("budget: the day's")

        async def main() -> None:
            spare = FakeProvider(name="spare")
            kiosk, book = guarded_kiosk(tmp_path, Budget(visits_per_day=1), fallback=spare)
            await kiosk.live()
            kiosk.actions.leave()
            await kiosk.reach(Phase.ATTRACT)
            kiosk.begin()
            await kiosk.reach(Phase.FALLBACK)
            await kiosk.controller.shutdown()
            assert [error[0] for error in kiosk.controller.errors] == ["budget"]
            assert {use.session.provider for use in book.load().sessions} == {"fake"}

        virtual_time.run(main())

    def test_the_answer_that_came_after_the_goodbye(self, tmp_path: Path) -> None:
        async def main() -> None:
            kiosk, book = guarded_kiosk(tmp_path, Budget(), provider=FakeProvider(start_s=20.0))
            await kiosk.controller.start()
            kiosk.begin()
            await asyncio.sleep(1.0)
            kiosk.actions.leave()
            await kiosk.until(lambda: bool(kiosk.provider.ended))
            await kiosk.until(lambda: not kiosk.ledger.known)
            await kiosk.controller.shutdown()
            assert kiosk.provider.ended == [("fake-s1", EndReason.VISITOR_LEFT)]
            assert kiosk.ledger.entries() == ()
            assert [use.ended for use in book.load().sessions] == [True]

        virtual_time.run(main())

    def test_a_late_start_that_failed_but_left_a_session(
        self, tmp_path: Path, expected_log: Callable[[str], None]
    ) -> None:
        expected_log("unavailable: half")

        async def main() -> None:
            late = SessionRef("fake", "?", "late", virtual_time.WALL_START)
            vendor = FakeProvider(start_s=20.0, start_errors=[Unavailable("half", session=late)])
            kiosk, book = guarded_kiosk(tmp_path, Budget(), provider=vendor)
            await kiosk.controller.start()
            kiosk.begin()
            await asyncio.sleep(1.0)
            kiosk.actions.leave()
            await kiosk.until(lambda: bool(vendor.ended))
            await kiosk.controller.shutdown()
            assert vendor.ended == [("late", EndReason.VISITOR_LEFT)]
            assert [use.session for use in book.load().sessions] == [late]

        virtual_time.run(main())

    def test_the_end_call_fails_five_times_and_then_works(self, tmp_path: Path) -> None:
        async def main() -> None:
            vendor = FakeProvider(end_errors=[Unavailable("down")] * 5)
            kiosk, book = guarded_kiosk(tmp_path, Budget(), provider=vendor)
            await kiosk.live()
            kiosk.actions.leave()
            await kiosk.until(lambda: bool(vendor.ended), 600.0)
            await kiosk.until(lambda: not kiosk.ledger.known)
            await kiosk.controller.shutdown()
            assert kiosk.diary.count("end failed") == 5
            assert vendor.ended == [("fake-s1", EndReason.VISITOR_LEFT)]
            assert kiosk.ledger.entries() == ()
            assert kiosk.controller.errors == ()
            (use,) = book.load().sessions
            assert use.ended

        virtual_time.run(main())

    def test_the_end_call_fails_always_and_the_next_run_ends_it(
        self, tmp_path: Path, expected_log: Callable[[str], None]
    ) -> None:
        expected_log("session_left_open")

        async def main() -> None:
            vendor = FakeProvider(end_errors=[Unavailable("down")] * 6)
            kiosk, book = guarded_kiosk(tmp_path, Budget(), provider=vendor)
            await kiosk.live()
            kiosk.actions.leave()
            await kiosk.until(lambda: bool(kiosk.controller.errors), 600.0)
            await kiosk.controller.shutdown()
            assert [entry.session_id for entry in kiosk.ledger.entries()] == ["fake-s1"]
            assert [use.ended for use in book.load().sessions] == [False]
            again, book = guarded_kiosk(tmp_path, Budget(), provider=vendor)
            await again.controller.start()
            await again.until(lambda: bool(vendor.ended))
            await again.controller.shutdown()
            assert vendor.ended == [("fake-s1", EndReason.ORPHAN)]
            assert again.ledger.entries() == ()
            assert len(book.load().sessions) == 1
            assert book.load().sessions[0].ended

        virtual_time.run(main())

    def test_a_lost_link_is_one_visit_with_two_sessions(
        self, tmp_path: Path, expected_log: Callable[[str], None]
    ) -> None:
        expected_log(NEARLY)
        expected_log("the network is gone")

        async def main() -> None:
            kiosk, book = guarded_kiosk(tmp_path, Budget(visits_per_day=1))
            await kiosk.live()
            kiosk.link.emit(NETWORK)
            await kiosk.reach(Phase.RECOVERING)
            await kiosk.reach(Phase.LIVE)
            await kiosk.controller.shutdown()
            usage = book.load()
            assert len(usage.sessions) == 2
            assert spent(usage, usage.sessions[0].day).visits == 1

        virtual_time.run(main())

    def test_killed_with_the_ledger_in_any_state_that_a_power_cut_leaves(self, tmp_path: Path) -> None:
        """With the intent, with the session: each page of the ledger, and beside it what stays of the next page when
        the cut came before that got its name."""
        ledger = FileLedger(tmp_path / "ledger.json", FixedClock())
        ledger.intend("fake", Visit("v"))
        intent_page = (tmp_path / "ledger.json").read_bytes()
        ledger.open(SessionRef("fake", "v", "s1", virtual_time.WALL_START))
        open_page = (tmp_path / "ledger.json").read_bytes()

        async def next_run(folder: Path, vendor: FakeProvider) -> list[str | None]:
            kiosk, _ = guarded_kiosk(folder, Budget(), provider=vendor)
            await kiosk.controller.start()
            await kiosk.controller.shutdown()
            assert kiosk.ledger.entries() == ()
            assert vendor.open_sessions == set()
            return [session for session, _ in vendor.ended]

        for cut in range(0, len(open_page) + 1, 7):
            for name, page, ended in (("intent", intent_page, None), ("open", open_page, "s1")):
                folder = tmp_path / f"{name}{cut}"
                folder.mkdir()
                (folder / "ledger.json").write_bytes(page)
                (folder / ".ledger.json.tmp1").write_bytes(open_page[:cut])
                vendor = NamesItsOrphans(open_sessions={"s1"})
                assert virtual_time.run(next_run(folder, vendor)) == [ended]


class FixedClock:
    def monotonic(self) -> float:
        return 0.0

    def wall(self) -> float:
        return virtual_time.WALL_START


class NamesItsOrphans(FakeProvider):
    """Ends what a start without an answer may have left behind, as a vendor does that can be asked for it."""

    async def end(self, session: SessionRef, reason: EndReason) -> None:
        if session.session_id is None:
            self.ended.append((None, reason))
            self.open_sessions.clear()
        else:
            await super().end(session, reason)
