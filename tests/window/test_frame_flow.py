"""From the media thread to the glass: coalesced notifications, due times, stalls, counts."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from PySide6.QtCore import QCoreApplication
from pytestqt.qtbot import QtBot

from kiosk.clock import SystemClock
from kiosk.media.frames import PixelFormat, VideoFrame
from kiosk.media.mailbox import CAPACITY, FrameMailbox
from kiosk.resources import resources_dir
from kiosk.ui.colour import Colour
from kiosk.ui.conversion_worker import ConversionWorker
from kiosk.ui.frame_bridge import FrameBridge
from kiosk.ui.frame_pacer import FramePacer
from kiosk.ui.frame_source import FrameRenderer
from kiosk.ui.gl_view import GlView
from kiosk.ui.raster_view import RasterView
from tests.window.frames import FrameList, bgra_card, flat_i420

GREY = (126, 128, 128)


class HeldClock:
    """A clock that moves only when a test says so."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s

    def wall(self) -> float:
        return self.now_s


@pytest.fixture
def bridge(qtbot: QtBot) -> Iterator[FrameBridge]:
    bridge = FrameBridge()
    yield bridge
    bridge.shut()


def times(count: int, work: Callable[[], None]) -> Callable[[], None]:
    def repeat() -> None:
        for _ in range(count):
            work()

    return repeat


def has_painted(view: FrameRenderer, count: int) -> bool:
    return view.painted == count


def is_waiting(pacer: FramePacer) -> bool:
    return pacer.waiting


def call_in_thread(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


def test_many_notifications_from_a_thread_become_one_signal(bridge: FrameBridge, qtbot: QtBot) -> None:
    arrivals: list[bool] = []
    bridge.arrived.connect(lambda: arrivals.append(threading.current_thread() is threading.main_thread()))
    call_in_thread(times(1000, bridge.notify))
    assert arrivals == []  # nothing reaches the GUI before its own turn
    qtbot.waitUntil(lambda: bool(arrivals), timeout=2000)
    QCoreApplication.processEvents()
    assert arrivals == [True]
    call_in_thread(bridge.notify)
    qtbot.waitUntil(lambda: len(arrivals) == 2, timeout=2000)


def test_a_shut_bridge_is_silent(bridge: FrameBridge) -> None:
    arrivals: list[None] = []
    bridge.arrived.connect(lambda: arrivals.append(None))
    bridge.notify()
    bridge.shut()
    bridge.notify()
    QCoreApplication.processEvents()
    assert arrivals == []


def test_the_pacer_waits_for_the_due_time_and_takes_the_newest(qtbot: QtBot) -> None:
    clock, source = HeldClock(), FrameList()
    shown: list[VideoFrame] = []
    pacer = FramePacer(source, clock, shown.append, refresh_s=0.016)
    pacer.pump()
    assert not is_waiting(pacer)
    frames = [flat_i420(2, 2, GREY, due_s=100.0 + offset) for offset in (-0.030, 0.000, 0.050)]
    for frame in frames:
        source.put(frame)
    pacer.pump()
    assert shown == [frames[1]]  # the older one is passed over, the later one waits
    assert is_waiting(pacer)
    clock.now_s = 100.043  # within half a refresh of the due time
    qtbot.waitUntil(lambda: len(shown) == 2, timeout=2000)
    assert shown[1] is frames[2]
    assert not is_waiting(pacer)
    pacer.shut()


def test_the_pacer_stops_for_good(qtbot: QtBot) -> None:
    clock, source = HeldClock(), FrameList()
    shown: list[VideoFrame] = []
    pacer = FramePacer(source, clock, shown.append)
    source.put(flat_i420(2, 2, GREY, due_s=100.5))
    pacer.pump()
    assert is_waiting(pacer)
    pacer.shut()
    assert not is_waiting(pacer)
    clock.now_s = 101.0
    pacer.pump()
    assert shown == []


@pytest.mark.parametrize("kind", ["opengl", "raster"])
def test_frames_of_a_media_thread_reach_the_view(kind: str, bridge: FrameBridge, qtbot: QtBot) -> None:
    mailbox = FrameMailbox()
    mailbox.on_frame = bridge.notify
    view = (
        GlView(mailbox, SystemClock(), resources_dir() / "shaders")
        if kind == "opengl"
        else RasterView(mailbox, SystemClock())
    )
    mailbox.wanted_format = view.wanted_format
    bridge.arrived.connect(view.pump)
    qtbot.addWidget(view, before_close_func=lambda _: view.shut())
    view.resize(64, 48)
    view.show()
    qtbot.waitExposed(view)
    with qtbot.waitSignal(view.first_frame, timeout=5000):
        call_in_thread(lambda: mailbox.put(flat_i420(64, 48, GREY)))
    for number in range(2, 6):
        call_in_thread(lambda: mailbox.put(flat_i420(64, 48, GREY)))
        qtbot.waitUntil(partial(has_painted, view, number), timeout=5000)
    assert view.first_painted_s is not None
    assert view.dropped == 0


@pytest.mark.parametrize("kind", ["opengl", "raster"])
def test_a_stalled_screen_keeps_only_the_newest_frame(kind: str, bridge: FrameBridge, qtbot: QtBot) -> None:
    mailbox = FrameMailbox()
    mailbox.on_frame = bridge.notify
    view = (
        GlView(mailbox, SystemClock(), resources_dir() / "shaders")
        if kind == "opengl"
        else RasterView(mailbox, SystemClock())
    )
    bridge.arrived.connect(view.pump)
    qtbot.addWidget(view, before_close_func=lambda _: view.shut())
    view.resize(64, 48)
    view.show()
    qtbot.waitExposed(view)
    frame = flat_i420(64, 48, GREY) if kind == "opengl" else bgra_card(64, 48)
    # The GUI thread is busy here: a second of video piles up meanwhile.
    call_in_thread(times(30, lambda: mailbox.put(frame)))
    qtbot.waitUntil(lambda: view.painted == 1, timeout=5000)
    QCoreApplication.processEvents()
    assert view.painted == 1
    assert mailbox.statistics().received == 30
    assert mailbox.statistics().dropped == 29


def test_frames_that_cannot_be_painted_are_counted_as_dropped(qtbot: QtBot) -> None:
    source = FrameList()
    view = RasterView(source, SystemClock())
    qtbot.addWidget(view, before_close_func=lambda _: view.shut())
    for _ in range(3):  # hidden: nothing is painted, and the newest frame takes the place of the older
        source.put(bgra_card(8, 8))
        view.pump()
    assert (view.painted, view.dropped) == (0, 2)
    view.resize(8, 8)
    view.show()
    qtbot.waitUntil(lambda: view.painted == 1, timeout=5000)
    assert view.dropped == 2


def test_the_worker_keeps_the_newest_and_ends_its_thread(qtbot: QtBot) -> None:
    worker = ConversionWorker(Colour())
    done: list[VideoFrame] = []
    dropped: list[None] = []
    worker.converted.connect(done.append)
    worker.dropped.connect(lambda: dropped.append(None))
    frames = [flat_i420(64 + number, 48, GREY) for number in range(5)]
    for frame in frames:
        worker.submit(frame)
    qtbot.waitUntil(lambda: len(done) == 2, timeout=5000)
    assert [frame.width for frame in done] == [64, 68]  # the first, and the newest of those that waited
    assert len(dropped) == 3
    assert {frame.format for frame in done} == {PixelFormat.BGRA}
    worker.submit(frames[0])
    worker.forget()
    qtbot.waitUntil(lambda: len(dropped) == 4, timeout=5000)
    assert len(done) == 2
    worker.shut()
    worker.submit(frames[0])
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("kiosk-colour")]


