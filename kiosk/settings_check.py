"""From merged tables to `Settings`, or to all that is wrong with them: unknown keys, bad values, secrets in a file."""

from __future__ import annotations

import difflib
import json
import re
import tomllib
import types
from collections.abc import Iterator, Mapping
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from kiosk.providers.own_room import ROOM_SECRETS
from kiosk.providers.registry import ProviderEntry
from kiosk.settings import LOCAL, Settings
from kiosk.settings_error import Problem, SettingsError
from kiosk.settings_layers import Layer, with_value
from kiosk.toml_text import KeyPath

_SECRET_KEYS = re.compile(
    r"(api|user|secret|private|access)_?key|((api|client)_)?secret|((access|session|auth|bearer|refresh)_)?token"
    r"|bearer|authorization|passw(or)?d|kiosk_.*"
)
_LONGEST_SHOWN = 32  # characters; what is longer may be a secret at the wrong place


def check(layer: Layer, entries: Mapping[str, ProviderEntry], *, every_provider: bool = False) -> Settings:
    """Typed settings of the merged `layer`. Raises `SettingsError` with every problem found.

    Of the provider tables only the selected one and the fallback's are checked, unless `every_provider`: a file may be
    shared with a kiosk that knows more providers.
    """
    problems = list(layer.problems)
    tables, secret_problems = _without_secrets(layer, entries)
    problems += secret_problems
    settings, found = _validate(Settings, tables, (), layer)
    problems += found
    if settings is not None:
        problems += _unknown_providers(settings, layer, entries)
    provider_tables = tables.get("providers")
    for name in _to_check(settings, provider_tables, entries, every_provider=every_provider):
        entry = entries[name]
        table = provider_tables.get(name) if isinstance(provider_tables, Mapping) else None
        checked, found = _validate(entry.settings, table or {}, ("providers", name), layer)
        problems += found
        if checked is not None and settings is not None and table:
            settings = settings.model_copy(update={"providers": {**settings.providers, name: _as_written(checked)}})
    if every_provider and isinstance(provider_tables, Mapping):
        problems += [_unknown_table(name, layer, entries) for name in provider_tables if name not in entries]
    if problems or settings is None:
        raise SettingsError(sorted(problems, key=lambda problem: (problem.source, problem.line or 0, problem.key)))
    return settings


def provider_settings(settings: Settings, entry: ProviderEntry) -> BaseModel:
    """The table [providers.<name>] as the provider's own model. Raises `SettingsError` where it was not checked yet."""
    checked, problems = _validate(
        entry.settings, settings.providers.get(entry.name, {}), ("providers", entry.name), Layer()
    )
    if checked is None:
        raise SettingsError(problems)
    return checked


def _to_check(
    settings: Settings | None, tables: object, entries: Mapping[str, ProviderEntry], *, every_provider: bool
) -> list[str]:
    """The providers whose tables are looked at; a provider that is used is looked at without a table, too."""
    used = {*_used(settings)} if settings is not None else set()
    written = {*tables} if isinstance(tables, Mapping) and (every_provider or settings is None) else set()
    return sorted(name for name in used | written if name in entries)


def _used(settings: Settings) -> tuple[str, str]:
    return settings.session.provider, settings.session.fallback


def _as_written(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="python", by_alias=True, exclude_unset=True)


def _validate[T: BaseModel](
    model: type[T], tables: Mapping[str, Any], above: KeyPath, layer: Layer
) -> tuple[T | None, list[Problem]]:
    """The model of `tables`, which stand at the path `above`, or the problems."""
    try:
        return model.model_validate(tables), []
    except ValidationError as error:
        first = error
    # A variable of the environment is text; where text is not what a key takes, it is read as a TOML value.
    retyped = tables
    for detail in first.errors(include_url=False):
        path = _written_path(above + _keys(detail), layer)
        if path[len(above) :] and path in layer.origins and layer.origins[path].text_value:
            retyped = _read_as_toml(retyped, path[len(above) :])
    try:
        return model.model_validate(retyped), []
    except ValidationError as error:
        return None, [_problem(model, detail, above, layer) for detail in error.errors(include_url=False)]


def _read_as_toml(tables: Mapping[str, Any], path: KeyPath) -> Mapping[str, Any]:
    value: Any = tables
    for key in path:
        value = value[key]
    try:
        return with_value(tables, path, tomllib.loads(f"value = {value}")["value"])
    except (ValueError, RecursionError):
        return tables


def _keys(detail: ErrorDetails) -> KeyPath:
    return tuple(str(part) for part in detail["loc"])


def _written_path(path: KeyPath, layer: Layer) -> KeyPath:
    """The longest beginning of `path` that somebody wrote: an error may lie inside a list, or at a missing key."""
    while path and path not in layer.origins:
        path = path[:-1]
    return path


