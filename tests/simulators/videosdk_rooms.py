"""A stand-in for VideoSDK's rooms: the signalling that the package `videosdk` 0.4.1 speaks, with real media behind it.

It is a room server of its own: `POST /infra/v1/meetings/server-init-config` over TLS (the package knows no other way)
and a WebSocket with sub-protocol `protoo`. Written from the package's source; what the vendor's servers do beyond it
is not known here.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import logging
import secrets
import ssl
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import jwt
from aiohttp import WSMsgType, web
from aiortc import RTCDataChannel
from Crypto.Cipher import AES
from Crypto.Util.Padding import pad
from videosdk.utils import IV, KEY

from tests.simulators.videosdk_guest import Guest, listen
from tests.simulators.videosdk_rtc import ROUTER_CAPABILITIES, WebRtcTransport

log = logging.getLogger("simulator.videosdk")

Json = dict[str, Any]
CLOSING = "peer closing"
INIT_PATH = "/infra/v1/meetings/server-init-config"


@dataclass(slots=True)
class RoomSwitches:
    """What the documents leave open, and what goes wrong on demand."""

    refuse_init: int = 0  # an HTTP status: what server-init-config answers
    init_delay_s: float = 0.0
    refuse_socket: int = 0  # an HTTP status: what the WebSocket's upgrade answers
    silent_methods: frozenset[str] = frozenset()  # requests that are never answered
    garbled_methods: frozenset[str] = frozenset()  # requests whose answer has data of the wrong types
    no_visitor_s: float = 90.0  # an agent leaves when nobody has come for so long
    last_left_s: float = 5.0  # an agent leaves so long after the last visitor


class Peer:
    """One client of the package: its socket, its transports and what it was given."""

    def __init__(self, room: Room, peer_id: str, socket: web.WebSocketResponse) -> None:
        self.room = room
        self.peer_id = peer_id
        self.socket = socket
        self.name = ""
        self.meta: Json = {}
        self.joined = False
        self.topics: set[str] = set()
        self.received: list[bytes | str] = []  # over its data channels
        self.transports: dict[str, WebRtcTransport] = {}
        self.produced: list[str] = []  # kinds
        self.entered: set[str] = set()  # guests whose tracks it has
        self.producing: WebRtcTransport | None = None
        self.consuming: WebRtcTransport | None = None
        self.data_down: RTCDataChannel | None = None
        self.consumers: dict[str, str] = {}  # consumer -> peer id of the guest
        self._numbers = itertools.count(1)

    async def notify(self, method: str, data: Json) -> None:
        if not self.socket.closed:
            await self.socket.send_json({"notification": True, "method": method, "data": data})

    async def request(self, method: str, data: Json) -> None:
        """The answer is read and dropped by the socket's loop."""
        message = {"request": True, "id": next(self._numbers), "method": method, "data": data}
        if not self.socket.closed:
            await self.socket.send_json(message)

    async def close(self) -> None:
        """Idempotent."""
        while self.transports:
            _, transport = self.transports.popitem()
            await transport.close()


@dataclass(slots=True)
class Room:
    room_id: str
    peers: dict[str, Peer] = field(default_factory=dict)
    guests: dict[str, Guest] = field(default_factory=dict)
    published: list[Json] = field(default_factory=list)  # pub/sub messages of clients
    left_at: float | None = None


