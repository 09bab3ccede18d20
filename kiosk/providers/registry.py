"""Finds the providers by walking this package, so that a new vendor is one new file.

A provider's file is called as the provider itself, with `_` for `-`, and is imported when it is asked for: a kiosk
loads the vendor that it serves and no other. One that is called otherwise is found as well, by loading all of them.

The frozen build uses the same walker for its hidden imports (packaging/kiosk.spec): what loads here is what ships.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

import kiosk.providers as package
from kiosk.clock import Clock
from kiosk.providers.contract import Provider, Secrets

if TYPE_CHECKING:
    from kiosk.providers.http import HttpClient
    from kiosk.providers.own_room import OwnRoom, OwnRoomSettings


@dataclass(frozen=True, slots=True)
class ProviderContext:
    """What a provider may use: given by app.py, never fetched."""

    http: HttpClient
    secrets: Secrets
    own_room: OwnRoom
    clock: Clock


@dataclass(frozen=True, slots=True)
class ProviderEntry:
    """A provider file's entry in the registry: its module-level constant `PROVIDER`."""

    name: str  # as in `session.provider`
    settings: type[BaseModel]  # the table [providers.<name>]
    secrets: tuple[str, ...]  # names of the secrets that it can use
    create: Callable[[Any, ProviderContext], Provider]  # raises Misconfigured
    preload: tuple[str, ...] = ()  # modules of its link that take long to load, and so are loaded beside the window
    # Sets of secrets, each of which is enough with the settings in use. None: all that it can use are wanted.
    ways_in: Callable[[Any, OwnRoomSettings], tuple[tuple[str, ...], ...]] | None = None
    asks_http: Callable[[Any, OwnRoomSettings], bool] = lambda table, own_room: True  # whether a visit's start does


def module_names() -> list[str]:
    """Every module of this package, for the walker here and for the frozen build."""
    return [f"{package.__name__}.{info.name}" for info in pkgutil.iter_modules(package.__path__)]


class ProviderEntries(Mapping[str, ProviderEntry]):
    """Name -> entry, sorted by name. To look one up imports its file; to go through all of them imports all."""

    def __init__(self) -> None:
        self._modules = module_names()
        self._found: dict[str, ProviderEntry] = {}
        self._complete = False

    def __getitem__(self, name: str) -> ProviderEntry:
        if name not in self._found:
            self._load(f"{package.__name__}.{name.replace('-', '_')}")
        if name not in self._found and name:
            self._load_all()
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        self._load_all()
        return iter(sorted(self._found))

    def __len__(self) -> int:
        self._load_all()
        return len(self._found)

    def _load_all(self) -> None:
        if not self._complete:
            for module in self._modules:
                self._load(module)
            self._complete = True

    def _load(self, module: str) -> None:
        entry = getattr(importlib.import_module(module), "PROVIDER", None) if module in self._modules else None
        if isinstance(entry, ProviderEntry):
            self._found[entry.name] = entry


def load_providers() -> Mapping[str, ProviderEntry]:
    """The providers that are built in; each is loaded when it is first asked for."""
    return ProviderEntries()
