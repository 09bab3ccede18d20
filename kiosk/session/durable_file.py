"""Small files that must outlive a power cut: replaced as a whole, and put aside when they cannot be read."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def replace_file(path: Path, content: bytes) -> None:
    """Whoever reads sees the old content or the new one, never half of one. Raises `OSError` and leaves no litter."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # mkstemp makes the file 0600 from the first byte on.
    number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def put_aside(path: Path) -> Path:
    """Renames a file that cannot be read, so that a new one can take its place; returns its new path."""
    aside = path.with_name(path.name + ".damaged")
    os.replace(path, aside)
    return aside


def _sync_folder(folder: Path) -> None:
    """Without this a power cut may bring the old name back. Windows cannot open a folder and does not need to."""
    if os.name == "nt":
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
