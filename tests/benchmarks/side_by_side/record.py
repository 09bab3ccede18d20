"""What a run of the comparison leaves: takes with machine and date, as one JSON file."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import kiosk
from tests.benchmarks.side_by_side.table import COLUMNS, ROWS, formats, spread
from tests.benchmarks.side_by_side.takes import Take
from tests.livekit_server import find_server_binary


@dataclass(frozen=True, slots=True)
class Record:
    """`machine`, `programs` and `course` are words and numbers for the reader."""

    date: str
    machine: dict[str, Any]
    programs: dict[str, str]
    course: dict[str, Any]  # rounds, seconds and what else was asked for
    takes: tuple[Take, ...]

    def write(self, path: Path) -> None:
        text = json.dumps({**asdict(self), "summary": _summary(self.takes)}, indent=1)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Record:
        found = json.loads(path.read_text(encoding="utf-8"))
        found.pop("summary")
        found["takes"] = tuple(Take(**take) for take in found["takes"])
        return cls(**found)

    def caption(self) -> str:
        """Machine, date and course in one line."""
        machine, course, programs = self.machine, self.course, self.programs
        parts = [f"{machine['cores']} cores ({machine['processor']}), no graphics card, {machine['system']}"]
        rounds = "1 round" if course["rounds"] == 1 else f"medians of {course['rounds']} rounds"
        parts.append(f"{rounds} of {course['seconds']:g} s")
        if "browser" in programs:
            parts.append(f"{programs['browser']} with livekit-client {programs['livekit-client']}")
        return f"{self.date}; " + "; ".join([*parts, f"load before {machine['load_before']}"])


def describe_machine() -> dict[str, Any]:
    return {
        "cores": os.cpu_count() or 0,
        "processor": _first(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo")) or platform.machine(),
        "memory_gb": round(int(_first(r"MemTotal:\s+(\d+) kB", Path("/proc/meminfo")) or 0) / 1e6, 1),
        "system": _first(r'PRETTY_NAME="(.+)"', Path("/etc/os-release")) or platform.system(),
        "kernel": platform.release(),
        "load_before": round(os.getloadavg()[0], 1),
    }


def describe_programs(browser: str | None, library: Path | None) -> dict[str, str]:
    found = {"kiosk": kiosk.__version__, "python": platform.python_version()}
    found["livekit-server"] = _version([str(find_server_binary()), "--version"])
    if browser is not None:
        found["browser"] = "Chromium " + _version([browser, "--version"])
    if library is not None:
        found["livekit-client"] = library.name.removeprefix("livekit-client-").removesuffix(".umd.js")
    return found


def today() -> str:
    return date.today().isoformat()


def _summary(takes: Sequence[Take]) -> dict[str, Any]:
    """Format -> figure -> client -> median, least and most."""
    return {
        given: {
            f"{row.kind}.{row.key}": {
                client: asdict(one) for client in COLUMNS if (one := spread(takes, row, given, client)) is not None
            }
            for row in ROWS
        }
        for given in formats(takes)
    }


def _version(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    found = re.search(r"\d+(?:\.\d+)+", done.stdout)
    return found[0] if found else "of no version"


def _first(pattern: str, path: Path) -> str | None:
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    found = re.search(pattern, text)
    return found[1].strip() if found else None
