"""Where the simulated avatars of a vendor perform: one per session, each in its own room, steered by commands."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TextIO

from tests.livekit_server import LiveKitServer, ParticipantKind, participant_token
from tests.simulators.agent import SimulatedAgent
from tests.simulators.avatar import AvatarOptions, OnWords, SimulatedAvatar
from tests.simulators.hearing import HeardRecord
from tests.simulators.joining import AvatarError
from tests.simulators.picture_track import Gallery
from tests.simulators.speech import SpeechMaker

logger = logging.getLogger("simulator.stage")


class RoomServer(Protocol):
    """A LiveKit server, ours or another one."""

    @property
    def key(self) -> str: ...

    @property
    def secret(self) -> str: ...

    @property
    def url(self) -> str: ...

    def token(self, identity: str, room: str, **grants: Any) -> str: ...


@dataclass(frozen=True, slots=True)
class ForeignServer:
    """A LiveKit server that somebody else runs."""

    url: str
    key: str
    secret: str = field(repr=False)

    def token(self, identity: str, room: str, *, kind: ParticipantKind = "standard", **grants: Any) -> str:
        return participant_token(self.key, self.secret, identity, room, kind=kind, **grants)


class JsonLog:
    """JSON lines into a file; without a file they are dropped."""

    def __init__(self, file: TextIO | None) -> None:
        self._file = file

    def __call__(self, entry: Mapping[str, object]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(entry) + "\n")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


@dataclass(slots=True)
class Performance:
    avatar: SimulatedAvatar
    joined: asyncio.Task[None]
    agent: SimulatedAgent | None = None
    ended: bool = False


class Stage:
    """Brings avatars into rooms and takes them away. Everything happens on one loop."""

    def __init__(self, server: RoomServer, options: AvatarOptions, *, caption: str = "", log: JsonLog) -> None:
        self.server = server
        self._options = options
        self._log = log
        self._gallery = Gallery(caption)
        self.speech = SpeechMaker()
        self._shows: dict[str, Performance] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def avatars(self) -> list[SimulatedAvatar]:
        """Those that perform now, the oldest first."""
        return [show.avatar for show in self._shows.values() if not show.ended]

    @property
    def short_side(self) -> int:
        """Of the pictures that were asked for, in pixels."""
        return min(self._options.picture.width, self._options.picture.height)

    @property
    def heard_s(self) -> float:
        """Seconds of sound that reached all avatars so far, silence included."""
        return sum(record.total_s for record in self._records())

    @property
    def heard_loud_s(self) -> float:
        return sum(record.loud_s for record in self._records())

    async def prepare(self, greeting: str) -> None:
        """Draws the portrait and renders the greeting, so that the first session is quick."""
        await asyncio.to_thread(self._gallery.portrait, self._options.picture.width, self._options.picture.height)
        if greeting:
            await asyncio.to_thread(self.speech.render, greeting)

    async def enter(
        self,
        session: str,
        url: str,
        token: str,
        *,
        size: tuple[int, int] | None = None,
        greeting: str = "",
        on_alone: Callable[[], None] | None = None,
        on_words: OnWords | None = None,
    ) -> SimulatedAvatar:
        """An avatar begins to join; returns at once, as a vendor's start call does."""
        options = replace(self._options, greeting=greeting)
        if size is not None:
            options = replace(options, picture=replace(options.picture, width=size[0], height=size[1]))
        avatar = SimulatedAvatar(
            url,
            token,
            options,
            speech=self.speech,
            gallery=self._gallery,
            log=self._log,
            on_alone=on_alone,
            on_words=on_words,
        )
        self._shows[session] = Performance(avatar, self._spawn(self._join(avatar)))
        return avatar

    async def enter_agent(self, session: str, url: str, token: str, worker: str, *, greeting: str = "") -> None:
        """An agent joins the room of a session and speaks through the avatar `worker`."""
        agent = SimulatedAgent(url, token, worker, greeting=greeting, speech=self.speech)
        self._shows[session].agent = agent
        self._spawn(self._join(agent))

    async def entered(self, session: str) -> None:
        """Waits until the avatar of a session has joined. Raises `AvatarError` where it could not."""
        show = self._shows[session]
        await asyncio.wait({show.joined})
        if not show.avatar.connected:
            raise AvatarError("the avatar could not join its room")

    async def say(self, session: str, text: str) -> None:
        """The avatar of a session speaks a text as soon as it can be heard."""
        show = self._shows.get(session)
        if show is not None and not show.ended:
            self._spawn(self._say(show, text))

    async def exit(self, session: str) -> None:
        """The avatar of a session leaves its room. Idempotent."""
        show = self._shows.get(session)
        if show is None or show.ended:
            return
        show.ended = True
        await asyncio.gather(show.joined, return_exceptions=True)
        if show.agent is not None:
            await show.agent.leave()
        await show.avatar.leave()

    async def close(self) -> None:
        for session in list(self._shows):
            await self.exit(session)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def status(self) -> dict[str, object]:
        now = time.monotonic()
        return {
            "avatars": sum(avatar.connected for avatar in self.avatars),
            "performances": len(self._shows),
            "frames_sent": sum(avatar.frames_sent for avatar in self.avatars),
            "answers": sum(show.avatar.answers for show in self._shows.values()),
            "utterances": [
                {"seconds": round(len(samples) / 48_000, 2), "ago_s": round(now - at, 2)}
                for show in self._shows.values()
                for at, samples in show.avatar.utterances
            ],
            "heard_s": round(self.heard_s, 2),
            "heard_loud_s": round(self.heard_loud_s, 2),
            "speaking": any(avatar.voice.speaking for avatar in self.avatars),
            "segments": sum(avatar.inbox.segments for avatar in self.avatars if avatar.connected),
            "clears": sum(avatar.inbox.clears for avatar in self.avatars if avatar.connected),
            "faults": [fault for show in self._shows.values() for fault in show.avatar.faults],
            "server_running": self.server.running if isinstance(self.server, LiveKitServer) else None,
        }

    def last_record(self) -> HeardRecord | None:
        """What was heard in the latest session, also after its end; None where there was none."""
        shows = list(self._shows.values())
        if not shows:
            return None
        return shows[-1].agent.heard if shows[-1].agent is not None else shows[-1].avatar.heard

    def _records(self) -> list[HeardRecord]:
        shows = self._shows.values()
        return [show.avatar.heard for show in shows] + [show.agent.heard for show in shows if show.agent is not None]

    async def _join(self, participant: SimulatedAvatar | SimulatedAgent) -> None:
        try:
            await participant.join()
        except AvatarError as error:
            logger.error("%s", error)

    async def _say(self, show: Performance, text: str) -> None:
        await asyncio.wait({show.joined})
        if show.avatar.connected:
            show.avatar.say_when_audible(text)

    def _spawn(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
