"""When devices are tried again: soon enough, and never at the cost of a voice."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.media.device_listing import DeviceListing
from kiosk.media.device_repair import BLIND_PAUSE_S, LONGEST_PAUSE_S, QUIET_S, RepairPlan, Try
from kiosk.media.devices import LISTING_S, LOOK_S

OPENING_S = 0.3  # a slow one
PROMISE_S = 3.0
QUARTER_S = 900.0
DESK = DeviceListing("desk")


@dataclass
class Desk:
    """Two devices, a clock, and PortAudio's way: what it did not see at its latest look it cannot open."""

    listing: DeviceListing | None = DESK
    follow_defaults: bool = True
    speaker: bool = True  # it is plugged in
    microphone: bool = True
    speaker_works: bool = True
    microphone_works: bool = True
    idle_s: float = float("inf")
    now_s: float = 1000.0
    tries: list[Try] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.seen = {"speaker", "microphone"}
        self.listed = self.listing
        self.listed_s = self.now_s
        self.plan = RepairPlan(self.now_s, self.listing, follow_defaults=self.follow_defaults)

    def tick(self) -> Try:
        self.now_s += LOOK_S
        if self.now_s - self.listed_s >= LISTING_S:
            self.listed, self.listed_s = self.listing, self.now_s
        todo = self.plan.choose(
            self.now_s,
            speaker=self.speaker_works,
            microphone=self.microphone_works,
            idle_s=self.idle_s if self.speaker_works else float("inf"),
            listing=self.listed,
        )
        if todo is not Try.NOTHING:
            self._carry_out(todo)
        return todo

    def _carry_out(self, todo: Try) -> None:
        self.tries.append(todo)
        self.now_s += OPENING_S
        if todo is Try.LOOK:
            self.seen = {name for name in ("speaker", "microphone") if getattr(self, name)}
        for name in ("speaker", "microphone"):
            setattr(self, f"{name}_works", getattr(self, name) and name in self.seen)
        self.plan.tried(self.now_s)
        if todo is Try.LOOK:
            self.plan.looked(self.now_s, self.listed)

    def run(self, seconds: float) -> list[Try]:
        """The tries of that time."""
        before, until = len(self.tries), self.now_s + seconds
        while self.now_s < until:
            self.tick()
        return self.tries[before:]

    def unplug(self, *names: str) -> None:
        for name in names:
            setattr(self, name, False)
            setattr(self, f"{name}_works", False)

    def plug_in(self, *names: str) -> float:
        """Seconds until they work."""
        for name in names:
            setattr(self, name, True)
        began_s = self.now_s
        while not all(getattr(self, f"{name}_works") for name in names):
            assert self.now_s - began_s < 60, "never"
            self.tick()
        return self.now_s - began_s


absences = st.floats(0.1, 300)
kinds = st.sampled_from([("speaker",), ("microphone",), ("speaker", "microphone")])


@settings(max_examples=25)
@given(absences, kinds, st.floats(0, 10))
def test_what_was_there_before_is_back_in_time_however_long_it_was_away(
    away_s: float, names: tuple[str, ...], idle_s: float
) -> None:
    desk = Desk(idle_s=idle_s)
    desk.unplug(*names)
    desk.run(away_s)
    assert desk.plug_in(*names) <= PROMISE_S
    assert desk.run(60) == []


@settings(max_examples=25)
@given(absences, st.sampled_from(["speaker", "microphone"]))
def test_what_is_new_is_seen_in_time_where_the_system_tells_of_it(away_s: float, name: str) -> None:
    desk = Desk()
    desk.unplug(name)
    desk.seen.discard(name)
    desk.run(away_s)
    desk.listing = DeviceListing("desk and one more")
    assert desk.plug_in(name) <= PROMISE_S


@settings(max_examples=10)
@given(st.sampled_from(["speaker", "microphone"]), st.floats(0, QUIET_S))
def test_a_missing_device_costs_the_other_one_nothing(name: str, idle_s: float) -> None:
    desk = Desk(idle_s=idle_s)
    desk.unplug(name)
    tries = desk.run(300)
    assert set(tries) == {Try.OPEN}
    assert len(tries) <= 300 / LONGEST_PAUSE_S, "and hardly any work"


def test_a_voice_is_not_interrupted_for_a_new_device_but_its_pause_is_used() -> None:
    desk = Desk(idle_s=0.0)
    desk.unplug("microphone")
    desk.seen.discard("microphone")
    desk.run(10)
    desk.microphone, desk.listing = True, DeviceListing("desk and one more")
    assert set(desk.run(30)) == {Try.OPEN}
    desk.idle_s = QUIET_S + 0.1
    assert Try.LOOK in desk.run(PROMISE_S)
    assert desk.microphone_works


def test_a_device_that_is_not_ready_at_once_gets_some_more_looks_and_then_peace() -> None:
    desk = Desk()
    desk.unplug("microphone")
    desk.run(10)
    desk.listing = DeviceListing("listed, and not ready")
    assert 3 <= desk.run(10).count(Try.LOOK) <= 6
    assert Try.LOOK not in desk.run(QUARTER_S)


def test_a_system_that_tells_nothing_is_looked_at_seldom() -> None:
    desk = Desk(listing=None)
    desk.unplug("microphone")
    looks = desk.run(QUARTER_S).count(Try.LOOK)
    assert QUARTER_S / BLIND_PAUSE_S / 2 <= looks <= QUARTER_S / BLIND_PAUSE_S + 1


@pytest.mark.parametrize(("follow", "looks"), [(True, [Try.LOOK]), (False, [])])
def test_a_new_default_is_followed_once_in_a_pause_unless_both_are_named(follow: bool, looks: list[Try]) -> None:
    desk = Desk(follow_defaults=follow, idle_s=0.0)
    desk.listing = DeviceListing("desk", "headset")
    assert desk.run(30) == []
    desk.idle_s = 10.0
    assert desk.run(30) == looks


def test_more_devices_of_no_concern_change_nothing() -> None:
    desk = Desk()
    desk.listing = DeviceListing("desk and a camera")
    assert desk.run(60) == []


def test_a_machine_that_stood_still_for_a_moment_has_lost_nothing() -> None:
    desk = Desk()
    for _ in range(20):
        desk.run(5)
        desk.speaker_works = desk.microphone_works = False
        assert desk.tick() is Try.NOTHING
        desk.speaker_works = desk.microphone_works = True
    assert desk.tries == []
