"""What the system's own tools (`top -H`, `perf`) call the threads of the kiosk."""

from __future__ import annotations

import ctypes
import sys
from typing import Final

PR_SET_NAME: Final = 15  # linux/prctl.h
LONGEST: Final = 15  # bytes


def show_name(name: str) -> None:
    """Of the thread that calls; what it starts is called the same. Linux only.

    From version 3.14 on Python does this for its own threads; PortAudio's are not among them.
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode()[:LONGEST])
