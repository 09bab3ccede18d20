"""Whether a kiosk holds out: `make soak HOURS=8`, or `python -m tests.benchmarks.soak --hours 8 | --minutes 30`.

`kiosk run --kiosk` as a process on an X server, a sound server and a media server of its own, with a simulated avatar.
Every minute a visitor touches the screen, reads the notice, looks, asks, gets an answer, and leaves; then nobody is
there for a while. All by real input, nothing inside the kiosk is told.

Memory, threads and open handles are those of the whole process tree. Of each turn its floor counts, the least while
nobody is there. Whether voice and picture are together is seen and heard from outside, by flashes and beeps. A line is
laid through the values of all turns after the warm-up; beside its slope per hour stand its standard error and half of
its 95 % interval, and Theil and Sen's slope, which does not mind a few odd turns, with its 95 % interval.

Prints a line for each turn and a table at the end, also after Ctrl-C, and writes all of it as JSON. The exit status is
0 when every visit took place, the kiosk ended in order, and neither threads nor handles nor children grow.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any, Final

from tests.benchmarks.slopes import Slope, slope
from tests.benchmarks.soak_kiosk import Plan, Soak, Turn, end
from tests.display import Display
from tests.livekit_server import REPOSITORY
from tests.sound import SoundServer
from tests.whole.desk import Desk

RESULT: Final = REPOSITORY / ".build" / "soak.json"
WARM_UP_S: Final = 600.0
LONG_S: Final = 1_800.0
SHARE: Final = 0.1  # of a shorter run
TURN_S: Final = 60.0
STAY: Final = 0.6  # of a turn
COUNTS: Final = ("threads", "handles", "children")
ROWS: Final = (
    ("pss_mb", "memory, PSS", "MB"),
    ("rss_mb", "memory, RSS", "MB"),
    ("uss_mb", "memory, USS", "MB"),
    ("threads", "threads", ""),
    ("handles", "open handles", ""),
    ("children", "child processes", ""),
    ("av_offset_ms", "voice behind picture", "ms"),
    ("own_av_offset_ms", "the same by the kiosk", "ms"),
    ("attract_cpu", "processor, nobody there", "%"),
    ("live_cpu", "processor, in a visit", "%"),
)


def value(turn: Turn, name: str) -> float | None:
    match name:
        case "av_offset_ms":
            return statistics.median(turn.offsets_ms) if turn.offsets_ms else None
        case "own_av_offset_ms":
            return turn.own.get("av_offset_ms")
        case "attract_cpu" | "live_cpu":
            found: float | None = getattr(turn, name)
            return found
        case _:
            return None if turn.floor is None else float(getattr(turn.floor, name))


def warm_up_s(seconds: float) -> float:
    return WARM_UP_S if seconds >= LONG_S else SHARE * seconds


def summary(turns: Sequence[Turn], seconds: float) -> dict[str, dict[str, Any]]:
    """For each figure: the first and the last value, the median and the slope after the warm-up."""
    found: dict[str, dict[str, Any]] = {}
    for name, *_ in ROWS:
        points = [(turn.began_s / 3600, known) for turn in turns if (known := value(turn, name)) is not None]
        warm = [(hour, known) for hour, known in points if hour * 3600 >= warm_up_s(seconds)]
        line = slope([hour for hour, _ in warm], [known for _, known in warm])
        found[name] = {
            "first": points[0][1] if points else None,
            "last": points[-1][1] if points else None,
            "median": statistics.median(known for _, known in warm) if warm else None,
            "points": len(warm),
            "per_hour": None if line is None else asdict(line),
            "grows": line is not None and line.grows,
        }
    return found


def table(found: dict[str, dict[str, Any]]) -> str:
    lines = [
        f"{'':26}{'first':>9}{'last':>9}{'median':>9}   {'slope per hour':>16}{'std. error':>12}{'95 %':>9}   Theil-Sen"
    ]
    for name, words, unit in ROWS:
        one = found[name]
        head = f"{words + (f' ({unit})' if unit else ''):26}" + "".join(
            f"{'–' if one[key] is None else f'{one[key]:.1f}':>9}" for key in ("first", "last", "median")
        )
        if one["per_hour"] is None:
            lines.append(f"{head}   {'–':>16}")
            continue
        line = Slope(
            **{key: round(number, 2) + 0.0 for key, number in one["per_hour"].items()}
        )  # no minus before a zero
        lines.append(
            f"{head}   {line.per_hour:>+16.2f}{line.error:>12.2f}{f'±{line.give_or_take:.2f}':>9}"
            f"   {line.median:+.2f} ({line.low:+.2f} to {line.high:+.2f})"
        )
    return "\n".join(lines)


def turn_line(turn: Turn) -> str:
    if turn.failed:
        return f"{turn.began_s / 60:7.1f} min  visit {turn.number}: FAILED: {turn.failed}"
    numbers = {name: value(turn, name) for name, *_ in ROWS}
    told = ", ".join(f"{name} {known:.1f}" for name, known in numbers.items() if known is not None)
    return f"{turn.began_s / 60:7.1f} min  visit {turn.number}: {told}"


def soak(desk: Desk, seconds: float, plan: Plan, result: Path) -> int:
    """Writes `result` after every turn. Returns the exit status."""
    size = f"{desk.display.width}x{desk.display.height}"  # then the picture stands 1:1, and flashes can be found
    options = ("--avatar-size", size, "--frame-code", "--beep-flash", "--greeting", "")
    simulator = desk.simulator("livekit", *options)
    run = desk.kiosk(simulator, "--kiosk", settings={"log": {"json": True}})
    run.wait_for("kiosk ready")
    interrupted, died = False, ""

    def write() -> None:
        found: dict[str, Any] = {
            "seconds": round(watched.turns[-1].began_s + plan.turn_s if watched.turns else 0.0),
            "cores": os.cpu_count(),
            "load_1min": round(os.getloadavg()[0], 2),
            "plan": asdict(plan),
            "summary": summary(watched.turns, seconds),
            "turns": [asdict(turn) for turn in watched.turns],
            "looks": [asdict(look) for look in watched.looks],
        }
        part = result.with_suffix(".part")
        part.write_text(json.dumps(found, indent=1), encoding="utf-8")
        part.replace(result)

    def tell(turn: Turn) -> None:
        print(turn_line(turn), flush=True)
        write()

    watched = Soak(desk, run, plan, tell)
    result.parent.mkdir(parents=True, exist_ok=True)
    try:
        watched.run(seconds)
    except KeyboardInterrupt:
        interrupted = True
    except RuntimeError as error:
        died = str(error)
    # Ctrl-C reaches screen and sound too, and what a kiosk does without them is another question.
    status = end(run) if not interrupted else 0
    whole = [turn for turn in watched.turns if turn.floor is not None or turn.failed]
    seconds = min(seconds, whole[-1].began_s + plan.turn_s) if whole else 0.0
    write()
    found = summary(whole, seconds)
    failed = [turn for turn in whole if turn.failed]
    growing = [name for name in COUNTS if found[name]["grows"]]
    print(f"\n{len(whole)} visits in {seconds / 60:.0f} min, {warm_up_s(seconds) / 60:.0f} of them warm-up\n")
    print(table(found))
    ended = "interrupted" if interrupted else f"exit of the kiosk: {status}"
    print(f"\nvisits that failed: {len(failed)}; growing: {', '.join(growing) or 'nothing'}; {ended}")
    if died or status != 0:
        print(f"{died or 'the end of its log'}:\n" + "\n".join(run.lines[-40:]))
    return int(bool(died or failed or growing or not whole or status != 0))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--minutes", type=float, help="instead of hours")
    parser.add_argument("--turn", type=float, default=TURN_S, metavar="SECONDS", help="from visit to visit")
    parser.add_argument("--size", default="1280x720", metavar="WxH", help="of screen and picture")
    parser.add_argument("--json", type=Path, default=RESULT, metavar="F")
    chosen = parser.parse_args(arguments)
    seconds = chosen.minutes * 60 if chosen.minutes is not None else chosen.hours * 3600
    width, height = (int(side) for side in chosen.size.split("x"))
    plan = Plan(turn_s=chosen.turn, stay_s=STAY * chosen.turn)
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, _interrupt)
    print(f"{time.strftime('%Y-%m-%d %H:%M')}: {seconds / 60:.0f} min, a visit every {plan.turn_s:.0f} s", flush=True)
    with Display(width, height) as display, SoundServer() as sound, tempfile.TemporaryDirectory() as folder:
        desk = Desk(display, sound, Path(folder))
        try:
            return soak(desk, seconds, plan, chosen.json)
        finally:
            desk.close()


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