class Pixels(bytearray):
    """Bytes of which one can tell whether somebody still holds them."""


@pytest.mark.parametrize("kind", ["opengl", "raster", "raster after a conversion"])
def test_a_screen_that_stands_still_holds_a_few_frames_and_shows_the_newest_next(
    kind: str, bridge: FrameBridge, qtbot: QtBot
) -> None:
    """Two seconds of video with a voice to wait for: the last quarter of a second is not due yet when it goes on."""
    mailbox, clock = FrameMailbox(), HeldClock()
    view: FrameRenderer = (
        GlView(mailbox, clock, resources_dir() / "shaders")
        if kind == "opengl"
        else RasterView(mailbox, clock, animate=False)
    )
    mailbox.on_frame = bridge.notify
    bridge.arrived.connect(view.pump)
    qtbot.addWidget(view.widget(), before_close_func=lambda _: view.shut())
    view.widget().resize(64, 48)
    view.widget().show()
    qtbot.waitExposed(view.widget())
    held: list[weakref.ref[Pixels]] = []

    def put(luma: int, due_s: float) -> None:
        if kind == "raster":
            data, form = Pixels(bytes((luma, luma, luma, 255)) * (64 * 48)), PixelFormat.BGRA
        else:
            data, form = Pixels(bytes((luma,)) * (64 * 48) + bytes((128,)) * (64 * 24)), PixelFormat.I420
        held.append(weakref.ref(data))
        mailbox.put(VideoFrame(form, 64, 48, data, due_s=due_s, arrived_s=due_s))

    def seen() -> int:
        return view.widget().grab().toImage().pixelColor(32, 24).green()

    def living() -> int:
        return sum(reference() is not None for reference in held)

    put(40, 0.0)
    qtbot.waitUntil(partial(has_painted, view, 1), timeout=5000)

    def two_seconds() -> None:
        for number in range(60):
            put(200 if number >= 52 else 90, clock.now_s + number / 30)

    call_in_thread(two_seconds)
    assert living() <= CAPACITY + 1  # what waits, and what the screen shows
    clock.now_s += 52 / 30
    qtbot.waitUntil(partial(has_painted, view, 2), timeout=5000)  # the first that it paints is one of the newest
    assert seen() > 180
    clock.now_s += 1.0
    view.pump()
    qtbot.waitUntil(partial(has_painted, view, 3), timeout=5000)
    assert mailbox.next_due_s() is None
    put(40, 0.0)
    qtbot.waitUntil(partial(has_painted, view, 4), timeout=5000)
    assert seen() < 60
    gc.collect()
    assert living() <= 2
