"""The ingest simulator as a vendor of `python -m tests.simulators`: its settings, its status, and faults on command."""

from __future__ import annotations

import asyncio
import json
from dataclasses import fields
from pathlib import Path

from tests.simulators import videosdk_ingest
from tests.simulators.chores import Chores
from tests.simulators.speech import SpeechMaker
from tests.simulators.stage_commands import Command, CommandError
from tests.simulators.vendors import Tables, fault_of, request_log
from tests.simulators.videosdk_ingest import IngestSimulator, Seat, Switches
from tests.simulators.videosdk_ingest_agent import Respond, RoomAgent

TRANSCRIPTS = "TRANSCRIPT"


class IngestVendor:
    """Each session brings its own agent, which greets and answers."""

    NAME = "videosdk-ingest"

    def __init__(self, greeting: str, respond: Respond) -> None:
        self._speech = SpeechMaker()
        self._greeting = greeting
        self._api = IngestSimulator(greeting=greeting, respond=respond, speech=self._speech)
        self._chores = Chores()
        self.settings: Tables = {}
        self.env = {
            "KIOSK_VIDEOSDK_API_KEY": videosdk_ingest.API_KEY,
            "KIOSK_VIDEOSDK_SECRET": videosdk_ingest.API_SECRET,
        }

    async def start(self, port: int) -> None:
        if self._greeting:  # rendered beforehand, so that the first visitor does not wait
            await asyncio.to_thread(self._speech.render, self._greeting)
        await self._api.start(port)
        table = {
            "base_url": self._api.base_url,
            "room_id": videosdk_ingest.ROOM,
            "agent": {"id": videosdk_ingest.AGENT},
            "transcript_topic": TRANSCRIPTS,
        }
        self.settings = {"session": {"provider": self.NAME}, "providers": {self.NAME: table}}

    async def stop(self) -> None:
        await self._chores.end()
        await self._api.stop()

    def status(self) -> dict[str, object]:
        seats = self._api.seats
        agents = [seat.agent for seat in seats if seat.agent is not None]
        return {
            "open_sessions": len(self._api.open_seats),
            "sessions": [
                {"id": seat.session.call_id, "open": seat.open, "stops": int(seat.stopped), "faults": seat.faults}
                for seat in seats
            ],
            "created": len(self._api.sessions),
            "refusals": self._api.refusals,
            "requests": request_log(self._api.server.requests),
            "media_sizes": sorted({size for seat in seats for size in seat.media_sizes}),
            "speaking": any(agent.voice.speaking for agent in agents),
            "answers": sum(agent.answers for agent in agents),
            "heard_s": round(sum(agent.heard.total_s for agent in agents), 2),
            "heard_loud_s": round(sum(agent.heard.loud_s for agent in agents), 2),
            "faults": [fault for seat in seats for fault in seat.chores.faults] + self._chores.faults,
        }

    async def command(self, order: Command) -> object:
        """`fail`, `heal`: calls of the API. `switch`: a switch by its name. `close` (code), `break`, `meeting_left`
        (message), `agent_leave`, `agent_join`, `talk` (text), `message` (topic, text), `flood` (per_s, seconds),
        `save_heard` (path): the open sockets."""
        api = self._api
        try:
            match order.get("do"):
                case "fail":
                    api.server.fail(str(order.get("endpoint", "*")), fault_of(order), int(order.get("times", 1)))
                case "heal":
                    api.server.heal()
                    api.switches = Switches()
                case "switch":
                    self._switch(str(order["name"]), order["value"])
                case "close":
                    await api.each(lambda seat: seat.socket.close(code=int(order.get("code", 1000))))
                case "break":
                    for seat in api.open_seats:
                        seat.abort()
                case "meeting_left":
                    said = {"message": order["message"]} if "message" in order else {}
                    await api.each(lambda seat: seat.send({"event": "meeting-left", **said}))
                case "agent_leave":
                    await api.each(api.take_agent)
                case "agent_join":
                    await api.each(api.bring_agent)
                case "talk":
                    await api.each(lambda seat: self._talk(seat, str(order["text"])))
                case "message":
                    await api.each(lambda seat: seat.send(_message(str(order["topic"]), order["text"])))
                case "flood":
                    seconds, per_s = float(order.get("seconds", 5)), float(order.get("per_s", 100))
                    for seat in api.open_seats:
                        self._chores.spawn(_flood(seat, per_s, seconds))
                case "save_heard":
                    return {"seconds": self._last_agent().heard.save(Path(str(order["path"])))}
                case _:
                    raise CommandError("unknown command")
        except (KeyError, TypeError, ValueError, OSError) as error:
            raise CommandError(f"{type(error).__name__}: {error}") from error
        return None

    def _switch(self, name: str, value: object) -> None:
        if name not in {field.name for field in fields(Switches)}:
            raise CommandError(f"no switch {name}")
        setattr(self._api.switches, name, value)

    def _last_agent(self) -> RoomAgent:
        agents = [seat.agent for seat in self._api.seats if seat.agent is not None]
        if not agents:
            raise CommandError("no agent has come yet")
        return agents[-1]

    async def _talk(self, seat: Seat, text: str) -> None:
        """Aloud, and written down on the topic of transcripts."""
        if seat.agent is not None:
            await seat.agent.say(text)
            if TRANSCRIPTS in seat.topics:
                await seat.send(_message(TRANSCRIPTS, json.dumps({"text": text, "type": "final"})))


def _message(topic: str, said: object) -> dict[str, object]:
    return {"event": "message", "topic": topic, "data": {"senderId": "host", "senderName": "Host", "message": said}}


async def _flood(seat: Seat, per_s: float, seconds: float) -> None:
    """Messages of 15 KiB, and as many binary frames."""
    for number in range(round(per_s * seconds)):
        await seat.send(_message("CHAT", f"{number} " + "x" * 15_000))
        await seat.send(bytes(15 * 1024))
        await asyncio.sleep(1 / per_s)
