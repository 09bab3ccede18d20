"""Three ways to the loudspeaker compared: `python -m tests.benchmarks.sound_paths [seconds]`.

One avatar in a real room, one private sound server, and one after the other: the kiosk's playout (sounddevice, a
Python callback), rtmixer (a C callback; measured only where it is installed) and LiveKit's PlatformAudio. Each of them
at rest, with two Python threads that spin in the same process, and with two processes that spin beside it. Prints one
JSON line each: milliseconds from the avatar's mouth to the sink's monitor, and how often and how long a steady tone
broke off.
"""

from __future__ import annotations

import importlib.util
import json
import multiprocessing
import os
import subprocess
import sys
import time

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.voice_watch import VoiceWatch
from tests.livekit_server import REPOSITORY, LiveKitServer
from tests.sound import RATE, SoundServer

PATHS = ("sounddevice", "rtmixer", "platform")
LOADS = ("none", "threads", "processes")
WARM_UP_S = 6.0
BEEP_EVERY_S = 1.0
BEEP_PEAK, TONE_PEAK = 20_000, 6_000
BROKEN_S = 0.002


def compare(path: str, load: str, seconds: float, server: LiveKitServer, sound: SoundServer) -> dict[str, object]:
    room = f"{path}-{load}"
    environ = {**os.environ, **sound.env()}
    player = subprocess.Popen(
        [*_player("play"), path, server.url, server.token("kiosk", room), str(2 if load == "threads" else 0)],
        stdin=subprocess.PIPE,
        env=environ,
        cwd=REPOSITORY,
    )
    avatar = subprocess.Popen(
        [*_player("speak"), server.url, server.token("avatar", room), str(seconds + WARM_UP_S)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )
    spinning = [multiprocessing.Process(target=_spin, daemon=True) for _ in range(2 if load == "processes" else 0)]
    for process in spinning:
        process.start()
    try:
        with VoiceWatch(sound) as watch:
            output, _ = avatar.communicate(timeout=seconds + WARM_UP_S + 60)
    finally:
        for process in spinning:
            process.kill()
        assert player.stdin is not None
        player.stdin.close()
        player.wait(20)
    beeps = [at_s for at_s in json.loads(output) if at_s > json.loads(output)[0] + WARM_UP_S]
    return {"path": path, "load": load, **_figures(watch, beeps)}


def _figures(watch: VoiceWatch, beeps: list[float]) -> dict[str, object]:
    loudness = np.abs(watch.samples.astype(np.int32))
    delays, first, last = [], len(loudness), 0
    for at_s in beeps:
        around = watch.sample_at(at_s)
        onset = np.nonzero(loudness[around : around + RATE * 9 // 10] > (BEEP_PEAK + TONE_PEAK) // 2)[0]
        if len(onset):
            sample = around + int(onset[0])
            delays.append((watch.at_s(sample) - at_s) * 1000)
            first, last = min(first, sample), max(last, sample)
    breaks = _breaks(loudness[first:last])
    return {
        "beeps": len(delays),
        "latency_ms_p50": round(float(np.median(delays)), 1) if delays else None,
        "latency_ms_p95": round(float(np.percentile(delays, 95)), 1) if delays else None,
        "breaks": len(breaks),
        "broken_ms": round(1000 * sum(breaks) / RATE),
    }


def _breaks(loudness: NDArray[np.int32]) -> list[int]:
    """Lengths in samples of the holes in a tone that never pauses."""
    window = round(BROKEN_S * RATE)
    whole = loudness[: len(loudness) // window * window].reshape(-1, window).max(axis=1) < TONE_PEAK // 4
    edges = np.flatnonzero(np.diff(np.concatenate(([False], whole, [False])).astype(np.int8)))
    return [int(end - begin) * window for begin, end in zip(edges[::2], edges[1::2], strict=True)]


def _player(role: str) -> list[str]:
    return [sys.executable, "-m", "tests.benchmarks.sound_path_ends", role]


def _spin() -> None:
    while True:
        pass


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    paths = [path for path in PATHS if path != "rtmixer" or importlib.util.find_spec("rtmixer")]
    with LiveKitServer() as server, SoundServer() as sound:
        # What speaks PulseAudio's own protocol takes the server's default and not ALSA's.
        subprocess.run(["pactl", "set-default-sink", "speaker"], env={**os.environ, **sound.env()}, check=True)
        for load in LOADS:
            for path in paths:
                print(json.dumps(compare(path, load, seconds, server, sound)), flush=True)
                time.sleep(1)
    print(json.dumps({"cores": os.cpu_count(), "load_1min": round(os.getloadavg()[0], 2), "seconds": seconds}))


if __name__ == "__main__":
    main()
