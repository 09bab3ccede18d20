"""What each thread of a client uses of the processor, by the names that the system knows."""

from __future__ import annotations

import os
import re
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import psutil

from tests.benchmarks.side_by_side.takes import Take

TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")
MANY: Final = re.compile(r"[\s_-]*\d+$")  # of threads that do the same
TOLD: Final = 12  # rows
LEAST: Final = 0.2  # % of a core
MAIN: Final = {"python": "main thread, painting"}


class ThreadTimes:
    """Between its making and `shares`, of a process and its children. A thread that ends meanwhile is not counted."""

    def __init__(self, pid: int):
        self._root = psutil.Process(pid)
        self._began_s = time.perf_counter()
        self._before = dict(self._spent())

    def shares(self) -> dict[str, float]:
        """% of a core by name, the largest first."""
        elapsed_s = time.perf_counter() - self._began_s
        found: dict[str, float] = defaultdict(float)
        for (pid, thread, name), spent_s in self._spent():
            found[MANY.sub("", name) or name] += spent_s - self._before.get((pid, thread, name), 0.0)
        shares = {name: round(100 * spent_s / elapsed_s, 2) for name, spent_s in found.items()}
        return dict(sorted(shares.items(), key=lambda share: -share[1]))

    def _spent(self) -> Iterator[tuple[tuple[int, int, str], float]]:
        for process in (self._root, *self._root.children(recursive=True)):
            for stat in Path(f"/proc/{process.pid}/task").glob("*/stat"):
                try:
                    text = stat.read_text(encoding="utf-8", errors="replace")
                except OSError:
                    continue
                name, _, rest = text.partition("(")[2].rpartition(")")
                fields = rest.split()  # from field 3 on; 14 and 15 are the ticks of proc(5)
                yield (process.pid, int(stat.parent.name), name), (int(fields[11]) + int(fields[12])) * TICK_S


def thread_table(takes: Sequence[Take], given: str, clients: dict[str, str]) -> str:
    """The busiest threads of each client while it shows and plays, medians of the rounds; empty where none was noted.

    `clients`: heads of the columns.
    """
    columns = {client: _busiest(takes, given, client) for client in clients}
    columns = {client: rows for client, rows in columns.items() if rows}
    if not columns:
        return ""
    head = [cell for client in columns for cell in (clients[client], "%")]
    lines = [head, ["---"] * len(head)]
    for number in range(max(map(len, columns.values()))):
        lines.append([cell for rows in columns.values() for cell in (rows[number] if number < len(rows) else ("", ""))])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _busiest(takes: Sequence[Take], given: str, client: str) -> list[tuple[str, str]]:
    noted = [
        take.notes["threads"]
        for take in takes
        if (take.kind, take.format, take.client) == ("voice", given, client) and "threads" in take.notes
    ]
    names = {name for threads in noted for name in threads}
    medians = {name: statistics.median(threads.get(name, 0.0) for threads in noted) for name in names}
    shown = sorted((name for name in names if medians[name] >= LEAST), key=lambda name: -medians[name])
    return [(MAIN.get(name, name), f"{medians[name]:.1f}") for name in shown[:TOLD]]
