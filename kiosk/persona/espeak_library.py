"""espeak-ng's C library, as much of it as speaking takes. Loaded in the voice process alone, never in the kiosk.

The package `espeakng_loader` carries the library and its data for every desktop.
"""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from pathlib import Path

LONGEST_S = 90.0
"""No single text is spoken for longer; what is beyond is left out."""

_SYNCHRONOUS = 2
_PHONEME_EVENTS = 0x0001
_DONT_EXIT = 0x8000
_UTF8 = 0x0001  # neither SSML (0x10) nor [[phonemes]] (0x100): text is only ever text
_END_PAUSE = 0x1000
_PHONEME_EVENT = 7
_WORDS_PER_MINUTE = 1
_PITCH = 3
_RANGE = 4


class _Label(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Label),
    )


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("reserved", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class EspeakFault(Exception):
    """The library is missing, does not load, or refused what it was asked."""


@dataclass(frozen=True, slots=True)
class Sound:
    """`pcm` is s16le mono; `phonemes` are espeak-ng's own mnemonics, each with the sample at which it begins."""

    pcm: bytes
    phonemes: list[tuple[int, str]]


class EspeakLibrary:
    """One per process: the library keeps its state in globals, and the working folder becomes that of its data."""

    def __init__(self) -> None:
        """Raises `EspeakFault`."""
        try:
            import espeakng_loader

            self._library = ctypes.CDLL(espeakng_loader.get_library_path())
            data = Path(espeakng_loader.get_data_path())
        except (ImportError, OSError, RuntimeError) as error:
            raise EspeakFault(f"espeak-ng does not load ({type(error).__name__}: {error})") from None
        # The library cuts off paths beyond 160 bytes and reads others in the code page of the machine.
        os.chdir(data.parent)
        self._library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        self.rate: int = self._library.espeak_Initialize(_SYNCHRONOUS, 200, b".", _PHONEME_EVENTS | _DONT_EXIT)
        """Samples a second of all that is spoken."""
        if self.rate <= 0:
            raise EspeakFault("espeak-ng finds no data of its version")
        self._pcm = bytearray()
        self._phonemes: list[tuple[int, str]] = []
        self._callback = _CALLBACK(self._take)  # kept here: the library holds only its address
        self._library.espeak_SetSynthCallback(self._callback)
        self._voice = ""

    def voices(self) -> list[dict[str, object]]:
        """`identifier`, `name` and `languages` (best first) of each voice, best first."""
        return [
            {"identifier": _text(voice.identifier), "name": _text(voice.name), "languages": _languages(voice)}
            for voice in self._list(None)
        ]

    def variants(self) -> list[str]:
        """What may follow the plus sign in a voice's name."""
        wanted = _Voice(languages=ctypes.cast(ctypes.c_char_p(b"variant"), ctypes.c_void_p))
        return [_text(voice.identifier).removeprefix("!v/") for voice in self._list(ctypes.byref(wanted))]

    def _list(self, wanted: object) -> list[_Voice]:
        table = self._library.espeak_ListVoices(wanted)
        found: list[_Voice] = []
        while table[len(found)]:
            found.append(table[len(found)].contents)
        return found

    def speak(self, text: str, voice: str, words_per_minute: int, pitch: int, pitch_range: int) -> Sound:
        """Plain text to sound, with a pause at the end. Raises `EspeakFault`."""
        if voice != self._voice:
            self._voice = ""
            if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
                raise EspeakFault(f"espeak-ng has no voice {voice!r}")
            self._voice = voice
        for parameter, value in ((_WORDS_PER_MINUTE, words_per_minute), (_PITCH, pitch), (_RANGE, pitch_range)):
            self._library.espeak_SetParameter(parameter, value, 0)
        self._pcm.clear()
        self._phonemes.clear()
        # Control characters would be commands to the library.
        raw = "".join(c if c.isprintable() else " " for c in text).encode("utf-8", "replace") + b"\0"
        if self._library.espeak_Synth(raw, len(raw), 0, 1, 0, _UTF8 | _END_PAUSE, None, None) != 0:
            raise EspeakFault("espeak-ng could not speak a text")
        return Sound(bytes(self._pcm), list(self._phonemes))

    def _take(self, samples: object, count: int, events: object) -> int:
        """Called by the library for each stretch of sound; 1 ends the speech."""
        if count > 0:
            self._pcm += ctypes.string_at(samples, 2 * count)  # type: ignore[arg-type]
        at = 0
        while (event := events[at]).type:  # type: ignore[index]
            if event.type == _PHONEME_EVENT:
                self._phonemes.append((event.sample, event.id.string.decode("utf-8", "ignore")))
            at += 1
        return int(len(self._pcm) / 2 / self.rate > LONGEST_S)


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "replace")


def _languages(voice: _Voice) -> list[str]:
    """Entries of a priority byte and a name, ended by a zero priority; low priorities are preferred."""
    found: list[tuple[int, str]] = []
    at = voice.languages
    while at and (priority := ctypes.string_at(at, 1)[0]):
        name = ctypes.string_at(at + 1)
        found.append((priority, _text(name)))
        at += len(name) + 2
    return [name for _, name in sorted(found, key=lambda entry: entry[0])]
