"""The last step of the program, when all was stopped in order."""

from __future__ import annotations

import logging
import os
import sys
import threading
from typing import NoReturn

log = logging.getLogger("kiosk.leaving")


def leave(status: int) -> NoReturn:
    """Ends the process with `status`.

    Where LiveKit's library is loaded the interpreter is not taken down first. Its native threads may still call into
    Python, to hand over a log line for instance, and Python before 3.14 ends a foreign thread that asks for the
    interpreter too late; Rust turns that into an abort, and a visit that went well would leave a crash behind.
    Source: Python's C API, "Cautions regarding runtime finalization".
    """
    if "livekit" not in sys.modules:
        sys.exit(status)
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    if left := [thread.name for thread in others if not thread.daemon]:
        log.warning("threads left at the end: %s", ", ".join(left))
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # a windowed program has none
            stream.flush()
    os._exit(status)
