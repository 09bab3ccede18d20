"""An HTTP client for loopback."""

from __future__ import annotations

import ssl

from kiosk.providers.http import HttpClient


def plain_http(timeout_s: float = 5.0) -> HttpClient:
    """No TLS roots: loading some hundred certificates for each test takes its time."""
    return HttpClient(timeout_s=timeout_s, ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
