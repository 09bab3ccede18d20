"""Loads what the first visit needs while the window is still being built."""

from __future__ import annotations

import importlib
import logging
import threading
from collections.abc import Iterable

log = logging.getLogger("kiosk.app")


class Preload:
    """Imports modules one after the other on a thread of its own. A module that fails is told by whoever needs it."""

    def __init__(self, modules: Iterable[str]):
        """`modules` is gone through on that thread too."""
        self._modules = modules
        self._thread = threading.Thread(target=self._load, name="preload", daemon=True)
        self._thread.start()

    def join(self, timeout_s: float) -> None:
        self._thread.join(timeout_s)

    def _load(self) -> None:
        for name in self._modules:
            try:
                importlib.import_module(name)
            except ImportError as error:
                log.debug("%s is not preloaded: %s", name, error)
