"""Loads Qt, and takes the function out again that it puts before every `import`.

It is there for the sake of `from __feature__ import …`, and reads and decodes the source file of every module that is
imported from then on. Nobody here uses that, and a start would spend a tenth of its time on it.
"""

from __future__ import annotations

import builtins

import PySide6.QtCore  # noqa: F401 - loading it is what puts the function there

_ORIGINAL = "__orig_import__"  # where PySide6 keeps it; not there in a version that leaves `import` alone


def restore_import() -> None:
    """Idempotent. Call it before most modules are loaded."""
    if (original := getattr(builtins, _ORIGINAL, None)) is not None:
        builtins.__import__ = original


restore_import()
