"""VideoSDK's ingest sessions, as strict as their documents: what the vendor would refuse, this refuses.

    POST /v2/ingest/sessions            a session with an address that works once
    GET  /v2/rooms/validate/{room}      does the room exist
    GET  /videosdk?ref=vs_…             the socket itself

Behind each session an agent may wait (`RoomAgent`). Where the documents are silent, a switch decides.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import secrets
import string
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import jwt
from aiohttp import WSCloseCode, WSMsgType, web

from tests.simulators.chores import Chores
from tests.simulators.speech import SpeechMaker
from tests.simulators.vendor_http import Call, Reply, VendorServer
from tests.simulators.videosdk_ingest_agent import Respond, RoomAgent

API_KEY = "c0ffee00-0000-4000-8000-00000000cafe"
API_SECRET = "simulated-project-secret-0123456789abcdef"
ROOM = "abcd-efgh-ijkl"
AGENT = "agent_123"

FRAME_S = 0.02
SILENCE = bytes(320)
HOPELESS_S = 0.25
KEPT = 2000  # entries of each record


@dataclass(slots=True)
class Switches:
    """What the documents leave open, and what goes wrong. All times in seconds."""

    accepts_prefix: bool = False
    created_status: int = 201
    unknown_room_status: int = 404
    lifetime_s: float = 90.0
    refusal: Literal[401, 403, 1008] = 401  # of an address that is unknown, used or expired
    premature_code: int = 1008  # for anything before `start`
    join_delay_s: float = 0.05
    joins: bool = True  # False: no `meeting-joined` ever
    announces_present: bool = True
    agent_comes: bool = True
    agent_delay_s: float = 0.1
    agent_marked: bool = True  # its metadata says what it is
    echoes_messages: bool = False
    sends_media: bool = True
    continuous: bool = True  # silence is sent as media too
    loss: float = 0.0  # share of media frames that are left out
    burst_s: float = 0.0  # media is gathered for so long and then sent at once
    odd: bool = False  # media of all lengths, half samples included
    reads: bool = True  # False: a far side that takes nothing


@dataclass(slots=True, eq=False)
class Session:
    """One created session. `ref` is the secret in its address."""

    ref: str
    call_id: str
    room: str
    body: dict[str, Any]
    expires: float  # time.monotonic()
    claimed: bool = False


@dataclass(slots=True, eq=False)
class Seat:
    """A client on its socket, with the agent behind it."""

    session: Session
    socket: web.WebSocketResponse
    transport: asyncio.Transport
    participant: dict[str, Any]
    chores: Chores
    agent: RoomAgent | None = None
    started: bool = False
    joined: bool = False
    stopped: bool = False  # by a frame `stop`
    open: bool = True
    close_code: int | None = None
    topics: set[str] = field(default_factory=set)
    said: list[dict[str, Any]] = field(default_factory=list)  # all but media
    media_sizes: list[int] = field(default_factory=list)
    media_at: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)  # what the client did wrong

    async def send(self, frame: object) -> None:
        """A frame as JSON, or as it is where it is text or bytes already. A socket that is gone swallows it."""
        if self.socket.closed:
            return
        try:
            if isinstance(frame, bytes):
                await self.socket.send_bytes(frame)
            else:
                await self.socket.send_str(frame if isinstance(frame, str) else json.dumps(frame))
        except (ConnectionError, RuntimeError):
            self.open = False

    def abort(self) -> None:
        """The connection breaks without a close frame (1006 at the other end)."""
        self.transport.abort()


class IngestSimulator:
    """Switches are plain attributes; faults of single calls go through `server.fail(endpoint, Fault(...))`.

    Endpoints: create, validate. `seats` holds every socket that was opened, the newest last.
    """

    def __init__(
        self, *, greeting: str = "", respond: Respond = "echo", speech: SpeechMaker | None = None, seed: int = 1
    ) -> None:
        self.switches = Switches()
        self.server = VendorServer()
        self.rooms = {ROOM}
        self.agents = {AGENT}
        self.present: list[dict[str, Any]] = []  # who is in every room before the client comes
        self.sessions: dict[str, Session] = {}
        self.seats: list[Seat] = []
        self.refusals: list[str] = []  # why sockets were refused
        self._greeting = greeting
        self._respond: Respond = respond
        self._speech = speech or SpeechMaker()
        self._random = random.Random(seed)
        self._changed = asyncio.Event()
        self.server.route("POST", "/v2/ingest/sessions", "create", self._create)
        self.server.route("GET", "/v2/rooms/validate/{room}", "validate", self._validate)
        self.server.route_raw("/videosdk", self._serve)

    @property
    def base_url(self) -> str:
        return self.server.base_url

    @property
    def open_seats(self) -> list[Seat]:
        return [seat for seat in self.seats if seat.open]

    def token(self, **claims: Any) -> str:
        """A token as the vendor's guide mints it; `claims` change it, None takes one out."""
        now = int(time.time())
        whole = {"apikey": API_KEY, "permissions": ["allow_join"], "version": 2, "iat": now, "exp": now + 600, **claims}
        return jwt.encode({k: v for k, v in whole.items() if v is not None}, API_SECRET, algorithm="HS256")

    async def start(self, port: int = 0) -> str:
        await self.server.start(port)
        return self.base_url

    async def stop(self) -> None:
        for seat in self.seats:
            await seat.chores.end()
            if seat.open:
                seat.abort()
        await self.server.stop()

    async def seat(self, number: int = 1, *, joined: bool = True, within_s: float = 30.0) -> Seat:
        """Waits for the n-th socket, and that its room is joined."""
        async with asyncio.timeout(within_s):
            while len(self.seats) < number or (joined and not self.seats[number - 1].joined):
                self._changed.clear()
                await self._changed.wait()
        return self.seats[number - 1]

    # --- the API ---

    def _refused(self, call: Call) -> Reply | None:
        token = call.headers.get("Authorization", "")
        if self.switches.accepts_prefix:
            token = token.removeprefix("Bearer ")
        if not token:
            return Reply(401, {"message": "Token is missing"})
        try:
            claims = jwt.decode(token, API_SECRET, algorithms=["HS256"])
        except jwt.InvalidTokenError:
            return Reply(401, {"message": "Token is expired or invalid"})
        if claims.get("apikey") != API_KEY or claims.get("version") != 2 or not claims.get("permissions"):
            return Reply(401, {"message": "Token is expired or invalid"})
        roles = claims.get("roles")
        if roles and "crawler" not in roles:
            return Reply(403, {"message": "The token has no access to this resource"})
        return None

    async def _create(self, call: Call) -> Reply:
        if refused := self._refused(call):
            return refused
        if not call.headers.get("Content-Type", "").startswith("application/json"):
            return Reply(415, {"message": "Content-Type must be application/json"})
        if fault := _fault_of_create(call.body):
            return Reply(400, {"message": fault})
        body = call.body
        if body["roomId"] not in self.rooms:
            return Reply(self.switches.unknown_room_status, {"message": "Room not found"})
        if "agent" in body and body["agent"]["id"] not in self.agents:
            return Reply(404, {"message": "Agent not found"})
        ref = "vs_" + "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(20))
        lifetime_s = self.switches.lifetime_s
        session = Session(ref, str(uuid.uuid4()), body["roomId"], body, time.monotonic() + lifetime_s)
        self.sessions[ref] = session
        address = f"ws://{self.base_url.partition('://')[2]}/videosdk?ref={ref}"
        data = {"wsUrl": address, "callId": session.call_id, "expiresIn": round(lifetime_s) or 1}
        return Reply(self.switches.created_status, {"message": "Ingest session created", "data": data})

    async def _validate(self, call: Call) -> Reply:
        if refused := self._refused(call):
            return refused
        room = call.params["room"]
        if room not in self.rooms:
            return Reply(self.switches.unknown_room_status, {"message": "Room not found"})
        return Reply(200, {"roomId": room, "disabled": False, "id": "65f0"})

    # --- the socket ---

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        session = self.sessions.get(request.query.get("ref", ""))
        why = ""
        if session is None:
            why = "unknown"
        elif session.claimed:
            why = "used"
        elif time.monotonic() > session.expires:
            why = "expired"
        if why or session is None:
            self.refusals.append(why)
            if self.switches.refusal != 1008:
                return web.Response(status=self.switches.refusal)
            refusing = web.WebSocketResponse()
            await refusing.prepare(request)
            await refusing.close(code=WSCloseCode.POLICY_VIOLATION, message=b"invalid ref")
            return refusing
        session.claimed = True
        socket = web.WebSocketResponse(timeout=0.5, max_msg_size=1 << 20)
        await socket.prepare(request)
        assert isinstance(request.transport, asyncio.Transport)
        asked = session.body.get("participant", {})
        participant = {
            "id": asked.get("id") or f"p-{secrets.token_hex(4)}",
            "name": asked.get("name", "Socket Participant"),
            "metadata": asked.get("metadata", {}),
        }
        seat = Seat(session, socket, request.transport, participant, Chores())
        self.seats.append(seat)
        self._changed.set()
        try:
            await self._attend(seat)
        finally:
            seat.open = False
            seat.close_code = socket.close_code
            for other in self._others(seat):  # by a task of theirs: this one may be cancelled with its connection
                other.chores.spawn(other.send({"event": "participant-left", "participant": seat.participant}))
            await seat.chores.end()
        return socket

    async def _attend(self, seat: Seat) -> None:
        while True:
            while not self.switches.reads and not seat.socket.closed:  # noqa: ASYNC110 - a plain attribute decides
                await asyncio.sleep(0.05)
            frame = await seat.socket.receive()
            if frame.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
                return
            if frame.type is WSMsgType.BINARY:
                seat.faults.append("binary frame")
                continue
            try:
                said = json.loads(frame.data)
            except ValueError:
                said = None
            if not isinstance(said, dict) or not isinstance(said.get("event"), str):
                seat.faults.append("no JSON object with an event")
                continue
            if not seat.started and said["event"] != "start":
                seat.faults.append(f"{said['event']} before start")
                await seat.socket.close(code=self.switches.premature_code, message=b"start expected")
                return
            await self._obey(seat, said)

    async def _obey(self, seat: Seat, said: dict[str, Any]) -> None:
        if said["event"] != "media":
            seat.said = [*seat.said[1 - KEPT :], said]
        match said["event"]:
            case "start":
                if not seat.started:
                    seat.started = True
                    seat.chores.spawn(self._join(seat))
            case "media":
                await self._hear(seat, said.get("payload"))
            case "subscribe" | "unsubscribe" as order:
                topic = said.get("topic")
                if not isinstance(topic, str) or not topic:
                    await self._complain(seat, f"{order} without a topic")
                elif order == "subscribe":
                    seat.topics.add(topic)
                else:
                    seat.topics.discard(topic)
            case "message":
                await self._publish(seat, said.get("topic"), said.get("data"))
            case "stop":
                seat.stopped = True
                await seat.socket.close(code=1000)
            case event:
                await self._complain(seat, f"unknown event {event}")

    async def _hear(self, seat: Seat, payload: object) -> None:
        try:
            pcm = base64.b64decode(payload, validate=True) if isinstance(payload, str) else b""
        except ValueError:
            pcm = b""
        if not pcm or len(pcm) % 2:
            await self._complain(seat, "media is not base64 of an even number of bytes")
            return
        if len(pcm) != 320:
            seat.faults.append(f"media of {len(pcm)} bytes")
        seat.media_sizes = [*seat.media_sizes[1 - KEPT :], len(pcm)]
        seat.media_at = [*seat.media_at[1 - KEPT :], time.monotonic()]
        if seat.agent is not None:
            seat.agent.hear(pcm)

    async def _publish(self, seat: Seat, topic: object, data: object) -> None:
        if not isinstance(topic, str) or not isinstance(data, str):
            await self._complain(seat, "message needs topic and data as texts")
            return
        who = {"senderId": seat.participant["id"], "senderName": seat.participant["name"], "message": data}
        frame = {"event": "message", "topic": topic, "data": who}
        for other in [*self._others(seat), *([seat] if self.switches.echoes_messages else [])]:
            if topic in other.topics:
                await other.send(frame)
        if seat.agent is not None and topic == "CHAT":
            await seat.agent.say(f"You wrote: {data}")

    async def _complain(self, seat: Seat, why: str) -> None:
        seat.faults.append(why)
        await seat.send({"event": "error", "error": why})

    def _others(self, seat: Seat) -> list[Seat]:
        return [one for one in self.open_seats if one is not seat and one.session.room == seat.session.room]

    # --- the room ---

    async def _join(self, seat: Seat) -> None:
        await asyncio.sleep(self.switches.join_delay_s)
        if not self.switches.joins:
            return
        await seat.send({"event": "meeting-joined", "roomId": seat.session.room, "sessionId": seat.session.call_id})
        seat.joined = True
        self._changed.set()
        others = self._others(seat)
        if self.switches.announces_present:
            for person in [*self.present, *(other.participant for other in others)]:
                await seat.send({"event": "participant-joined", "participant": person})
        for other in others:
            await other.send({"event": "participant-joined", "participant": seat.participant})
        if self.switches.sends_media:
            seat.chores.spawn(self._speak(seat))
        if "agent" in seat.session.body and self.switches.agent_comes:
            await asyncio.sleep(self.switches.agent_delay_s)
            await self.bring_agent(seat)

    async def bring_agent(self, seat: Seat) -> None:
        await seat.send({"event": "participant-joined", "participant": self._agent_of(seat)})
        seat.agent = RoomAgent(self._speech, seat.chores, greeting=self._greeting, respond=self._respond)
        seat.agent.greet()

    async def take_agent(self, seat: Seat) -> None:
        seat.agent = None
        await seat.send({"event": "participant-left", "participant": self._agent_of(seat)})

    def _agent_of(self, seat: Seat) -> dict[str, Any]:
        asked = seat.session.body.get("agent", {"id": AGENT})
        marks = {"agent_id": asked["id"], "agent_name": "Anna", "is_videosdk_agent": True}
        return {
            "id": f"peer-{asked['id']}",
            "name": "Anna",
            "metadata": marks if self.switches.agent_marked else {},
        }

    async def _speak(self, seat: Seat) -> None:
        """The room's sound to one client, in real time."""
        due = time.monotonic()
        gathered: list[bytes] = []
        while seat.open:
            due += FRAME_S
            wait = due - time.monotonic()
            if wait < -HOPELESS_S:
                due = time.monotonic()
            await asyncio.sleep(max(0.0, wait))
            speaking = seat.agent is not None and seat.agent.voice.speaking
            frame = seat.agent.next_frame() if seat.agent is not None else SILENCE
            if not speaking and not self.switches.continuous and not any(frame):
                continue
            if self._random.random() < self.switches.loss:
                continue
            gathered.append(frame)
            if len(gathered) * FRAME_S < self.switches.burst_s:
                continue
            for piece in self._cut(b"".join(gathered)) if self.switches.odd else gathered:
                await seat.send({"event": "media", "payload": base64.b64encode(piece).decode()})
            gathered = []

    def _cut(self, pcm: bytes) -> list[bytes]:
        """Whole samples to the listener, and here and there half a one more, which is to be ignored."""
        pieces = []
        while pcm:
            size = 2 * self._random.randint(1, 400)
            piece, pcm = pcm[:size], pcm[size:]
            pieces.append(piece + (b"\x55" if self._random.random() < 0.5 else b""))
        return pieces

    async def each(self, act: Callable[[Seat], Any]) -> None:
        """`act` for every open seat."""
        for seat in self.open_seats:
            await act(seat)


def _fault_of_create(body: object) -> str:
    if not isinstance(body, dict):
        return "The body must be a JSON object"
    if not isinstance(body.get("roomId"), str) or not body["roomId"]:
        return "roomId is required"
    if unknown := set(body) - {"roomId", "participant", "agent", "region"}:
        return f"unknown field {min(unknown)}"
    for name in ("participant", "agent"):
        part = body.get(name, {})
        if not isinstance(part, dict):
            return f"{name} must be an object"
        if not isinstance(part.get("metadata", {}), dict):
            return f"{name}.metadata must be an object"
    participant = body.get("participant", {})
    if not all(isinstance(participant.get(key, ""), str) for key in ("id", "name")):
        return "participant.id and participant.name must be strings"
    if "agent" in body and not (isinstance(body["agent"].get("id"), str) and body["agent"]["id"]):
        return "agent.id is required"
    if not isinstance(body.get("region", ""), str):
        return "region must be a string"
    return ""
