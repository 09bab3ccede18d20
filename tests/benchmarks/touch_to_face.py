"""From a touch to a moving face, and to the avatar itself: `python -m tests.benchmarks.touch_to_face [touches]
[vendor ...]`.

The kiosk stands ready and shows its attract screen; a simulated vendor takes its time for the start of a session
(`DELAY_S`), where its API has one. One touch a visit, 20 visits a vendor. Counted is from the X server's touch to the
first picture of a face in its framebuffer (`face_s`), to the next picture of it that differs (`moving_s`), and to the
first frame of the avatar's video, known by its burnt-in code (`live_s`). `bare_s` is the part of the last that the
vendor's answer did not take. `--prewarm` begins sessions in attract, before anybody comes. Prints one JSON object a
vendor.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.display import Display
from tests.simulators.frame_code import FrameCode
from tests.sound import SoundServer
from tests.touch import Finger
from tests.whole.desk import Desk, KioskRun, Simulator

WIDTH, HEIGHT = 1280, 720
LOOK_S = 0.001
LIMIT_S = 20.0
DELAY_S = 1.5
DELAYED = ("deepbrain",)  # whose API starts a session; in a room of one's own nothing is asked
VENDORS = ("livekit", "deepbrain", "local")
FACE = (slice(HEIGHT // 4, HEIGHT // 2), slice(WIDTH * 7 // 16, WIDTH * 9 // 16))
SKIN_SHARE = 0.25  # of that part of the screen
TIRED_S = 60.0


@dataclass(frozen=True, slots=True)
class Touch:
    """Seconds from one touch. `live` is None where no video comes: the persona is the avatar itself."""

    face: float
    moving: float
    live: float | None


def is_face(picture: NDArray[np.uint8]) -> bool:
    """Some of it has the colours of skin, however dark yet; the attract screen is blue. B, G, R and nothing."""
    blue, green, red = (picture[:, :, k].astype(np.int16) for k in range(3))
    skin = (red > 40) & (red * 10 > green * 11) & (green * 20 > blue * 21)
    return float(skin.mean()) > SKIN_SHARE


def is_attract(screen: NDArray[np.uint8]) -> bool:
    """The button that begins a visit has the accent's colour (kiosk's dark theme)."""
    blue, green, red = (int(value) for value in screen[HEIGHT * 590 // 720, WIDTH * 500 // 1280, :3])
    return green > 180 and blue > 150 and red < 120


def watch(screen: NDArray[np.uint8], began_s: float, code: FrameCode | None) -> Touch:
    face: float | None = None
    moving: float | None = None
    first: NDArray[np.uint8] | None = None
    while (now := time.perf_counter() - began_s) < LIMIT_S:
        part = screen[FACE][::3, ::3].copy()
        if face is None and is_face(part):
            face, first = now, part
        elif first is not None and moving is None and not np.array_equal(part, first):
            moving = now
        if moving is not None and code is None:
            return Touch(face or 0.0, moving, None)
        if code is not None:
            reading = code.read(np.ascontiguousarray(screen[:, :, 1]))
            if reading is not None and reading.number > 0:  # a black screen reads as zero
                # A face that never was there before the avatar is the avatar's.
                return Touch(now if face is None else face, now if moving is None else moving, now)
        time.sleep(LOOK_S)
    raise SystemExit("no avatar within 20 s")


def visit(desk: Desk, finger: Finger, simulator: Simulator | None, vendor: str, *, warm: bool) -> Touch:
    screen = desk.display.live()
    until(lambda: is_attract(screen), "the attract screen")
    if vendor in DELAYED and simulator is not None and not warm:
        simulator.command("fail", endpoint="start", delay_s=DELAY_S)
    began_s = finger.touch(WIDTH // 2, HEIGHT // 2)
    found = watch(screen, began_s, None if simulator is None else FrameCode(WIDTH, HEIGHT))
    finger.key("Escape")
    return found


def until(condition: Callable[[], bool], what: str) -> None:
    ends_s = time.perf_counter() + TIRED_S
    while not condition():
        if time.perf_counter() > ends_s:
            raise SystemExit(f"never happened: {what}")
        time.sleep(0.02)


def measure(desk: Desk, vendor: str, touches: int, *, warm: bool) -> dict[str, Any]:
    simulator = None
    if vendor != "local":
        simulator = desk.simulator(vendor, "--avatar-size", f"{WIDTH}x{HEIGHT}", "--frame-code", "--greeting", "")
    session = {"welcome": False, **({"prewarm": "attract"} if warm else {})}
    budget = {"budget": {"minutes_per_day": 1000}} if warm else {}
    run = desk.kiosk(simulator, "--windowed", f"{WIDTH}x{HEIGHT}", settings={"session": session, **budget})
    run.wait_for("kiosk ready")
    if vendor != "local":
        run.wait_for("company ready")
    found = []
    with Finger(desk.display) as finger:
        for _ in range(touches):
            if warm and simulator is not None:
                wait_for_session(simulator)
            found.append(visit(desk, finger, simulator, vendor, warm=warm))
    end(run)
    if simulator is not None:
        simulator.stop()
    delay_s = DELAY_S if vendor in DELAYED and not warm else 0.0
    lives = [touch.live for touch in found if touch.live is not None]
    return {
        "vendor": vendor,
        "prewarm": warm,
        "touches": touches,
        "delay_s": delay_s,
        "face_s": spread([touch.face for touch in found]),
        "moving_s": spread([touch.moving for touch in found]),
        "live_s": spread(lives),
        "bare_s": spread([live - delay_s for live in lives]),
        "cores": os.cpu_count(),
        "load_1min": round(os.getloadavg()[0], 2),
    }


def wait_for_session(simulator: Simulator) -> None:
    until(lambda: simulator.status().get("open_sessions", 1) > 0, "a session that was begun ahead")


def end(run: KioskRun) -> None:
    if run.end(signal.SIGTERM) != 0:
        raise SystemExit(run.log)


def spread(values: Sequence[float]) -> dict[str, float] | None:
    if not values:
        return None
    ordered = sorted(values)
    high = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    return {"median": round(statistics.median(ordered), 3), "p95": round(high, 3), "worst": round(ordered[-1], 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("touches", nargs="?", type=int, default=20)
    parser.add_argument("vendors", nargs="*", default=list(VENDORS))
    parser.add_argument("--prewarm", action="store_true")
    args = parser.parse_args()
    for vendor in args.vendors:
        with Display(WIDTH, HEIGHT) as display, SoundServer() as sound, tempfile.TemporaryDirectory() as folder:
            desk = Desk(display, sound, Path(folder))
            try:
                print(json.dumps(measure(desk, vendor, args.touches, warm=args.prewarm)), flush=True)
            finally:
                desk.close()


if __name__ == "__main__":
    main()
