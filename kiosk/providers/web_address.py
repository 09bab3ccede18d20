"""Addresses in settings tables to which a secret may be sent."""

from __future__ import annotations

from urllib.parse import urlsplit

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def web_address(value: str) -> str:
    """`value` without a slash at its end. Raises ValueError, as a field validator may, where no key may go there."""
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("must begin with https:// and name a host") from None
    if parts.scheme not in ("https", "http") or not host or not value.isprintable() or " " in value:
        raise ValueError("must begin with https:// and name a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or a password")
    if parts.scheme == "http" and host not in LOOPBACK:
        raise ValueError("must begin with https:// (http:// only on this machine): a key goes over this line")
    return value.rstrip("/")
