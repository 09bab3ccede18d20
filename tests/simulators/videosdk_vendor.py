"""The VideoSDK simulator as a vendor of `python -m tests.simulators`: an API, a room server, and an agent with a face.

The vendor's package asks for its room over https only, so API and room speak TLS here, with a root of their own that
`env` tells the kiosk to trust.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import fields
from pathlib import Path

from tests.contract.certificates import Authority
from tests.simulators import videosdk
from tests.simulators.chores import Chores
from tests.simulators.picture_track import Gallery
from tests.simulators.speech import SpeechMaker
from tests.simulators.stage_commands import Command, CommandError
from tests.simulators.vendors import Tables, fault_of, request_log
from tests.simulators.videosdk import Switches, VideoSdkSimulator
from tests.simulators.videosdk_guest import Guest, GuestOptions
from tests.simulators.videosdk_rooms import SimulatedRooms


class VideoSdkAgentVendor:
    """Each session brings its own agent, which greets, and repeats what it hears."""

    NAME = "videosdk-agent"

    def __init__(self, options: GuestOptions, greeting: str, folder: Path) -> None:
        """`folder`: for certificates, and gone when we end."""
        self._options = options
        self._greeting = greeting
        self._authority = Authority(folder)
        self._speech = SpeechMaker()
        self._gallery = Gallery()
        self._chores = Chores()
        self._rooms = SimulatedRooms(videosdk.API_KEY, videosdk.SECRET)
        self._api = VideoSdkSimulator(
            on_room=self._rooms.create, on_agent=self._on_agent, on_end=self._on_end, on_init=self._rooms.init
        )
        self._agents: dict[str, tuple[str, Guest]] = {}
        self._all: list[Guest] = []
        self.settings: Tables = {}
        root = str(self._authority.write_root())
        self.env = {
            "KIOSK_VIDEOSDK_API_KEY": videosdk.API_KEY,
            "KIOSK_VIDEOSDK_SECRET": videosdk.SECRET,
            "SSL_CERT_FILE": root,
            "REQUESTS_CA_BUNDLE": root,
        }

    async def start(self, port: int) -> None:
        if self._greeting:  # rendered beforehand, so that the first visitor does not wait
            await asyncio.to_thread(self._speech.render, self._greeting)
        await asyncio.to_thread(self._gallery.portrait, self._options.width, self._options.height)
        await self._rooms.start(None)
        await self._api.start(port, self._authority.server_context())
        table = {"base_url": self._api.base_url, "deployment_id": videosdk.DEPLOYMENT_ID}
        self.settings = {"session": {"provider": self.NAME}, "providers": {self.NAME: table}}

    async def stop(self) -> None:
        await self._chores.end()
        await self._rooms.stop()
        await self._api.stop()

    def status(self) -> dict[str, object]:
        return {
            "open_sessions": len(self._api.open_sessions()),
            "sessions": [
                {"id": one.session_id, "open": one.ended_at is None, "status": one.status, "stops": one.ends}
                for one in self._api.sessions.values()
            ],
            "requests": request_log(self._api.server.requests),
            "visitors": sum(len(room.peers) for room in self._rooms.rooms.values()),
            "speaking": any(guest.voice.speaking for _, guest in self._agents.values()),
            "frames_sent": sum(guest.frames_sent for guest in self._all),
            "heard_s": round(sum(guest.heard.total_s for guest in self._all), 2),
            "heard_loud_s": round(sum(guest.heard.loud_s for guest in self._all), 2),
            "faults": self._chores.faults,
        }

    async def command(self, order: Command) -> object:
        """`fail`, `heal`: calls of the API. `switch`: a switch by its name. `freeze`, `resume`: the agents' tracks.
        `leave`: the agents go. `drop` (code), `cut`, `mend`: signalling and media of the rooms. `talk` (text).
        `flood` (per_s, seconds)."""
        try:
            match order.get("do"):
                case "fail":
                    self._api.fail(str(order.get("endpoint", "*")), fault_of(order), int(order.get("times", 1)))
                case "heal":
                    self._api.server.heal()
                case "switch":
                    self._switch(str(order["name"]), order["value"])
                case "freeze" | "resume" as what:
                    for _, guest in self._agents.values():
                        guest.live.set() if what == "resume" else guest.live.clear()
                case "leave":
                    for session in list(self._agents):
                        await self._on_end(session)
                case "drop":
                    for room_id in self._rooms.rooms:
                        await self._rooms.drop(room_id, code=int(order.get("code", 1006)))
                case "cut" | "mend" as what:
                    for room_id in self._rooms.rooms:
                        self._rooms.cut(room_id, cut=what == "cut")
                case "talk":
                    for room_id, guest in self._agents.values():
                        await self._say(room_id, guest, str(order["text"]))
                case "flood":
                    seconds, per_s = float(order.get("seconds", 5)), float(order.get("per_s", 100))
                    for room_id, _ in self._agents.values():
                        self._chores.spawn(self._flood(room_id, per_s, seconds))
                case _:
                    raise CommandError("unknown command")
        except (KeyError, TypeError, ValueError) as error:
            raise CommandError(f"{type(error).__name__}: {error}") from error
        return None

    def _switch(self, name: str, value: object) -> None:
        if name not in {field.name for field in fields(Switches)}:
            raise CommandError(f"no switch {name}")
        setattr(self._api.switches, name, value)

    async def _on_agent(self, session: str, room_id: str) -> None:
        guest = Guest(f"agent-{len(self._all) + 1}", self._options, self._gallery)
        self._agents[session] = (room_id, guest)
        self._all.append(guest)
        await self._rooms.enter(room_id, guest)
        self._chores.spawn(self._live(session, room_id, guest))

    async def _on_end(self, session: str) -> None:
        room_id, guest = self._agents.pop(session, ("", None))
        if guest is not None:
            await self._rooms.exit(room_id, guest)

    async def _live(self, session: str, room_id: str, guest: Guest) -> None:
        """Greets who comes, tells what it is doing, and leaves by the two timers of the vendor's agents."""
        room, switches = self._rooms.rooms[room_id], self._rooms.switches
        state, greeted, alone_since = "", False, time.monotonic()
        while session in self._agents:
            await asyncio.sleep(0.1)
            visitors = [peer for peer in room.peers.values() if peer.joined]
            now = time.monotonic()
            if visitors:
                alone_since = now
            elif now - alone_since > (switches.last_left_s if greeted else switches.no_visitor_s):
                await self._on_end(session)
                return
            if visitors and not greeted:
                greeted = True
                if self._greeting:
                    await self._say(room_id, guest, self._greeting)
            now_is = "speaking" if guest.voice.speaking else "listening"
            if visitors and now_is != state:
                state = now_is
                await self._rooms.agent_event(room_id, "agentStateChanged", {"state": state})

    async def _say(self, room_id: str, guest: Guest, text: str) -> None:
        guest.voice.say(await asyncio.to_thread(self._speech.render, text))
        stamp = str(int(time.time() * 1000))
        words = {"text": text, "peerId": guest.peer_id, "timestamp": stamp, "type": "final"}
        await self._rooms.agent_event(room_id, "agentTranscript", words)

    async def _flood(self, room_id: str, per_s: float, seconds: float) -> None:
        """Messages, and as many binary packets of 15 000 bytes."""
        await self._rooms.open_data(room_id)
        for number in range(round(per_s * seconds)):
            await self._rooms.publish(room_id, "troll", "CHAT", f"{number} " + "x" * 1500)
            self._rooms.send_data(room_id, bytes(15_000))
            await asyncio.sleep(1 / per_s)
