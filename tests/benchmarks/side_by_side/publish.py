"""Puts a run's table and picture where readers look: into README.md and the manual's page, between two markers."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from tests.benchmarks.side_by_side.record import Record
from tests.benchmarks.side_by_side.table import COLUMNS, attract_line, disturbed, formats, table
from tests.benchmarks.side_by_side.threads import thread_table
from tests.livekit_server import REPOSITORY

BEGIN: Final = "<!-- bench: begin; written by `make bench ARGS=--publish` -->"
END: Final = "<!-- bench: end -->"
MANUAL: Final = Path("resources/manual")
PICTURE: Final = "images/side-by-side.png"


def publish(record: Record, png: Path, root: Path = REPOSITORY) -> None:
    """README.md gets the first format, the manual's page all. Raises `ValueError` where a marker is missing."""
    given = formats(record.takes)
    readme, page = root / "README.md", root / MANUAL / "comparison.md"
    short = replaced(readme.read_text(encoding="utf-8"), block(record, given[:1], f"{MANUAL}/{PICTURE}"))
    long = replaced(page.read_text(encoding="utf-8"), block(record, given, PICTURE) + _profile(record, given[0]))
    shutil.copyfile(png, root / MANUAL / PICTURE)
    readme.write_text(short, encoding="utf-8")
    page.write_text(long, encoding="utf-8")


def block(record: Record, given: list[str], picture: str) -> str:
    parts = [f"{record.caption()}.", f"![The kiosk beside a browser]({picture})"]
    for one in given:
        parts += [f"**{one.replace('x', ' × ').replace('@', ' at ')} pictures a second**", table(record.takes, one)]
    parts += [attract_line(record.takes), disturbed(record.takes, record.course["seconds"])]
    return "\n\n".join(filter(None, parts))


def _profile(record: Record, given: str) -> str:
    """Of one format: where the time goes."""
    threads = thread_table(record.takes, given, COLUMNS)
    return f"\n\n**Where the processor's time goes**, by thread, % of a core, {given}\n\n{threads}" if threads else ""


def replaced(text: str, inner: str) -> str:
    """`text` with what stands between the markers replaced. Raises `ValueError` unless each is there once, in order."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in after or END in after or END in before:
        raise ValueError("the markers of the comparison must stand in the text once, the beginning first")
    return f"{before}{BEGIN}\n\n{inner}\n\n{END}{after}"
