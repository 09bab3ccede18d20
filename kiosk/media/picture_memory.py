"""Gives the memory of each picture back to the system at once, however many threads had it."""

from __future__ import annotations

import ctypes
import sys
from typing import Final

# The GNU C library's numbers, from malloc.h.
M_MMAP_THRESHOLD: Final = -3
M_ARENA_MAX: Final = -8
PICTURE_BYTES: Final = 256 * 1024  # more than anything but pictures


def give_back_picture_memory() -> None:
    """For the whole process; call it once at the start. Does nothing where the C library is not GNU's.

    Its allocator learns to keep blocks of a picture's size, and keeps them apart for each of the library's threads,
    which come and go with the visits: 5 MB more after each of them.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, PICTURE_BYTES)
        mallopt(M_ARENA_MAX, 1)
