"""From exec to the avatar's first visible frame: `python -m tests.benchmarks.first_frame [vendor] [runs]`.

The kiosk is started as a user starts it, full screen, against a simulated vendor and a real livekit-server on this
machine; session start included. It has its bytecode, as every installed one has. A frame counts when its burnt-in code
stands in the X server's framebuffer. Prints one JSON object: every run in seconds, their median, and what the kiosk's
own report says.
"""

from __future__ import annotations

import compileall
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.display import Display
from tests.livekit_server import REPOSITORY
from tests.simulators.frame_code import FrameCode
from tests.sound import SoundServer
from tests.whole.desk import Desk

WIDTH, HEIGHT = 1280, 720
LIMIT_S = 30.0


def visible_after(desk: Desk, vendor: str) -> tuple[float, float]:
    """(seconds from exec to the first visible code, seconds by the kiosk's own report)."""
    simulator = desk.simulator(vendor, "--avatar-size", f"{WIDTH}x{HEIGHT}", "--frame-code", "--greeting", "")
    code = FrameCode(WIDTH, HEIGHT)
    began = time.perf_counter()
    run = desk.kiosk(simulator, "--kiosk", "--auto-start")
    while True:
        reading = code.read(np.ascontiguousarray(desk.display.framebuffer()[:, :, 1]))
        if reading is not None and reading.number > 0:  # a black screen reads as zero
            break
        if time.perf_counter() - began > LIMIT_S:
            raise SystemExit("no frame within 30 s:\n" + run.log)
        time.sleep(0.002)
    seen = time.perf_counter() - began
    if run.end(signal.SIGTERM) != 0:
        raise SystemExit(run.log)
    simulator.stop()
    return seen, float(run.report["first_frame_s"])


def main() -> None:
    vendor = sys.argv[1] if len(sys.argv) > 1 else "deepbrain"
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    compileall.compile_dir(REPOSITORY / "kiosk", quiet=1)
    with Display(WIDTH, HEIGHT) as display, SoundServer() as sound, tempfile.TemporaryDirectory() as folder:
        figures = [visible_after(Desk(display, sound, Path(folder)), vendor) for _ in range(runs)]
    seen = [round(figure[0], 3) for figure in figures]
    print(
        json.dumps(
            {
                "vendor": vendor,
                "exec_to_visible_s": seen,
                "median_s": round(statistics.median(seen), 3),
                "own_report_s": [round(figure[1], 3) for figure in figures],
                "cores": os.cpu_count(),
                "load_1min": round(os.getloadavg()[0], 2),
            }
        )
    )


if __name__ == "__main__":
    main()
