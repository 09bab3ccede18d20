"""When snapshots are taken and what is told of a visit: hours on a clock that takes no time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from kiosk.figure_sampler import FigureSampler, Sources
from kiosk.media.statistics import (
    AudioStatistics,
    MicrophoneStatistics,
    NetworkStatistics,
    StreamStatistics,
    VideoStatistics,
)
from kiosk.process_statistics import ProcessStatistics
from kiosk.session.view import Phase, Situation
from tests import virtual_time

ATTRACT, LIVE, GOODBYE = (Situation(phase) for phase in (Phase.ATTRACT, Phase.LIVE, Phase.GOODBYE))


class Kiosk:
    """30 pictures a second come, one a second is late, and every tenth packet is lost."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.clock = virtual_time.VirtualClock(loop)
        self.asked_s: list[float] = []
        self.link_hangs = False
        self.devices_open = True
        self.sampler = FigureSampler(
            Sources(
                self._video, self._audio, lambda: MicrophoneStatistics(self.clock.monotonic()), self._network, _machine
            ),
            self.clock,
        )

    def _video(self) -> VideoStatistics:
        t = self.clock.monotonic()
        return VideoStatistics(1280, 720, round(30 * t), round(30 * t), 0, 30.0, int(t + 1e-6))

    def _audio(self) -> AudioStatistics:
        return AudioStatistics(self.clock.monotonic(), 0, 100.0 if self.devices_open else None)

    async def _network(self) -> NetworkStatistics:
        self.asked_s.append(round(self.clock.monotonic(), 3))
        if self.link_hangs:
            await asyncio.Event().wait()
        t = self.clock.monotonic()
        return NetworkStatistics(0.02, StreamStatistics("v", round(90 * t), round(10 * t)))


def _machine() -> ProcessStatistics:
    return ProcessStatistics(1.0, 200.0, 150.0, 30, 50)


def run(story: Callable[[Kiosk], Coroutine[Any, Any, None]]) -> Kiosk:
    async def main() -> Kiosk:
        kiosk = Kiosk()
        kiosk.sampler.start()
        kiosk.sampler.show_situation(ATTRACT)
        await story(kiosk)
        await kiosk.sampler.stop()
        await kiosk.sampler.stop()
        return kiosk

    return virtual_time.run(main())


def lines(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name == "kiosk.figures"]


@pytest.fixture(autouse=True)
def info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "kiosk.figures")


def test_without_a_visit_and_a_watcher_nothing_is_asked(caplog: pytest.LogCaptureFixture) -> None:
    async def story(kiosk: Kiosk) -> None:
        await asyncio.sleep(3_600)

    assert run(story).asked_s == []
    assert lines(caplog) == []


def test_a_visit_is_looked_at_ever_more_seldom_and_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    async def story(kiosk: Kiosk) -> None:
        await asyncio.sleep(100)
        kiosk.sampler.show_situation(LIVE)
        await asyncio.sleep(150)
        kiosk.sampler.show_situation(GOODBYE)
        await asyncio.sleep(600)

    kiosk = run(story)
    assert kiosk.asked_s[:6] == [101, 102, 104, 108, 116, 126]
    assert kiosk.asked_s[-1] <= 250
    told = [round(record.span_s) for record in lines(caplog)]  # type: ignore[attr-defined]
    assert sum(told) == 150
    assert len(told) == 3
    assert all(60 <= span <= 70 for span in told[:-1])
    for record in lines(caplog):
        assert record.fps_shown == pytest.approx(30, abs=0.1)  # type: ignore[attr-defined]
        assert "fps_shown=30.0" in record.getMessage()
    visit = kiosk.sampler.visit
    assert visit is not None
    assert (round(visit.span_s), visit.late, visit.threads, visit.latency_ms) == (150, 150, 30, 100.0)


def test_whoever_looks_gets_the_last_second(caplog: pytest.LogCaptureFixture) -> None:
    async def story(kiosk: Kiosk) -> None:
        assert kiosk.sampler.look().latest is None
        for second in range(20):
            await asyncio.sleep(1)
            live = kiosk.sampler.look()
            assert live.visit is None
            if second > 2:
                assert live.latest is not None
                assert live.latest.span_s == pytest.approx(1, abs=0.01)
                assert live.latest.loss_percent == pytest.approx(10)
        asked = len(kiosk.asked_s)
        assert 19 <= asked <= 22
        await asyncio.sleep(3_600)
        assert len(kiosk.asked_s) <= asked + 3, "nobody looks any more"

    run(story)
    assert lines(caplog) == []


def test_at_the_end_of_a_visit_the_loudspeaker_still_counts() -> None:
    """The devices are closed in the moment after."""

    async def story(kiosk: Kiosk) -> None:
        kiosk.sampler.show_situation(LIVE)
        await asyncio.sleep(2.5)
        kiosk.sampler.show_situation(GOODBYE)
        kiosk.devices_open = False
        await asyncio.sleep(30)

    visit = run(story).sampler.visit
    assert visit is not None
    assert (visit.latency_ms, visit.rtt_ms) == (100.0, 20.0)
    assert visit.loss_percent == pytest.approx(10)


def test_the_end_of_the_kiosk_ends_a_visit(caplog: pytest.LogCaptureFixture) -> None:
    async def story(kiosk: Kiosk) -> None:
        kiosk.sampler.show_situation(LIVE)
        await asyncio.sleep(5)

    visit = run(story).sampler.visit
    assert visit is not None
    assert visit.span_s == pytest.approx(5)
    assert len(lines(caplog)) == 1


def test_a_link_that_does_not_answer_costs_its_figures_alone() -> None:
    async def story(kiosk: Kiosk) -> None:
        kiosk.link_hangs = True
        kiosk.sampler.show_situation(LIVE)
        await asyncio.sleep(100)

    kiosk = run(story)
    visit = kiosk.sampler.visit
    assert visit is not None
    assert (visit.rtt_ms, visit.threads) == (None, 30)
    assert visit.fps_shown == pytest.approx(30, abs=0.1)


def test_the_next_visit_begins_anew() -> None:
    async def story(kiosk: Kiosk) -> None:
        for phase in (LIVE, GOODBYE, ATTRACT, LIVE):
            kiosk.sampler.show_situation(phase)
            await asyncio.sleep(20)
        visit = kiosk.sampler.look().visit
        assert visit is not None
        assert visit.span_s <= 20.1

    run(story)
