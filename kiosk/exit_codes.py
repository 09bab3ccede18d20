"""What the process says with its exit status; the manual (troubleshooting) lists the same numbers."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    OK = 0  # all went well
    FAILED = 1  # the run, a check or a command did not succeed
    MISCONFIGURED = 2  # settings, secrets or the command line: the operator can mend it
    BROKEN = 3  # a fault of the program itself; the log holds the cause
    INTERRUPTED = 130  # Ctrl-C
