"""What LiveKit's library keeps of a room that was left: `python -m tests.benchmarks.room_memory [--visits 12]`.

Joins and leaves a room of a livekit-server of its own with nothing but the library, alone and while somebody sends a
picture and a voice there. After each visit Python's garbage is collected and the bytes that are in use are asked of the
GNU C library's allocator. Prints one JSON object, in millions of bytes a visit, the median of all but the first two.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import gc
import itertools
import json
import statistics
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Final

from livekit import rtc

from tests.benchmarks.side_by_side.publishing import Publishing
from tests.livekit_server import LiveKitServer

STAY_S: Final = 1.0
SETTLE_S: Final = 1.0
WARM_UP: Final = 2  # visits


class _InUse(ctypes.Structure):
    """`struct mallinfo2` of malloc.h."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks"),
            *("uordblks", "fordblks", "keepcost"),
        )
    ]


def in_use_mb() -> float:
    mallinfo2 = ctypes.CDLL(None).mallinfo2
    mallinfo2.restype = _InUse
    found = mallinfo2()
    return float(found.uordblks + found.hblkhd) / 1e6


async def visit(server: LiveKitServer, room: str, number: int) -> None:
    joined = rtc.Room()
    await joined.connect(server.url, server.token(f"visitor-{number}", room))
    await asyncio.sleep(STAY_S)
    await joined.disconnect()


async def kept_mb(server: LiveKitServer, room: str, visits: int) -> list[float]:
    """Of each visit."""
    values = [in_use_mb()]
    for number in range(visits):
        await visit(server, room, number)
        await asyncio.sleep(SETTLE_S)
        gc.collect()
        values.append(in_use_mb())
    return [after - before for before, after in itertools.pairwise(values)]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--visits", type=int, default=12)
    visits = parser.parse_args().visits
    found = {}
    with LiveKitServer() as server, tempfile.TemporaryDirectory() as folder:
        for company in (False, True):
            room = f"company-{company}"
            sending = Publishing(server, room, (640, 360), 15, Path(folder, "sent"), voice=True)
            with sending if company else nullcontext():
                kept = asyncio.run(kept_mb(server, room, visits))
            found["beside an avatar" if company else "alone"] = round(statistics.median(kept[WARM_UP:]), 3)
    print(json.dumps({"kept_mb_per_visit": found, "visits": visits, "livekit": rtc.__version__}))


if __name__ == "__main__":
    main()
