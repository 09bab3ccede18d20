"""What goes into the frozen folder beyond what the analysis of imports says."""

from __future__ import annotations

import re
import subprocess
from importlib.metadata import packages_distributions
from pathlib import Path, PurePosixPath

Entry = tuple[str, str, str]  # PyInstaller's: place in the bundle, source (for a SYMLINK: its target), kind

_NEEDED = re.compile(r"^\s+NEEDED\s+(\S+)$", re.MULTILINE)


def locked_names(lock: Path) -> set[str]:
    """The packages of a lock file, whatever their markers."""
    return set(re.findall(r"^([a-z0-9][a-z0-9._-]*)==", lock.read_text(), re.MULTILINE))


def development_modules(lock: Path) -> list[str]:
    """Modules installed here that belong to no package of the runtime lock: they must not ship."""
    shipped = locked_names(lock) | {"avatar-kiosk"}
    return sorted(
        module
        for module, names in packages_distributions().items()
        if not shipped & {re.sub(r"[-_.]+", "-", name).lower() for name in names}
    )


def without_orphans(entries: list[Entry]) -> list[Entry]:
    """Leaves out the shared libraries that only plug-ins which do not ship would have loaded.

    Loaded by name are Python's extensions, Qt's plug-ins and what lies in a package's own folder; of the rest,
    a library stays when one that stays needs it, and a link stays when its target does.
    """
    libraries = [entry for entry in entries if entry[2] == "BINARY" and _loaded_by_others(entry[0])]
    orphans = {PurePosixPath(entry[0]).name: entry for entry in libraries}
    to_read = [entry for entry in entries if entry[2] in ("BINARY", "EXTENSION") and entry not in libraries]
    while to_read:
        headers = subprocess.run(["objdump", "-p", to_read.pop()[1]], capture_output=True, text=True, check=True)
        to_read += [orphans.pop(name) for name in set(_NEEDED.findall(headers.stdout)) & orphans.keys()]
    kept = {entry[0] for entry in entries if entry[2] != "SYMLINK" and entry not in orphans.values()}
    return [entry for entry in entries if entry[0] in kept or (entry[2] == "SYMLINK" and _target(entry) in kept)]


def _loaded_by_others(place: str) -> bool:
    path = PurePosixPath(place)
    in_root = path.parent == PurePosixPath(".") and not path.name.startswith("libpython")
    return ".so" in path.name and (in_root or path.parent == PurePosixPath("PySide6/Qt/lib"))


def _target(entry: Entry) -> str:
    """Where a link inside the bundle points, as a place in the bundle."""
    parts: list[str] = []
    for part in (PurePosixPath(entry[0]).parent / entry[1]).parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)
