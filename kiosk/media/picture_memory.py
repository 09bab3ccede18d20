"""Keeps the memory of one picture for the next, instead of asking the system for new pages thirty times a second."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

# The GNU C library's numbers, from malloc.h.
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
M_ARENA_MAX = -8
LARGEST_BYTES = 32 * 1024 * 1024  # the library allows no larger threshold
KEPT_BYTES = 16 * 1024 * 1024  # two pictures of 1080p


def keep_picture_memory() -> None:
    """For the whole process; call it once at the start. Does nothing where the C library is not GNU's.

    Its allocator gives back every block of a picture's size at once. New pages have to be cleared and mapped, which at
    1080p30 takes longer than converting the colours. What is kept must be kept in one place: the library's threads
    come and go with each visit, and in an arena of each of them something would stay behind: 10 MB a visit.
    """
    mallopt = _allocators("mallopt")
    if mallopt is not None:
        mallopt(M_ARENA_MAX, 1)
        mallopt(M_MMAP_THRESHOLD, LARGEST_BYTES)
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)


def give_back_picture_memory() -> None:
    """What the visit before needed and nobody needs now. Takes some milliseconds; from any thread."""
    trim = _allocators("malloc_trim")
    if trim is not None:
        trim(0)


def _allocators(name: str) -> Any:
    """A function of the GNU C library's allocator; None where there is another."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
