"""Takes over the knowledge when an operator saves a file: no restart, and never a broken version."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from kiosk.dialogue.knowledge import Knowledge
from kiosk.dialogue.knowledge_load import Loaded, load_knowledge
from kiosk.settings_error import Problem

log = logging.getLogger("kiosk.knowledge")

POLL_S = 1.0
MOST_FILES = 5_000

Fingerprint = tuple[tuple[str, int, int], ...]


class KnowledgeWatcher:
    """Looks at names, times and sizes once in `poll_s`; `run` is to be owned as a task and ends when cancelled.

    `loaded` is what the kiosk uses now. A new version is taken when the files have stood still for one more look, and
    only if it has no mistake that the version in use does not have: else the old one stays, with one line in the log.
    """

    def __init__(self, folder: Path, loaded: Loaded, on_change: Callable[[Knowledge], None], *, poll_s: float = POLL_S):
        self._folder = folder
        self._on_change = on_change
        self._poll_s = poll_s
        self._accepted = _without_lines(loaded.problems)

    async def run(self) -> None:
        read = seen = await asyncio.to_thread(fingerprint, self._folder)
        while True:
            await asyncio.sleep(self._poll_s)
            now = await asyncio.to_thread(fingerprint, self._folder)
            settled, seen = now == seen, now
            if settled and now != read:
                read = now
                self._take(await asyncio.to_thread(load_knowledge, self._folder))

    def _take(self, loaded: Loaded) -> None:
        new = [problem for problem in loaded.problems if not _without_lines([problem]) <= self._accepted]
        if new:
            more = f" (and {len(new) - 1} more)" if len(new) > 1 else ""
            log.warning("the knowledge was saved with a mistake, the old one stays in use: %s%s", new[0], more)
            return
        self._accepted = _without_lines(loaded.problems)
        self._on_change(loaded.knowledge)
        count = sum(len(known.entries) for known in loaded.knowledge.languages.values())
        log.info("took over the saved knowledge: %d entries", count)


def fingerprint(folder: Path) -> Fingerprint:
    """Name, time of change in ns and size of every file below `folder`; those that vanish meanwhile are left out."""
    found = []
    for path in sorted(folder.rglob("*"))[:MOST_FILES]:
        try:
            stat = path.stat()
        except OSError:
            continue
        found.append((str(path), stat.st_mtime_ns, stat.st_size))
    return tuple(found)


def _without_lines(problems: Iterable[Problem]) -> frozenset[tuple[str, str, str]]:
    """What is wrong, whatever the line: a mistake that moved down is no new one."""
    return frozenset((problem.source, problem.key, problem.text) for problem in problems)
