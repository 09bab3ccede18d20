"""A thread that must not wait for others: what feeds a loudspeaker has milliseconds, what paints has tens of them."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import Final

REAL_TIME: Final = 1  # the lowest: before everything that is not real time, after all that is
NICENESS: Final = -10


def raise_priority(*, real_time: bool = True) -> None:
    """For the thread that calls. Without the right to it (Linux: `RLIMIT_RTPRIO`, `RLIMIT_NICE`) nothing happens.

    Windows and macOS give PortAudio's own threads what they need. `real_time` is for threads that never work for long.
    """
    if not sys.platform.startswith("linux"):
        return
    thread = threading.get_native_id()
    if real_time:
        with contextlib.suppress(OSError):
            os.sched_setscheduler(thread, os.SCHED_RR, os.sched_param(REAL_TIME))
            return
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, thread, NICENESS)
