"""The comparison's arithmetic: from what was sent, seen and heard to a table, a plot and a page."""

from __future__ import annotations

import json
import os
import re
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.media.thread_name import show_name
from tests.benchmarks.side_by_side.figures import NothingMeasured, Seen, Sent, onsets, picture_figures, sound_figures
from tests.benchmarks.side_by_side.plot import plot
from tests.benchmarks.side_by_side.publish import BEGIN, END, MANUAL, publish, replaced
from tests.benchmarks.side_by_side.record import Record
from tests.benchmarks.side_by_side.table import Aim, Spread, attract_line, disturbed, formats, table
from tests.benchmarks.side_by_side.takes import BROWSER, KIOSK, Format, Take
from tests.benchmarks.side_by_side.threads import ThreadTimes, thread_table
from tests.livekit_server import REPOSITORY
from tests.simulators.speech import RATE, beep

FPS = 30
SENT = Sent({n: 100 + n / FPS for n in range(1, 400)}, {n: 100 + n / FPS for n in range(60, 400, 60)})


def seen_after(late_s: float, *, without: Sequence[int] = ()) -> list[Seen]:
    return [Seen(n, t + late_s, 0.0008) for n, t in SENT.pictures.items() if n not in without]


@given(late=st.floats(0.001, 0.5), lost=st.sets(st.integers(2, 398), max_size=100))
def test_latency_and_share_are_those_that_were_put_in(late: float, lost: set[int]) -> None:
    found = picture_figures(SENT, seen_after(late, without=sorted(lost)))
    assert found["video_p50_ms"] == pytest.approx(1000 * late, abs=0.02)
    assert found["video_p95_ms"] == pytest.approx(1000 * late, abs=0.02)
    assert found["shown_share"] == pytest.approx(1 - len(lost) / 399, abs=1e-4)
    assert found["doubt_p95_ms"] == pytest.approx(0.8)


@given(jitter=st.lists(st.floats(0, 0.03), min_size=10, max_size=60))
def test_intervals_are_over_all_that_came(jitter: list[float]) -> None:
    seen = [Seen(n, SENT.pictures[n] + late, 0.0) for n, late in enumerate(jitter, 1)]
    times = np.array([one.t_s for one in seen])
    found = picture_figures(SENT, seen)
    assert found["interval_std_ms"] == pytest.approx(float(np.diff(times).std() * 1e3), abs=0.01)
    assert found["interval_mean_ms"] == pytest.approx(float(np.diff(times).mean() * 1e3), abs=0.01)


def test_a_gap_counts_once_and_an_old_picture_is_left_out() -> None:
    seen = seen_after(0.05, without=[100, 101, 102, 103])
    found = picture_figures(SENT, seen)
    assert found["gaps_over_100_ms"] == 1
    again = picture_figures(SENT, [*seen[:50], Seen(3, seen[49].t_s + 0.001, 0.0), *seen[50:]])
    assert again["out_of_order"] == 1
    assert again["interval_std_ms"] == found["interval_std_ms"]


@given(picture=st.floats(0.01, 0.4), voice=st.floats(0.01, 0.4), skew=st.floats(-0.01, 0.01))
def test_the_offset_is_the_voice_s_delay_less_the_mouth_s(picture: float, voice: float, skew: float) -> None:
    """What the publisher was off by between flash and beep is nobody's fault."""
    sent = Sent(SENT.pictures, {n: t + skew for n, t in SENT.beeps.items()})
    found = sound_figures(sent, seen_after(picture), [t + voice for t in sent.beeps.values()])
    assert found["av_median_ms"] == pytest.approx(1000 * (voice - picture), abs=0.02)
    assert found["av_abs_p95_ms"] == pytest.approx(abs(1000 * (voice - picture)), abs=0.02)
    assert found["audio_p50_ms"] == pytest.approx(1000 * voice, abs=0.02)
    assert found["pair_p50_ms"] == pytest.approx(1000 * max(voice, picture), abs=0.02)
    assert found["beeps_matched"] == found["av_pairs"] == len(SENT.beeps)


def test_a_flash_that_lost_its_first_picture_came_with_the_second() -> None:
    found = sound_figures(SENT, seen_after(0.05, without=sorted(SENT.beeps)), [t + 0.1 for t in SENT.beeps.values()])
    assert found["av_median_ms"] == pytest.approx(50 - 1000 / FPS, abs=0.02)


def test_a_sound_that_belongs_to_no_beep_is_none() -> None:
    heard = [t + 0.1 for t in SENT.beeps.values()]
    found = sound_figures(SENT, seen_after(0.05), [90.0, *heard])
    assert found["beeps_matched"] == len(SENT.beeps)
    assert found["audio_p50_ms"] == pytest.approx(100)


