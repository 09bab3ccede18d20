"""By how much the voice is later than the picture, seen and heard from outside: flashes on the screen, beeps at the
loudspeaker, both from the same instant of the simulated avatar (`--frame-code --beep-flash`)."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.voice_watch import VoiceWatch
from tests.display import Display
from tests.simulators.frame_code import FrameCode
from tests.sound import RATE, SoundServer

LOOK_S = 0.0007
LOUD = 6_000  # of 32767; a beep has 20 000
BRIGHT = 150
QUIET_S = 0.5  # before a beep
APART_S = 0.9  # a flash and a beep farther apart than this do not belong together: they come every 2 s


def offsets_ms(display: Display, sound: SoundServer, seconds: float) -> list[float]:
    """Watches for so long; one value for each flash whose beep was heard, positive where the sound was later. The
    picture must stand 1:1 on the screen."""
    with VoiceWatch(sound) as voice:
        flashes = _flashes(display, seconds)
        time.sleep(APART_S)  # the beep of the last flash
    beeps = [voice.at_s(sample) for sample in _beeps(voice.samples)]
    found: list[float] = []
    for flash in flashes:
        nearest = min(beeps, key=lambda beep: abs(beep - flash), default=None)
        if nearest is not None and abs(nearest - flash) < APART_S:
            found.append(1e3 * (nearest - flash))
    return found


def _flashes(display: Display, seconds: float) -> list[float]:
    """When the square under the frame's number turned white, in `time.perf_counter` seconds."""
    code, screen = FrameCode(display.width, display.height), display.live()
    row, column = code.y + 3 * code.block, display.width // 2
    ends = time.perf_counter() + seconds
    found: list[float] = []
    before = True  # one that was there already began earlier
    while (now := time.perf_counter()) < ends:
        white = bool(screen[row, column, 1] > BRIGHT)
        if white and not before:
            found.append(now)
        before = white
        time.sleep(LOOK_S)
    return found


def _beeps(samples: NDArray[np.int16]) -> list[int]:
    """The first loud sample after a silence, of each beep."""
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > LOUD)
    if not loud.size:
        return []
    begins = np.flatnonzero(np.diff(loud, prepend=-RATE) > QUIET_S * RATE)
    return [int(loud[begin]) for begin in begins]
