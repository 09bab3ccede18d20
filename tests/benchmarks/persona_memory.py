"""Whether the persona's memory grows: `python -m tests.benchmarks.persona_memory [--minutes 30]`.

`kiosk run` with its own persona, on an X server and a sound server of its own. Every 90 s it is asked and answers for a
minute, then it is left alone. Counted is the memory that the whole process tree has for itself, in MB: what it shares
with other programs' copies of the same libraries comes and goes with those. What it has at the end of each turn, when
nothing is left of the answer, is one point, and a line is laid through the points after the warm-up. Prints one JSON
object; `slope_mb_per_h` has half its 95 % interval beside it, and `after_8_h_mb` is that line drawn on, no more.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import tempfile
import time
from pathlib import Path

import psutil

from tests.benchmarks.slopes import slope
from tests.benchmarks.spoken import press, write_knowledge
from tests.display import Display
from tests.sound import SoundServer
from tests.whole.desk import Desk, eventually
from tests.whole.test_persona import speaks

TURN_S = 90.0
SAMPLE_S = 0.5
QUIET_S = 15.0  # at the end of a turn
WARM_UP = 0.3  # of all turns
OWN = re.compile(r"^Rss(?:Anon|Shmem):\s+(\d+) kB$", re.MULTILINE)


def memory_mb(process: psutil.Process) -> float:
    tree = (process, *process.children(recursive=True))
    return sum(int(kb) for each in tree for kb in OWN.findall(Path(f"/proc/{each.pid}/status").read_text())) / 1e3


def turns(desk: Desk, minutes: float) -> list[float]:
    """What there is at the end of each turn, in MB."""
    knowledge = desk.folder / "knowledge"
    write_knowledge(knowledge)
    settings = {
        "session": {"provider": "local", "max_visit_s": 80_000, "idle_s": 3_600},
        "providers": {"local": {"knowledge": str(knowledge)}},
    }
    run = desk.kiosk(None, "--kiosk", "--auto-start", settings=settings)
    run.wait_for("first frame painted")
    eventually(lambda: speaks(desk), "the greeting")
    eventually(lambda: not speaks(desk), "the end of the greeting", 30)
    process = psutil.Process(run.process.pid)
    points: list[float] = []
    ends = time.monotonic() + 60 * minutes
    while (turn_ends := time.monotonic() + TURN_S) <= ends:
        press(desk, *("space",) if points else ("Tab", "space"))  # the button keeps the focus
        eventually(lambda: speaks(desk), "the answer", 30)
        samples: list[float] = []
        time.sleep(max(0.0, turn_ends - QUIET_S - time.monotonic()))
        eventually(lambda: not speaks(desk), "the end of the answer", 30)
        while time.monotonic() < turn_ends:
            samples.append(memory_mb(process))
            time.sleep(SAMPLE_S)
        points.append(min(samples))
    if run.end(signal.SIGTERM) != 0:
        raise SystemExit(run.log)
    return points


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0, help="at least 9")
    minutes = max(9.0, parser.parse_args().minutes)
    with Display(1280, 800) as display, SoundServer() as sound, tempfile.TemporaryDirectory() as folder:
        desk = Desk(display, sound, Path(folder))
        try:
            points = turns(desk, minutes)
        finally:
            desk.close()
    warm = points[int(len(points) * WARM_UP) :]
    line = slope([number * TURN_S / 3600 for number in range(len(warm))], warm)
    if line is None:
        raise SystemExit("too few turns for a line")
    print(
        json.dumps(
            {
                "turns": len(points),
                "own_mb": [round(point, 1) for point in points],
                "slope_mb_per_h": round(line.per_hour, 2),
                "give_or_take": round(line.give_or_take, 2),
                "after_8_h_mb": round(8 * line.per_hour, 1),
                "minutes_fitted": round(len(warm) * TURN_S / 60, 1),
                "cores": os.cpu_count(),
                "load_1min": round(os.getloadavg()[0], 2),
            }
        )
    )


if __name__ == "__main__":
    main()
