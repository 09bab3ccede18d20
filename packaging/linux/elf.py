"""What the native files of a folder need from the host, read with objdump."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

_NEEDED = re.compile(r"^\s+NEEDED\s+(\S+)$", re.MULTILINE)
_GLIBC = re.compile(r"\bGLIBC_(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Needs:
    """`libraries`: sonames that the folder does not hold itself, each with one file that asks for it.

    `glibc`: the oldest glibc it runs on, as (2, 34); `glibc_from`: a file that asks for it.
    """

    libraries: dict[str, Path]
    glibc: tuple[int, int]
    glibc_from: Path


def native_files(folder: Path) -> list[Path]:
    """Every ELF file of the folder, links left out."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                if file.read(4) == b"\x7fELF":
                    found.append(path)
    return found


def needs_of(folder: Path) -> Needs:
    """Raises CalledProcessError where objdump cannot read a file, ValueError where there is no native file."""
    inside = {path.name for path in folder.rglob("*") if path.is_file()}
    libraries: dict[str, Path] = {}
    floors: list[tuple[tuple[int, int], Path]] = []
    for path in native_files(folder):
        headers = subprocess.run(["objdump", "-p", path], capture_output=True, text=True, check=True).stdout
        for soname in _NEEDED.findall(headers):
            if soname not in inside:
                libraries.setdefault(soname, path)
        floors += [((int(major), int(minor)), path) for major, minor in _GLIBC.findall(headers)]
    if not floors:
        raise ValueError(f"no native file in {folder}")
    glibc, glibc_from = max(floors, key=lambda floor: floor[0])
    return Needs(dict(sorted(libraries.items())), glibc, glibc_from)