class SimulatedRooms:
    """`key` and `secret` sign the tokens that are let in. `rooms` that do not exist are refused."""

    def __init__(self, key: str, secret: str) -> None:
        self.switches = RoomSwitches()
        self.rooms: dict[str, Room] = {}
        self.methods: list[str] = []
        self.refused: list[str] = []
        self.host = ""  # host:port of the TLS server, for `signaling_base_url`
        self._key, self._secret = key, secret
        self._signalling_url = ""
        self._runners: list[web.AppRunner] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, tls: ssl.SSLContext | None) -> None:
        """`tls` None: somebody else serves `init`, over TLS."""
        signalling = web.Application()
        signalling.router.add_get("/", self._serve)
        self._signalling_url = f"ws://127.0.0.1:{await self._listen(signalling, None)}"
        if tls is not None:
            front = web.Application()
            front.router.add_post(INIT_PATH, self._init)
            self.host = f"127.0.0.1:{await self._listen(front, tls)}"

    async def stop(self) -> None:
        for room in list(self.rooms.values()):
            for peer in list(room.peers.values()):
                await peer.close()
                await peer.socket.close()
        for runner in self._runners:
            await runner.cleanup()
        closing = [task for task in self._tasks if task.get_name() == CLOSING]
        await asyncio.gather(*closing, return_exceptions=True)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _listen(self, app: web.Application, tls: ssl.SSLContext | None) -> int:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        self._runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        port: int = runner.addresses[0][1]
        return port

    # What a test or a script does with a room.

    def create(self, room_id: str) -> Room:
        return self.rooms.setdefault(room_id, Room(room_id))

    async def enter(self, room_id: str, guest: Guest) -> None:
        """A guest comes in; every client hears of it and gets its tracks."""
        room = self.rooms[room_id]
        room.guests[guest.peer_id] = guest
        for peer in room.peers.values():
            if peer.joined:
                await self._introduce(peer, guest)

    async def exit(self, room_id: str, guest: Guest) -> None:
        room = self.rooms[room_id]
        if room.guests.pop(guest.peer_id, None) is None:
            return
        for peer in room.peers.values():
            for consumer in [one for one, owner in peer.consumers.items() if owner == guest.peer_id]:
                await self._close_consumer(peer, consumer)
            await peer.notify("peerClosed", {"peerId": guest.peer_id})

    async def stop_track(self, room_id: str, guest: Guest, kind: str) -> None:
        """A guest switches its camera or microphone off."""
        guest.producers = [one for one in guest.producers if one[0] != kind]
        for peer in self.rooms[room_id].peers.values():
            for consumer in [one for one in peer.consumers if one.endswith(f"-{guest.peer_id}-{kind}")]:
                await self._close_consumer(peer, consumer)

    async def agent_event(self, room_id: str, method: str, data: object) -> int:
        """`agentStateChanged`, `agentTranscript`, `agentMetrics`; returns to how many clients it went.

        An agent sends them only where some participant's metaData asks for them.
        """
        peers = [peer for peer in self.rooms[room_id].peers.values() if peer.joined]
        if not any(peer.meta.get("enableAgentEvents") is True for peer in peers):
            return 0
        for peer in peers:
            await peer.notify(method, data)  # type: ignore[arg-type]
        return len(peers)

    async def publish(self, room_id: str, sender: str, topic: str, message: object) -> None:
        for peer in self.rooms[room_id].peers.values():
            if topic in peer.topics:
                await peer.notify("pubsubMessage", _pubsub(sender, topic, message))

    def send_data(self, room_id: str, payload: bytes | str) -> None:
        """Over the unreliable data channel, to everyone."""
        for peer in self.rooms[room_id].peers.values():
            if peer.data_down is not None and peer.data_down.readyState == "open":
                peer.data_down.send(payload)

    async def drop(self, room_id: str, *, code: int = 1006) -> None:
        """Ends every signalling connection; 1006 without a closing handshake. The agents stay until their timers."""
        for peer in list(self.rooms[room_id].peers.values()):
            if code == 1006:
                transport = peer.socket._req.transport if peer.socket._req is not None else None
                if transport is not None:
                    transport.abort()
            else:
                await peer.socket.close(code=code)

    def cut(self, room_id: str, *, cut: bool = True) -> None:
        """No media packet passes any more in either direction; the signalling stays."""
        for peer in self.rooms[room_id].peers.values():
            for transport in peer.transports.values():
                transport.ice.muted = cut

    # The front: where is the room?

    async def _init(self, request: web.Request) -> web.Response:
        status, answer = await self.init(request.headers.get("Authorization", ""), await request.json())
        return web.json_response(answer, status=status)

    async def init(self, token: str, body: Any) -> tuple[int, Json]:
        """What server-init-config answers: HTTP status and body."""
        if self.switches.init_delay_s:
            await asyncio.sleep(self.switches.init_delay_s)
        if self.switches.refuse_init:
            return self.switches.refuse_init, {"message": "as ordered"}
        room_id = body.get("roomId") if isinstance(body, dict) else None
        fault = self._token_fault(token, room_id)
        if fault:
            self.refused.append(fault)
            return 401, {"message": fault}
        if room_id not in self.rooms:
            return 404, {"message": "Meeting not found"}
        servers = AES.new(KEY, AES.MODE_CBC, IV).encrypt(pad(b"[]", AES.block_size))
        data = {
            "baseUrl": self.host,
            "iceServers": base64.b64encode(servers).decode(),
            "signalingUrl": self._signalling_url,
            "observability": {"jwt": "", "traces": {}, "logs": {}, "metaData": {}},
        }
        return 200, {"data": data}

    def _token_fault(self, token: str, room_id: object, peer_id: str = "") -> str:
        """Empty where the token lets in."""
        if token.startswith("Bearer "):
            return "Token must not have a prefix"
        try:
            claims = jwt.decode(token, self._secret, algorithms=["HS256"], leeway=1)
        except jwt.ExpiredSignatureError:
            return "Token is expired"
        except jwt.InvalidTokenError:
            return "Token is invalid"
        roles = claims.get("roles") or []
        if claims.get("apikey") != self._key or (roles and "rtc" not in roles):
            return "Token is not allowed to join"
        if "allow_join" not in claims.get("permissions", []) or claims.get("version") != 2:
            return "Token is not allowed to join"
        if claims.get("roomId", room_id) != room_id or (peer_id and claims.get("participantId", peer_id) != peer_id):
            return "Token is for another room or participant"
        return ""

    # The signalling.

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        room = self.rooms.get(query.get("roomId", ""))
        if self.switches.refuse_socket:
            raise web.HTTPException(text="as ordered") if self.switches.refuse_socket == 200 else web.HTTPForbidden()
        if room is None:
            raise web.HTTPNotFound
        if fault := self._token_fault(query.get("secret", ""), room.room_id, query.get("peerId", "")):
            self.refused.append(fault)
            raise web.HTTPUnauthorized(text=fault)
        socket = web.WebSocketResponse(protocols=("protoo",), max_msg_size=1 << 20)
        await socket.prepare(request)
        peer = Peer(room, query["peerId"], socket)
        room.peers[peer.peer_id] = peer
        try:
            async for frame in socket:
                if frame.type is not WSMsgType.TEXT:
                    continue
                message = json.loads(frame.data)
                if message.get("request"):
                    self._spawn(self._answer(peer, message))
        finally:
            if room.peers.get(peer.peer_id) is peer:
                del room.peers[peer.peer_id]
            room.left_at = time.monotonic()
            self._spawn(self._agents_leave_soon(room))
            self._spawn(peer.close(), CLOSING)  # apart from this handler, which may be cancelled
        return socket

    async def _answer(self, peer: Peer, message: Json) -> None:
        method, data = message["method"], message.get("data") or {}
        self.methods.append(method)
        if method in self.switches.silent_methods:
            return
        handle: Callable[[Peer, Json], Coroutine[Any, Any, Json]] | None = getattr(self, f"_on_{method}", None)
        reply: Json = {"response": True, "id": message["id"], "ok": handle is not None}
        if method in self.switches.garbled_methods:
            reply["data"] = {"id": 5, "peers": "none", "messages": 7, "iceParameters": []}
        elif handle is not None:
            reply["data"] = await handle(peer, data)
        if not peer.socket.closed:
            await peer.socket.send_json(reply)
        if method == "join":
            for guest in list(peer.room.guests.values()):
                await self._introduce(peer, guest)

    async def _on_getRouterRtpCapabilities(self, peer: Peer, data: Json) -> Json:  # noqa: N802
        return ROUTER_CAPABILITIES

    async def _on_createWebRtcTransport(self, peer: Peer, data: Json) -> Json:  # noqa: N802
        transport = WebRtcTransport()
        answer = await transport.open()
        peer.transports[transport.id] = transport
        if data["producing"]:
            peer.producing = transport
        else:
            peer.consuming = transport
        return answer

    async def _on_connectWebRtcTransport(self, peer: Peer, data: Json) -> Json:  # noqa: N802
        self._spawn(peer.transports[data["transportId"]].connect(data["dtlsParameters"]))
        return {}

    async def _on_requestEntry(self, peer: Peer, data: Json) -> Json:  # noqa: N802
        peer.name = data["name"]
        await peer.notify("entryResponded", {"peerId": peer.peer_id, "sessionId": secrets.token_hex(12)})
        return {}

    async def _on_join(self, peer: Peer, data: Json) -> Json:
        peer.joined = True
        peer.name = data["displayName"]
        peer.meta = data.get("metaData") or {}
        peer.room.left_at = None
        return {"peers": [guest.peer() for guest in peer.room.guests.values()], "messages": []}

    async def _on_produce(self, peer: Peer, data: Json) -> Json:
        track = await peer.transports[data["transportId"]].produce(data["kind"], data["rtpParameters"])
        peer.produced.append(data["kind"])
        if data["kind"] == "audio":
            self._spawn(listen(track, lambda: self._hearing(peer)))
        return {"id": f"{peer.peer_id}-{data['kind']}-{len(peer.produced)}"}

    async def _on_produceData(self, peer: Peer, data: Json) -> Json:  # noqa: N802
        transport = peer.transports[data["transportId"]]
        channel = transport.data_channel({**data["sctpStreamParameters"], "label": data["label"]})
        channel.on("message", peer.received.append)
        return {"id": f"{peer.peer_id}-{data['label']}"}

    async def _on_resumeConsumer(self, peer: Peer, data: Json) -> Json:  # noqa: N802
        if peer.consuming is not None and data["consumerId"] in peer.consumers:
            self._spawn(peer.consuming.resume(data["consumerId"]))
        return {}

    async def _on_pubsubSubscribe(self, peer: Peer, data: Json) -> Json:  # noqa: N802
        peer.topics.add(data["topic"])
        return {"messages": []}

    async def _on_pubsubPublish(self, peer: Peer, data: Json) -> Json:  # noqa: N802
        peer.room.published.append(data)
        for other in peer.room.peers.values():  # the sender gets its own message too
            if data["topic"] in other.topics:
                await other.notify("pubsubMessage", _pubsub(peer.peer_id, data["topic"], data["message"]))
        return {}

    async def _on_getTransportStats(self, peer: Peer, data: Json) -> Json:  # noqa: N802
        return {"recv": {"rtt": 1}}

    async def _on_closeProducer(self, peer: Peer, data: Json) -> Json:  # noqa: N802
        return {}

    # Guests and clients.

    async def _introduce(self, peer: Peer, guest: Guest) -> None:
        if peer.consuming is None or guest.peer_id in peer.entered:
            return
        peer.entered.add(guest.peer_id)
        if guest.options.announced:
            await peer.notify("newPeer", guest.peer())
        for kind, producer in guest.producers:
            consumer = f"c{secrets.token_hex(2)}-{guest.peer_id}-{kind}"
            peer.consumers[consumer] = guest.peer_id
            await peer.request(
                "newConsumer",
                {
                    "id": consumer,
                    "producerId": producer,
                    "kind": kind,
                    "rtpParameters": peer.consuming.consume(consumer, guest.track(kind)),
                    "peerId": guest.peer_id,
                    "appData": {"peerId": guest.peer_id, "encodings": [{}]},
                },
            )

    async def open_data(self, room_id: str) -> None:
        """Gives every client the unreliable data channel of a guest."""
        for peer in self.rooms[room_id].peers.values():
            if peer.consuming is None or peer.data_down is not None:
                continue
            parameters = {"streamId": 1, "ordered": False}
            peer.data_down = peer.consuming.data_channel({**parameters, "label": "unreliable_data_producer"})
            await peer.request(
                "newDataConsumer",
                {
                    "id": f"d{secrets.token_hex(2)}",
                    "dataProducerId": "data",
                    "sctpStreamParameters": parameters,
                    "label": "unreliable_data_producer",
                    "protocol": "",
                    "appData": {},
                    "peerId": "agent",
                },
            )

    async def _close_consumer(self, peer: Peer, consumer: str) -> None:
        peer.consumers.pop(consumer, None)
        await peer.notify("consumerClosed", {"consumerId": consumer})
        if peer.consuming is not None:
            await peer.consuming.close_consumer(consumer)

    def _hearing(self, peer: Peer) -> list[Guest]:
        """An agent is deaf to participants that it takes for agents."""
        if "agent" in peer.name.lower():
            return []
        return list(peer.room.guests.values())

    async def _agents_leave_soon(self, room: Room) -> None:
        left_at = room.left_at
        await asyncio.sleep(self.switches.last_left_s)
        if room.left_at == left_at and not room.peers:
            room.guests = {k: g for k, g in room.guests.items() if g.options.peer_type != "agent"}

    def _spawn(self, work: Coroutine[Any, Any, None], name: str = "room chore") -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a room's chore failed: %s", error, exc_info=error)


def _pubsub(sender: str, topic: str, message: object) -> Json:
    return {
        "id": secrets.token_hex(6),
        "topic": topic,
        "message": message,
        "senderId": sender,
        "senderName": sender,
        "timestamp": str(int(time.time() * 1000)),
        "payload": None,
    }
