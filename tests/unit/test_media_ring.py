"""The ring between two threads: nothing lost, nothing twice, never more than it holds."""

from __future__ import annotations

import threading
import time
from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kiosk.media.ring import PcmRing


class RingAgainstDeque(RuleBasedStateMachine):
    """A plain deque says what the ring should hold."""

    def __init__(self) -> None:
        super().__init__()
        self.ring = PcmRing(37)
        self.model: deque[int] = deque()
        self.next = 0

    @rule(count=st.integers(0, 80))
    def write(self, count: int) -> None:
        samples = np.arange(self.next, self.next + count).astype(np.int16)
        taken = self.ring.write(samples)
        assert taken == min(count, 37 - len(self.model))
        self.model.extend(samples[:taken].tolist())
        self.next = (self.next + taken) % 30_000

    @rule(count=st.integers(0, 80))
    def read(self, count: int) -> None:
        target = np.full(count, -1, np.int16)
        got = self.ring.read_into(target)
        assert target[:got].tolist() == [self.model.popleft() for _ in range(got)]
        assert got == count or not self.model
        assert (target[got:] == -1).all()

    @rule(count=st.integers(-3, 80))
    def skip(self, count: int) -> None:
        for _ in range(self.ring.skip(count)):
            self.model.popleft()

    @invariant()
    def adds_up(self) -> None:
        assert self.ring.available() == len(self.model)
        assert self.ring.space() == 37 - len(self.model)
        assert self.ring.written - self.ring.position == len(self.model)


TestRingAgainstDeque = RingAgainstDeque.TestCase
TestRingAgainstDeque.settings = settings(derandomize=True, max_examples=60, deadline=None)


@settings(derandomize=True, max_examples=10, deadline=None)
@given(capacity=st.integers(50, 700), writes=st.integers(1, 600), reads=st.integers(1, 600))
def test_every_sample_passes_between_two_threads_once_and_in_order(capacity: int, writes: int, reads: int) -> None:
    ring = PcmRing(capacity)
    sound = np.random.default_rng(7).integers(-30_000, 30_000, 5_000).astype(np.int16)
    heard: list[np.ndarray[tuple[int], np.dtype[np.int16]]] = []

    def write() -> None:
        at = 0
        while at < len(sound):
            taken = ring.write(sound[at : at + writes])
            at += taken
            if not taken:
                time.sleep(0)

    writer = threading.Thread(target=write)
    writer.start()
    target = np.zeros(reads, np.int16)
    count = 0
    while count < len(sound):
        got = ring.read_into(target)
        heard.append(target[:got].copy())
        count += got
        if not got:
            time.sleep(0)
    writer.join(10)
    assert np.array_equal(np.concatenate(heard), sound)


def test_odd_bytes_are_left_out_and_bytes_are_taken_too() -> None:
    ring = PcmRing(10)
    assert ring.write(b"\x01\x00\x02") == 1
    target = bytearray(4)
    assert ring.read_into(target) == 1
    assert target == b"\x01\x00\x00\x00"


def test_skip_to_never_goes_back() -> None:
    ring = PcmRing(10)
    ring.write(np.arange(8, dtype=np.int16))
    assert ring.skip_to(5) == 5
    assert ring.skip_to(2) == 0
    assert ring.skip_to(99) == 3


def test_a_ring_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        PcmRing(0)
