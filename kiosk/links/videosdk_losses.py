"""What a lost or refused VideoSDK room means: try again or not, and one line for the operator.

The package says only that it failed; what is known besides is how far it came, what it wrote into its log, and what
the token says of itself.
"""

from __future__ import annotations

import re

from kiosk.links.contract import Lost, LostReason

EXTRA = "avatar-kiosk[videosdk]"


def not_installed() -> Lost:
    return Lost(
        LostReason.REFUSED, False, f"the package of VideoSDK's rooms is not installed: run `pip install {EXTRA}`"
    )


def from_join(stage: str, text: str, host: str, token_fault: str | None) -> Lost:
    """`stage` as in `VideoSdkClient.join`; `text` is redacted; `host` is that of the API."""
    status = re.search(r"\b([45]\d\d)\b", text)
    code = int(status[1]) if status else 0
    said = f" ({text[:120]})" if text else ""
    if token_fault is not None and (code in (401, 403) or stage != "init"):
        return Lost(LostReason.REFUSED, False, f"the room refused the kiosk: {token_fault}")
    if code in (401, 403):
        line = f"{host} refused the room token: check token or key and secret, and the clock of this machine"
        return Lost(LostReason.REFUSED, False, line)
    if code in (400, 402, 404):
        return Lost(LostReason.REFUSED, False, f"{host} does not know the room: check room_id{said}")
    if code == 429:
        return Lost(LostReason.SERVER, True, f"{host} allows no more rooms at the moment; the kiosk tries again")
    if code >= 500:
        return Lost(LostReason.SERVER, True, f"{host} has a fault{said}; the kiosk tries again")
    if "certificate" in text.lower() or "ssl" in text.lower():
        line = f"no secure connection to {host}: check its certificate and the clock of this machine"
        return Lost(LostReason.NETWORK, True, line)
    what = {
        "init": f"{host} does not say where the room is",
        "socket": "the room's server does not answer",
        "room": "the room's server broke off while the kiosk joined",
    }[stage]
    return Lost(LostReason.NETWORK, True, f"{what}{said}: check the network and any firewall")


def join_timeout(stage: str, host: str, seconds: float) -> Lost:
    where = {"init": host, "socket": "the room's server", "room": "the room's server"}.get(stage, host)
    return Lost(LostReason.TIMEOUT, True, f"{where} did not let the kiosk in within {seconds:.0f} s: check the network")


def agent_missing(seconds: float) -> Lost:
    return Lost(
        LostReason.TIMEOUT,
        True,
        f"the agent did not reach the room within {seconds:.0f} s: check that it joins the room that its environment "
        "names (setting room_env), and its own log",
    )


def avatar_left() -> Lost:
    return Lost(LostReason.AVATAR_LEFT, True, "the agent left the room; a new session is started")


def media_ended() -> Lost:
    return Lost(LostReason.NETWORK, True, "the media path of the room broke off: check the network and any firewall")


def signalling_ended() -> Lost:
    return Lost(LostReason.NETWORK, True, "the connection to the room's server broke off: check the network")


def closed() -> Lost:
    return Lost(LostReason.EXPELLED, False, "the room was closed, or the kiosk was removed from it, by somebody else")
