"""From exec to the persona's greeting: `python -m tests.benchmarks.greeting [runs]`.

`kiosk run --kiosk --auto-start` with default settings in an empty home, on an X server and a sound server of its own.
Seen: the kiosk says that it painted the first frame. Heard: the first loud sample at the loudspeaker's monitor. Prints
one JSON object with every run and the medians, in seconds. The kiosk has its bytecode, as every installed one has.
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
from tests.sound import RATE, SoundServer
from tests.whole.desk import Desk
from tests.whole.test_persona import start

LOUD = 600  # of 32767
WATCHED_S = 6.0


def one_run(display: Display, folder: Path) -> tuple[float, float, float]:
    """(seconds from exec to "first frame painted" in the log, to the first loud sample, by the kiosk's own report)."""
    with SoundServer() as sound:
        desk = Desk(display, sound, folder)
        sound.start_recording("speaker.monitor")
        time.sleep(0.5)
        began = time.perf_counter()
        run = start(desk, "--kiosk", "--auto-start")
        run.wait_for("first frame painted")
        seen = time.perf_counter() - began
        time.sleep(max(0.0, WATCHED_S - seen))
        samples = sound.stop_recording()
        stopped = time.perf_counter()
        if run.end(signal.SIGTERM) != 0:
            raise SystemExit(run.log)
        loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > LOUD)
        if not len(loud):
            raise SystemExit("nothing was heard")
        # Counted from the end: how much the recorder missed at its start is not known.
        heard = stopped - (len(samples) - int(loud[0])) / RATE - began
        return seen, heard, float(run.report["first_frame_s"])


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    compileall.compile_dir(REPOSITORY / "kiosk", quiet=1)
    figures = []
    with Display(1280, 720) as display:
        for _ in range(runs):
            with tempfile.TemporaryDirectory() as folder:
                figures.append(one_run(display, Path(folder)))
    print(
        json.dumps(
            {
                "exec_to_face_s": [round(figure[0], 3) for figure in figures],
                "exec_to_voice_s": [round(figure[1], 3) for figure in figures],
                "own_report_s": [round(figure[2], 3) for figure in figures],
                "median_face_s": round(statistics.median(figure[0] for figure in figures), 3),
                "median_voice_s": round(statistics.median(figure[1] for figure in figures), 3),
                "cores": os.cpu_count(),
                "load_1min": round(os.getloadavg()[0], 2),
            }
        )
    )


if __name__ == "__main__":
    main()
