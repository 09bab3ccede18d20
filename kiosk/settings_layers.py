"""The layers that settings come from, each as nested tables that remember where every value stands.

defaults < system file < user file < environment < command line
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kiosk.settings_error import Problem
from kiosk.toml_text import KeyPath, key_lines

LARGEST_FILE = 1 << 20  # bytes
DEEPEST_TABLE = 20
ENVIRONMENT_PREFIX = "KIOSK_"

_PARSER_PLACE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value stands. `source` is a file, an environment variable or "command line"."""

    source: str
    line: int | None = None
    text_value: bool = False  # written in a place that knows text only (the environment)

    def __str__(self) -> str:
        return f"{self.source}:{self.line}" if self.line else self.source


@dataclass(frozen=True, slots=True)
class Layer:
    tables: Mapping[str, Any] = field(default_factory=dict)
    origins: Mapping[KeyPath, Origin] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def file_layer(path: Path, *, required: bool) -> Layer:
    """Reads one TOML file; a missing file is an empty layer unless it is `required`. Never raises."""
    try:
        info = path.stat()
        if not stat.S_ISREG(info.st_mode):
            return _unusable(path, "is not a file; name a TOML file")
        if info.st_size > LARGEST_FILE:
            return _unusable(path, f"is larger than {LARGEST_FILE >> 20} MB; this cannot be the settings of a kiosk")
        data = path.read_bytes()
    except FileNotFoundError:
        return _unusable(path, "does not exist; check the path") if required else Layer()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return _unusable(path, f"cannot be read ({reason}); check its rights and its path")
    return _parse(path, data)


def _parse(path: Path, data: bytes) -> Layer:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _unusable(path, "is saved as UTF-16; save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return _unusable(path, "holds bytes that are not UTF-8; save it as UTF-8", line)
    try:
        tables = tomllib.loads(text)
        paths = _all_paths(tables)
    except RecursionError:
        return _unusable(path, "is nested too deeply; a kiosk's settings are plain tables")
    except ValueError as error:
        # The parser's text names a place and what it expected; it never quotes more than one character of a value.
        place = _PARSER_PLACE.search(str(error))
        said = _PARSER_PLACE.sub("", str(error)).rstrip(".")
        at_end = text.count("\n") + 1
        return _unusable(
            path,
            f"is not valid TOML: {said[:1].lower()}{said[1:]}",
            (int(place[1]) if place[1] else at_end) if place else None,
        )
    lines = key_lines(text)
    return Layer(tables, {key: Origin(str(path), lines.get(key)) for key in paths})


def environment_layer(environ: Mapping[str, str], provider_name: Callable[[str], str]) -> Layer:
    """`KIOSK_SESSION__PROVIDER=x` sets session.provider. Names without `__` are not settings (secrets have none).

    An empty value counts as not set. `provider_name` turns a provider's name as a variable can spell it (`my_vendor`)
    into its real one (`my-vendor`).
    """
    tables: dict[str, Any] = {}
    origins: dict[KeyPath, Origin] = {}
    problems: list[Problem] = []
    for name, value in sorted(environ.items()):
        if not name.startswith(ENVIRONMENT_PREFIX) or "__" not in name or not value:
            continue
        path = tuple(name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__"))
        if path[0] == "providers" and len(path) > 1:
            path = ("providers", provider_name(path[1]), *path[2:])
        if not all(path) or len(path) > DEEPEST_TABLE or not _put(tables, path, value):
            problems.append(Problem(name, None, "", "names no setting; write KIOSK_<TABLE>__<KEY>"))
            continue
        for depth in range(1, len(path) + 1):
            origins[path[:depth]] = Origin(name, text_value=depth == len(path))
    return Layer(tables, origins, tuple(problems))


def command_line_layer(values: Mapping[KeyPath, object]) -> Layer:
    """Path -> value of what the command line gave."""
    tables: dict[str, Any] = {}
    origins: dict[KeyPath, Origin] = {}
    for path, value in values.items():
        _put(tables, path, value)
        origins |= {path[:depth]: Origin("command line") for depth in range(1, len(path) + 1)}
    return Layer(tables, origins)


def merge(layers: list[Layer]) -> Layer:
    """Later layers win key by key; a list is replaced as a whole."""
    tables: dict[str, Any] = {}
    origins: dict[KeyPath, Origin] = {}
    for layer in layers:
        _merge_into(tables, layer.tables)
        origins |= layer.origins
    return Layer(tables, origins, tuple(problem for layer in layers for problem in layer.problems))


def with_value(tables: Mapping[str, Any], path: KeyPath, value: object) -> dict[str, Any]:
    """A copy of `tables` in which `path` holds `value`."""
    head, rest = path[0], path[1:]
    return {**tables, head: with_value(tables[head], rest, value) if rest else value}


def _merge_into(under: dict[str, Any], over: Mapping[str, Any]) -> None:
    for key, value in over.items():
        below = under.get(key)
        if isinstance(value, Mapping):
            fresh = dict(below) if isinstance(below, Mapping) else {}
            _merge_into(fresh, value)
            under[key] = fresh
        else:
            under[key] = value


def _put(tables: dict[str, Any], path: KeyPath, value: object) -> bool:
    for key in path[:-1]:
        below: object = tables.setdefault(key, {})
        if not isinstance(below, dict):
            return False
        tables = below
    if isinstance(tables.get(path[-1]), dict):
        return False
    tables[path[-1]] = value
    return True


def _all_paths(table: Mapping[str, Any], above: KeyPath = ()) -> list[KeyPath]:
    if len(above) > DEEPEST_TABLE:
        raise RecursionError
    found: list[KeyPath] = []
    for key, value in table.items():
        found.append((*above, key))
        if isinstance(value, Mapping):
            found += _all_paths(value, (*above, key))
    return found


def _unusable(path: Path, text: str, line: int | None = None) -> Layer:
    return Layer(problems=(Problem(os.fspath(path), line, "", text),))
