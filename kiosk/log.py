"""The log: one line a record on the standard error output (for people, or JSON for machines), and a rotating file.

Every record passes the redacting filter first. The screen's text never holds a traceback; the file and the JSON do.
Extra fields of a record (`extra={...}`) go into the JSON only, and those with `pii` in their name nowhere.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from kiosk import places
from kiosk.redact import RedactingFilter, one_line
from kiosk.settings import LogSettings

LARGEST_FILE = 5 << 20  # bytes; then it becomes kiosk.log.1
KEPT_FILES = 4

_log = logging.getLogger("kiosk.log")
_STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class PeopleFormatter(logging.Formatter):
    """`12:03:04.567 INFO    kiosk.session  what happened`; with `tracebacks` the cause in full below it."""

    def __init__(self, *, tracebacks: bool, dates: bool = False):
        super().__init__()
        self._tracebacks = tracebacks
        self._time_format = "%Y-%m-%d %H:%M:%S" if dates else "%H:%M:%S"

    def format(self, record: logging.LogRecord) -> str:
        clock = time.strftime(self._time_format, time.localtime(record.created))
        head = f"{clock}.{int(record.msecs):03d} {record.levelname:<7} {record.name}  "
        text = one_line(record.getMessage(), 4_000)
        cause = _traceback(record)
        if cause and self._tracebacks:
            return f"{head}{text}\n{cause}"
        # Only the last line of a traceback names the cause; the way there is in the file.
        return f"{head}{text}" + (f" ({one_line(cause.splitlines()[-1])})" if cause else "")


class JsonFormatter(logging.Formatter):
    """One JSON object a line: t (Unix seconds), level, logger, message, the extra fields, and traceback if any."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "t": round(record.created, 3),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        for name, value in vars(record).items():
            if name not in _STANDARD_FIELDS and name not in fields and "pii" not in name.lower().split("_"):
                fields[name] = value
        if cause := _traceback(record):
            fields["traceback"] = cause
        return json.dumps(fields, default=str)


class QuietStream(logging.StreamHandler[TextIO]):
    """A closed or full output must not print a traceback of its own, nor end the program."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        return


class QuietFile(RotatingFileHandler):
    """The same for a full disk."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        return


class LogSetup:
    """Installs handlers and hooks when made; `close` takes back every one of them."""

    def __init__(self, settings: LogSettings, secrets: Iterable[str] = (), *, stream: TextIO | None = None):
        redacting = RedactingFilter(secrets)
        self._own_stream = None if stream else _standard_error()
        screen = QuietStream(stream or self._own_stream or sys.stderr)
        screen.setFormatter(JsonFormatter() if settings.as_json else PeopleFormatter(tracebacks=False))
        file, trouble = _file_handler(settings.file)
        self._handlers: list[logging.Handler] = [screen, *([file] if file else [])]
        self._root = logging.getLogger()
        self._level_before = self._root.level
        self._root.setLevel(settings.level.upper())
        logging.getLogger("qasync").setLevel(logging.WARNING)  # it names its Qt at every start
        for handler in self._handlers:
            handler.addFilter(redacting)
            self._root.addHandler(handler)
        self._hooks = (sys.excepthook, threading.excepthook, sys.unraisablehook)
        sys.excepthook = log_uncaught
        threading.excepthook = _log_thread
        sys.unraisablehook = _log_unraisable
        logging.captureWarnings(True)
        if trouble:
            _log.warning("no log file: %s", trouble)

    def plant(self, secrets: Iterable[str]) -> None:
        """From now on these are taken out of every record as well."""
        redacting = RedactingFilter(secrets)
        for handler in self._handlers:
            handler.addFilter(redacting)

    def close(self) -> None:
        """Idempotent."""
        logging.captureWarnings(False)
        sys.excepthook, threading.excepthook, sys.unraisablehook = self._hooks
        for handler in self._handlers:
            self._root.removeHandler(handler)
            handler.close()
        self._root.setLevel(self._level_before)
        self._handlers = []
        if self._own_stream is not None:
            self._own_stream.close()


def log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """For `sys.excepthook`."""
    if issubclass(kind, KeyboardInterrupt):
        _log.info("interrupted")
        return
    _log.critical("the program failed", exc_info=(kind, error, trace))


def log_loop_exception(loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """For `loop.set_exception_handler`: a task that nobody waited for, a callback that raised."""
    error = context.get("exception")
    what = str(context.get("message") or "unhandled exception in the event loop")
    if isinstance(error, BaseException):
        _log.error("%s", what, exc_info=(type(error), error, error.__traceback__))
    else:
        _log.error("%s", what)


def _log_thread(args: threading.ExceptHookArgs) -> None:
    name = args.thread.name if args.thread else "?"
    if args.exc_value is not None and not issubclass(args.exc_type, SystemExit):
        _log.critical("thread %s failed", name, exc_info=(args.exc_type, args.exc_value, args.exc_traceback))


def _log_unraisable(unraisable: sys.UnraisableHookArgs) -> None:
    error = unraisable.exc_value
    if error is not None:
        _log.error(
            "%s", unraisable.err_msg or "exception ignored", exc_info=(type(error), error, unraisable.exc_traceback)
        )


def _traceback(record: logging.LogRecord) -> str:
    if record.exc_info and not record.exc_text:
        record.exc_text = logging.Formatter().formatException(record.exc_info)
    return (record.exc_text or "").strip()


def _standard_error() -> TextIO | None:
    """A duplicate of the standard error output; None where there is none to duplicate.

    The sound library's binding turns file descriptor 2 away while it looks at the devices, to silence native libraries:
    without a descriptor of our own, lines of that moment would be lost.
    """
    try:
        descriptor = os.dup(sys.stderr.fileno())
    except (AttributeError, OSError, ValueError):
        return None
    return os.fdopen(descriptor, "w", encoding=sys.stderr.encoding, errors="backslashreplace")


def _file_handler(file: str) -> tuple[QuietFile | None, str]:
    """The handler, or why there is none (empty: none is wanted)."""
    if file == "off":
        return None, ""
    path = places.log_file() if file == "auto" else Path(file).expanduser()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = QuietFile(path, maxBytes=LARGEST_FILE, backupCount=KEPT_FILES, encoding="utf-8")
    except (OSError, ValueError, RuntimeError) as error:
        return None, f"{path} cannot be written ({getattr(error, 'strerror', None) or error}); check [log] file"
    handler.setFormatter(PeopleFormatter(tracebacks=True, dates=True))
    return handler, ""
