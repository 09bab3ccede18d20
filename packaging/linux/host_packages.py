"""Which of the distribution's packages a library comes from."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

_CACHED = re.compile(r"^\s+(\S+) \(([^)]*)\) => (\S+)$", re.MULTILINE)


class UnknownLibraryError(Exception):
    """The package of a library cannot be told."""


def library_paths() -> dict[str, Path]:
    """Soname -> file, as the dynamic linker of this machine finds them. The first of several wins, as there."""
    listing = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    paths: dict[str, Path] = {}
    for soname, kind, path in _CACHED.findall(listing):
        if "x32" not in kind and "/i386-" not in path:
            paths.setdefault(soname, Path(path))
    return paths


def package_of(path: Path) -> str | None:
    """The package that installed a file, or None. Both /lib and /usr/lib are asked for: they are one on new systems."""
    plain = str(path)
    merged = plain.removeprefix("/usr") if plain.startswith("/usr/lib") else f"/usr{plain}"
    for name in dict.fromkeys((plain, str(path.resolve()), merged, str(Path(merged).resolve()))):
        done = subprocess.run(["dpkg-query", "-S", name], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.splitlines()[0].split(":")[0]
    return None


def depends_for(libraries: dict[str, Path]) -> list[str]:
    """Entries of `Depends` for soname -> a file that asks for it. Raises UnknownLibraryError."""
    paths = library_paths()
    entries = set()
    for soname, asked_by in libraries.items():
        path = paths.get(soname)
        package = package_of(path) if path else None
        if package is None:
            raise UnknownLibraryError(f"{soname}, needed by {asked_by}, comes from no package of this system")
        # Since the move to 64-bit time the newer releases know a library under another name.
        entries.add(f"{package} | {package.removesuffix('t64')}" if package.endswith("t64") else package)
    return sorted(entries)
