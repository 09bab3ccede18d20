"""Reading an answer: waiting times, the error that a status means, and what of an address may be shown."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.providers.contract import Broken, Busy, Misconfigured, ProviderError, SessionRef, Unavailable
from kiosk.providers.http import HttpAnswer, host_of, retry_after_s, status_error

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC).timestamp()


def http_date(after_s: float) -> str:
    return format_datetime(datetime.fromtimestamp(NOW + after_s, UTC), usegmt=True)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("-3", 0.0),
        ("61", 60.0),
        ("999999999999", 60.0),
        ("99999999999999999999", None),
        (http_date(20), 20.0),
        (http_date(-20), 0.0),
        (http_date(86_400), 60.0),
        ("Mon, 99 Foo 2026 99:99:99 GMT", None),
        ("soon", None),
        ("", None),
        ("inf", None),
        ("nan", None),
        ("1e3", None),
        ("\u0667", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert retry_after_s({"Retry-After": value}, NOW) == seconds
    assert retry_after_s({"retry-after": value}, NOW) == seconds


def test_without_the_header_there_is_no_waiting_time() -> None:
    assert retry_after_s({"X-Other": "3"}, NOW) is None


@given(value=st.text(max_size=40))
def test_no_header_raises(value: str) -> None:
    seconds = retry_after_s({"Retry-After": value}, NOW)
    assert seconds is None or 0 <= seconds <= 60


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, Broken),
        (301, Misconfigured),
        (307, Misconfigured),
        (400, Misconfigured),
        (401, Misconfigured),
        (403, Misconfigured),
        (404, Misconfigured),
        (405, Misconfigured),
        (408, Unavailable),
        (422, Misconfigured),
        (429, Busy),
        (500, Unavailable),
        (502, Unavailable),
        (503, Unavailable),
        (599, Unavailable),
    ],
)
def test_the_error_that_a_status_means(status: int, kind: type[ProviderError]) -> None:
    session = SessionRef("p", "v", "s", 0.0)
    answer = HttpAnswer(status, {"Retry-After": "5"}, None, "", "api.example")
    error = status_error(answer, what="Ask", now_wall=NOW, detail="said\nso", session=session)
    assert type(error) is kind
    assert error.operator_line.startswith(f"Ask: api.example answered HTTP {status} (said so); ")
    assert error.session is session
    assert error.retry_after_s == (5.0 if kind in (Busy, Unavailable) else None)


def test_a_remedy_of_the_provider_replaces_the_general_one() -> None:
    error = status_error(HttpAnswer(404, {}, None, "", "h"), what="Ask", now_wall=NOW, remedy="do this")
    assert error.operator_line == "Ask: h answered HTTP 404; do this"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://api.example/path?token=x#y", "api.example"),
        ("https://user:password@api.example:8443/x", "api.example:8443"),
        ("wss://rooms.example", "rooms.example"),
        ("no url at all", "(no host)"),
        ("https://[::1", "(no host)"),
        ("https://host:99999", "(no host)"),
        ("", "(no host)"),
    ],
)
def test_only_the_host_of_an_address_is_shown(url: str, host: str) -> None:
    assert host_of(url) == host


@given(url=st.text(max_size=80))
def test_no_address_raises(url: str) -> None:
    assert "\n" not in host_of(url)
