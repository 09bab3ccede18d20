"""What two snapshots say together, whatever the counters do, and how it is written down."""

from __future__ import annotations

import math
from dataclasses import fields, replace

from hypothesis import given
from hypothesis import strategies as st

from kiosk.figure_rows import UNKNOWN, figure_rows, log_line
from kiosk.figures import Figures, LiveFigures, Snapshot, figures
from kiosk.media.statistics import (
    AudioStatistics,
    MicrophoneStatistics,
    NetworkStatistics,
    StreamStatistics,
    VideoStatistics,
)
from kiosk.process_statistics import ProcessStatistics, process_statistics

COUNT = st.integers(0, 10**9)
SECONDS = st.floats(0, 1e7)
GAUGE = st.none() | st.floats(-1e4, 1e4)
STREAM = st.builds(
    StreamStatistics,
    source=st.sampled_from("ab"),
    packets=COUNT,
    lost=st.integers(-5, 10**6),
    jitter_s=st.none() | SECONDS,
    buffered_s=SECONDS,
    emitted=COUNT,
    freezes=st.none() | COUNT,
)
SNAPSHOT = st.builds(
    Snapshot,
    t_s=SECONDS,
    video=st.builds(VideoStatistics, COUNT, COUNT, COUNT, COUNT, COUNT, SECONDS, COUNT),
    audio=st.builds(AudioStatistics, SECONDS, COUNT, GAUGE, GAUGE, SECONDS, COUNT, GAUGE, GAUGE, GAUGE),
    microphone=st.builds(MicrophoneStatistics, SECONDS, COUNT),
    network=st.none() | st.builds(NetworkStatistics, st.none() | SECONDS, st.none() | STREAM, st.none() | STREAM),
    process=st.builds(ProcessStatistics, SECONDS, GAUGE, GAUGE, st.none() | COUNT, st.none() | COUNT),
)
SIGNED = {"av_offset_ms", "latency_ms", "fill_ms", "device_latency_ms", "drift_ppm", "rss_mb", "pss_mb"}  # gauges


@given(SNAPSHOT, SNAPSHOT)
def test_nothing_is_negative_or_endless_whatever_the_counters_do(before: Snapshot, now: Snapshot) -> None:
    found = figures(before, now)
    for name in (field.name for field in fields(Figures)):
        value = getattr(found, name)
        assert value is None or math.isfinite(value)
        assert value is None or name in SIGNED or value >= 0, name
    assert found.loss_percent is None or found.loss_percent <= 100


@given(SNAPSHOT)
def test_when_nothing_happens_all_is_zero(one: Snapshot) -> None:
    found = figures(one, replace(one, t_s=one.t_s + 1))
    still = (found.fps_received, found.fps_shown, found.late, found.dropped, found.underruns, found.resyncs)
    assert not any(still)
    assert found.cpu_percent == 0
    assert found.loss_percent is None
    assert found.video_buffer_ms is None
    assert found.freezes in (0, None)


@given(SNAPSHOT, SNAPSHOT, SNAPSHOT)
def test_counts_of_two_spans_add_up(one: Snapshot, two: Snapshot, three: Snapshot) -> None:
    """As long as nothing began anew in between."""
    a, b, c = sorted((one, two, three), key=lambda snapshot: snapshot.video.late)
    parts = figures(a, b).late + figures(b, c).late
    assert figures(a, c).late == parts == c.video.late - a.video.late


