"""A sound card whose clock runs 200 ppm fast or slow: `python -m tests.benchmarks.clock_drift [seconds] [ppm ...]`.

A tone goes through the kiosk's playout into a sink with a clock of its own. Prints one JSON line each: what the playout
learnt and counted, how pure the tone is that came out (the worst second, and the median one), and how many breaks it
had. Without correction, 200 ppm would empty a ring of 10 ms within 50 s.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.clock_sink import ClockSink
from tests.livekit_server import REPOSITORY
from tests.sound import RATE, SoundServer
from tests.tone_player import PEAK, TONE_HZ

SETTLED_S = 5.0


def play(server: SoundServer, folder: Path, ppm: float, seconds: float) -> tuple[dict[str, float], NDArray[np.int16]]:
    """(what the playout tells, what the sink played)."""
    with ClockSink(server, folder, f"clock{ppm:+.0f}".replace("+", "p").replace("-", "m"), ppm) as sink:
        done = subprocess.run(
            [sys.executable, "-m", "tests.tone_player", str(seconds)],
            env={**os.environ, **sink.env()},
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=seconds + 60,
        )
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        told: dict[str, float] = json.loads(done.stdout)
        return told, sink.sound


def purity_db(second: NDArray[np.int16]) -> float:
    """Power of the tone, wherever its pitch went by half a per cent, over that of all else, in dB."""
    spectrum = np.abs(np.fft.rfft(second * np.blackman(len(second)))) ** 2
    centre, half = TONE_HZ * len(second) / RATE, 8 * len(second) / RATE
    tone = slice(int(centre - half), int(centre + half) + 1)
    inside = spectrum[tone].sum()
    return float(10 * np.log10(inside / (spectrum.sum() - inside)))


def purities(sound: NDArray[np.int16]) -> list[float]:
    """One for each second of the tone, without its first ones, in which the ring finds its length, and its end."""
    loud = np.flatnonzero(np.abs(sound.astype(np.int32)) > PEAK // 2)
    tone = sound[loud[0] + round(SETTLED_S * RATE) : loud[-1] - RATE // 10]
    return [purity_db(tone[at : at + RATE]) for at in range(0, len(tone) - RATE, RATE)]


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    with SoundServer() as server, tempfile.TemporaryDirectory() as folder:
        for ppm in [float(word) for word in sys.argv[2:]] or [-200.0, 0.0, 200.0]:
            told, sound = play(server, Path(folder), ppm, seconds)
            pure = purities(sound)
            print(
                json.dumps(
                    {
                        "ppm": ppm,
                        **told,
                        "purity_db_worst_second": round(min(pure), 1),
                        "purity_db_median": round(float(np.median(pure)), 1),
                    }
                ),
                flush=True,
            )
    print(json.dumps({"cores": os.cpu_count(), "load_1min": round(os.getloadavg()[0], 2), "seconds": seconds}))


if __name__ == "__main__":
    main()
