"""The kiosk beside a browser: `make bench`, or `python -m tests.benchmarks.side_by_side`.

The page resources/manual/comparison.md tells what is measured, how, and what it does not show.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

from tests.benchmarks.side_by_side.clients import (
    BrowserClient,
    Client,
    ClientDied,
    KioskClient,
    Pages,
    find_browser,
    find_library,
)
from tests.benchmarks.side_by_side.figures import NothingMeasured
from tests.benchmarks.side_by_side.plot import plot
from tests.benchmarks.side_by_side.plot_png import draw_png
from tests.benchmarks.side_by_side.publish import publish
from tests.benchmarks.side_by_side.publishing import PublisherDied
from tests.benchmarks.side_by_side.record import Record, describe_machine, describe_programs, today
from tests.benchmarks.side_by_side.stage import Stage
from tests.benchmarks.side_by_side.table import attract_line, disturbed, formats, table
from tests.benchmarks.side_by_side.takes import BROWSER_SENDING, KIOSK, Format, Take
from tests.display import Display
from tests.livekit_server import REPOSITORY, LiveKitServer, LiveKitServerError
from tests.sound import SoundServer
from tests.whole.desk import Desk

FORMATS = "1280x720@30,1920x1080@30,1080x1920@30"
STARTS = 3  # in each round
TRIES = 3  # of a take in which nothing could be measured
WAITING = ("local", "livekit")  # with what the kiosk waits for a visitor
NAME = "side-by-side"
FAULTS = (ClientDied, PublisherDied, NothingMeasured, LiveKitServerError, FileNotFoundError)


def parse(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="side_by_side", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each take")
    parser.add_argument("--warm-up", type=float, default=6.0, metavar="S", help="from the first picture to the take")
    parser.add_argument("--formats", default=FORMATS, metavar="WxH@FPS,…", help=f"default: {FORMATS}")
    parser.add_argument("--no-browser", action="store_true", help="the kiosk alone: nothing need be installed")
    parser.add_argument("--no-sending", action="store_true", help="without the browser that sends its microphone")
    parser.add_argument("--no-extras", action="store_true", help="no streams without voice, starts or waiting")
    parser.add_argument("--sync-streams", action="store_true", help="the server puts sound and picture in one group")
    parser.add_argument("--browser", metavar="PROGRAM", help="another Chromium")
    parser.add_argument("--out", type=Path, default=REPOSITORY / ".build" / "bench", metavar="FOLDER")
    parser.add_argument("--from", dest="kept", type=Path, metavar="JSON", help="measure nothing, show what was kept")
    parser.add_argument("--publish", action="store_true", help="write README.md, the manual's page and their picture")
    given = parser.parse_args(words)
    try:
        given.formats = [Format.parse(text) for text in given.formats.split(",")]
    except ValueError as error:
        parser.error(f"--formats: {error}")
    if given.rounds < 1 or given.seconds < 4:
        parser.error("at least one round and four seconds are needed")
    return given


def measure(given: argparse.Namespace, folder: Path, takes: list[Take]) -> None:
    """Appends to `takes` as they come. Everything that it starts is ended before it returns or raises."""
    with ExitStack() as stack:
        server = stack.enter_context(LiveKitServer(sync_streams=given.sync_streams))
        sound = stack.enter_context(SoundServer())
        _make_default(sound)
        pages = None if given.no_browser else stack.enter_context(Pages(find_library()))
        for shape in given.formats:
            with Display(shape.width, shape.height) as display, _desk(display, sound, folder) as desk:
                clients: list[Client] = [KioskClient(desk, server)]
                if pages is not None:
                    program = find_browser(given.browser)
                    kinds = (False,) if given.no_sending else (False, True)
                    clients += [BrowserClient(program, pages, desk, server, sends=sends) for sends in kinds]
                waiting = [KioskClient(desk, server, provider=provider, visit=False) for provider in WAITING]
                if given.no_extras or shape != given.formats[0]:
                    waiting = []
                for take in _takes(Stage(desk, server, shape), clients, waiting, given):
                    _say(take)
                    takes.append(take)


def _takes(stage: Stage, clients: list[Client], waiting: Sequence[Client], given: argparse.Namespace) -> Iterator[Take]:
    """One format's, in turns: who is first in one round is last in the next."""
    for client in clients:
        stage.starts(client, 0, 1)  # not counted: from here on everybody is in the disk's cache, and so is the server
    times = {"seconds": given.seconds, "warm_up_s": given.warm_up}
    for number in range(given.rounds):
        for client in clients if number % 2 == 0 else clients[::-1]:
            heard = client.name in (KIOSK, BROWSER_SENDING)
            yield _patiently(partial(stage.take, client, number, voice=True, heard_in_room=heard, **times))
            if not given.no_extras and client.name != BROWSER_SENDING:
                yield _patiently(partial(stage.take, client, number, voice=False, heard_in_room=heard, **times))
                yield from stage.starts(client, number, STARTS)
        for client in waiting:
            yield stage.attract(client, number, **times)


