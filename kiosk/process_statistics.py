"""What this process takes of the machine, asked of the operating system. None where it does not tell without a library.

Linux tells all of it in /proc. Elsewhere the processor's time is all that the standard library knows of the present.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

SELF = Path("/proc/self")
_PSS = re.compile(rb"^Pss:\s+(\d+) kB", re.MULTILINE)
_RSS = re.compile(rb"^VmRSS:\s+(\d+) kB", re.MULTILINE)
_THREADS = re.compile(rb"^Threads:\s+(\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ProcessStatistics:
    """`cpu_s`: seconds of one core since the start. `rss_mb`: memory that is mapped; `pss_mb`: of what is shared with
    other programs only this one's share; both in millions of bytes. `handles`: open files, sockets and pipes."""

    cpu_s: float = 0.0
    rss_mb: float | None = None
    pss_mb: float | None = None
    threads: int | None = None
    handles: int | None = None


def process_statistics(folder: Path = SELF) -> ProcessStatistics:
    """Takes some milliseconds: the system adds up every page. Call it off the GUI thread."""
    status = _read(folder / "status")
    return ProcessStatistics(
        cpu_s=time.process_time(),
        rss_mb=_megabytes(_RSS.search(status)),
        pss_mb=_megabytes(_PSS.search(_read(folder / "smaps_rollup"))),
        threads=int(found[1]) if (found := _THREADS.search(status)) else None,
        handles=_handles(folder / "fd"),
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # another system, or one that keeps this to itself


def _megabytes(found: re.Match[bytes] | None) -> float | None:
    return None if found is None else int(found[1]) * 1024 / 1e6


def _handles(folder: Path) -> int | None:
    try:
        return len(os.listdir(folder)) - 1  # the folder itself is open meanwhile
    except OSError:
        return None
