"""Live switching on the whole kiosk: `python -m tests.benchmarks.switching [switches]` (default: 100).

The kiosk runs full screen with real sound devices (PulseAudio null sinks) before simulated vendors, and is told again
and again to change the avatar. Meanwhile the X server's framebuffer is looked at many times a second: a sight in
which the picture is nearly black, or one colour, is an empty one. Prints one JSON object; the exit status is 0 when
there was no empty sight and every switch took place.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from itertools import cycle, islice, permutations
from pathlib import Path
from types import TracebackType
from typing import Self

from kiosk.toml_text import write_toml
from tests.display import Display
from tests.livekit_server import REPOSITORY, LiveKitServer
from tests.room.switching_desk import running
from tests.sound import SoundServer
from tests.whole.desk import KioskRun, Simulator, merge

WIDTH, HEIGHT = 960, 600
SMALL = ("--avatar-size", "320x240", "--fps", "25", "--respond", "talk", "--greeting", "")
VENDORS = {"deepbrain": SMALL, "agenthuman": (*SMALL, "--speech", "link"), "livekit": SMALL}
LIMIT_S = 45.0
EMPTY_MEAN, EMPTY_SPREAD = 12.0, 3.0  # of 255: every avatar's picture is far above both


class Watch:
    """Looks at the upper middle of the screen, where every avatar has its face, until it is left."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watch")
        self.looks = 0
        self.empty = 0
        self.darkest = 255.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.004):
            part = self._display.region(WIDTH // 4, HEIGHT // 8, WIDTH // 2, HEIGHT // 2)[::4, ::4]
            mean, spread = float(part.mean()), float(part.std())
            self.looks += 1
            self.darkest = min(self.darkest, mean)
            self.empty += mean < EMPTY_MEAN or spread < EMPTY_SPREAD


def tour(names: list[str], count: int) -> list[str]:
    """Every ordered pair again and again, as one way: from each name to each other one."""
    way = [names[0]]
    pairs = cycle(permutations(names, 2))
    left = list(islice(pairs, len(names) * (len(names) - 1)))
    while len(way) <= count:
        following = next((pair for pair in left if pair[0] == way[-1]), None)
        if following is None:
            left = list(permutations(names, 2))
            continue
        left.remove(following)
        way.append(following[1])
    return way


def kiosk(simulators: dict[str, Simulator], display: Display, sound: SoundServer, folder: Path) -> KioskRun:
    settings: dict[str, object] = {"log": {"file": "off"}, "session": {"idle_s": 3600, "max_visit_s": 86400}}
    env: dict[str, str] = {}
    for simulator in simulators.values():
        settings = merge(simulator.settings, settings)
        env |= simulator.env
    settings = merge(settings, {"session": {"provider": "local", "fallback": ""}})
    config = folder / "kiosk.toml"
    config.write_text(write_toml(settings), encoding="utf-8")
    report = folder / "report.json"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("KIOSK_", "XDG_"))}
    places = {"XDG_DATA_HOME": str(folder / "data"), "XDG_CONFIG_HOME": str(folder / "config")}
    process = subprocess.Popen(
        [
            *(sys.executable, "-X", "faulthandler", "-m", "tests.benchmarks.switching_kiosk"),
            *("--config", str(config), "--report", str(report), "--kiosk", "--auto-start"),
        ],
        env={
            **clean,
            **display.env(),
            **sound.env(),
            **places,
            "NO_AT_BRIDGE": "1",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            **env,
        },
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )
    return KioskRun(process, report)


def switch(run: KioskRun, provider: str) -> float:
    """Seconds until the new avatar was on air."""
    stdin = run.process.stdin
    assert stdin is not None
    before = sum("on air" in line for line in run.lines)
    began = time.perf_counter()
    stdin.write(provider + "\n")
    stdin.flush()
    while sum("on air" in line for line in run.lines) == before:
        if time.perf_counter() - began > LIMIT_S or run.process.poll() is not None:
            raise SystemExit(f"no switch to {provider}:\n" + run.log)
        time.sleep(0.005)
    return time.perf_counter() - began


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    way = tour(["local", *VENDORS], count)
    with (
        LiveKitServer() as server,
        Display(WIDTH, HEIGHT) as display,
        SoundServer() as sound,
        tempfile.TemporaryDirectory() as folder,
    ):
        os.environ |= {"KIOSK_LIVEKIT_API_KEY": server.key, "KIOSK_LIVEKIT_API_SECRET": server.secret}
        commands = {name: (*line, "--livekit-url", server.url) for name, line in VENDORS.items()}
        with running(commands) as simulators:
            run = kiosk(simulators, display, sound, Path(folder))
            run.wait_for("first frame painted")
            time.sleep(1.0)
            with Watch(display) as watch:
                took = []
                for provider in way[1:]:
                    took.append(switch(run, provider))
                    time.sleep(0.6)  # the fade, and a moment of its own for each avatar
            assert run.process.stdin is not None
            run.process.stdin.close()
            status = run.end(signal.SIGTERM)
            left = {name: simulator.status().get("open_sessions", 0) for name, simulator in simulators.items()}
            if not run.report_path.exists():
                raise SystemExit(run.log)
            report = run.report
    print(
        json.dumps(
            {
                "switches": len(took),
                "looks": watch.looks,
                "empty": watch.empty,
                "darkest_mean": round(watch.darkest, 1),
                "median_s": round(statistics.median(took), 2),
                "slowest_s": round(max(took), 2),
                "providers": report["providers"],
                "underruns": report["audio"]["underruns"],
                "errors": report["errors"],
                "open_sessions": left,
                "exit": status,
                "load_1min": round(os.getloadavg()[0], 2),
            }
        )
    )
    if status or watch.empty:
        print(run.log, file=sys.stderr)
    return int(bool(status or watch.empty or report["errors"]))


if __name__ == "__main__":
    sys.exit(main())
