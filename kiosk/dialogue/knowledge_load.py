"""A folder of knowledge: one folder for each language, in it files of entries and `phrases.toml`.

knowledge/en/*.toml        entries, in any number of files
knowledge/en/phrases.toml  what the persona says by itself; missing keys come from the example
knowledge/pictures/        or anywhere else inside the folder
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from kiosk.dialogue.knowledge import Entry, Knowledge, LanguageKnowledge, Phrases
from kiosk.dialogue.knowledge_file import ReadEntry, dotted, explain, parse_toml, read_entries, read_text
from kiosk.dialogue.knowledge_words import plain_words
from kiosk.resources import resources_dir
from kiosk.settings_error import Problem
from kiosk.toml_text import key_lines

PHRASES = "phrases.toml"
MOST_FILES = 200  # for each language
MOST_ENTRIES = 1_000  # for each language: keeps one question below some ten milliseconds
MOST_LANGUAGES = 32

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What could be used, and what an operator should mend."""

    knowledge: Knowledge
    problems: tuple[Problem, ...] = ()


def example_folder() -> Path:
    """The complete example that comes with the kiosk. Raises `FileNotFoundError`."""
    return resources_dir() / "knowledge"


def load_knowledge(folder: Path, example: Path | None = None) -> Loaded:
    """Reads the folder; blocks on the disk, so call it from a worker thread. Never raises because of a file.

    `example`: where missing phrases come from; the kiosk's own example unless given.
    """
    problems: list[Problem] = []
    example = example or example_folder()
    languages: dict[str, LanguageKnowledge] = {}
    for path in _listing(folder, problems):
        if path.is_dir() and _LANGUAGE.fullmatch(path.name) and len(languages) < MOST_LANGUAGES:
            languages[path.name] = _load_language(path, folder, example, problems)
    if not languages and not problems:
        problems.append(Problem(str(folder), None, "", "has no folder of a language, e.g. en; copy the example there"))
    return Loaded(Knowledge(MappingProxyType(languages)), tuple(problems))


def _load_language(path: Path, folder: Path, example: Path, problems: list[Problem]) -> LanguageKnowledge:
    files = [file for file in _listing(path, problems) if file.suffix == ".toml" and file.name != PHRASES]
    if len(files) > MOST_FILES:
        problems.append(Problem(str(path), None, "", f"has more than {MOST_FILES} files; the rest is left out"))
    entries: list[Entry] = []
    keeper = _Keeper(path.name, problems)
    for file in files[:MOST_FILES]:
        for read in read_entries(file, folder, problems):
            if entry := keeper.keep(read, file):
                entries.append(entry)
    if len(entries) > MOST_ENTRIES:
        problems.append(Problem(str(path), None, "", f"has more than {MOST_ENTRIES} entries; the rest is left out"))
    if not entries:
        problems.append(Problem(str(path), None, "", "has no entry that can be used"))
    return LanguageKnowledge(path.name, tuple(entries[:MOST_ENTRIES]), _load_phrases(path, example, problems))


class _Keeper:
    """Lets no id and no way of asking in twice: the first one stays."""

    def __init__(self, language: str, problems: list[Problem]):
        self._language = language
        self._problems = problems
        self._ids: dict[str, str] = {}
        self._ways: dict[tuple[str, ...], str] = {}

    def keep(self, read: ReadEntry, file: Path) -> Entry | None:
        entry, here = read.entry, f"{file.name}:{read.line}"
        if (first := self._ids.setdefault(entry.id, here)) != here:
            text = f"this id stands already at {first}; the second entry is left out"
            self._problems.append(Problem(str(file), read.line, f"entry {entry.id}: id", text))
            return None
        kept = {
            name: tuple(way for way in getattr(entry, name) if self._is_new(way, name, entry, read.line, file))
            for name in ("questions", "also")
        }
        if not kept["questions"]:
            self._complain(file, read.line, entry, "questions", "none is left; the entry is left out")
            return None
        return entry.model_copy(update=kept)

    def _is_new(self, way: str, name: str, entry: Entry, line: int, file: Path) -> bool:
        words = tuple(plain_words(way, self._language))
        if not words:
            self._complain(file, line, entry, name, f'"{way}" has no word in it and is left out')
            return False
        owner = self._ways.setdefault(words, entry.id)
        if owner != entry.id:
            self._complain(file, line, entry, name, f'"{way}" stands already in entry {owner} and is left out here')
        return owner == entry.id

    def _complain(self, file: Path, line: int, entry: Entry, name: str, text: str) -> None:
        self._problems.append(Problem(str(file), line, f"entry {entry.id}: {name}", text))


def _load_phrases(path: Path, example: Path, problems: list[Problem]) -> Phrases:
    """The language's own phrases over those of the example: in the same language, its parent's, or English."""
    codes = (path.name, path.name.split("-")[0], "en")
    base_file = next((file for code in codes if (file := example / code / PHRASES).is_file()), None)
    if base_file is None:
        raise FileNotFoundError("the example knowledge is not there; install the program again")
    base = _read_table(base_file, [])
    own_file = path / PHRASES
    if own_file == base_file or not own_file.is_file():
        return Phrases.model_validate(base)
    own = _read_table(own_file, problems)
    try:
        return Phrases.model_validate(base | own)
    except ValidationError as error:
        lines = key_lines(own_file.read_text(encoding="utf-8-sig"))
        for key, text in explain(error, Phrases):
            line = lines.get((str(key[0]),))
            problems.append(Problem(str(own_file), line, dotted(key), f"{text}; the example's words are used"))
        wrong = {fault["loc"][0] for fault in error.errors()}
        return Phrases.model_validate(base | {key: value for key, value in own.items() if key not in wrong})


def _read_table(path: Path, problems: list[Problem]) -> dict[str, Any]:
    text = read_text(path, problems)
    return {} if text is None else parse_toml(text, path, 1, problems) or {}


def _listing(folder: Path, problems: list[Problem]) -> Iterable[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        problems.append(Problem(str(folder), None, "", f"cannot be read ({error.strerror}); check path and rights"))
        return ()
