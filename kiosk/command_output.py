"""What a command prints: answers to the standard output, complaints to the standard error output, one line each."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from kiosk.redact import one_line, redact


def say(text: str) -> None:
    """A program without a console (a windowed build) has no output; a reader that went away is no error."""
    _write(sys.stdout, text if text.endswith("\n") else text + "\n")


def complain(text: str) -> None:
    """`text` becomes one line without anything that looks like a secret."""
    _write(sys.stderr, f"kiosk: {one_line(redact(text), 1_000)}\n")


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:
        return
    # An old console knows few characters; a question mark is better than no answer.
    encoding = stream.encoding or "utf-8"
    try:
        stream.write(text.encode(encoding, "replace").decode(encoding))
        stream.flush()
    except BrokenPipeError:
        # Else the interpreter complains once more when it closes the output at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
