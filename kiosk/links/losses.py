"""What a lost or refused room means: try again or not, and one line for the operator.

Numbers and texts are those of LiveKit's protocol and of its client library, measured against server 1.13.5. A refusal's
text can hold the whole token, so no text of the library ever leaves this file unmasked.
"""

from __future__ import annotations

from kiosk.links.contract import Lost, LostReason
from kiosk.redact import redact

_EXPELLED = {
    2: "another participant joined with this kiosk's identity",
    4: "the kiosk was removed from the room",
    5: "the room was deleted",
    10: "the room was closed",
    11: "the other side is not available",
    12: "the other side declined",
}
_SERVER = {3: "the media server shut down", 8: "the room moved to another server", 13: "a telephone trunk failed"}
_FINAL = frozenset({2, 4, 5, 12})


def from_disconnect(reason: int) -> Lost:
    """`reason` is a number of LiveKit's DisconnectReason; unknown ones count as a lost network."""
    if reason in _EXPELLED:
        line = f"{_EXPELLED[reason]} (reason {reason}); check that no second kiosk uses the same room and identity"
        return Lost(LostReason.EXPELLED, reason not in _FINAL, line)
    if reason in _SERVER:
        return Lost(LostReason.SERVER, True, f"{_SERVER[reason]} (reason {reason}); the kiosk joins again by itself")
    if reason == 16:
        return Lost(LostReason.AVATAR_LEFT, True, "the agent in the room failed (reason 16); see the agent's own log")
    return Lost(
        LostReason.NETWORK, True, f"the connection to the media server broke off (reason {reason}); check the network"
    )


def from_connect_error(text: str, host: str) -> Lost:
    """Classifies the text of a failed `Room.connect()`; `host` is the media server's name for the operator."""
    low = text.lower()
    if any(word in low for word in ("401", "unauthorized", "invalid token", "permission")):
        return Lost(
            LostReason.REFUSED,
            False,
            f"{host} refused the room token: check key and secret, and the clock of this machine",
        )
    if "404" in low or "not found" in low or "does not exist" in low:
        return Lost(LostReason.REFUSED, False, f"{host} does not know the room: check the room's name and the url")
    if "wait_pc_connection" in low:
        return Lost(
            LostReason.NETWORK,
            True,
            f"{host} answers, but no media path opens: allow UDP (or TCP 7881 / TURN) through the firewall",
        )
    if any(word in low for word in ("certificate", "tls", "ssl")):
        return Lost(
            LostReason.NETWORK,
            True,
            f"no secure connection to {host}: check its certificate and the clock of this machine",
        )
    if "dns" in low or "lookup" in low or "resolve" in low:
        return Lost(LostReason.NETWORK, True, f"the name {host} cannot be resolved: check the url and the network")
    return Lost(LostReason.NETWORK, True, f"cannot join the room at {host}: {redact(text)[:120]}; check the network")


def connect_timeout(host: str, seconds: float) -> Lost:
    return Lost(
        LostReason.TIMEOUT, True, f"{host} did not answer within {seconds:.0f} s: check the url and the network"
    )


def avatar_left() -> Lost:
    return Lost(LostReason.AVATAR_LEFT, True, "the avatar left the room; a new session is started")


def given_up(operator_line: str, retry: bool) -> Lost:
    """The vendor's own word, in a data message of the room."""
    return Lost(LostReason.AVATAR_LEFT if retry else LostReason.EXPELLED, retry, operator_line)
