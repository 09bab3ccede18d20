"""A process that plays a steady tone through the kiosk's playout: `python -m tests.tone_player SECONDS`.

Prints one JSON line: how the playout got on.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np

from kiosk.media.playout import Playout

RATE = 48_000
CHUNK = 480
TONE_HZ, PEAK = 440, 12_000


def main() -> None:
    seconds = float(sys.argv[1])
    sys.setswitchinterval(0.0005)
    playout = Playout()
    playout.start()
    began_s = time.perf_counter()
    for n in range(round(seconds * RATE / CHUNK)):
        time.sleep(max(0.0, began_s + n * CHUNK / RATE - time.perf_counter()))
        at = (np.arange(CHUNK) + n * CHUNK) / RATE
        playout.put(np.round(PEAK * np.sin(2 * np.pi * TONE_HZ * at)).astype(np.int16).tobytes())
    told = playout.statistics()
    playout.stop()
    print(
        json.dumps(
            {
                "underruns": told.underruns,
                "resyncs": told.resyncs,
                "dropped_s": told.dropped_s,
                "drift_ppm": told.drift_ppm,
                "fill_ms": told.fill_ms,
                "latency_ms": told.latency_ms,
            }
        )
    )


if __name__ == "__main__":
    main()
