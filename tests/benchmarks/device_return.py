"""How soon there is sound again after its device is back: `python -m tests.benchmarks.device_return [away_s]`.

The kiosk's devices as in a visit, on a sound server of their own. A device is taken away for `away_s` (5) and given
back. The clock runs from the instant at which the server has it again: to the first loud sample of the avatar's voice
at the loudspeaker's monitor, or until the microphone gives sound. With it the CPU time of the kiosk's process while the
device was away, in per cent of a core. Prints one JSON object.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from tests.room.test_sound_devices import RATE, Kiosk
from tests.sound import SoundServer

AWAY_S = 5.0
WATCHED_S = 5.0
LOUD = 1_000  # of 32767
TONE = np.round(8_000 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)).astype(np.int16)

Measured = dict[str, float]


class Bench:
    def __init__(self, server: SoundServer, kiosk: Kiosk, away_s: float) -> None:
        self._server = server
        self._kiosk = kiosk
        self._away_s = away_s
        self._process = psutil.Process(kiosk.process.pid)

    def all_there(self) -> Measured:
        return {"cpu_percent": self._wait()}

    def loudspeaker(self) -> Measured:
        self._server.remove_sink("speaker")
        cpu = self._wait()
        self._server.add_sink("speaker", wait=False)
        return {"back_s": self._until_heard(), "cpu_percent": cpu}

    def microphone(self) -> Measured:
        self._server.remove_sink("microphone")
        cpu = self._wait()
        self._server.add_sink("microphone", wait=False)
        began = time.perf_counter()
        assert self._kiosk.do("state", True, True, WATCHED_S)["microphone"], "it does not come back"
        return {"back_s": round(time.perf_counter() - began, 2), "cpu_percent": cpu}

    def server(self) -> Measured:
        self._server.end_server()
        cpu = self._wait()
        self._server.start(speaker=False, microphone=False)
        self._server.add_sink("speaker", wait=False)
        heard_s = self._until_heard()
        self._server.add_sink("microphone")
        return {"back_s": heard_s, "cpu_percent": cpu}

    def _until_heard(self) -> float:
        began = time.perf_counter()
        self._server.start_recording("speaker.monitor")
        recording_s = time.perf_counter() - began
        time.sleep(WATCHED_S)
        loud = np.flatnonzero(np.abs(self._server.stop_recording()) > LOUD)
        assert loud.size, "it does not come back"
        return round(recording_s + int(loud[0]) / RATE, 2)

    def _wait(self) -> float:
        """Returns the CPU time meanwhile, in per cent of a core."""
        before, began = sum(self._process.cpu_times()[:2]), time.perf_counter()
        time.sleep(self._away_s)
        spent = sum(self._process.cpu_times()[:2]) - before
        return round(spent / (time.perf_counter() - began) * 100, 1)


def main(away_s: float) -> None:
    with tempfile.TemporaryDirectory() as folder, SoundServer() as server:
        kiosk = Kiosk(server, Path(folder))
        kiosk.do("open")
        kiosk.say(np.tile(TONE, round(4 * (away_s + WATCHED_S)) + 60))
        bench = Bench(server, kiosk, away_s)
        found = {
            "all there": bench.all_there(),
            "loudspeaker": bench.loudspeaker(),
            "microphone": bench.microphone(),
            "sound server": bench.server(),
        }
        kiosk.do("close")
        kiosk.end()
    print(json.dumps({"away_s": away_s, **found}, indent=1))


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else AWAY_S)
