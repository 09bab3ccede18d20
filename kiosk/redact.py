"""Takes secrets out of a text before a log, a screen or a report sees it.

Two nets: values that look like a secret wherever they stand (JWTs, vendor keys, credential headers, token parameters),
and the very secrets that this process was given, in every spelling in which a library is likely to print them.
"""

from __future__ import annotations

import json
import logging
import re
import traceback
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

MASK = "***"

SHORTEST_SECRET = 4
"""Given secrets below this many characters are not searched for: masking them would eat half of every text."""

_FIELD = r"[a-z_]*token|ref|user_?key|api_?key|api_?secret|secret|password|signature"
_HEADER = r"proxy-authorization|authorization|[a-z-]*api-key|set-cookie|cookie"

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # A JWT, also one whose end was cut off: the first part alone names its owner.
    (re.compile(r"eyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){0,4}"), MASK),
    (re.compile(r"\bah_(?:live|test)_[A-Za-z0-9_-]+"), MASK),
    (re.compile(r"(?i)\b(bearer|basic)\s+[^\s\"',;<>]+"), rf"\1 {MASK}"),
    # `{'x-api-key': 'x'}`, `(b"STUDIO-API-KEY", b"x")`; a bare `Authorization: x` reaches to the end of its line.
    (re.compile(rf"(?i)(\b(?:{_HEADER})\\*['\"]?\s*[:=,]\s*b?\\*)(['\"])(?:\\.|(?!\2).)*\2?"), rf"\1\2{MASK}\2"),
    (re.compile(rf"(?i)(\b(?:{_HEADER})\s*[:=]\s*)[^\s'\"][^\r\n]*"), rf"\1{MASK}"),
    (re.compile(rf"(?i)(\b(?:{_FIELD})\\*['\"]?\s*[:=]\s*b?\\*)(['\"])(?:\\.|(?!\2).)*\2?"), rf"\1\2{MASK}\2"),
    (re.compile(rf"(?i)(\b(?:{_FIELD})=)[^\s&\"'<>)\]}}]+"), rf"\1{MASK}"),
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without anything that looks like a secret, and without any of `secrets` (each >= 4 characters)."""
    for spelling in sorted(_spellings(secrets), key=len, reverse=True):
        text = text.replace(spelling, MASK)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def one_line(text: str, limit: int = 200) -> str:
    """`text` as one printable line of at most `limit` characters. Redact first: a secret cut in two is not found."""
    line = "".join(char if char.isprintable() else " " for char in text)
    line = " ".join(line.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


class RedactingFilter(logging.Filter):
    """Redacts message, arguments, traceback and extra fields of every record.

    To be added to the *handlers*: a logger's filter does not see the records of its children.
    """

    def __init__(self, secrets: Iterable[str] = ()):
        super().__init__()
        self._secrets = tuple(secrets)

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = redact(_message(record), self._secrets)
        record.args = None
        if record.exc_info and not record.exc_text:
            record.exc_text = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
        if record.exc_text:
            record.exc_text = redact(record.exc_text, self._secrets)
        # A formatter prefers exc_text, yet others (JSON, crash reports) would print the exception itself once more.
        record.exc_info = None
        if record.stack_info:
            record.stack_info = redact(record.stack_info, self._secrets)
        for name, value in vars(record).items():
            if name not in _STANDARD_FIELDS and not isinstance(value, bool | int | float | None):
                setattr(record, name, redact(value if isinstance(value, str) else repr(value), self._secrets))
        return True


_STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        # A wrong format string must not become a second error inside logging, which would print the raw arguments.
        return f"{record.msg} {record.args!r}"


def _spellings(secrets: Iterable[str]) -> set[str]:
    """How a secret may stand in a text: plain, in a URL, in JSON, in a repr."""
    found: set[str] = set()
    for secret in secrets:
        if len(secret) < SHORTEST_SECRET:
            continue
        found |= {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
        found |= {ascii(secret)[1:-1], quote(secret, safe="", errors="replace"), quote(secret, errors="replace")}
        found |= {quote_plus(secret, errors="replace")}
    return found
