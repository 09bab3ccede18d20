"""What a lost or refused ingest socket means: try again or not, and one line for the operator.

The way in works once: every other try needs a new session, so "retry" here always means a new one. What the far side
says may hold the reference of the session, so its words are masked and cut.
"""

from __future__ import annotations

import ssl

from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI

from kiosk.links.contract import Lost, LostReason
from kiosk.redact import one_line, redact

_REFUSED = frozenset({400, 401, 403, 404, 409, 410})
_CLOSED = {
    1000: (LostReason.SERVER, "closed the session"),
    1001: (LostReason.SERVER, "is going away"),
    1008: (LostReason.REFUSED, "refused the session: its address was used before or has expired"),
    1009: (LostReason.SERVER, "sent more than fits"),
    1011: (LostReason.SERVER, "failed"),
    1012: (LostReason.SERVER, "restarts"),
    1013: (LostReason.SERVER, "is overloaded"),
}


def expired(host: str) -> Lost:
    return Lost(
        LostReason.REFUSED, True, f"the session's address at {host} expired before it was used; a new one is started"
    )


def from_connect_error(error: Exception, host: str) -> Lost:
    """Whatever opening a socket raised."""
    if isinstance(error, InvalidStatus):
        return _from_status(error.response.status_code, host)
    if isinstance(error, TimeoutError):
        return Lost(LostReason.TIMEOUT, True, f"{host} did not answer in time: check the network")
    if isinstance(error, ssl.SSLError):
        return Lost(
            LostReason.NETWORK, True, f"no secure connection to {host}: check its certificate and this machine's clock"
        )
    if isinstance(error, OSError):
        return Lost(LostReason.NETWORK, True, f"{host} cannot be reached: check the network and any firewall")
    if isinstance(error, InvalidURI):
        return Lost(
            LostReason.REFUSED, False, f"the session's address at {host} cannot be used; report it to the vendor"
        )
    if isinstance(error, InvalidHandshake):
        return Lost(LostReason.NETWORK, True, f"{host} does not speak WebSocket: check any proxy on the way")
    return Lost(LostReason.NETWORK, True, f"no connection to {host} ({type(error).__name__}): check the network")


def _from_status(status: int, host: str) -> Lost:
    if status in _REFUSED:
        line = f"{host} refused the session's address (HTTP {status}): it was used before or has expired"
        return Lost(LostReason.REFUSED, True, f"{line}; a new session is started")
    return Lost(LostReason.SERVER, True, f"{host} answered HTTP {status} instead of opening the socket; tried again")


def from_close(code: int | None, reason: str, host: str) -> Lost:
    """`code` as received; None where the connection broke without one."""
    if code is None or code in (1005, 1006):
        return Lost(LostReason.NETWORK, True, f"the connection to {host} broke off; check the network")
    why, what = _CLOSED.get(code, (LostReason.SERVER, "closed the session"))
    words = one_line(redact(reason), 120)
    said = f", {words}" if words else ""
    return Lost(why, True, f"{host} {what} (code {code}{said}); a new session is started")


def silent(host: str, seconds: float) -> Lost:
    return Lost(LostReason.NETWORK, True, f"{host} gave no sign of life for {seconds:.0f} s; check the network")


def takes_nothing(host: str, seconds: float) -> Lost:
    return Lost(LostReason.NETWORK, True, f"{host} took no sound for {seconds:.0f} s; check the network's upload")


def not_joined(host: str, seconds: float) -> Lost:
    return Lost(
        LostReason.TIMEOUT, True, f"{host} did not join the room within {seconds:.0f} s: check room_id; tried again"
    )


def meeting_over(why: str) -> Lost:
    words = one_line(redact(why), 120)
    said = f" ({words})" if words else ""
    return Lost(LostReason.EXPELLED, False, f"the room's session was ended from outside{said}; the visit ends")


def nobody_came(agent: str, seconds: float) -> Lost:
    return Lost(
        LostReason.AVATAR_LEFT,
        False,
        f"the agent {one_line(agent, 60)} did not come into the room within {seconds:.0f} s: see that it is deployed "
        "and running, and check its id in the settings",
    )


def partner_left() -> Lost:
    return Lost(LostReason.AVATAR_LEFT, True, "nobody is left in the room to talk to; a new session is started")


def closed_meanwhile() -> Lost:
    return Lost(LostReason.TIMEOUT, False, "the link was closed while it was being opened")
