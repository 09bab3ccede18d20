"""LiveAvatar wired to the stage: the vendor's own room, an avatar in it, and an agent that takes commands there."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from livekit import api

from tests.simulators.joining import AvatarError
from tests.simulators.liveavatar import AVATAR_ID, CONTEXT_ID, IDENTITY, LiveAvatarSimulator, SimulatedSession
from tests.simulators.liveavatar_events import LiveAvatarAgent
from tests.simulators.stage import Stage
from tests.simulators.stage_commands import Command, StageCommands
from tests.simulators.vendors import Tables, fault_of, request_log

LAST_WORD_S = 0.3  # so long it has to arrive: a message still on its way is lost with the room


class LiveAvatarVendor:
    """The avatar opens with the greeting, as the context's opening text would have it, and answers what it hears."""

    NAME = "liveavatar"

    def __init__(self, stage: Stage, greeting: str) -> None:
        self._stage = stage
        self._orders = StageCommands(stage)
        self._greeting = greeting
        self._api = LiveAvatarSimulator(stage.server, on_start=self._on_start, on_stop=self._on_stop)
        self._agents: dict[str, LiveAvatarAgent] = {}
        self.settings: Tables = {}
        self.env = {"KIOSK_LIVEAVATAR_API_KEY": self._api.api_key}

    async def start(self, port: int) -> None:
        await self._api.start(port)
        table = {"base_url": self._api.base_url, "avatar_id": AVATAR_ID, "context_id": CONTEXT_ID}
        self.settings = {"session": {"provider": self.NAME}, "providers": {self.NAME: table}}

    async def stop(self) -> None:
        await self._api.stop()
        for session in self._api.open_sessions():
            await self._agents[session.session_id].leave("SERVER_ERROR")

    @property
    def speaking(self) -> bool:
        return any(avatar.voice.speaking for avatar in self._stage.avatars)

    def status(self) -> dict[str, object]:
        agents = list(self._agents.values())
        return {
            "open_sessions": len(self._api.open_sessions()),
            "sessions": [
                {"id": s.session_id, "open": s.open, "end_reason": s.end_reason, "stops": s.stops}
                for s in self._api.sessions.values()
            ],
            "requests": request_log(self._api.requests),
            "commands": [command for agent in agents for command in agent.commands],
            "misunderstood": [fault for agent in agents for fault in agent.faults],
        }

    async def command(self, order: Command) -> object:
        """`fail` (endpoint, times, a fault's fields), `heal`, `expire` (all sessions; reason), `announce` (reason).

        An expiry is announced, and the room is closed a moment later; else it is the stage's command.
        """
        match order.get("do"):
            case "fail":
                self._api.fail(str(order.get("endpoint", "*")), fault_of(order), int(order.get("times", 1)))
            case "heal":
                self._api.heal()
            case "expire":
                for session in self._api.open_sessions():
                    reason = str(order.get("reason", "MAX_DURATION_REACHED"))
                    await self._api.end_from_outside(session.session_id, reason)
            case "announce":
                for session in self._api.open_sessions():
                    await self._agents[session.session_id].announce(str(order["reason"]))
            case _:
                return await self._orders.command(order)
        return None

    async def _on_start(self, session: SimulatedSession) -> None:
        """Returns when avatar and agent are in the room: so long the vendor does not answer either."""
        server, session_id = self._stage.server, session.session_id
        token = server.token(IDENTITY, session.room)
        avatar = await self._stage.enter(
            session_id,
            server.url,
            token,
            greeting=self._greeting,
            on_words=lambda by_avatar, text: self._agents[session_id].words(by_avatar, text),
        )
        agent = self._agents[session_id] = LiveAvatarAgent(avatar, session_id)
        with suppress(AvatarError):  # the stage has told why
            await self._stage.entered(session_id)
            agent.attend()

    async def _on_stop(self, session: SimulatedSession, reason: str) -> None:
        """As documented: the agent says why, the avatar leaves, and the room is closed behind everybody."""
        await self._agents[session.session_id].leave(reason)
        await asyncio.sleep(LAST_WORD_S)
        await self._stage.exit(session.session_id)
        server = self._stage.server
        async with api.LiveKitAPI(server.url.replace("ws", "http", 1), server.key, server.secret) as rooms:
            try:
                await rooms.room.delete_room(api.DeleteRoomRequest(room=session.room))
            except api.TwirpError as error:
                if error.code != api.TwirpErrorCode.NOT_FOUND:  # it may be gone already, with the last participant
                    raise