def _problem(model: type[BaseModel], detail: ErrorDetails, above: KeyPath, layer: Layer) -> Problem:
    path = above + _keys(detail)
    written = _written_path(path, layer)
    if detail["type"] == "extra_forbidden":
        return _at(path, f"unknown key; {_known_keys(model, path[len(above) :])}", layer)
    if detail["type"] == "missing":
        return _at(path, "is required; add it", layer)
    said = detail["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    shown = _shown(detail.get("input")) if written == path and detail["type"] != "value_error" else ""
    return _at(written if len(written) > len(above) else path, f"{shown}{said}", layer)


def _shown(value: object) -> str:
    if not isinstance(value, str | int | float):
        return ""
    text = json.dumps(value) if isinstance(value, str | bool) else repr(value)
    return f"{text} " if len(text) <= _LONGEST_SHOWN and "@" not in text and text.isprintable() else ""


def _at(path: KeyPath, text: str, layer: Layer) -> Problem:
    origin = layer.origins.get(_written_path(path, layer))
    if origin is None and path[0] == "providers":
        origin = layer.origins.get(("session", "provider"))  # nobody wrote the table: point at what calls for it
    return Problem(origin.source if origin else "", origin.line if origin else None, ".".join(path), text)


def _known_keys(model: type[BaseModel], path: KeyPath) -> str:
    """What could have been meant at `path`, whose last part is unknown there."""
    here = dict(_fields(_model_at(model, path[:-1])))
    if near := difflib.get_close_matches(path[-1].lower(), here, n=1):
        return f'did you mean "{near[0]}"? Known here: {", ".join(here)}'
    everywhere = {key: table for table, inner in _fields(model) if inner for key, _ in _fields(inner)}
    if near := difflib.get_close_matches(path[-1].lower(), everywhere, n=1, cutoff=0.8):
        return f'did you mean "{near[0]}" in [{everywhere[near[0]]}]? Known here: {", ".join(here)}'
    return f"known here: {', '.join(here)}" if here else "nothing is known here"


def _fields(model: type[BaseModel] | None) -> Iterator[tuple[str, type[BaseModel] | None]]:
    """Key as written -> the model of its table, if it is one."""
    if model is not None:
        for name, info in model.model_fields.items():
            yield info.alias or name, _inner_model(info.annotation)


def _inner_model(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, types.UnionType):
        return next((found for part in get_args(annotation) if (found := _inner_model(part))), None)
    return None


def _model_at(model: type[BaseModel] | None, path: KeyPath) -> type[BaseModel] | None:
    for key in path:
        model = dict(_fields(model)).get(key)
    return model


def _unknown_providers(settings: Settings, layer: Layer, entries: Mapping[str, ProviderEntry]) -> list[Problem]:
    return [
        _at(("session", key), f"{_shown(name)}is not built into this version; {_available(name, entries)}", layer)
        for key, name in zip(("provider", "fallback"), _used(settings), strict=True)
        if name and name != LOCAL and name not in entries
    ]


def _unknown_table(name: str, layer: Layer, entries: Mapping[str, ProviderEntry]) -> Problem:
    return _at(("providers", name), f"no such provider in this version; {_available(name, entries)}", layer)


def _available(name: str, entries: Mapping[str, ProviderEntry]) -> str:
    near = difflib.get_close_matches(name.lower(), entries, n=1)
    guess = f'did you mean "{near[0]}"? ' if near else ""
    return f"{guess}available: {', '.join(entries) or 'none'}"


def _without_secrets(layer: Layer, entries: Mapping[str, ProviderEntry]) -> tuple[dict[str, Any], list[Problem]]:
    """The tables without keys that hold a secret, and one problem for each: a file is read, copied and shared."""
    problems: list[Problem] = []

    def clean(table: Mapping[str, Any], above: KeyPath) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for key, value in table.items():
            path = (*above, key)
            if _is_secret(key) and not _is_declared(path, entries):
                problems.append(
                    _at(
                        path, f"secrets never stand in settings; take it out, then: {_set_secret(path, entries)}", layer
                    )
                )
            else:
                kept[key] = clean(value, path) if isinstance(value, Mapping) else value
        return kept

    return clean(layer.tables, ()), problems


def _is_secret(key: str) -> bool:
    return _SECRET_KEYS.fullmatch(re.sub(r"[^a-z0-9]+", "_", key.lower())) is not None


def _is_declared(path: KeyPath, entries: Mapping[str, ProviderEntry]) -> bool:
    if path[0] == "providers" and len(path) > 2:
        entry = entries.get(path[1])
        return entry is not None and path[-1] in dict(_fields(_model_at(entry.settings, path[2:-1])))
    return path[-1] in dict(_fields(_model_at(Settings, path[:-1])))


def _set_secret(path: KeyPath, entries: Mapping[str, ProviderEntry]) -> str:
    names: tuple[str, ...] = ()
    if path[0] == "providers" and len(path) > 1 and path[1] in entries:
        names = entries[path[1]].secrets
    elif path[0] == "livekit":
        names = ROOM_SECRETS
    key = path[-1].upper()
    matching = [name for name in names if name == key or name.endswith(f"_{key}")] or names
    return " or ".join(f"kiosk secret set {name}" for name in matching) or "kiosk secret set NAME"
