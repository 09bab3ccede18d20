"""The package's own log: the only place where it says why it failed, and full of secrets below WARNING."""

from __future__ import annotations

import logging
import threading

from kiosk.redact import one_line, redact

log = logging.getLogger("kiosk.link")

PACKAGE = "videosdk"


class PackageLog(logging.Handler):
    """Between `open` and `close`: keeps the last error of this thread, and passes all on as our own, redacted.

    The package writes its warnings about what is usual ("data channel closed" when one leaves): they come in as INFO.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = ""
        self._thread: int | None = None

    def open(self) -> None:
        """On the thread that the package works on."""
        self._thread = threading.get_ident()
        logging.getLogger("aioice").setLevel(logging.WARNING)  # below it every address of this machine
        package = logging.getLogger(PACKAGE)
        # Below WARNING it writes tokens; one of its debug lines is also written wrongly and would raise.
        package.setLevel(logging.WARNING)
        package.propagate = False
        package.addHandler(self)

    def close(self) -> None:
        logging.getLogger(PACKAGE).removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread != self._thread:
            return  # a room that is being left while this one is joined
        text = one_line(redact(record.getMessage()))
        if record.levelno >= logging.ERROR:
            self.last = text
        log.info("%s: %s", PACKAGE, text)
