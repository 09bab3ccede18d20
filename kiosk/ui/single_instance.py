"""One kiosk per data folder: a second one would end the first one's sessions as orphans."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QLockFile


class SingleInstance:
    """A lock that a crash gives back: the next kiosk sees that its owner is gone."""

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = QLockFile(str(folder / "kiosk.lock"))
        # A kiosk holds it for months: only a dead owner makes it stale.
        self._lock.setStaleLockTime(0)

    def acquire(self) -> bool:
        """False where another kiosk runs on the same folder."""
        return self._lock.tryLock(0)

    def release(self) -> None:
        self._lock.unlock()
