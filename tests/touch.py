"""A visitor's finger on an X server of a test's own, without starting a program for each touch."""

from __future__ import annotations

import ctypes
import time
from types import TracebackType
from typing import Self

from tests.display import Display

LEFT_BUTTON = 1


class Finger:
    """A context manager. Every call returns the instant (`time.perf_counter`) just before the X server heard of it."""

    def __init__(self, display: Display) -> None:
        self._x11 = ctypes.CDLL("libX11.so.6")
        self._test = ctypes.CDLL("libXtst.so.6")
        self._x11.XOpenDisplay.restype = ctypes.c_void_p
        self._x11.XOpenDisplay.argtypes = [ctypes.c_char_p]
        self._x11.XCloseDisplay.argtypes = [ctypes.c_void_p]
        self._x11.XSync.argtypes = [ctypes.c_void_p, ctypes.c_int]
        self._x11.XStringToKeysym.restype = ctypes.c_ulong
        self._x11.XKeysymToKeycode.argtypes = [ctypes.c_void_p, ctypes.c_ulong]
        self._x11.XKeysymToKeycode.restype = ctypes.c_ubyte
        self._test.XTestFakeMotionEvent.argtypes = [ctypes.c_void_p, *[ctypes.c_int] * 3, ctypes.c_ulong]
        for name in ("XTestFakeButtonEvent", "XTestFakeKeyEvent"):
            getattr(self._test, name).argtypes = [ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_ulong]
        self._display = self._x11.XOpenDisplay(display.name.encode())
        if not self._display:
            raise RuntimeError(f"no X server at {display.name}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._x11.XCloseDisplay(self._display)

    def touch(self, x: int, y: int) -> float:
        """`x`, `y`: pixels of the screen."""
        self._test.XTestFakeMotionEvent(self._display, -1, x, y, 0)
        self._x11.XSync(self._display, 0)
        at_s = time.perf_counter()
        self._test.XTestFakeButtonEvent(self._display, LEFT_BUTTON, 1, 0)
        self._test.XTestFakeButtonEvent(self._display, LEFT_BUTTON, 0, 0)
        self._x11.XSync(self._display, 0)
        return at_s

    def key(self, name: str) -> float:
        """`name`: as X names it, e.g. Escape."""
        code = self._x11.XKeysymToKeycode(self._display, self._x11.XStringToKeysym(name.encode()))
        at_s = time.perf_counter()
        self._test.XTestFakeKeyEvent(self._display, code, 1, 0)
        self._test.XTestFakeKeyEvent(self._display, code, 0, 0)
        self._x11.XSync(self._display, 0)
        return at_s
