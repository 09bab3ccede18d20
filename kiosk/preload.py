"""Loads what the first visit needs beside all else, before there is a window."""

from __future__ import annotations

import importlib
import logging
import threading
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

from kiosk.providers.registry import ProviderEntry
from kiosk.settings import LOCAL, Settings
from kiosk.settings_check import provider_settings

log = logging.getLogger("kiosk.app")

END_S = 5.0


def preloaded(settings: Settings, entry: ProviderEntry) -> Iterator[str]:
    """Modules for a visit with the provider of `entry`, in the order in which its start needs them."""
    if asks_http(settings, entry):
        yield "httpx"
    if entry.name != LOCAL:
        yield "kiosk.links.livekit_room"
    yield "sounddevice"
    yield from entry.preload


def asks_http(settings: Settings, entry: ProviderEntry) -> bool:
    """Whether a visit begins with a request to a server. Raises `SettingsError`."""
    return entry.asks_http(provider_settings(settings, entry), settings.livekit)


class Preload:
    """Imports modules one after the other on a thread of its own, which is awaited at the end of the `with`.

    A module that fails is told by whoever needs it.
    """

    def __init__(self, modules: Iterable[str]):
        """`modules` is gone through on that thread too."""
        self._modules = modules
        self._thread = threading.Thread(target=self._load, name="preload", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.join(END_S)

    def _load(self) -> None:
        for name in self._modules:
            try:
                importlib.import_module(name)
            except ImportError as error:
                log.debug("%s is not preloaded: %s", name, error)
