"""A vendor's WHIP endpoint: strict by RFC 9725 before the native WHIP of a LiveKit server, with which it shares a room.

Whoever publishes here joins that room as a participant of its own, as LiveKit's Ingress does it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from tests.simulators.vendor_http import Call, Fault, Reply, VendorServer

SDP = "application/sdp"
TURN = '<turn:turn.invalid:3478?transport=udp>; rel="ice-server"; username="guest"; credential="planted, secret"'


class RoomServer(Protocol):
    @property
    def url(self) -> str: ...

    def token(self, identity: str, room: str, **grants: Any) -> str: ...


@dataclass(slots=True)
class WhipSwitches:
    """What no page of the vendor says, and what a load balancer may do."""

    auth: Literal["key in the path", "stream key", "room token"] = "key in the path"
    redirects: int = 0  # 307s before the offer is taken
    busy: int = 0  # 503s with Retry-After
    etag: bool = False
    absolute_location: bool = False
    ice_servers: bool = False


@dataclass(frozen=True, slots=True)
class Publication:
    """One `whip_url`: whose room it leads into, and what it takes."""

    room: str
    stream_key: str
    livekit_token: str
    identity: str
    upstream_token: str


class WhipProxy:
    """`start` once, `stop` once."""

    def __init__(self, rooms: RoomServer) -> None:
        self.switches = WhipSwitches()
        self.server = VendorServer()
        self.upstream_ends: list[int] = []  # status of each DELETE there
        self._rooms = rooms
        self._publications: dict[str, Publication] = {}
        self._upstream: aiohttp.ClientSession | None = None
        self.server.route("POST", "/w/{session}", "post", self._post)
        self.server.route("POST", "/w/{session}/{key}", "post", self._post)
        self.server.route("POST", "/moved/{left}/w/{tail:.*}", "post", self._moved)
        self.server.route("DELETE", "/r/{session}/{resource}", "delete", self._delete)
        self.server.route("*", "/{anything:.*}", "unknown", self._nothing_here)

    async def start(self) -> str:
        self._upstream = aiohttp.ClientSession()
        return await self.server.start()

    async def stop(self) -> None:
        if self._upstream is not None:
            await self._upstream.close()
        await self.server.stop()

    def fail(self, endpoint: str, fault: Fault, times: int = 1) -> None:
        self.server.fail(endpoint, fault, times)

    def calls(self, endpoint: str) -> list[Call]:
        """Of post, delete or unknown."""
        return self.server.calls(endpoint)

    def address(self, session_id: str, room: str, stream_key: str, livekit_token: str) -> str:
        """The `whip_url` of a session."""
        identity = f"ingress-{session_id[:8]}"
        token = self._rooms.token(identity, room, can_publish=True)
        self._publications[session_id] = Publication(room, stream_key, livekit_token, identity, token)
        keyed = self.switches.auth == "key in the path"
        return f"{self.server.base_url}/w/{session_id}" + (f"/{stream_key}" if keyed else "")

    def identity(self, session_id: str) -> str:
        """As whom a publisher appears in the room."""
        return self._publications[session_id].identity

    async def _post(self, call: Call) -> Reply:
        if self.switches.redirects > 0:
            left, self.switches.redirects = self.switches.redirects, 0
            return _redirect(left - 1, call.path)
        return await self._take(call, call.params["session"], call.params.get("key"))

    async def _moved(self, call: Call) -> Reply:
        left, tail = int(call.params["left"]), call.params["tail"]
        if left > 0:
            return _redirect(left - 1, f"/w/{tail}")
        session, _, key = tail.partition("/")
        return await self._take(call, session, key or None)

    async def _take(self, call: Call, session: str, key: str | None) -> Reply:
        publication = self._publications.get(session)
        if publication is None:
            return Reply(404, "no such session")
        if refused := self._refused(call, publication, key):
            return refused
        if call.headers.get("Content-Type") != SDP:
            return Reply(415, f"Content-Type must be {SDP}")
        if problem := offer_problem(call.raw.decode()):
            return Reply(400, problem)
        if self.switches.busy > 0:
            self.switches.busy -= 1
            return Reply(503, "no worker is free", {"Retry-After": "1"})
        assert self._upstream is not None
        headers = {"Content-Type": SDP, "Authorization": f"Bearer {publication.upstream_token}"}
        async with self._upstream.post(self._upstream_url("/whip/v1"), data=call.raw, headers=headers) as answer:
            body = await answer.read()
            if answer.status != 201:
                return Reply(answer.status, body.decode("utf-8", "replace"))
            resource = answer.headers["Location"].rsplit("/", 1)[-1]
        location = f"/r/{session}/{resource}"
        more = {"Content-Type": SDP, "Location": location}
        if self.switches.absolute_location:
            more["Location"] = self.server.base_url + location
        if self.switches.etag:
            more["ETag"] = f'"{resource}"'
        if self.switches.ice_servers:
            more["Link"] = f'<stun:stun.invalid:3478>; rel="ice-server", {TURN}'
        return Reply(201, body, more)

    async def _delete(self, call: Call) -> Reply:
        publication = self._publications.get(call.params["session"])
        if publication is None:
            return Reply(404, "no such session")
        # The path of a resource is a capability where the address itself was the key.
        if refused := self._refused(call, publication, publication.stream_key):
            return refused
        if "If-Match" in call.headers:
            return Reply(400, "a DELETE carries no entity tag")
        assert self._upstream is not None
        url = self._upstream_url(f"/whip/v1/{call.params['resource']}")
        async with self._upstream.delete(
            url, headers={"Authorization": f"Bearer {publication.upstream_token}"}
        ) as answer:
            self.upstream_ends.append(answer.status)
            return Reply(answer.status, b"")

    async def _nothing_here(self, _: Call) -> Reply:
        return Reply(404, "404 page not found")

    def _refused(self, call: Call, publication: Publication, key: str | None) -> Reply | None:
        authorization = call.headers.get("Authorization")
        if self.switches.auth == "key in the path":
            if authorization is not None:
                return Reply(400, "no token was asked for")
            return None if key == publication.stream_key else Reply(404, "unknown key")
        wanted = publication.stream_key if self.switches.auth == "stream key" else publication.livekit_token
        if authorization is None:
            return Reply(401, "a bearer token is needed", {"WWW-Authenticate": "Bearer"})
        # A wrong one may be quoted, as LiveKit's own server does it.
        return None if authorization == f"Bearer {wanted}" else Reply(401, f"bad token {authorization}")

    def _upstream_url(self, path: str) -> str:
        parts = urlsplit(self._rooms.url)
        return urlunsplit(("https" if parts.scheme == "wss" else "http", parts.netloc, path, "", ""))


def _redirect(left: int, path: str) -> Reply:
    tail = path.partition("/w/")[2]
    return Reply(307, b"", {"Location": f"/moved/{left}/w/{tail}"})


def offer_problem(sdp: str) -> str:
    """What RFC 9725 forbids in an offer that is to be complete; empty where it is one."""
    session, *media = re.split(r"(?m)^(?=m=)", sdp)
    kinds = [section[2:].partition(" ")[0] for section in media]
    if not media or sorted(kinds) != sorted(set(kinds)) or set(kinds) - {"audio", "video"}:
        return f"at most one audio and one video are allowed, not {kinds}"
    bundle = re.search(r"(?m)^a=group:BUNDLE((?: \S+)+)\r?$", session)
    if bundle is None or len(bundle[1].split()) != len(media):
        return "all media must be in one bundle"
    streams = set(re.findall(r"(?m)^a=msid:(\S+)", sdp))
    if len(streams) > 1:
        return "only one MediaStream is allowed"
    for section in media:
        for line in ("a=sendonly", "a=rtcp-mux"):
            if not re.search(rf"(?m)^{line}\r?$", section):
                return f"{line} is missing"
        if not re.search(r"(?m)^a=setup:(actpass|active)\r?$", section):
            return "a=setup:actpass is missing"
    if "a=candidate:" not in media[0]:
        return "the offer is not complete: it has no candidates"
    codecs = sdp.lower()
    if not all(codec in codecs for codec in ("opus/48000", "vp8/90000", "h264/90000", "profile-level-id=42e01f")):
        return "Opus, VP8 and H264 (42e01f) are wanted"
    return ""
