"""Whether what the operator must mend has to be shown in a window, because nobody would read it anywhere else."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from enum import StrEnum
from typing import TextIO

SESSION_VARIABLES = ("XDG_CURRENT_DESKTOP", "XDG_SESSION_DESKTOP", "DESKTOP_SESSION")


class ErrorOutput(StrEnum):
    """Where the standard error output goes."""

    TERMINAL = "terminal"
    PIPE = "pipe"  # another program reads it
    UNREAD = "unread"  # a log, the null device, or nothing at all: a start by double click


def error_output(stream: TextIO | None) -> ErrorOutput:
    """`stream`: sys.stderr, which is None in a windowed program without a console."""
    try:
        if stream is None:
            return ErrorOutput.UNREAD
        if stream.isatty():
            return ErrorOutput.TERMINAL
        return ErrorOutput.PIPE if stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode) else ErrorOutput.UNREAD
    except (OSError, ValueError):  # closed, or no file at all
        return ErrorOutput.UNREAD


def shows_window(environ: Mapping[str, str], platform: str, output: ErrorOutput, *, attended: bool) -> bool:
    """Only where somebody sits at a desktop and has nothing else to read.

    `platform` as in sys.platform. `attended`: a person started this run by hand; supervisors and tests do not.
    """
    if not attended or output is not ErrorOutput.UNREAD:
        return False
    if platform.startswith(("win", "darwin")):
        return True
    has_screen = any(environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    return has_screen and any(environ.get(name) for name in SESSION_VARIABLES)
