"""What came out on the screen, and what it cost the processes that showed it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psutil

from tests.benchmarks.side_by_side.figures import Seen
from tests.display import Display
from tests.simulators.frame_code import BITS, FrameCode

LOOK_S: Final = 0.0007
MB: Final = 1e6


class CodeWatch:
    """A context manager that watches for frame codes on a thread of its own; `seen` grows.

    The published picture is `width` x `height` and stands 1:1 in the middle of the screen. A look takes one pixel of
    each square of the code. Only when one of them has changed, the whole code is read, and it counts once it is
    complete: a row that is half drawn reads as nothing, and the next look reads it again.
    """

    def __init__(self, display: Display, width: int, height: int):
        screen = display.live()
        top, left = (display.height - height) // 2, (display.width - width) // 2
        self._code = FrameCode(width, height)
        self._picture = screen[top : top + height, left : left + width, 1]
        block, x = self._code.block, self._code.x
        self._signs = self._picture[self._code.y + block // 2, x + block // 2 : x + block * BITS : block]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="code watch")
        self.seen: list[Seen] = []
        self.cpu_s = 0.0  # what the watching itself has cost

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def blank(self) -> bool:
        """No code stands there, or the zero of a black screen."""
        reading = self._code.read(self._picture)
        return reading is None or reading.number == 0

    def _watch(self) -> None:
        before, looked_s = b"", time.perf_counter()
        while not self._stop.is_set():
            time.sleep(LOOK_S)
            now_s = time.perf_counter()
            signs = self._signs.tobytes()
            if signs == before:
                looked_s = now_s
                continue
            reading = self._code.read(self._picture)
            if reading is None:
                continue
            before = signs
            if reading.number > 0 and (not self.seen or self.seen[-1].number != reading.number):
                self.seen.append(Seen(reading.number, now_s, now_s - looked_s))
            looked_s = now_s
            self.cpu_s = time.thread_time()


class ProcessTree:
    """A process and all that it has started: what it uses of the processor between the first look and the last."""

    def __init__(self, pid: int):
        self._root = psutil.Process(pid)
        self._first: dict[tuple[int, float], float] = {}
        self._last: dict[tuple[int, float], float] = {}
        self._began_s = self._ended_s = time.perf_counter()
        self.look()
        self._first = dict(self._last)

    def look(self) -> None:
        """Often enough, so that what a child used before it ended is counted. Raises `psutil.NoSuchProcess`."""
        for process in self._all():
            try:
                times, key = process.cpu_times(), (process.pid, process.create_time())
            except psutil.NoSuchProcess:
                continue
            self._last[key] = times.user + times.system
        self._ended_s = time.perf_counter()

    @property
    def cpu_share(self) -> float:
        """Of one core: 1.0 is a core that is always busy."""
        used = sum(spent - self._first.get(key, 0.0) for key, spent in self._last.items())
        return used / max(1e-9, self._ended_s - self._began_s)

    def memory_mb(self, kind: str) -> float:
        """`kind` is Pss or Rss, as in the kernel's smaps_rollup; 10^6 bytes."""
        return sum(self._rollup(process, kind) for process in self._all()) / MB

    @property
    def count(self) -> int:
        return sum(1 for _ in self._all())

    def _all(self) -> Iterator[psutil.Process]:
        yield self._root
        yield from self._root.children(recursive=True)

    @staticmethod
    def _rollup(process: psutil.Process, kind: str) -> int:
        try:
            text = Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="ascii")
        except (FileNotFoundError, ProcessLookupError):
            return 0
        found = re.search(rf"^{kind}:\s+(\d+) kB$", text, re.MULTILINE)
        return 1024 * int(found[1]) if found else 0
