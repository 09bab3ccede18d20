"""One knowledge file: from bytes that a person wrote to entries, and what is wrong with them.

The file is read entry by entry, so that a slip in one leaves the others in use. A line `[[entry]]` always begins one.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from kiosk.dialogue.knowledge import Card, Entry
from kiosk.settings_error import Problem
from kiosk.toml_text import KeyPath, key_lines

LARGEST_FILE = 1 << 20  # bytes
LARGEST_PICTURE = 10 << 20  # bytes
PICTURES = (".png", ".jpg", ".jpeg", ".svg")

_HEADER = re.compile(r"^[ \t]*\[\[[ \t]*entry[ \t]*\]\][ \t]*(#.*)?$", re.MULTILINE)
_AT_LINE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)\s*$")


@dataclass(frozen=True, slots=True)
class ReadEntry:
    """An entry and the line on which it begins, counted from 1."""

    entry: Entry
    line: int


def read_text(path: Path, problems: list[Problem]) -> str | None:
    """The text of a file that an operator wrote; None, and a problem, where it cannot be read."""
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            limit = f"{LARGEST_FILE >> 20} MB"
            problems.append(Problem(str(path), None, "", f"has {size / 1e6:.1f} MB, at most {limit}; split the file"))
            return None
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE)
    except OSError as error:
        problems.append(Problem(str(path), None, "", f"cannot be read ({error.strerror}); check its rights"))
        return None
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problems.append(Problem(str(path), line, "", "is no text in UTF-8 here; save the file as UTF-8"))
        return None


def parse_toml(text: str, path: Path, first_line: int, problems: list[Problem]) -> dict[str, Any] | None:
    """`text`, which begins on `first_line` of the file; None, and a problem, where it is no TOML."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        problems.append(Problem(str(path), first_line, "", "is nested too deeply; write it flat"))
    except ValueError as error:
        place = _AT_LINE.search(str(error))
        within = int(place[1]) if place and place[1] else text.rstrip().count("\n") + 1
        said = _AT_LINE.sub("", str(error))
        problems.append(
            Problem(str(path), first_line + within - 1, "", f"is no TOML: {said}; compare with another entry")
        )
    return None


def read_entries(path: Path, folder: Path, problems: list[Problem]) -> list[ReadEntry]:
    """The entries of a file that can be used; pictures must lie in `folder`. What is wrong is added to `problems`."""
    text = read_text(path, problems)
    if text is None:
        return []
    starts = [match.start() for match in _HEADER.finditer(text)]
    _check_head(text[: starts[0]] if starts else text, path, bool(starts), problems)
    found = []
    for start, end in pairwise([*starts, len(text)]):
        line = text.count("\n", 0, start) + 1
        if entry := _read_entry(text[start:end], line, path, folder, problems):
            found.append(ReadEntry(entry, line))
    return found


def _check_head(text: str, path: Path, has_entries: bool, problems: list[Problem]) -> None:
    tables = parse_toml(text, path, 1, problems)
    if tables:
        key = next(iter(tables))
        line = key_lines(text).get((key,))
        problems.append(Problem(str(path), line, key, "does not belong here; a file holds [[entry]] tables alone"))
    elif tables is not None and not has_entries:
        problems.append(Problem(str(path), None, "", "has no [[entry]]; write one, or remove the file"))


def _read_entry(text: str, line: int, path: Path, folder: Path, problems: list[Problem]) -> Entry | None:
    tables = parse_toml(text, path, line, problems)
    if tables is None:
        return None
    for key in tables.keys() - {"entry"}:
        problems.append(Problem(str(path), line, key, "does not belong here; a file holds [[entry]] tables alone"))
    raw = tables["entry"][0]
    name = raw.get("id") if isinstance(raw.get("id"), str) and raw.get("id") else "?"
    try:
        entry = Entry.model_validate(raw)
    except ValidationError as error:
        lines = _lines(text, line)
        for loc, fault in explain(error, Entry):
            names = tuple(part for part in loc if isinstance(part, str))
            at = lines.get(names[:2]) or lines.get(names[:1]) or line
            problems.append(Problem(str(path), at, f"entry {name}: {dotted(loc)}", f"{fault}; the entry is left out"))
        return None
    return _with_picture(entry, path, folder, lambda: _lines(text, line).get(("card",), line), problems)


def _lines(text: str, line: int) -> dict[KeyPath, int]:
    """Where each key of an entry stands that begins on `line`. As slow as reading it, so only for telling a mistake."""
    return {keys[1:]: line + number - 1 for keys, number in key_lines(text).items() if keys[:1] == ("entry",)}


def _with_picture(entry: Entry, path: Path, folder: Path, line: Callable[[], int], problems: list[Problem]) -> Entry:
    """The entry with the full path of its picture, or without a picture where there is none to show."""
    if entry.card is None or entry.card.picture is None:
        return entry
    picture, fault = path.parent / entry.card.picture, ""
    try:
        full = picture.resolve()
        if not full.is_relative_to(folder.resolve()):
            fault = "lies outside of the knowledge folder; copy it there"
        elif full.suffix.lower() not in PICTURES:
            fault = f"is none of {', '.join(PICTURES)}"
        elif not full.is_file():
            fault = "is not there; check the name, relative to this file"
        elif full.stat().st_size > LARGEST_PICTURE:
            fault = f"is larger than {LARGEST_PICTURE >> 20} MB; make it smaller"
    except (OSError, ValueError) as error:
        fault = f"cannot be read ({getattr(error, 'strerror', None) or error})"
    if fault:
        shown = f'"{entry.card.picture}" {fault}; the card is shown without it'
        problems.append(Problem(str(path), line(), f"entry {entry.id}: card.picture", shown))
    card: Card = entry.card.model_copy(update={"picture": None if fault else full})
    return entry.model_copy(update={"card": card})


def explain(error: ValidationError, model: type[BaseModel]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Each mistake as the path of its key and a text for the operator."""
    for fault in error.errors(include_url=False, include_input=False):
        key = fault["loc"]
        known = Card.model_fields if key[:1] == ("card",) and len(key) > 1 else model.model_fields
        match fault["type"]:
            case "extra_forbidden":
                near = difflib.get_close_matches(str(key[-1]), known, n=1, cutoff=0.6)
                guess = f", did you mean {near[0]}?" if near else ""
                yield key, f"is an unknown key{guess} Known: {', '.join(known)}"
            case "missing":
                yield key, "is missing"
            case "too_short" | "string_too_short":
                yield key, "is empty"
            case _:
                yield key, fault["msg"][0].lower() + fault["msg"][1:]


def dotted(key: tuple[str | int, ...]) -> str:
    """("questions", 2) -> "questions[2]" with items counted from 1, as people count."""
    text = ""
    for part in key:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text