def test_nothing_seen_or_heard_is_an_error_and_not_a_zero() -> None:
    with pytest.raises(NothingMeasured, match="0 pictures were seen"):
        picture_figures(SENT, [])
    with pytest.raises(NothingMeasured, match="2 pictures were seen"):
        picture_figures(SENT, seen_after(0.1)[:2])
    with pytest.raises(NothingMeasured, match="0 beeps were heard"):
        sound_figures(SENT, seen_after(0.1), [])
    with pytest.raises(NothingMeasured, match="no flash was seen"):
        sound_figures(SENT, seen_after(0.1)[:50], [t + 0.1 for t in SENT.beeps.values()])


@given(
    starts=st.lists(st.integers(RATE // 10, RATE), min_size=1, max_size=5),
    loudness=st.floats(0.5, 1.5),
    noise=st.integers(0, 3_000),
)
def test_beeps_are_found_where_they_begin(starts: list[int], loudness: float, noise: int) -> None:
    places = [sum(starts[: n + 1]) + n * 2 * RATE for n in range(len(starts))]
    samples = np.random.default_rng(0).integers(-noise - 1, noise + 1, places[-1] + RATE).astype(np.float64)
    for place in places:
        sound = beep().astype(np.float64) * loudness
        samples[place : place + len(sound)] += sound
    found = onsets(np.clip(samples, -32_768, 32_767).astype(np.int16), RATE)
    assert len(found) == len(places)
    assert all(0 <= begin - place < RATE // 1000 for begin, place in zip(found, places, strict=True))


def test_what_is_loud_from_the_beginning_has_no_begin() -> None:
    silence = np.zeros(RATE, np.int16)
    assert onsets(silence, RATE) == []
    assert onsets(np.concatenate([beep()[500:], silence]), RATE) == []


def test_the_publisher_s_notes_are_read() -> None:
    lines = ['{"picture": 65537, "t": 2.5}', '{"beep": 60, "t": 2.0}', '{"stall_s": 0.3}', '{"encoder": "x"}']
    assert Sent.from_lines(lines) == Sent({1: 2.5}, {60: 2.0}, 1, {"encoder": "x"})


@given(kiosk=st.floats(-1e3, 1e3), browser=st.floats(0.1, 1e3))
def test_an_aim_is_reached_by_size(kiosk: float, browser: float) -> None:
    assert Aim(0.6, most=3).reached(kiosk, browser) == (abs(kiosk) <= 0.6 * browser and abs(kiosk) <= 3)
    assert Aim(most=15).reached(kiosk, None) == (abs(kiosk) <= 15)
    assert Aim(0.6).reached(kiosk, None) is None


@given(values=st.lists(st.floats(0, 1e4), min_size=1, max_size=9))
def test_a_spread_holds_its_median(values: list[float]) -> None:
    found = Spread.of(values)
    assert found.least <= found.median <= found.most
    assert found.count == len(values)


def takes() -> list[Take]:
    found = []
    for number in range(3):
        for client, cpu in ((KIOSK, 20.0), (BROWSER, 40.0)):
            figures = {"cpu_percent": cpu + number, "pss_mb": 5 * cpu, "av_median_ms": -cpu, "doubt_p95_ms": 1.0}
            figures |= {"beeps_matched": 9, "shown_share": 0.99}
            found.append(Take("voice", client, "1280x720@30", number, figures))
    found.append(Take("attract", "kiosk-local", "1280x720@30", 0, {"cpu_percent": 4.0, "pss_mb": 100}))
    return found


def record() -> Record:
    machine = {"cores": 2, "processor": "a <fast> one & more", "system": "Debian", "load_before": 0.1}
    programs = {"browser": "Chromium 1.2", "livekit-client": "2.23.0", "livekit-server": "1.13.5"}
    return Record("2026-01-02", machine, programs, {"rounds": 3, "seconds": 20.0}, tuple(takes()))


def test_the_table_judges_medians_against_the_browser_that_receives() -> None:
    lines = table(takes(), "1280x720@30").splitlines()
    assert lines[0] == "|  | kiosk | Chromium | ratio | aim | reached |"
    assert (
        "| CPU of the process tree, % of a core | 21.0 (20.0 to 22.0) | 41.0 (40.0 to 42.0) | 0.51 | ≤ 0.65 × | yes |"
        in lines
    )
    assert "| memory (PSS), MB | 100 | 200 | 0.50 | ≤ 0.40 × | **no** |" in lines
    assert "| voice later than mouth, median, ms | -20.0 | -40.0 | – | ≤ 15 ms | **no** |" in lines
    assert not [line for line in lines if "exec" in line], "what was not measured has no line"
    assert "4.0 % of a core with its own persona (reached)" in attract_line(takes())


def test_a_run_on_a_busy_machine_says_so() -> None:
    assert disturbed(takes(), 20) == ""
    late = Take("voice", KIOSK, "1280x720@30", 0, {"doubt_p95_ms": 9.0, "beeps_matched": 9})
    deaf = Take("voice", KIOSK, "1280x720@30", 0, {"doubt_p95_ms": 1.0, "beeps_matched": 4})
    assert "In 2 of 8 takes" in disturbed([*takes(), late, deaf], 20)


def test_the_plot_is_well_formed_and_shows_every_figure() -> None:
    root = ET.fromstring(plot(takes(), record().caption()))  # noqa: S314 - our own
    words = [text.text or "" for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert any("a <fast> one & more" in text for text in words)
    assert {"21.0", "41.0", "100", "200", "-20.0"} <= set(words)
    assert "Chromium, microphone open" not in words, "nobody was measured so"


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    record().write(tmp_path / "deep" / "record.json")
    assert Record.read(tmp_path / "deep" / "record.json") == record()
    summary = json.loads((tmp_path / "deep" / "record.json").read_text())["summary"]
    assert summary["1280x720@30"]["voice.cpu_percent"][KIOSK]["median"] == 21.0


def test_publishing_writes_between_the_markers_alone(tmp_path: Path) -> None:
    (tmp_path / MANUAL / "images").mkdir(parents=True)
    for page in (tmp_path / "README.md", tmp_path / MANUAL / "comparison.md"):
        page.write_text(f"before\n{BEGIN}\n\n{END}\nafter\n", encoding="utf-8")
    (tmp_path / "plot.png").write_bytes(b"png")
    publish(record(), tmp_path / "plot.png", tmp_path)
    readme = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert readme.startswith("before\n")
    assert readme.endswith("\nafter\n")
    assert "(resources/manual/images/side-by-side.png)" in readme
    assert "(images/side-by-side.png)" in (tmp_path / MANUAL / "comparison.md").read_text(encoding="utf-8")
    assert (tmp_path / MANUAL / "images" / "side-by-side.png").read_bytes() == b"png"
    publish(record(), tmp_path / "plot.png", tmp_path)
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == readme, "twice is once"


@pytest.mark.parametrize("text", ["", BEGIN, END, f"{END}{BEGIN}", f"{BEGIN}{END}{BEGIN}{END}"])
def test_a_text_without_one_pair_of_markers_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="markers"):
        replaced(text, "inner")


@pytest.mark.parametrize("page", ["README.md", "resources/manual/comparison.md"])
def test_the_pages_hold_the_markers(page: str) -> None:
    replaced((REPOSITORY / page).read_text(encoding="utf-8"), "inner")


@given(width=st.integers(90, 2_000), height=st.integers(90, 2_000), fps=st.integers(1, 60))
def test_a_format_is_read_as_it_is_written(width: int, height: int, fps: int) -> None:
    given_ = Format(2 * width, 2 * height, fps)
    assert Format.parse(str(given_)) == given_


@pytest.mark.parametrize("text", ["", "1280", "1281x720@30", "100x100", "axb@c"])
def test_a_format_that_cannot_be_shown_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Format.parse(text)


def test_formats_are_in_the_order_of_the_takes() -> None:
    more = [Take("voice", KIOSK, "1080x1920@30", 0, {}), *takes()]
    assert formats(more) == ["1080x1920@30", "1280x720@30"]


def test_the_browser_s_library_is_pinned_by_version_and_digest() -> None:
    script = (REPOSITORY / "packaging/setup/bench.sh").read_text(encoding="utf-8")
    assert re.search(r"^version=\d+\.\d+\.\d+$", script, re.MULTILINE)
    assert re.search(r"^integrity=sha512-[A-Za-z0-9+/]{86}==$", script, re.MULTILINE)


def threads_take(client: str, number: int, threads: dict[str, float]) -> Take:
    return Take("voice", client, "1280x720@30", number, {}, {"threads": threads})


def test_the_busiest_threads_stand_beside_each_other() -> None:
    takes = [
        threads_take("kiosk", 0, {"decoder": 9.0, "python": 4.0, "idle": 0.1}),
        threads_take("kiosk", 1, {"decoder": 11.0, "python": 5.0, "idle": 0.1}),
        threads_take("kiosk", 2, {"decoder": 10.0, "python": 6.0, "once": 0.9}),
        threads_take("browser", 0, {"Compositor": 3.0}),
    ]
    assert thread_table(takes, "1280x720@30", {"kiosk": "kiosk", "browser": "Chromium"}).splitlines() == [
        "| kiosk | % | Chromium | % |",
        "| --- | --- | --- | --- |",
        "| decoder | 10.0 | Compositor | 3.0 |",
        "| main thread, painting | 5.0 |  |  |",
    ]
    assert thread_table(takes, "1920x1080@30", {"kiosk": "kiosk"}) == ""


def test_what_a_thread_uses_is_counted_under_its_name() -> None:
    done = threading.Event()

    def work() -> None:
        show_name("worker 7")
        while not done.is_set():
            sum(range(1000))

    times = ThreadTimes(os.getpid())
    thread = threading.Thread(target=work)
    thread.start()
    deadline = time.monotonic() + 10
    while times.shares().get("worker", 0.0) <= 0.0:
        assert time.monotonic() < deadline, "never counted"
        time.sleep(0.05)
    done.set()
    thread.join()
    assert "worker" not in times.shares()
