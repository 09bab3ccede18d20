"""Frames between the media thread and the screen."""

from __future__ import annotations

import threading

import pytest

from kiosk.media.frames import PixelFormat, VideoFrame
from kiosk.media.mailbox import CAPACITY, FrameMailbox


def frame(due_s: float = 0.0, *, arrived_s: float = 0.0, width: int = 4) -> VideoFrame:
    return VideoFrame(PixelFormat.I420, width, 2, bytes(width * 3), due_s=due_s, arrived_s=arrived_s)


def test_the_newest_frame_that_is_due_is_given_and_older_ones_are_dropped() -> None:
    box = FrameMailbox()
    frames = [frame(1.0), frame(2.0), frame(3.0)]
    for each in frames:
        box.put(each)
    assert box.take(0.5) is None
    assert box.next_due_s() == 1.0
    assert box.take(2.5) is frames[1]
    assert box.take(2.5) is None
    assert box.next_due_s() == 3.0
    assert box.take(3.0) is frames[2]
    assert box.next_due_s() is None
    assert (box.statistics().received, box.statistics().painted, box.statistics().dropped) == (3, 2, 1)


def test_without_due_times_the_latest_frame_wins() -> None:
    box = FrameMailbox()
    frames = [frame(), frame(), frame()]
    for each in frames:
        box.put(each)
    assert box.take(0.0) is frames[-1]


def test_a_screen_that_does_not_take_costs_a_bounded_number_of_frames() -> None:
    box = FrameMailbox()
    frames = [frame(float(n)) for n in range(100)]
    for each in frames:
        box.put(each)
    assert box.next_due_s() == 100.0 - CAPACITY
    assert box.take(1000.0) is frames[-1]
    statistics = box.statistics()
    assert statistics.received == 100
    assert statistics.painted + statistics.dropped == 100


def test_the_view_is_told_once_until_it_takes() -> None:
    box = FrameMailbox()
    told: list[int] = []
    box.on_frame = lambda: told.append(1)
    box.put(frame())
    box.put(frame())
    assert len(told) == 1
    box.take(0.0)
    box.put(frame())
    assert len(told) == 2
    box.clear()
    box.put(frame())
    assert len(told) == 3


def test_a_view_that_comes_late_is_told_of_the_next_frame() -> None:
    box = FrameMailbox()
    box.put(frame())
    told: list[int] = []
    box.on_frame = lambda: told.append(1)
    box.put(frame())
    assert told == [1]


def test_it_may_be_taken_from_within_the_notification() -> None:
    box = FrameMailbox()
    taken: list[VideoFrame | None] = []
    box.on_frame = lambda: taken.append(box.take(1.0))
    only = frame()
    box.put(only)
    assert taken == [only]


def test_clear_forgets_frames_and_keeps_the_counts() -> None:
    box = FrameMailbox()
    box.put(frame())
    box.clear()
    assert box.take(1.0) is None
    assert box.statistics().dropped == 1


def test_statistics_tell_size_and_rate() -> None:
    box = FrameMailbox(PixelFormat.BGRA)
    assert box.wanted_format is PixelFormat.BGRA
    box.wanted_format = PixelFormat.I420
    for n in range(31):
        box.put(frame(arrived_s=10 + n / 30, width=6))
    statistics = box.statistics()
    assert statistics.fps == pytest.approx(30, abs=0.01)
    assert (statistics.width, statistics.height) == (6, 2)
    assert box.last_arrival_s == pytest.approx(11)


def test_every_frame_is_either_taken_or_dropped_between_two_threads() -> None:
    box = FrameMailbox()
    done = threading.Event()

    def put() -> None:
        for n in range(3000):
            box.put(frame(float(n)))
        done.set()

    writer = threading.Thread(target=put)
    writer.start()
    last = -1.0
    while not done.is_set():
        taken = box.take(1e9)
        if taken is not None:
            assert taken.due_s > last
            last = taken.due_s
    writer.join(10)
    box.take(1e9)
    statistics = box.statistics()
    assert statistics.painted + statistics.dropped == statistics.received == 3000