def _patiently(measure: Callable[[], Take]) -> Take:
    """A machine that was too busy to measure anything may have time the next time; a client that died has none."""
    for _ in range(TRIES - 1):
        try:
            return measure()
        except NothingMeasured as error:
            print(f"once more: {error}", file=sys.stderr, flush=True)
    return measure()


def _say(take: Take) -> None:
    """One line of progress."""
    shown = ("cpu_percent", "pss_mb", "video_p50_ms", "audio_p50_ms", "av_median_ms", "first_visible_s")
    figures = ", ".join(f"{name} {take.figures[name]:g}" for name in shown if name in take.figures)
    print(f"{take.format} {take.kind} {take.client}: {figures}", file=sys.stderr, flush=True)


@contextmanager
def _desk(display: Display, sound: SoundServer, folder: Path) -> Iterator[Desk]:
    with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as own:
        desk = Desk(display, sound, Path(own))
        try:
            yield desk
        finally:
            desk.close()


def _make_default(sound: SoundServer) -> None:
    """The kiosk finds the devices through ALSA's configuration; a browser asks the sound server for its default."""
    for words in (("set-default-sink", "speaker"), ("set-default-source", "microphone_source")):
        subprocess.run(["pactl", *words], env={**os.environ, **sound.env()}, check=True, timeout=10)


def run(given: argparse.Namespace) -> Record:
    """Measures. A take that fails ends the run, with what it was; the takes before it are not shown."""
    browser, library = (None, None) if given.no_browser else (find_browser(given.browser), find_library())
    machine, programs = describe_machine(), describe_programs(browser, library)
    course = {"rounds": given.rounds, "seconds": given.seconds, "warm_up_s": given.warm_up, "starts": STARTS}
    course["sync_streams"] = given.sync_streams
    takes: list[Take] = []
    with tempfile.TemporaryDirectory(prefix="kiosk-bench-", ignore_cleanup_errors=True) as folder:
        measure(given, Path(folder), takes)
    return Record(today(), machine, programs, course, tuple(takes))


def show(record: Record, out: Path) -> None:
    """Writes JSON, SVG and PNG, prints the tables."""
    record.write(out / f"{NAME}.json")
    svg, png = out / f"{NAME}.svg", out / f"{NAME}.png"
    svg.write_text(plot(record.takes, record.caption()), encoding="utf-8")
    draw_png(svg, png)
    print(record.caption())
    for one in formats(record.takes):
        print(f"\n{one}\n\n{table(record.takes, one)}")
    for words in (attract_line(record.takes), disturbed(record.takes, record.course["seconds"])):
        if words:
            print(f"\n{words}")
    print(f"\nwritten: {out / NAME}.json, .svg and .png")


def main(words: Sequence[str] | None = None) -> int:
    given = parse(sys.argv[1:] if words is None else words)
    # A shell that starts a program in the background lets it ignore Ctrl+C.
    before = {sign: signal.signal(sign, _interrupt) for sign in (signal.SIGINT, signal.SIGTERM)}
    try:
        record = Record.read(given.kept) if given.kept else run(given)
    except FAULTS as error:
        print(f"side_by_side: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("side_by_side: interrupted; all that was started has been ended", file=sys.stderr)
        return 130
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)
    show(record, given.out)
    if given.publish:
        publish(record, given.out / f"{NAME}.png")
    return 0


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
