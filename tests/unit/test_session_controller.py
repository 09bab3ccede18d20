"""The controller with everything around it faked, in virtual time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from kiosk.links.contract import (
    AvatarMode,
    Caption,
    LinkEvent,
    Lost,
    LostReason,
    Message,
    Mode,
    Speaker,
)
from kiosk.providers.contract import (
    Busy,
    Capabilities,
    EndReason,
    Grant,
    LiveKitGrant,
    Misconfigured,
    ProviderError,
    SessionRef,
    Unavailable,
    Visit,
)
from kiosk.session.devices import DeviceState
from kiosk.session.limits import Limits
from kiosk.session.notices import Notice
from kiosk.session.source import Source
from kiosk.session.view import Phase, Situation
from tests import virtual_time
from tests.fakes import Diary, FakeLink, FakeProvider
from tests.leaks import running_tasks
from tests.unit.session_kiosk import Kiosk

NETWORK = Lost(LostReason.NETWORK, True, "the network is gone")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.json"


def test_a_visit_from_touch_to_goodbye_in_the_right_order(path: Path) -> None:
    async def main() -> None:
        kiosk = Kiosk(path)
        await kiosk.live()
        assert kiosk.controller.situation.microphone
        assert kiosk.controller.situation.language == "de"
        assert [entry.session_id for entry in kiosk.ledger.entries()] == ["fake-s1"]
        kiosk.actions.leave()
        assert kiosk.phase is Phase.GOODBYE
        await kiosk.reach(Phase.ATTRACT)
        assert kiosk.diary == [
            "session start",
            "devices open",
            "link open 1",
            "on air 1",
            "devices closed",
            "link closed 1",
            "session end fake-s1",
        ]
        assert kiosk.provider.ended == [("fake-s1", EndReason.VISITOR_LEFT)]
        assert kiosk.ledger.entries() == ()
        assert kiosk.phases() == ["attract", "welcome", "connecting", "live", "goodbye", "attract"]
        await kiosk.controller.shutdown()
        assert kiosk.controller.errors == ()

    virtual_time.run(main())


def test_what_the_link_says_reaches_screens_and_report(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        kiosk = Kiosk(path)
        await kiosk.live()
        caption = Caption(Speaker.AVATAR, "1", "Good day", True)
        events: list[LinkEvent] = [Mode(AvatarMode.SPEAKING), caption]
        events += [Message("odd", b"secret words")] * 3
        for event in events:
            kiosk.link.emit(event)
        await asyncio.sleep(0.1)
        assert kiosk.controller.situation.mode is AvatarMode.SPEAKING
        assert kiosk.words == [caption]
        assert kiosk.controller.messages == 3
        kiosk.actions.type_text("hello there")
        kiosk.actions.interrupt()
        await asyncio.sleep(0.1)
        assert (kiosk.link.sent, kiosk.link.interrupted) == (["hello there"], 1)
        await kiosk.controller.shutdown()

    with caplog.at_level("DEBUG"):
        virtual_time.run(main())
    assert "Good day" not in caplog.text
    assert "hello there" not in caplog.text
    assert "secret words" not in caplog.text
    assert [record.levelname for record in caplog.records if record.message == "unknown message"] == [
        "INFO",
        "DEBUG",
        "DEBUG",
    ]


def test_one_line_for_each_change_of_phase(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        kiosk = Kiosk(path)
        await kiosk.live()
        await kiosk.controller.shutdown()

    with caplog.at_level("INFO"):
        virtual_time.run(main())
    lines = [vars(record)["phase"] for record in caplog.records if record.message == "phase"]
    assert lines == ["welcome", "connecting", "live", "goodbye"]


def test_idle_visit_counts_down_second_by_second(path: Path) -> None:
    async def main() -> None:
        kiosk = Kiosk(path)
        await kiosk.live()
        await kiosk.reach(Phase.ATTRACT)
        shown = [seen.ends_in_s for seen in kiosk.seen if seen.ends_in_s is not None]
        assert shown == [10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0]
        assert kiosk.provider.ended == [("fake-s1", EndReason.IDLE)]
        await kiosk.controller.shutdown()

    virtual_time.run(main())


def test_a_start_is_never_cancelled_and_what_comes_late_is_ended(path: Path) -> None:
    async def main() -> None:
        kiosk = Kiosk(path, provider=FakeProvider(start_s=20.0))
        await kiosk.controller.start()
        kiosk.begin()
        await asyncio.sleep(1.0)
        kiosk.actions.leave()
        await kiosk.reach(Phase.ATTRACT)
        kiosk.provider.start_s = 0.1
        kiosk.begin()
        await kiosk.reach(Phase.LIVE)
        assert kiosk.link.grant is not None
        assert kiosk.link.grant.session.session_id == "fake-s2"
        kiosk.actions.leave()
        await asyncio.sleep(30.0)
        assert kiosk.provider.open_sessions == set()
        assert kiosk.ledger.entries() == ()
        assert "start cancelled" not in kiosk.diary
        assert sorted(kiosk.provider.ended, key=str) == [
            ("fake-s1", EndReason.VISITOR_LEFT),
            ("fake-s2", EndReason.VISITOR_LEFT),
        ]
        await kiosk.controller.shutdown()

    virtual_time.run(main())


def test_a_link_that_opens_after_the_visit_is_closed_again(path: Path) -> None:
    async def main() -> None:
        kiosk = Kiosk(path)
        kiosk.links.script[1] = lambda number, diary: FakeLink(number, diary, open_s=25.0)
        await kiosk.controller.start()
        kiosk.begin()
        await kiosk.until(lambda: len(kiosk.links.made) == 1)
        await asyncio.sleep(1.0)
        kiosk.actions.leave()
        await asyncio.sleep(40.0)
        assert not kiosk.link.is_open
        assert kiosk.link.closes == 2
        assert kiosk.provider.open_sessions == set()
        await kiosk.controller.shutdown()

    virtual_time.run(main())


def test_a_lost_link_is_replaced_by_a_new_one_with_a_new_session(
    path: Path, expected_log: Callable[[str], None]
) -> None:
    expected_log("link_network: the network is gone")

    async def main() -> None:
        kiosk = Kiosk(path)
        await kiosk.live()
        kiosk.link.emit(NETWORK)
        await kiosk.reach(Phase.RECOVERING)
        assert kiosk.controller.situation.picture
        await kiosk.reach(Phase.LIVE)
        assert [link.number for link in kiosk.links.made] == [1, 2]
        assert kiosk.diary.index("link closed 1") < kiosk.diary.index("link open 2")
        assert kiosk.diary.index("session end fake-s1") < kiosk.diary.index("link open 2")
        assert kiosk.provider.open_sessions == {"fake-s2"}
        assert kiosk.controller.reconnects == 1
        await kiosk.controller.shutdown()
        assert kiosk.provider.open_sessions == set()
        assert kiosk.controller.errors == ()

    virtual_time.run(main())


def test_a_lost_link_keeps_the_session_where_the_provider_renews(
    path: Path, expected_log: Callable[[str], None]
) -> None:
    expected_log("link_network")

    async def main() -> None:
        kiosk = Kiosk(path, provider=FakeProvider(capabilities=Capabilities(renews=True)))
        await kiosk.live()
        kiosk.link.emit(NETWORK)
        await kiosk.reach(Phase.RECOVERING)
        await kiosk.reach(Phase.LIVE)
        assert kiosk.provider.starts == 1
        assert isinstance(kiosk.link.grant, LiveKitGrant)
        assert kiosk.link.grant.token == "token-1+"
        await kiosk.controller.shutdown()
        assert kiosk.provider.ended == [("fake-s1", EndReason.SHUTDOWN)]

    virtual_time.run(main())


def test_a_link_that_ends_without_a_word_counts_as_lost(path: Path, expected_log: Callable[[str], None]) -> None:
    expected_log("without saying why")

    async def main() -> None:
        kiosk = Kiosk(path)
        await kiosk.live()
        await kiosk.link.close()
        await kiosk.reach(Phase.RECOVERING)
        await kiosk.reach(Phase.LIVE)
        await kiosk.controller.shutdown()

    virtual_time.run(main())


def test_start_errors_are_retried_then_reported(path: Path, expected_log: Callable[[str], None]) -> None:
    expected_log("unavailable: the vendor is down|misconfigured: set the key")

    async def main() -> None:
        errors: list[ProviderError | None] = [Unavailable("the vendor is down"), Misconfigured("set the key")]
        kiosk = Kiosk(path, provider=FakeProvider(start_errors=errors))
        await kiosk.controller.start()
        kiosk.begin()
        await kiosk.reach(Phase.OUT_OF_SERVICE)
        assert kiosk.controller.situation.notice == Notice.OUT_OF_SERVICE
        assert kiosk.controller.errors == (("misconfigured", "set the key"),)
        assert kiosk.ledger.entries() == ()
        await kiosk.reach(Phase.ATTRACT)
        kiosk.begin()
        await kiosk.reach(Phase.LIVE)
        await kiosk.controller.shutdown()

    virtual_time.run(main())


def test_a_failed_start_that_made_a_session_ends_it(path: Path, expected_log: Callable[[str], None]) -> None:
    expected_log("no media")

    async def main() -> None:
        kiosk = Kiosk(path)
        made = SessionRef("fake", "visit", "half", 0.0)
        kiosk.provider.start_errors = [Misconfigured("the plan has no media", session=made)]
        await kiosk.controller.start()
        kiosk.begin()
        await kiosk.reach(Phase.ATTRACT)
        assert kiosk.provider.ended == [("half", EndReason.FAULT)]
        assert kiosk.provider.open_sessions == set()
        await kiosk.controller.shutdown()

    virtual_time.run(main())


def test_the_fallback_speaks_and_its_session_is_ended_by_itself(
    path: Path, expected_log: Callable[[str], None]
) -> None:
    expected_log("set the key")

    async def main() -> None:
        fallback = FakeProvider(name="spare", capabilities=Capabilities())
        kiosk = Kiosk(path, fallback=fallback)
        kiosk.provider.start_errors = [Misconfigured("set the key")]
        await kiosk.controller.start()
        kiosk.begin()
        await kiosk.reach(Phase.FALLBACK)
        assert not kiosk.controller.situation.can_type
        await kiosk.controller.shutdown()
        assert fallback.ended == [("spare-s1", EndReason.SHUTDOWN)]
        assert kiosk.provider.ended == []

    virtual_time.run(main())


def test_an_end_that_fails_five_times_works_at_the_sixth(path: Path) -> None:
    async def main() -> None:
        kiosk = Kiosk(path)
        kiosk.provider.end_errors = [Unavailable("down"), Busy("later", retry_after_s=9.0), *[Unavailable("down")] * 3]
        await kiosk.live()
        kiosk.actions.leave()
        await kiosk.until(lambda: bool(kiosk.provider.ended), 300.0)
        await asyncio.sleep(1.0)
        assert kiosk.diary.count("end failed") == 5
        assert kiosk.ledger.entries() == ()
        assert kiosk.controller.errors == ()
        await kiosk.controller.shutdown()

    virtual_time.run(main())


def test_an_end_that_never_works_stays_on_the_ledger_for_the_next_start(
    path: Path, expected_log: Callable[[str], None]
) -> None:
    expected_log("session_left_open: down")

    async def main() -> None:
        kiosk = Kiosk(path)
        kiosk.provider.end_errors = [Unavailable("down")] * 6
        await kiosk.live()
        kiosk.actions.leave()
        await asyncio.sleep(300.0)
        assert kiosk.controller.errors == (("session_left_open", "down"),)
        assert [entry.session_id for entry in kiosk.ledger.entries()] == ["fake-s1"]
        await kiosk.controller.shutdown()

        following = Kiosk(path, provider=kiosk.provider)
        await following.controller.start()
        await asyncio.sleep(1.0)
        assert kiosk.provider.ended == [("fake-s1", EndReason.ORPHAN)]
        assert following.ledger.entries() == ()
        await following.controller.shutdown()

    virtual_time.run(main())


@pytest.mark.parametrize("after_s", [0.05, 0.5, 3.0])
def test_a_killed_kiosk_has_its_session_ended_once_by_the_next(path: Path, after_s: float) -> None:
    """Killed while the vendor is being asked, while the link opens, and in the middle of the visit."""

    async def main() -> None:
        killed = Kiosk(path, provider=FakeProvider(start_s=0.3))
        await killed.controller.start()
        killed.begin()
        await asyncio.sleep(after_s)
        corpse = running_tasks()
        for task in corpse:
            task.cancel()
        await asyncio.wait(corpse)
        assert killed.provider.ended == []
        [entry] = killed.ledger.entries()

        provider = FakeProvider()
        if entry.session_id is not None:
            provider.open_sessions.add(entry.session_id)
        following = Kiosk(path, provider=provider)
        await following.controller.start()
        following.begin()
        await following.reach(Phase.LIVE)
        assert provider.ended == [(entry.session_id, EndReason.ORPHAN)]
        await following.controller.shutdown()
        assert len(provider.ended) == 2
        assert following.ledger.entries() == ()

        third = Kiosk(path, provider=provider)
        await third.controller.start()
        await third.controller.shutdown()
        assert len(provider.ended) == 2

    virtual_time.run(main())


def test_an_orphan_of_a_provider_that_is_gone_is_told_and_kept(path: Path, expected_log: Callable[[str], None]) -> None:
    expected_log("provider 'former' is still open")

    async def main() -> None:
        kiosk = Kiosk(path)
        kiosk.ledger.open(SessionRef("former", "visit", "old", virtual_time.WALL_START))
        kiosk.ledger.open(SessionRef("former", "visit", "ancient", virtual_time.WALL_START - 8 * 86_400))
        await kiosk.controller.start()
        await asyncio.sleep(1.0)
        assert [entry.session_id for entry in kiosk.ledger.entries()] == ["old"]
        await kiosk.controller.shutdown()

    virtual_time.run(main())


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.FALLBACK])
def test_shutdown_in_every_phase_leaves_nothing(path: Path, phase: Phase, expected_log: Callable[[str], None]) -> None:
    expected_log("link_network|set the key")

    async def main() -> None:
        kiosk = Kiosk(path)
        await kiosk.controller.start()
        if phase is Phase.OUT_OF_SERVICE:
            kiosk.provider.start_errors = [Misconfigured("set the key")]
        if phase is not Phase.ATTRACT:
            kiosk.actions.touch()
        if phase not in (Phase.ATTRACT, Phase.WELCOME):
            kiosk.actions.accept("de")
        if phase in (Phase.LIVE, Phase.RECOVERING, Phase.GOODBYE):
            await kiosk.reach(Phase.LIVE)
        if phase is Phase.RECOVERING:
            kiosk.link.emit(NETWORK)
        if phase is Phase.GOODBYE:
            kiosk.actions.leave()
        await kiosk.reach(phase)
        await kiosk.controller.shutdown()
        await kiosk.controller.shutdown()
        assert not running_tasks()
        assert kiosk.provider.open_sessions == set()
        assert kiosk.ledger.entries() == ()
        assert not kiosk.devices.is_open
        assert not any(link.is_open for link in kiosk.links.made)
        before = len(kiosk.seen)
        kiosk.begin()
        kiosk.actions.leave()
        assert len(kiosk.seen) == before

    virtual_time.run(main())


def test_shutdown_does_not_wait_for_ever(path: Path, expected_log: Callable[[str], None]) -> None:
    expected_log("not all was ended")

    async def main() -> None:
        kiosk = Kiosk(path, provider=FakeProvider(start_s=1000.0))
        await kiosk.controller.start()
        kiosk.begin()
        await asyncio.sleep(1.0)
        before = asyncio.get_running_loop().time()
        await kiosk.controller.shutdown()
        assert asyncio.get_running_loop().time() - before == pytest.approx(10.0, abs=0.1)
        assert [entry.session_id for entry in kiosk.ledger.entries()] == [None]
        assert not running_tasks()

    virtual_time.run(main())


def test_twenty_visits_leave_nothing(path: Path) -> None:
    async def main() -> None:
        kiosk = Kiosk(path)
        await kiosk.controller.start()
        for _ in range(20):
            kiosk.begin()
            await kiosk.reach(Phase.LIVE)
            kiosk.actions.leave()
            await kiosk.reach(Phase.ATTRACT)
            await asyncio.sleep(1.0)
            assert not running_tasks()
        assert len(kiosk.provider.ended) == 20
        assert kiosk.provider.open_sessions == set()
        assert kiosk.ledger.entries() == ()
        assert kiosk.diary.count("devices closed") == 20
        assert threading.active_count() < 12
        await kiosk.controller.shutdown()

    virtual_time.run(main())


# --- another avatar in mid-visit ---


def test_another_avatar_takes_over_and_the_first_is_let_go(path: Path) -> None:
    async def main() -> None:
        other = FakeProvider(name="other")
        kiosk = Kiosk(path, others=(other,))
        other.diary = kiosk.diary
        await kiosk.live()
        assert kiosk.controller.providers == ("fake", "other", "unset")
        kiosk.controller.switch("other")
        await kiosk.until(lambda: len(kiosk.ledger.entries()) == 1 and kiosk.provider.ended != [])
        assert kiosk.diary == [
            "session start",
            "devices open",
            "link open 1",
            "on air 1",
            "session start",
            "link open 2",
            "on air 2",
            "link closed 1",
            "session end fake-s1",
        ]
        assert kiosk.provider.ended == [("fake-s1", EndReason.SWITCHED)]
        assert [entry.session_id for entry in kiosk.ledger.entries()] == ["other-s1"]
        kiosk.actions.type_text("hello")
        await asyncio.sleep(0.1)
        assert [link.sent for link in kiosk.links.made] == [[], ["hello"]]
        assert kiosk.phases() == ["attract", "welcome", "connecting", "live"]
        assert kiosk.controller.on_air == ("fake", "other")
        await kiosk.controller.shutdown()
        assert other.ended == [("other-s1", EndReason.SHUTDOWN)]
        assert kiosk.ledger.entries() == ()
        assert kiosk.controller.errors == ()

    virtual_time.run(main())


def test_one_that_is_not_set_up_is_refused_in_one_line(path: Path, expected_log: Callable[[str], None]) -> None:
    expected_log("misconfigured: provider unset is not set up")

    async def main() -> None:
        kiosk = Kiosk(path)
        await kiosk.live()
        kiosk.controller.switch("unset")
        await asyncio.sleep(1.0)
        assert kiosk.phase is Phase.LIVE
        assert len(kiosk.links.made) == 1
        await kiosk.controller.shutdown()
        assert kiosk.controller.errors == ()

    virtual_time.run(main())


def test_one_that_fails_leaves_the_present_avatar_and_nothing_open(
    path: Path, expected_log: Callable[[str], None]
) -> None:
    expected_log("other did not take over, fake stays")

    async def main() -> None:
        other = FakeProvider(name="other")
        kiosk = Kiosk(path, others=(other,))
        kiosk.links.script[2] = lambda number, diary: FakeLink(number, diary, frame=False)
        await kiosk.live()
        kiosk.controller.switch("other")
        for _ in range(4):
            await asyncio.sleep(10.0)
            kiosk.actions.touch()
        assert kiosk.phase is Phase.LIVE
        assert [link.is_open for link in kiosk.links.made] == [True, False]
        assert other.ended == [("other-s1", EndReason.FAULT)]
        assert kiosk.provider.ended == []
        await kiosk.controller.shutdown()

    virtual_time.run(main())


def is_said(diary: Diary, entry: str) -> bool:
    return entry in diary


def test_many_switches_leave_one_link_and_one_session(path: Path) -> None:
    async def main() -> None:
        other = FakeProvider(name="other")
        kiosk = Kiosk(path, others=(other,), limits=Limits(max_visit_s=10_000.0))
        await kiosk.live()
        for number in range(30):
            kiosk.controller.switch(("other", "fake")[number % 2])
            await kiosk.until(partial(is_said, kiosk.diary, f"link closed {number + 1}"))
        assert [link.number for link in kiosk.links.made if link.is_open] == [31]
        await asyncio.sleep(1.0)
        assert (len(kiosk.provider.open_sessions), len(other.open_sessions)) == (1, 0)
        assert kiosk.controller.on_air == ("fake", "other")
        await kiosk.controller.shutdown()
        assert kiosk.ledger.entries() == ()
        assert not running_tasks()

    virtual_time.run(main())


# --- what breaks its promises ---


class Rude(FakeProvider):
    """Raises what no provider may raise."""

    async def start(self, visit: Visit) -> Grant:
        raise RuntimeError("a bug")

    async def end(self, session: SessionRef, reason: EndReason) -> None:
        raise RuntimeError("a bug")


def test_a_provider_with_a_bug_gives_a_calm_screen(path: Path, expected_log: Callable[[str], None]) -> None:
    expected_log("provider fake failed")

    async def main() -> None:
        kiosk = Kiosk(path, provider=Rude())
        await kiosk.controller.start()
        kiosk.begin()
        await kiosk.reach(Phase.OUT_OF_SERVICE)
        assert kiosk.controller.situation.notice == Notice.UNAVAILABLE
        assert [kind for kind, _ in kiosk.controller.errors] == ["internal"]
        assert [entry.session_id for entry in kiosk.ledger.entries()] == [None]
        await kiosk.controller.shutdown()

    virtual_time.run(main())


class HangingEnd(FakeProvider):
    async def end(self, session: SessionRef, reason: EndReason) -> None:
        self.diary.append("end called")
        await asyncio.sleep(10_000.0)


def test_an_end_that_hangs_is_bounded(path: Path, expected_log: Callable[[str], None]) -> None:
    expected_log("did not answer the end")

    async def main() -> None:
        kiosk = Kiosk(path, provider=HangingEnd())
        await kiosk.live()
        kiosk.actions.leave()
        await asyncio.sleep(400.0)
        assert kiosk.diary.count("end called") == 6
        assert len(kiosk.ledger.entries()) == 1
        await kiosk.controller.shutdown()

    virtual_time.run(main())


class RudeLink(FakeLink):
    async def close(self) -> None:
        await super().close()
        raise RuntimeError("a bug")

    async def send_text(self, text: str) -> None:
        raise RuntimeError(text)


def test_a_link_with_a_bug_does_not_keep_the_session_open(
    path: Path, expected_log: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    expected_log("closing a link failed|link_close|link_call")

    def rude(number: int, diary: Diary) -> FakeLink:
        return RudeLink(number, diary)

    async def main() -> None:
        kiosk = Kiosk(path)
        kiosk.links.script[1] = rude
        await kiosk.live()
        kiosk.actions.type_text("my name is Ada")
        await asyncio.sleep(0.1)
        kiosk.actions.leave()
        await kiosk.reach(Phase.ATTRACT)
        assert kiosk.provider.open_sessions == set()
        await kiosk.controller.shutdown()

    virtual_time.run(main())
    assert "Ada" not in caplog.text


class DeafLink(FakeLink):
    """Says it is closed, and goes on listening."""

    async def close(self) -> None:
        self.is_open = False
        self.closes += 1


def test_a_link_that_never_ends_its_events_is_left(path: Path) -> None:
    async def main() -> None:
        kiosk = Kiosk(path)
        kiosk.links.script[1] = lambda number, diary: DeafLink(number, diary)
        await kiosk.live()
        kiosk.actions.leave()
        await asyncio.sleep(20.0)
        assert not running_tasks()
        await kiosk.controller.shutdown()

    virtual_time.run(main())


def test_devices_that_fail_are_told_and_the_visit_goes_on(path: Path, expected_log: Callable[[str], None]) -> None:
    expected_log("opening the devices failed|devices: ")

    async def main() -> None:
        kiosk = Kiosk(path)
        kiosk.devices.error = RuntimeError("no sound server")
        await kiosk.live()
        await asyncio.sleep(0.5)
        assert kiosk.controller.situation.notice == Notice.NO_SOUND
        assert not kiosk.controller.situation.microphone
        assert [kind for kind, _ in kiosk.controller.errors] == ["devices"]
        await kiosk.controller.shutdown()

    virtual_time.run(main())


def test_devices_that_come_and_go(path: Path) -> None:
    async def main() -> None:
        kiosk = Kiosk(path)
        kiosk.controller.devices_changed(DeviceState(microphone=True))
        assert not kiosk.controller.situation.microphone
        await kiosk.live()
        kiosk.controller.devices_changed(DeviceState(microphone=False, speaker=True))
        assert kiosk.controller.situation.notice == Notice.NO_MICROPHONE
        kiosk.controller.devices_changed(DeviceState(microphone=True, speaker=True))
        assert kiosk.controller.situation.notice == ""
        await kiosk.controller.shutdown()

    virtual_time.run(main())


def test_devices_are_opened_and_closed_one_after_the_other(path: Path) -> None:
    async def main() -> None:
        kiosk = Kiosk(path, limits=Limits(welcome=False, goodbye_s=0.1))
        kiosk.devices.open_s = 3.0
        await kiosk.controller.start()
        kiosk.actions.touch()
        await asyncio.sleep(0.5)
        kiosk.actions.leave()
        await kiosk.reach(Phase.ATTRACT)
        kiosk.actions.touch()
        await asyncio.sleep(8.0)
        words = [entry for entry in kiosk.diary if entry.startswith("devices")]
        assert words == ["devices open", "devices closed", "devices open"]
        assert kiosk.devices.is_open
        await kiosk.controller.shutdown()
        assert not kiosk.devices.is_open

    virtual_time.run(main())


def test_a_disk_that_refuses_does_not_refuse_the_visitor(path: Path, expected_log: Callable[[str], None]) -> None:
    expected_log("ledger: the ledger of open sessions cannot be used")

    path.mkdir()  # a folder where the file should be

    async def main() -> None:
        kiosk = Kiosk(path)
        await kiosk.live()
        await kiosk.controller.shutdown()
        assert kiosk.provider.open_sessions == set()

    virtual_time.run(main())


def test_a_screen_that_fails_does_not_stop_the_others(path: Path, expected_log: Callable[[str], None]) -> None:
    expected_log("a listener failed")

    async def main() -> None:
        kiosk = Kiosk(path)

        def broken(situation: Situation) -> None:
            if situation.phase is not Phase.ATTRACT:
                raise RuntimeError("a bug")

        kiosk.controller.subscribe(broken)
        late: list[Situation] = []
        stop = kiosk.controller.subscribe(late.append)
        await kiosk.live()
        assert late[-1].phase is Phase.LIVE
        stop()
        count = len(late)
        await kiosk.controller.shutdown()
        assert len(late) == count

    virtual_time.run(main())


def test_a_screen_may_act_while_it_is_told(path: Path) -> None:
    async def main() -> None:
        kiosk = Kiosk(path)

        def accept_at_once(situation: Situation) -> None:
            if situation.phase is Phase.WELCOME:
                kiosk.actions.accept("fr")

        kiosk.controller.subscribe(accept_at_once)
        await kiosk.controller.start()
        kiosk.actions.touch()
        await kiosk.reach(Phase.LIVE)
        assert kiosk.controller.situation.language == "fr"
        await kiosk.controller.shutdown()

    virtual_time.run(main())


def test_limits_of_the_settings_do_not_overrule_what_a_provider_can(path: Path) -> None:
    async def main() -> None:
        liar = replace(Limits(), main=Source("liar", Capabilities(hosted_dialogue=True)), fallback=Source("liar"))
        kiosk = Kiosk(path, provider=FakeProvider(capabilities=Capabilities()), limits=liar)
        await kiosk.live()
        assert not kiosk.controller.situation.can_type
        await kiosk.controller.shutdown()

    virtual_time.run(main())
