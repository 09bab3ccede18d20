"""What a process and all its children take of the machine, as the system counts it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class Taken:
    """Memory in MB (millions of bytes): `uss` is what nobody else has, `pss` has its share of what is shared, `rss` all
    that is mapped. `cpu_s`: seconds of one core since the start, of those that live."""

    pss_mb: float
    rss_mb: float
    uss_mb: float
    threads: int
    handles: int
    children: int
    cpu_s: float


def taken(process: psutil.Process) -> Taken:
    """Raises `psutil.NoSuchProcess` once it has ended. Takes some milliseconds for each process."""
    children = process.children(recursive=True)
    pss = rss = uss = threads = handles = 0
    cpu_s = 0.0
    for each in (process, *children):
        with contextlib.nullcontext() if each is process else contextlib.suppress(psutil.NoSuchProcess):
            memory, times = each.memory_full_info(), each.cpu_times()
            pss, rss, uss = pss + memory.pss, rss + memory.rss, uss + memory.uss
            threads, handles = threads + each.num_threads(), handles + each.num_fds()
            cpu_s += times.user + times.system
    return Taken(pss / 1e6, rss / 1e6, uss / 1e6, threads, handles, len(children), cpu_s)
