"""The calls of WHIP, by RFC 9725: an offer goes out, an answer comes back, and one call ends it.

    POST    {url}       application/sdp, an offer with all its candidates  -> 201, Location, an answer with all of its
    DELETE  {Location}                                                     -> 200

A bearer token, where one is taken, goes with both. 307 and 308 are followed on POST, with method and body kept. Neither
trickling nor ICE restarts are used, so no ETag is: whoever loses the connection posts a new offer.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from kiosk.providers.contract import ProviderError, WhipTarget
from kiosk.providers.http import HttpAnswer, HttpClient, host_of, retry_after_s

log = logging.getLogger("kiosk.whip")

SDP = "application/sdp"
WHAT = "Send by WHIP"
MOST_REDIRECTS = 5
POST_TIMEOUT_S = 10.0
DELETE_TIMEOUT_S = 3.0
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_REFUSED_CREDENTIAL = (401, 403, 404)  # an address with a wrong key may well be "not found"
_LINK = re.compile(r"<((?:stun|stuns|turn|turns):[^>\s]{1,300})>([^<]*)")
_PARAMETER = re.compile(r';\s*([a-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]+))', re.IGNORECASE)


class WhipError(Exception):
    """It cannot be sent. `operator_line` never holds a secret; `retry`: another offer later may do."""

    def __init__(self, operator_line: str, *, retry: bool, wait_s: float | None = None):
        super().__init__(operator_line)
        self.operator_line = operator_line
        self.retry = retry
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class IceServer:
    """A STUN or TURN server that the far side offers."""

    url: str
    username: str = field(default="", repr=False)
    credential: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class WhipAnswer:
    sdp: str = field(repr=False)
    credential: str  # which one was taken, in words for the operator
    ice_servers: tuple[IceServer, ...] = ()


class WhipClient:
    """One address. `publish` and `end` take turns.

    `names` are the last parts of the latest Locations: LiveKit's own server puts the participant's SID there.
    """

    def __init__(self, target: WhipTarget, http: HttpClient):
        self._target = target
        self._http = http
        self._order = list(target.credentials)
        self._token = ""
        self._resource = ""  # where the present session lives; it may hold a key
        self.names: tuple[str, ...] = ()

    async def publish(self, offer: str) -> WhipAnswer:
        """Raises `WhipError`; where it does, nothing is left to end that is known of."""
        answer, url = None, self._target.url
        for credential in list(self._order):
            name, token = credential
            answer, url = await self._post(offer, token)
            if answer.status not in _REFUSED_CREDENTIAL:
                self._token = token
                # The one that was taken comes first next time.
                self._order.sort(key=lambda one: one != credential)
                return self._read(answer, url, name)
        tried = ", ".join(name for name, _ in self._order)
        status = answer.status if answer is not None else 0
        raise WhipError(
            f"{WHAT}: {host_of(url)} answered HTTP {status} to each of: {tried}; ask the vendor what its WHIP address "
            "takes",
            retry=False,
        )

    async def end(self) -> None:
        """Best effort, bounded in time: a far side that is not told sees the connection end by itself. Idempotent."""
        resource, self._resource = self._resource, ""
        if not resource:
            return
        try:
            answer = await self._http.request(
                "DELETE", resource, what="End WHIP", headers=_bearer(self._token), timeout_s=DELETE_TIMEOUT_S
            )
        except ProviderError as error:
            log.info("the end could not be told: %s", error.operator_line)
            return
        log.info("WHIP ended (HTTP %d)", answer.status)

    async def _post(self, offer: str, token: str) -> tuple[HttpAnswer, str]:
        """The answer, and the address that gave it after all redirects."""
        url = self._target.url
        for _ in range(MOST_REDIRECTS + 1):
            try:
                answer = await self._http.request(
                    "POST",
                    url,
                    what=WHAT,
                    headers={"Content-Type": SDP, "Accept": SDP, **_bearer(token)},
                    content=offer.encode(),
                    timeout_s=POST_TIMEOUT_S,
                )
            except ProviderError as error:
                raise WhipError(error.operator_line, retry=error.retry) from None
            if answer.status not in (307, 308):
                return answer, url
            url = _place(url, answer.headers.get("Location", ""), "redirects")
        raise WhipError(f"{WHAT}: {host_of(url)} redirects without end", retry=True)

    def _read(self, answer: HttpAnswer, url: str, name: str) -> WhipAnswer:
        status, host = answer.status, answer.host
        if status != 201:
            # No cause is read out of a code, only its class (RFC 9725, section 4.4).
            retry = status in (408, 425, 429) or status >= 500
            said = f" ({answer.text[:120]})" if answer.text and status >= 400 else ""
            remedy = "the kiosk tries again" if retry else "it does not take the kiosk's offer; report this line"
            wait_s = retry_after_s(answer.headers, time.time()) if retry else None
            raise WhipError(f"{WHAT}: {host} answered HTTP {status}{said}; {remedy}", retry=retry, wait_s=wait_s)
        self._resource = _place(url, answer.headers.get("Location", ""), "answers")
        # A new tuple each time: another thread reads it.
        self.names = (*self.names[-7:], urlsplit(self._resource).path.rsplit("/", 1)[-1])
        kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        sdp = answer.body.decode("utf-8", "replace")
        if kind != SDP or not sdp.startswith("v=0"):
            raise WhipError(f"{WHAT}: {host} answered no SDP; check that the address is one for WHIP", retry=False)
        return WhipAnswer(sdp, name, ice_servers(answer.headers))


def ice_servers(headers: Mapping[str, str]) -> tuple[IceServer, ...]:
    """The servers of all `Link` headers with rel="ice-server"."""
    found = []
    for url, rest in _LINK.findall(headers.get("Link", "")):
        values = {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(rest)}
        if values.get("rel", "").lower() == "ice-server":
            found.append(IceServer(url, values.get("username", ""), values.get("credential", "")))
    return tuple(found[:8])


def _place(base: str, location: str, verb: str) -> str:
    """Where `Location`, which may be relative, leads. Raises `WhipError` where a token must not go there."""
    host = host_of(base)
    if not location:
        raise WhipError(f"{WHAT}: {host} {verb} without a Location; report this line to the vendor", retry=False)
    try:
        url = urljoin(base, location)
        parts = urlsplit(url)
        safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    except ValueError:
        safe = False
    if not safe:
        raise WhipError(f"{WHAT}: {host} {verb} with a Location that is no https:// address", retry=False)
    return url


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}
