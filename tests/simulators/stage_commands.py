"""Commands with which a script provokes faults on a stage."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.livekit_server import LiveKitServer
from tests.simulators.joining import AvatarError
from tests.simulators.stage import Stage

Command = Mapping[str, Any]


class CommandError(Exception):
    """A command that nobody knows, or that cannot be carried out now."""


class StageCommands:
    """An order for avatars goes to all that perform."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._commands: dict[str, Callable[[Command], Awaitable[object]]] = {
            "freeze": self._freeze,
            "resume": self._resume,
            "flood": self._flood,
            "resize": self._resize,
            "rotate": self._rotate,
            "talk": self._talk,
            "interrupt": self._interrupt,
            "avatar_leave": self._avatar_leave,
            "avatar_join": self._avatar_join,
            "save_heard": self._save_heard,
            "kill_server": self._kill_server,
            "start_server": self._start_server,
            "pause_server": self._pause_server,
            "resume_server": self._resume_server,
        }

    async def command(self, order: Command) -> object:
        """Carries out `{"do": name, …}`. Raises `CommandError`."""
        work = self._commands.get(str(order.get("do")))
        if work is None:
            raise CommandError(f"unknown command; known are: {', '.join(sorted(self._commands))}")
        try:
            return await work(order)
        except (KeyError, TypeError, ValueError, OSError, AvatarError) as error:
            raise CommandError(f"{type(error).__name__}: {error}") from error

    async def _freeze(self, order: Command) -> None:
        for avatar in self._stage.avatars:
            avatar.freeze(sound=bool(order.get("sound", False)))

    async def _resume(self, _: Command) -> None:
        for avatar in self._stage.avatars:
            avatar.thaw()

    async def _flood(self, order: Command) -> None:
        for avatar in self._stage.avatars:
            avatar.flood(float(order.get("per_s", 50)), float(order.get("seconds", 2)))

    async def _resize(self, order: Command) -> None:
        for avatar in self._stage.avatars:
            await avatar.resize(int(order["width"]), int(order["height"]))

    async def _rotate(self, order: Command) -> None:
        for avatar in self._stage.avatars:
            avatar.rotate(int(order["degrees"]))

    async def _talk(self, order: Command) -> None:
        for avatar in self._stage.avatars:
            await avatar.say(str(order["text"]))

    async def _interrupt(self, _: Command) -> None:
        for avatar in self._stage.avatars:
            avatar.interrupt()

    async def _avatar_leave(self, _: Command) -> None:
        for avatar in self._stage.avatars:
            await avatar.leave()

    async def _avatar_join(self, _: Command) -> None:
        for avatar in self._stage.avatars:
            with suppress(AvatarError):
                await avatar.leave()
            await avatar.join()

    async def _save_heard(self, order: Command) -> dict[str, object]:
        record = self._stage.last_record()
        if record is None:
            raise CommandError("no avatar has performed yet")
        return {"seconds": record.save(Path(str(order["path"])))}

    def _own_server(self) -> LiveKitServer:
        if not isinstance(self._stage.server, LiveKitServer):
            raise CommandError("the LiveKit server is not ours")
        return self._stage.server

    async def _kill_server(self, _: Command) -> None:
        await asyncio.to_thread(self._own_server().kill)

    async def _start_server(self, _: Command) -> None:
        await asyncio.to_thread(self._own_server().restart)

    async def _pause_server(self, _: Command) -> None:
        self._own_server().pause()

    async def _resume_server(self, _: Command) -> None:
        self._own_server().resume()
