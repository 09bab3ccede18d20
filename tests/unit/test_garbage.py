"""Garbage is looked for when nobody is there, and in a visit only among what is new."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from kiosk.garbage import GarbageRounds
from kiosk.session.view import Phase, Situation

HOUR_S = 3_600.0


class Ring:
    """Nobody knows it, but it knows itself."""

    def __init__(self) -> None:
        self.itself = self


def lost_ring() -> weakref.ref[Ring]:
    return weakref.ref(Ring())


def lost_old_ring() -> weakref.ref[Ring]:
    """Was in use for as long as a room is in a visit."""
    ring = Ring()
    gc.collect(0)
    gc.collect(1)
    return weakref.ref(ring)


@pytest.fixture(autouse=True)
def collector_off() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def given_back() -> list[str]:
    return []


@pytest.fixture
async def begin(given_back: list[str]) -> AsyncIterator[Callable[..., GarbageRounds]]:
    begun: list[GarbageRounds] = []

    def begin(settle_s: float = 0.0, round_s: float = HOUR_S, many: int = 0) -> GarbageRounds:
        rounds = GarbageRounds(
            lambda: given_back.append(threading.current_thread().name), settle_s=settle_s, round_s=round_s, many=many
        )
        rounds.start()
        begun.append(rounds)
        return rounds

    yield begin
    for rounds in begun:
        await rounds.stop()
        await rounds.stop()
    assert gc.get_freeze_count() == 0


async def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.005)


async def test_when_the_visitor_has_left_all_of_it_is_looked_through(
    begin: Callable[..., GarbageRounds], given_back: list[str]
) -> None:
    rounds = begin()
    rounds.show_situation(Situation(Phase.LIVE))
    ring = lost_old_ring()
    await asyncio.sleep(0.02)
    assert ring() is not None, "in the middle of a visit"
    rounds.show_situation(Situation(Phase.ATTRACT))
    await until(lambda: given_back)
    assert ring() is None
    assert given_back != [threading.current_thread().name]


async def test_the_next_visitor_is_not_disturbed(begin: Callable[..., GarbageRounds], given_back: list[str]) -> None:
    rounds = begin(settle_s=0.05)
    rounds.show_situation(Situation(Phase.LIVE))
    rounds.show_situation(Situation(Phase.ATTRACT))
    rounds.show_situation(Situation(Phase.WELCOME))
    ring = lost_old_ring()
    await asyncio.sleep(0.15)
    assert ring() is not None
    assert not given_back


async def test_what_is_new_is_looked_through_now_and_then(begin: Callable[..., GarbageRounds]) -> None:
    rounds = begin(round_s=0.01)
    rounds.show_situation(Situation(Phase.LIVE))
    old, new = lost_old_ring(), lost_ring()
    await until(lambda: new() is None)
    assert old() is not None
    await until(lambda: old() is None)  # in its turn: a visit may last for hours


async def test_without_much_that_is_new_nothing_is_looked_through(begin: Callable[..., GarbageRounds]) -> None:
    begin(round_s=0.005, many=1_000_000)
    ring = lost_ring()
    await asyncio.sleep(0.05)
    assert ring() is not None


async def test_what_was_there_at_the_start_is_never_looked_at(
    begin: Callable[..., GarbageRounds], given_back: list[str]
) -> None:
    kept = Ring()
    rounds = begin()
    ring = weakref.ref(kept)
    del kept
    rounds.show_situation(Situation(Phase.LIVE))
    rounds.show_situation(Situation(Phase.OUT_OF_SERVICE))
    await until(lambda: given_back)
    assert ring() is not None