def test_a_second_of_an_ordinary_visit() -> None:
    before = Snapshot(
        10.0,
        VideoStatistics(1280, 720, 300, 298, 1, 30.0, 4),
        AudioStatistics(8.0, 1),
        MicrophoneStatistics(9.0, 2),
        NetworkStatistics(
            0.03,
            StreamStatistics("v", 1_000, 10, 0.004, 6.0, 300, freezes=1),
            StreamStatistics("a", 500, 0, 0.002, 900.0, 480_000),
        ),
        ProcessStatistics(5.0, 200.0, 150.0, 30, 50),
    )
    now = Snapshot(
        12.0,
        VideoStatistics(1280, 720, 360, 356, 3, 30.0, 5),
        AudioStatistics(10.0, 2, 101.0, -3.0, 0.1, 1, 55.0, 40.0, 22.0),
        MicrophoneStatistics(11.0, 2),
        NetworkStatistics(
            0.05,
            StreamStatistics("v", 1_090, 20, 0.006, 9.0, 360, freezes=2),
            StreamStatistics("a", 600, 0, 0.003, 1_092.0, 576_000),
        ),
        ProcessStatistics(5.5, 210.0, 160.0, 31, 51),
    )
    found = figures(before, now)
    assert found == Figures(
        span_s=2.0,
        width=1280,
        height=720,
        fps_received=30.0,
        fps_shown=29.0,
        late=1,
        dropped=2,
        freezes=1,
        av_offset_ms=-3.0,
        latency_ms=101.0,
        fill_ms=55.0,
        device_latency_ms=40.0,
        drift_ppm=22.0,
        voice_played_s=2.0,
        underruns=1,
        resyncs=1,
        microphone_sent_s=2.0,
        microphone_dropped=0,
        rtt_ms=50.0,
        loss_percent=5.0,
        video_jitter_ms=6.0,
        voice_jitter_ms=3.0,
        video_buffer_ms=50.0,
        voice_buffer_ms=2.0,
        cpu_percent=25.0,
        rss_mb=210.0,
        pss_mb=160.0,
        threads=31,
        handles=51,
    )


def test_another_link_begins_from_nothing() -> None:
    before = Snapshot(0.0, network=NetworkStatistics(0.1, StreamStatistics("old", 900, 90, 0.0, 50.0, 500, freezes=7)))
    now = Snapshot(1.0, network=NetworkStatistics(0.1, StreamStatistics("new", 1_000, 0, 0.0, 60.0, 600, freezes=1)))
    found = figures(before, now)
    assert (found.loss_percent, found.freezes, found.video_buffer_ms) == (0.0, 1, 100.0)


def test_a_packet_that_came_late_after_all_is_no_loss() -> None:
    before = Snapshot(0.0, network=NetworkStatistics(None, None, StreamStatistics("a", 100, 5)))
    now = Snapshot(1.0, network=NetworkStatistics(None, None, StreamStatistics("a", 150, 3)))
    assert figures(before, now).loss_percent == 0.0


class TestWords:
    def test_there_are_always_the_same_rows(self) -> None:
        empty, full = figure_rows(LiveFigures()), figure_rows(LiveFigures(Figures(1.0), Figures(60.0)))
        assert [row.name for row in empty] == [row.name for row in full]
        assert {row.value for row in empty} == {UNKNOWN}
        assert {row.visit for row in empty} == {""}

    def test_what_nobody_can_tell_is_a_dash(self) -> None:
        rows = {row.name: row.value for row in figure_rows(LiveFigures(Figures(1.0, video_buffer_ms=20.0)))}
        assert (rows["rtt"], rows["jitter"], rows["buffer"]) == (UNKNOWN, UNKNOWN, f"20 / {UNKNOWN} ms")

    def test_a_zero_has_no_sign(self) -> None:
        rows = {
            row.name: row.value for row in figure_rows(LiveFigures(Figures(1.0, av_offset_ms=-0.3, drift_ppm=12.0)))
        }
        assert (rows["lip_sync"], rows["drift"]) == ("0 ms", "+12 ppm")

    @given(SNAPSHOT, SNAPSHOT)
    def test_the_log_has_them_all_but_what_nobody_can_tell(self, before: Snapshot, now: Snapshot) -> None:
        found = figures(before, now)
        line = log_line(found)
        told = {part.partition("=")[0] for part in line.partition(": ")[2].split(", ")}
        assert told == {name for name, value in found.fields().items() if value is not None} - {"span_s"}
        assert "\n" not in line


def test_this_process_knows_itself() -> None:
    found = process_statistics()
    assert found.cpu_s > 0
    assert found.threads is None or found.threads >= 1
    assert found.handles is None or found.handles >= 3
    assert found.rss_mb is None or found.pss_mb is None or found.rss_mb >= found.pss_mb * 0.9
