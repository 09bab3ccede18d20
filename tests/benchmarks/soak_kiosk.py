"""A kiosk that runs for hours with visitors coming and going, and somebody who keeps an eye on it."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import psutil

from tests.benchmarks.flash_and_beep import offsets_ms
from tests.benchmarks.process_tree import Taken, taken
from tests.simulators.speech import SpeechMaker
from tests.whole.desk import Desk, KioskRun

ATTRACT, LIVE = "attract", "live"
POLL_S: Final = 0.25
PATIENCE_S: Final = 60.0
SETTLE_S: Final = 3.0  # of a phase, before its processor time counts
RESTING_S: Final = 1.0  # between two looks while nobody is there: the least of many is the floor
EYE: Final = 0.35  # share of the screen's height where nothing can be pressed


@dataclass(frozen=True, slots=True)
class Plan:
    """Seconds. One visit begins every `turn_s`; the visitor stays for `stay_s` of it, the rest nobody is there."""

    turn_s: float
    stay_s: float
    watch_s: float = 9.0  # for flashes and beeps, at the beginning of each visit
    look_s: float = 10.0  # between two looks at the process
    question: str = "Good morning. Where do I find the meeting room on the second floor?"


@dataclass(frozen=True, slots=True)
class Look:
    """`t_s`: seconds since the kiosk was ready."""

    t_s: float
    phase: str
    taken: Taken


@dataclass
class Turn:
    """One visit and the rest after it, as far as they came."""

    number: int
    began_s: float
    failed: str = ""
    offsets_ms: list[float] = field(default_factory=list)
    own: dict[str, Any] = field(default_factory=dict)  # the kiosk's own figures of this visit, from its log
    live_cpu: float | None = None  # per cent of a core
    attract_cpu: float | None = None
    floor: Taken | None = None  # the least of the rest


class Soak:
    """`run` makes turns until `ends` says so. `looks` and `turns` can be read at any time."""

    def __init__(self, desk: Desk, run: KioskRun, plan: Plan, tell: Callable[[Turn], None]) -> None:
        self._desk = desk
        self._run = run
        self._plan = plan
        self._tell = tell
        self._process = psutil.Process(run.process.pid)
        self._question = SpeechMaker().render(plan.question).tobytes()
        self._lock = threading.Lock()
        self._read_lines = 0
        self._own: dict[str, Any] = {}
        self._phase = ATTRACT
        self._began = time.monotonic()
        self._stop = threading.Event()
        self._looker = threading.Thread(target=self._look_on, name="soak's eye")
        self.looks: list[Look] = []
        self.turns: list[Turn] = []

    def run(self, seconds: float) -> None:
        """Raises `RuntimeError` when the kiosk died."""
        self._looker.start()
        try:
            while self._since() + self._plan.turn_s <= seconds:
                self._turn()
        finally:
            self._stop.set()
            self._looker.join()

    def _since(self) -> float:
        return time.monotonic() - self._began

    # A visitor

    def _turn(self) -> None:
        plan, turn = self._plan, Turn(len(self.turns) + 1, self._since())
        self.turns.append(turn)
        try:
            self._visit(turn, turn.began_s + plan.stay_s)
        except TimeoutError as error:
            turn.failed = str(error)
        if self._run.process.poll() is not None:
            turn.failed = "the kiosk ended by itself"
            raise RuntimeError(turn.failed)
        self._rest(turn, turn.began_s + plan.turn_s)
        self._tell(turn)

    def _visit(self, turn: Turn, leaves_s: float) -> None:
        display = self._desk.display
        middle = (str(display.width // 2), str(round(display.height * EYE)))
        self._own = {}
        self._press("mousemove", *middle, "click", "1")
        self._until("welcome", "the touch is answered")
        self._press("key", "space")
        self._until(LIVE, "the avatar is there")
        self._wait(SETTLE_S)
        before, since = taken(self._process), time.monotonic()
        turn.offsets_ms = offsets_ms(display, self._desk.sound, self._plan.watch_s)
        self._desk.sound.play(self._question).wait()
        self._wait(leaves_s - self._since())
        turn.live_cpu = self._cpu(before, since)
        self._press("key", "space")  # the button that ends the visit has the focus
        self._until(ATTRACT, "the visit is over")
        turn.own = self._own

    def _rest(self, turn: Turn, ends_s: float) -> None:
        self._wait(SETTLE_S)
        before, since, first = taken(self._process), time.monotonic(), len(self.looks)
        self._wait(max(2 * RESTING_S, ends_s - self._since()))  # a visit that took long moves the next one
        turn.attract_cpu = self._cpu(before, since)
        resting = [look.taken for look in self.looks[first:] if look.phase == ATTRACT]
        if resting and not turn.failed:
            turn.floor = Taken(*(min(getattr(one, name) for one in resting) for name in Taken.__slots__))

    def _cpu(self, before: Taken, since: float) -> float | None:
        span_s = time.monotonic() - since
        return 100 * (taken(self._process).cpu_s - before.cpu_s) / span_s if span_s > 1 else None

    def _press(self, *words: str) -> None:
        environ = self._desk.display.env()
        subprocess.run(["xdotool", *words], env=environ, timeout=10, check=True)

    def _wait(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds)

    def _until(self, phase: str, what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while self._phase_now() != phase:
            if time.monotonic() > deadline or self._run.process.poll() is not None:
                raise TimeoutError(f"not in time: {what}")
            time.sleep(POLL_S)

    # What the kiosk tells, and what it takes

    def _phase_now(self) -> str:
        with self._lock:
            lines = self._run.lines
            while self._read_lines < len(lines):
                line = lines[self._read_lines]
                self._read_lines += 1
                if line.startswith("{"):
                    self._note(json.loads(line))
            return self._phase

    def _note(self, record: dict[str, Any]) -> None:
        if record["logger"] == "kiosk.session" and record["message"] == "phase":
            self._phase = record["phase"]
        elif record["logger"] == "kiosk.figures":
            self._own = record

    def _look_on(self) -> None:
        last_s = float("-inf")
        while not self._stop.wait(POLL_S):
            phase = self._phase_now()
            if self._since() - last_s < (RESTING_S if phase == ATTRACT else self._plan.look_s):
                continue
            last_s = self._since()
            try:
                self.looks.append(Look(last_s, phase, taken(self._process)))
            except psutil.NoSuchProcess:
                return


def end(run: KioskRun) -> int | None:
    """The exit status, or None where it does not end."""
    try:
        return run.end(signal.SIGTERM)
    except AssertionError:
        return None
