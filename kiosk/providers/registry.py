"""Finds the providers by walking this package, so that a new vendor is one new file.

The frozen build uses the same walker for its hidden imports (packaging/kiosk.spec): what loads here is what ships.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

import kiosk.providers as package
from kiosk.clock import Clock
from kiosk.providers.contract import Provider, Secrets

if TYPE_CHECKING:
    from kiosk.providers.http import HttpClient
    from kiosk.providers.own_room import OwnRoom


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


def module_names() -> list[str]:
    """Every module of this package, for the walker here and for the frozen build."""
    return [f"{package.__name__}.{info.name}" for info in pkgutil.iter_modules(package.__path__)]


def load_providers() -> dict[str, ProviderEntry]:
    """Name -> entry, sorted by name."""
    found: dict[str, ProviderEntry] = {}
    for name in module_names():
        entry = getattr(importlib.import_module(name), "PROVIDER", None)
        if isinstance(entry, ProviderEntry):
            found[entry.name] = entry
    return dict(sorted(found.items()))
