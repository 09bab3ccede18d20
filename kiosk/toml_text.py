"""TOML as text: which line a key stands on, and how a value is written. The standard library tells neither."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from typing import Any

KeyPath = tuple[str, ...]

_TOKENS = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}' r"|'''.*?'{3,5}" r'|"(?:\\.|[^"\\\n])*"' r"|'[^'\n]*'" r"|#[^\n]*" r"|[\[\]{}\n]",
    re.DOTALL,
)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line, counted from 1, of every table and key in a TOML text that parses.

    A key inside an inline table has the line on which the statement begins. In an array of tables the last one counts.
    """
    lines: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for line, statement in _statements(text):
        try:
            parsed = tomllib.loads(statement)
        except (ValueError, RecursionError):
            continue  # no more than a missing line number
        if statement.startswith("["):
            table = _deepest(parsed)
            for depth in range(1, len(table) + 1):
                lines.setdefault(table[:depth], line)
            lines[table] = line
        else:
            for path in _paths(parsed):
                lines[table + path] = line
    return lines


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each header or `key = value`, however many lines it takes, with its first line."""
    start, depth, line, first_line = 0, 0, 1, 1
    for token in _TOKENS.finditer(text):
        kind = token.group()
        if kind in "[{":
            depth += 1
        elif kind in "]}":
            depth -= 1
        elif kind == "\n":
            line += 1
            if depth <= 0:
                if statement := text[start : token.start()].strip():
                    yield first_line, statement
                start, depth, first_line = token.end(), 0, line
        else:
            line += kind.count("\n")
    if statement := text[start:].strip():
        yield first_line, statement


def _deepest(parsed: Mapping[str, Any]) -> KeyPath:
    path: KeyPath = ()
    value: Any = parsed
    while isinstance(value, Mapping | list) and value:
        if isinstance(value, list):
            value = value[-1]
        else:
            key, value = next(iter(value.items()))
            path += (key,)
    return path


def _paths(table: Mapping[str, Any], above: KeyPath = ()) -> Iterator[KeyPath]:
    for key, value in table.items():
        yield (*above, key)
        if isinstance(value, Mapping):
            yield from _paths(value, (*above, key))


def write_toml(tables: Mapping[str, Any], notes: Mapping[KeyPath, str] | None = None) -> str:
    """`tables` as TOML; None is left out. `notes` puts a comment behind a key that holds no table."""
    out: list[str] = []
    _write_table(tables, (), notes or {}, out)
    return "\n".join(out).strip("\n") + "\n"


def _write_table(table: Mapping[str, Any], path: KeyPath, notes: Mapping[KeyPath, str], out: list[str]) -> None:
    plain = {key: value for key, value in table.items() if not isinstance(value, Mapping) and value is not None}
    if path and (plain or not table):
        out += ["", f"[{'.'.join(_key(part) for part in path)}]"]
    for key, value in plain.items():
        note = notes.get((*path, key))
        out.append(f"{_key(key)} = {_value(value)}" + (f"  # {note}" if note else ""))
    for key, value in table.items():
        if isinstance(value, Mapping):
            _write_table(value, (*path, key), notes, out)


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _string(key)


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return _string(value)
        case datetime() | date() | time():
            return value.isoformat()
        case list() | tuple():
            return "[" + ", ".join(_value(item) for item in value) + "]"
        case Mapping():
            return "{" + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + "}"
        case _:
            raise TypeError(f"no TOML for {type(value).__name__}")


def _string(text: str) -> str:
    # JSON's escapes are TOML's, save that JSON leaves DEL as it is.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
