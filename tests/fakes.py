"""Scripted stand-ins for what the session talks to: they keep the contracts of kiosk/, and a diary of every call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace

from kiosk.links.contract import FirstFrame, Joined, LinkError, LinkEvent, Lost, Message
from kiosk.media.statistics import NetworkStatistics
from kiosk.providers.contract import (
    Capabilities,
    EndReason,
    Grant,
    LiveKitGrant,
    Misconfigured,
    Provider,
    ProviderError,
    SessionRef,
    Visit,
)
from kiosk.session.devices import DeviceState

Diary = list[str]
"""What happened, in order, in one word or two: "link open 1", "session end s1"."""


@dataclass
class FakeProvider:
    """Starts sessions s1, s2, …; each list of errors is used up, one a call, before calls succeed (None: succeed)."""

    diary: Diary = field(default_factory=list)
    name: str = "fake"
    capabilities: Capabilities = field(default_factory=lambda: Capabilities(hosted_dialogue=True, interrupts=True))
    start_errors: list[ProviderError | None] = field(default_factory=list)
    end_errors: list[ProviderError | None] = field(default_factory=list)
    renew_errors: list[ProviderError | None] = field(default_factory=list)
    start_s: float = 0.1
    end_s: float = 0.1
    max_duration_s: float | None = None
    open_sessions: set[str] = field(default_factory=set)
    ended: list[tuple[str | None, EndReason]] = field(default_factory=list)
    starts: int = 0

    async def start(self, visit: Visit) -> Grant:
        self.starts += 1
        session = SessionRef(self.name, visit.id, f"{self.name}-s{self.starts}", 1_800_000_000.0)
        token = f"token-{self.starts}"
        self.diary.append("session start")
        try:
            await asyncio.sleep(self.start_s)
        except asyncio.CancelledError:
            self.diary.append("start cancelled")
            raise
        if self.start_errors and (error := self.start_errors.pop(0)) is not None:
            if error.session is not None and error.session.session_id is not None:
                self.open_sessions.add(error.session.session_id)
            raise error
        assert session.session_id is not None
        self.open_sessions.add(session.session_id)
        return LiveKitGrant(session, "wss://example.test", token, max_duration_s=self.max_duration_s)

    async def renew(self, grant: Grant) -> Grant:
        self.diary.append("renew")
        await asyncio.sleep(0.1)
        if self.renew_errors and (error := self.renew_errors.pop(0)) is not None:
            raise error
        assert isinstance(grant, LiveKitGrant)
        return replace(grant, token=f"{grant.token}+")

    async def end(self, session: SessionRef, reason: EndReason) -> None:
        await asyncio.sleep(self.end_s)
        if self.end_errors and (error := self.end_errors.pop(0)) is not None:
            self.diary.append("end failed")
            raise error
        self.diary.append(f"session end {session.session_id}")
        self.ended.append((session.session_id, reason))
        if session.session_id is not None:
            self.open_sessions.remove(session.session_id)

    async def say(self, session: SessionRef, text: str) -> None:
        raise AssertionError("typed text is not spoken word for word")

    async def check(self) -> str:
        return "fine"

    async def aclose(self) -> None:
        return None


class ProviderShelf:
    """The providers that a test put there; a name in `unset` is known, and not set up."""

    def __init__(self, *providers: Provider, unset: tuple[str, ...] = ()) -> None:
        self._made = {provider.name: provider for provider in providers}
        self._unset = unset

    @property
    def names(self) -> tuple[str, ...]:
        return (*self._made, *self._unset)

    def get(self, name: str) -> Provider:
        if name not in self._made:
            raise Misconfigured(f"provider {name} is not set up")
        return self._made[name]


class FakeLink:
    """Joins after `open_s` seconds and shows a first frame at once unless `frame` is False."""

    def __init__(
        self, number: int, diary: Diary, *, open_s: float = 0.2, error: Lost | None = None, frame: bool = True
    ) -> None:
        self.number = number
        self.sent: list[str] = []
        self.interrupted = 0
        self.is_open = False
        self.closes = 0
        self.grant: Grant | None = None
        self._diary = diary
        self._open_s = open_s
        self._error = error
        self._frame = frame
        self._events: asyncio.Queue[LinkEvent | None] = asyncio.Queue()

    def emit(self, event: LinkEvent) -> None:
        self._events.put_nowait(event)

    async def open(self, grant: Grant) -> None:
        self.grant = grant
        self._diary.append(f"link open {self.number}")
        await asyncio.sleep(self._open_s)
        if self._error is not None:
            raise LinkError(self._error)
        self.is_open = True
        self.emit(Joined())
        if self._frame:
            self.emit(FirstFrame(640, 480))

    def take_the_air(self) -> None:
        self._diary.append(f"on air {self.number}")

    async def close(self) -> None:
        await asyncio.sleep(0.05)
        self.closes += 1
        self._diary.append(f"link closed {self.number}")
        self.is_open = False
        self._events.put_nowait(None)

    async def events(self) -> AsyncIterator[LinkEvent]:
        while (event := await self._events.get()) is not None:
            yield event
            if isinstance(event, Lost):
                return

    async def send_text(self, text: str) -> None:
        self.sent.append(text)

    async def send_message(self, message: Message) -> None:
        raise AssertionError("the session sends no messages")

    async def speak(self, pcm: bytes, sample_rate: int) -> None:
        raise AssertionError("the session does not speak")

    async def interrupt(self) -> None:
        self.interrupted += 1

    async def network(self) -> NetworkStatistics | None:
        return None


@dataclass
class FakeDevices:
    diary: Diary = field(default_factory=list)
    state: DeviceState = field(default_factory=lambda: DeviceState(microphone=True, speaker=True))
    open_s: float = 0.05
    error: Exception | None = None
    is_open: bool = False

    async def open(self) -> DeviceState:
        await asyncio.sleep(self.open_s)
        if self.error is not None:
            raise self.error
        self.is_open = True
        self.diary.append("devices open")
        return self.state

    async def close(self) -> None:
        await asyncio.sleep(0.05)
        self.is_open = False
        self.diary.append("devices closed")


class LinkFactory:
    """Makes numbered links; `script[n]` makes the n-th (from 1), any other is an ordinary one."""

    def __init__(self, diary: Diary) -> None:
        self.made: list[FakeLink] = []
        self.script: dict[int, Callable[[int, Diary], FakeLink]] = {}
        self._diary = diary

    def __call__(self, grant: Grant) -> FakeLink:
        assert sum(link.is_open for link in self.made) <= 1, "a third link beside two open ones"
        number = len(self.made) + 1
        link = self.script.get(number, FakeLink)(number, self._diary)
        self.made.append(link)
        return link
