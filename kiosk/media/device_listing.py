"""What the operating system says of its sound devices, cheaply: no stream is touched, nothing is opened.

It only tells that something changed. PortAudio has to look anew then, and that ends every open stream.
"""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ALSA = Path("/proc/asound/pcm")


@dataclass(frozen=True, slots=True)
class DeviceListing:
    """Only good to be compared. `defaults` stays the same where the sound server moves a stream to a new default
    device by itself, as PulseAudio and PipeWire do."""

    devices: object = ""
    defaults: object = ""


def device_listing() -> DeviceListing | None:
    """None where the system cannot be asked. Takes well below a millisecond; may block where a driver hangs."""
    try:
        match sys.platform:
            case "linux":
                return DeviceListing(_of_linux())
            case "win32":
                return _of_windows()
            case "darwin":
                return _of_macos()
    except (OSError, AttributeError):  # no such file, library or function
        return None
    return None


def _of_linux() -> str:
    """PortAudio sees cards and what the ALSA configuration names; a sound server's devices are behind those names."""
    try:
        return _ALSA.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return "no card"


def _of_windows() -> DeviceListing:
    winmm: Any = getattr(ctypes, "WinDLL")("winmm")  # noqa: B009 - only there on Windows
    mapper, preferred = ctypes.c_void_p(0xFFFFFFFF), 0x2015  # WAVE_MAPPER, DRVM_MAPPER_PREFERRED_GET
    defaults = []
    for message in (winmm.waveOutMessage, winmm.waveInMessage):
        index, flags = ctypes.c_uint32(), ctypes.c_uint32()
        message(mapper, preferred, ctypes.byref(index), ctypes.byref(flags))
        defaults.append(index.value)
    return DeviceListing((winmm.waveOutGetNumDevs(), winmm.waveInGetNumDevs()), tuple(defaults))


class _Address(ctypes.Structure):
    """AudioObjectPropertyAddress."""

    _fields_ = (("selector", ctypes.c_uint32), ("scope", ctypes.c_uint32), ("element", ctypes.c_uint32))


def _of_macos() -> DeviceListing:
    audio: Any = ctypes.CDLL("/System/Library/Frameworks/CoreAudio.framework/CoreAudio")

    def ask(selector: bytes) -> bytes:
        address = _Address(int.from_bytes(selector), int.from_bytes(b"glob"), 0)
        answer, size = ctypes.create_string_buffer(1024), ctypes.c_uint32(1024)  # ids of 4 bytes each
        failed = audio.AudioObjectGetPropertyData(1, ctypes.byref(address), 0, None, ctypes.byref(size), answer)
        return b"" if failed else answer.raw[: size.value]

    return DeviceListing(ask(b"dev#"), (ask(b"dOut"), ask(b"dIn ")))
