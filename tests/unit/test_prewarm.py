"""A session that is begun before its visitor comes: when, for how long, for whom; and a kiosk that does so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from kiosk.links.contract import Lost, LostReason
from kiosk.providers.contract import EndReason, Unavailable
from kiosk.session.budget import Budget, spare_refusal
from kiosk.session.prewarm import (
    EXPECTANT,
    Ahead,
    Held,
    Holding,
    Move,
    Prewarm,
    fits,
    left_s,
    next_look,
    next_move,
    waits_s,
)
from kiosk.session.usage import Spent
from kiosk.session.view import Phase
from kiosk.session.warm_sessions import AFTER_FAILURE_S, PrewarmPlan
from tests import virtual_time
from tests.fakes import FakeLink, FakeProvider
from tests.unit.session_kiosk import Kiosk

instants = st.floats(0, 1e6)
aheads = st.builds(Ahead, st.sampled_from(["a", "b"]), st.sampled_from(["en", "de"]))
holdings = st.builds(Holding, st.sampled_from(Held), aheads, instants)
MODES, PHASES = st.sampled_from(Prewarm), st.sampled_from(Phase)


class TestThePolicy:
    @given(MODES, PHASES, st.none() | aheads, holdings, instants, st.booleans())
    def test_nothing_is_begun_or_kept_for_nobody(
        self, mode: Prewarm, phase: Phase, wish: Ahead | None, holding: Holding, now: float, clear: bool
    ) -> None:
        move = next_move(mode, phase, wish, holding, now, clear=clear)
        if move is Move.BEGIN:
            assert wish is not None
            assert phase in EXPECTANT[mode]
            assert (holding.held, clear) == (Held.NOTHING, True), "never two"
        if holding.held is Held.READY and move is Move.REST:
            assert wish == holding.ahead
            assert phase in EXPECTANT[mode]
            assert now < holding.until
        if mode is Prewarm.OFF:
            assert move is not Move.BEGIN

    @given(MODES, PHASES, aheads, holdings, instants)
    def test_what_rests_is_looked_at_again_when_its_time_is_over(
        self, mode: Prewarm, phase: Phase, wish: Ahead, holding: Holding, now: float
    ) -> None:
        if next_move(mode, phase, wish, holding, now, clear=True) is not Move.REST:
            return
        at = next_look(mode, phase, holding, now)
        waits = phase in EXPECTANT[mode] and holding.held is not Held.STARTING
        assert (at is not None) is waits
        if at is not None:
            assert at > now
            assert next_move(mode, phase, wish, holding, at, clear=True) is not Move.REST

    @given(holdings, aheads, instants)
    def test_only_what_suits_is_handed_over(self, holding: Holding, asked: Ahead, now: float) -> None:
        if fits(holding, asked, now):
            assert holding.ahead == asked
            assert holding.held is Held.STARTING or (holding.held is Held.READY and now < holding.until)

    @given(st.floats(10, 300), st.none() | st.floats(-10, 1e5))
    def test_at_least_half_of_what_is_allowed_is_for_the_visit(self, keep_s: float, longest_s: float | None) -> None:
        waits = waits_s(keep_s, longest_s)
        assert 0 <= waits <= keep_s
        if longest_s is not None and longest_s > 0:
            assert (left_s(longest_s, waits) or 0.0) >= longest_s / 2 - 1e-6

    def test_what_is_left_of_a_day_is_for_those_who_are_there(self) -> None:
        budget = Budget(minutes_per_day=100)
        assert spare_refusal(budget, Spent(minutes=79)) == ""
        assert spare_refusal(budget, Spent(minutes=80)) != ""
        assert spare_refusal(Budget(), Spent(minutes=10_000)) == ""


KEEP_S = 60.0


def kiosk(
    folder: Path,
    mode: Prewarm,
    *,
    provider: FakeProvider | None = None,
    refusal: Callable[[], str] = lambda: "",
    others: tuple[FakeProvider, ...] = (),
) -> Kiosk:
    """Make it inside the running loop."""
    plan = PrewarmPlan(mode, KEEP_S, refusal)
    return Kiosk(folder / "ledger.json", provider=provider, prewarm=plan, others=others)


async def waits(desk: Kiosk) -> None:
    """Until a session waits for a visitor, and stands in the ledger."""
    await desk.until(lambda: len(desk.provider.open_sessions) == 1)
    await desk.until(lambda: [entry.session_id for entry in desk.ledger.known] == [*desk.provider.open_sessions])
    await asyncio.sleep(0.1)


def nothing_is_left(desk: Kiosk) -> None:
    assert desk.provider.open_sessions == set()
    assert desk.ledger.entries() == ()
    assert len(desk.provider.ended) == len({session for session, _ in desk.provider.ended}), "each was ended once"


class TestAKioskThatBeginsAhead:
    def test_the_session_is_there_at_the_touch(self, tmp_path: Path) -> None:
        async def main() -> None:
            desk = kiosk(tmp_path, Prewarm.ATTRACT, provider=FakeProvider(start_s=3.0, max_duration_s=300.0))
            await desk.controller.start()
            await waits(desk)
            await asyncio.sleep(20)
            assert desk.links.made == [], "the room is entered at the touch"
            began = asyncio.get_running_loop().time()
            desk.actions.touch()
            desk.actions.accept("en")
            await desk.reach(Phase.LIVE)
            assert asyncio.get_running_loop().time() - began < 1.0, "nobody waited for the vendor"
            assert desk.provider.starts == 1
            assert desk.link.grant is not None
            assert 276.0 < (desk.link.grant.max_duration_s or 0.0) < 277.5, "what it waited is gone"
            desk.actions.leave()
            await desk.reach(Phase.ATTRACT)
            await waits(desk)
            assert desk.provider.starts == 2, "one more for the next visitor"
            await desk.controller.shutdown()
            nothing_is_left(desk)
            assert [reason for _, reason in desk.provider.ended] == [EndReason.VISITOR_LEFT, EndReason.SHUTDOWN]
            assert desk.controller.errors == ()

        virtual_time.run(main())

    def test_one_that_nobody_wants_is_renewed_and_never_two(self, tmp_path: Path) -> None:
        async def main() -> None:
            provider = FakeProvider(end_s=7.0)
            desk = kiosk(tmp_path, Prewarm.ATTRACT, provider=provider)
            await desk.controller.start()
            most = 0
            for _ in range(100):
                await asyncio.sleep(5)
                most = max(most, len(provider.open_sessions))
            assert most == 1
            assert 6 <= provider.starts <= 8
            await desk.controller.shutdown()
            nothing_is_left(desk)

        virtual_time.run(main())

    def test_at_the_welcome_screen_it_ends_when_the_visit_does_not_come(self, tmp_path: Path) -> None:
        async def main() -> None:
            desk = kiosk(tmp_path, Prewarm.WELCOME)
            await desk.controller.start()
            await asyncio.sleep(300)
            assert desk.provider.starts == 0
            desk.actions.touch()
            await waits(desk)
            await desk.reach(Phase.ATTRACT)
            await desk.until(lambda: not desk.provider.open_sessions)
            await asyncio.sleep(600)
            assert desk.provider.ended == [("fake-s1", EndReason.IDLE)]
            await desk.controller.shutdown()
            nothing_is_left(desk)

        virtual_time.run(main())

    def test_a_visitor_who_is_quicker_than_the_vendor_gets_the_same_session(self, tmp_path: Path) -> None:
        async def main() -> None:
            desk = kiosk(tmp_path, Prewarm.WELCOME, provider=FakeProvider(start_s=2.0))
            await desk.controller.start()
            desk.actions.touch()
            await asyncio.sleep(0.5)
            desk.actions.accept("en")
            await desk.reach(Phase.LIVE)
            assert desk.provider.starts == 1
            await desk.controller.shutdown()
            nothing_is_left(desk)

        virtual_time.run(main())

    def test_a_visitor_who_leaves_before_the_answer_leaves_nothing_open(self, tmp_path: Path) -> None:
        async def main() -> None:
            desk = kiosk(tmp_path, Prewarm.WELCOME, provider=FakeProvider(start_s=3.0))
            await desk.controller.start()
            desk.actions.touch()
            await asyncio.sleep(0.5)
            desk.actions.accept("en")
            desk.actions.leave()
            await asyncio.sleep(10)
            nothing_is_left(desk)
            await desk.controller.shutdown()

        virtual_time.run(main())

    def test_another_language_is_another_session_after_the_first(self, tmp_path: Path) -> None:
        async def main() -> None:
            for start_s in (0.1, 2.0):  # it is ready, or still asked for
                desk = kiosk(tmp_path, Prewarm.WELCOME, provider=FakeProvider(start_s=start_s))
                await desk.controller.start()
                desk.actions.touch()
                await asyncio.sleep(1.0)
                desk.actions.accept("de")
                await desk.reach(Phase.LIVE)
                assert desk.provider.starts == 2
                assert desk.provider.open_sessions == {"fake-s2"}
                order = [entry for entry in desk.diary if entry.startswith("session")]
                assert order == ["session start", "session end fake-s1", "session start"], "never two"
                await desk.controller.shutdown()
                nothing_is_left(desk)

        virtual_time.run(main())

    def test_another_provider_gives_back_the_one_that_waits(self, tmp_path: Path) -> None:
        async def main() -> None:
            other = FakeProvider(name="other")
            desk = kiosk(tmp_path, Prewarm.ATTRACT, others=(other,))
            await desk.controller.start()
            await waits(desk)
            desk.controller.switch("other")
            await desk.until(lambda: bool(other.open_sessions) and not desk.provider.open_sessions)
            desk.begin_in("en")
            await desk.reach(Phase.LIVE)
            assert (desk.provider.starts, other.starts) == (1, 1)
            await desk.controller.shutdown()
            nothing_is_left(desk)
            assert other.open_sessions == set()

        virtual_time.run(main())

    def test_one_that_died_while_it_waited_is_begun_anew(
        self, tmp_path: Path, expected_log: Callable[[str], None]
    ) -> None:
        expected_log("the session that was begun ahead is gone, another one is asked for")
        gone = Lost(LostReason.EXPELLED, False, "the room is closed")

        async def main() -> None:
            for dead in (
                lambda number, diary: FakeLink(number, diary, error=gone),
                lambda number, diary: FakeLink(number, diary, frame=False),  # nobody comes any more
            ):
                desk = kiosk(tmp_path, Prewarm.ATTRACT)
                desk.links.script[1] = dead
                await desk.controller.start()
                await waits(desk)
                desk.begin_in("en")
                await desk.reach(Phase.LIVE)
                assert desk.provider.starts == 2
                assert desk.provider.ended == [("fake-s1", EndReason.FAULT)]
                assert desk.controller.errors == (), "no fault of this visit"
                await desk.controller.shutdown()
                nothing_is_left(desk)

        virtual_time.run(main())

    def test_the_second_death_is_a_fault(self, tmp_path: Path, expected_log: Callable[[str], None]) -> None:
        expected_log("the session that was begun ahead is gone, another one is asked for")
        expected_log("link_expelled: the room is closed")
        gone = Lost(LostReason.EXPELLED, False, "the room is closed")

        async def main() -> None:
            desk = kiosk(tmp_path, Prewarm.ATTRACT)
            for number in (1, 2):
                desk.links.script[number] = lambda number, diary: FakeLink(number, diary, error=gone)
            await desk.controller.start()
            await waits(desk)
            desk.begin_in("en")
            await desk.reach(Phase.OUT_OF_SERVICE)
            assert [kind for kind, _ in desk.controller.errors] == ["link_expelled"]
            await desk.controller.shutdown()
            nothing_is_left(desk)

        virtual_time.run(main())

    def test_a_vendor_that_refuses_is_left_in_peace_and_visitors_are_served(
        self, tmp_path: Path, expected_log: Callable[[str], None]
    ) -> None:
        expected_log("no session could be begun ahead: down for a while")

        async def main() -> None:
            provider = FakeProvider(start_errors=[Unavailable("down for a while")])
            desk = kiosk(tmp_path, Prewarm.ATTRACT, provider=provider)
            await desk.controller.start()
            await asyncio.sleep(AFTER_FAILURE_S / 2)
            assert provider.starts == 1
            desk.begin_in("en")
            await desk.reach(Phase.LIVE)
            assert provider.starts == 2
            await desk.controller.shutdown()
            nothing_is_left(desk)

        virtual_time.run(main())

    def test_what_is_kept_for_visitors_is_not_spent_on_waiting(self, tmp_path: Path) -> None:
        near = [""]

        async def main() -> None:
            desk = kiosk(tmp_path, Prewarm.ATTRACT, refusal=lambda: near[0])
            await desk.controller.start()
            await waits(desk)
            near[0] = "the day's budget is nearly used up"
            await asyncio.sleep(600)
            assert desk.provider.starts == 1, "it was ended in its time, and no other followed"
            assert desk.provider.open_sessions == set()
            near[0] = ""
            await waits(desk)
            await desk.controller.shutdown()
            nothing_is_left(desk)

        virtual_time.run(main())

    def test_a_loudspeaker_that_is_known_to_be_slow_is_waited_for(self, tmp_path: Path) -> None:
        async def main() -> None:
            desk = kiosk(tmp_path, Prewarm.ATTRACT)
            desk.devices.open_s = 1.0
            await desk.controller.start()
            for _ in range(2):
                await waits(desk)
                desk.begin_in("en")
                await desk.reach(Phase.LIVE)
                await desk.until(lambda: desk.devices.is_open)
                desk.actions.leave()
                await desk.reach(Phase.ATTRACT)
            order = [entry for entry in desk.diary if entry in ("devices open", "link open 1", "link open 2")]
            assert order == ["link open 1", "devices open", "devices open", "link open 2"]
            desk.devices.open_s = 60.0
            await waits(desk)
            desk.begin_in("en")
            await desk.until(lambda: "link open 3" in desk.diary, limit_s=3.0)  # one that never opens holds nobody up
            await desk.controller.shutdown()
            nothing_is_left(desk)

        virtual_time.run(main())

    def test_shutting_down_in_the_middle_of_a_start_ends_it(self, tmp_path: Path) -> None:
        async def main() -> None:
            desk = kiosk(tmp_path, Prewarm.ATTRACT, provider=FakeProvider(start_s=3.0))
            await desk.controller.start()
            await asyncio.sleep(1.0)
            await desk.controller.shutdown()
            nothing_is_left(desk)
            assert desk.provider.starts == 1

        virtual_time.run(main())
