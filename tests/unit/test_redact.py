from __future__ import annotations

import json
import logging
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.redact import MASK, RedactingFilter, one_line, redact

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ2aXNpdG9yIn0.c2lnbmF0dXJlLXdpdGgtXy0"

# A secret in the wild is printable; the mask itself can of course not be one.
SECRETS = st.text(
    st.characters(codec="utf-8", exclude_characters="*", exclude_categories=["C"]), min_size=4, max_size=60
)
TEXTS = st.text(max_size=60)


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        (f"could not connect: 401 {JWT}", JWT),
        (f"could not connect: 401 {JWT[:40]}", "eyJhbGciOiJIUzI1NiJ9"),
        ("wss://host/rtc?access_token=planted&protocol=9", "planted"),
        ("https://host/x?a=1&token=planted#there", "planted"),
        ("https://host/x?ref=planted", "planted"),
        ("Authorization: Bearer planted", "planted"),
        ("authorization: planted and more planted\nnext", "planted"),
        ("x-api-key: planted", "planted"),
        ("{'x-api-key': 'planted'}", "planted"),
        ('{"STUDIO-API-KEY": "planted"}', "planted"),
        ('[(b"studio-api-key", b"planted")]', "planted"),
        ("Illegal header value b'Bearer planted'", "planted"),
        ('{"session_token": "plan\\"planted"}', "planted"),
        ('a string of JSON: "{\\"token\\": \\"planted\\"}"', "planted"),
        ("{'participant_token': 'planted'}", "planted"),
        ('{"userKey": "planted", "appId": "seen"}', "planted"),
        ("key ah_live_planted0123456789 refused", "planted"),
        ("key ah_test_planted0123456789 refused", "planted"),
    ],
)
def test_masks_what_looks_like_a_secret(text: str, hidden: str) -> None:
    assert hidden in text
    assert hidden not in redact(text)
    assert MASK in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://host/path?preference=3&page=2",
        '{"code": 1000, "message": "Session has been started"}',
        "the token has expired: fetch a new one",
        "check the secret KIOSK_DEEPBRAIN_USER_KEY",
        "",
    ],
)
def test_leaves_the_rest_alone(text: str) -> None:
    assert redact(text, ["another-secret"]) == text


def test_text_around_a_query_value_stays() -> None:
    assert redact("https://h/rtc?access_token=a.b&sdk=py") == f"https://h/rtc?access_token={MASK}&sdk=py"


def test_masking_twice_changes_nothing_more() -> None:
    text = f"Authorization: Bearer {JWT}\n?token=x&ref=y"
    assert redact(redact(text)) == redact(text)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(secret=SECRETS, before=TEXTS, after=TEXTS)
def test_a_given_secret_never_survives(secret: str, before: str, after: str) -> None:
    for spelling in (
        secret,
        json.dumps({"field": secret}),
        json.dumps(secret, ensure_ascii=False),
        repr(secret),
        f"https://host/?x={quote(secret, safe='')}",
        f"https://host/?x={quote_plus(secret)}",
    ):
        shown = redact(before + spelling + after, [secret])
        assert secret not in shown
        assert json.dumps(secret)[1:-1] not in shown
        assert quote(secret, safe="") not in shown


@settings(derandomize=True, max_examples=100, deadline=None)
@given(secret=SECRETS, other=SECRETS, text=TEXTS)
def test_a_record_never_carries_a_given_secret(secret: str, other: str, text: str) -> None:
    handler = Recorder([secret, other])
    logger = handler.logger()
    try:
        raise ValueError(text + secret)
    except ValueError:
        logger.exception("%s with %r", text, {"deep": [secret]}, extra={"note": other, "more": {"x": secret}})
    assert handler.lines
    for line in handler.lines:
        assert secret not in line
        assert other not in line


def test_secrets_of_under_four_characters_are_left_alone() -> None:
    assert redact("abc", ["a", "", "abc"]) == "abc"


def test_a_traceback_is_redacted_and_kept() -> None:
    handler = Recorder(["planted-secret"])
    try:
        raise ConnectionError(f"wss://h/rtc?access_token={JWT} planted-secret")
    except ConnectionError:
        handler.logger().exception("joining failed")
    text = "\n".join(handler.lines)
    assert "ConnectionError" in text
    assert "Traceback" in text
    assert "planted-secret" not in text
    assert "eyJ" not in text


def test_a_wrong_format_string_neither_raises_nor_leaks() -> None:
    handler = Recorder(["planted-secret"])
    handler.logger().warning("%d %s", "planted-secret")
    assert "planted-secret" not in handler.lines[0]
    assert "%d %s" in handler.lines[0]


def test_one_line_is_printable_and_bounded() -> None:
    assert one_line("a\n\tb\x00\x1b[31mc  d") == "a b [31mc d"
    assert one_line("x" * 300, 20) == "x" * 19 + "…"
    assert one_line("\ud800 lone") == "lone"


class Recorder(logging.Handler):
    """Formats as a log file would, and keeps every text that the record carries."""

    def __init__(self, secrets: list[str]):
        super().__init__()
        self.lines: list[str] = []
        self.addFilter(RedactingFilter(secrets))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(logging.Formatter("%(levelname)s %(message)s").format(record))
        self.lines += [value for value in vars(record).values() if isinstance(value, str)]

    def logger(self) -> logging.Logger:
        logger = logging.Logger("kiosk.test")
        logger.addHandler(self)
        return logger
