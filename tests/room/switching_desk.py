"""A kiosk without screens and devices before several simulated vendors at once: who was seen, heard and listened to."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kiosk.clock import SystemClock
from kiosk.dialogue.call_settings import CallSettings
from kiosk.link_choice import LinkChoice, LinkParts
from kiosk.links.abandoned import AbandonedConnects
from kiosk.links.aired import AiredLink
from kiosk.local_persona import LocalPersona, build_persona
from kiosk.media.air import Air, Channel
from kiosk.media.frames import MicrophoneSource, PixelFormat
from kiosk.media.levels import level_dbfs
from kiosk.media.mailbox import FrameMailbox
from kiosk.media.thread import MediaThread
from kiosk.providers.contract import Grant, Provider
from kiosk.providers.http import HttpClient
from kiosk.providers.local import LocalSettings
from kiosk.providers.own_room import OwnRoom
from kiosk.providers.registry import ProviderContext, load_providers
from kiosk.session.controller import Controller
from kiosk.session.ledger import FileLedger
from kiosk.session.limits import Limits
from kiosk.session.view import Phase
from kiosk.settings import LOCAL, Settings
from kiosk.settings_check import provider_settings
from tests.fakes import FakeDevices, ProviderShelf
from tests.whole.desk import Simulator

RATE = 48_000
FRAME = 480
AUDIBLE_DBFS = -50.0
WITHIN_S = 60.0


@dataclass(slots=True)
class Chronicle:
    """What reached the one screen and loudspeaker, and whom the microphone reached, in the order in which it did.

    Every entry is the number of a channel; each kind is written by one thread.
    """

    pictures: list[int] = field(default_factory=list)
    voices: list[int] = field(default_factory=list)
    audible: set[int] = field(default_factory=set)
    # channel -> seconds of audible voice before it was on air
    unheard_s: defaultdict[int, float] = field(default_factory=lambda: defaultdict(float))
    ears: list[int] = field(default_factory=list)


def is_audible(pcm: memoryview | bytes) -> bool:
    return level_dbfs(memoryview(pcm).cast("B").cast("h")) > AUDIBLE_DBFS


class Loudspeaker:
    """A `VoiceSink` without a device, that knows who is speaking: see `Named`."""

    sample_rate = RATE
    channels = 1

    def __init__(self, chronicle: Chronicle) -> None:
        self._chronicle = chronicle
        self.speaker = 0

    def put(self, pcm: memoryview | bytes) -> None:
        self._chronicle.voices.append(self.speaker)
        if is_audible(pcm):
            self._chronicle.audible.add(self.speaker)

    def flush(self) -> None:
        """What was put in counts as played."""

    def latency_s(self) -> float:
        return 0.06


class Named:
    """A channel's voice that tells the loudspeaker whose it is. On the media thread alone, as every voice."""

    def __init__(self, channel: Channel, loudspeaker: Loudspeaker, chronicle: Chronicle) -> None:
        voice = channel.voice
        self.sample_rate, self.channels = voice.sample_rate, voice.channels
        self._voice = voice
        self._channel = channel
        self._loudspeaker = loudspeaker
        self._chronicle = chronicle

    def put(self, pcm: memoryview | bytes) -> None:
        self._loudspeaker.speaker = self._channel.number
        if not self._channel.aired and is_audible(pcm):
            self._chronicle.unheard_s[self._channel.number] += memoryview(pcm).nbytes / 2 / RATE
        self._voice.put(pcm)

    def flush(self) -> None:
        self._voice.flush()

    def latency_s(self) -> float:
        return self._voice.latency_s()


class Noted:
    """A channel's microphone that notes who was given a frame."""

    def __init__(self, microphone: MicrophoneSource, number: int, chronicle: Chronicle) -> None:
        self._microphone = microphone
        self._number = number
        self._chronicle = chronicle

    async def read(self) -> bytes:
        pcm = await self._microphone.read()
        self._chronicle.ears.append(self._number)
        return pcm


class Visitor:
    """A `MicrophoneSource` in real time: somebody who never stops talking (a tone of 300 Hz)."""

    def __init__(self) -> None:
        wave = np.sin(2 * np.pi * 300 * np.arange(FRAME) / RATE) * 8000
        self._frame = wave.astype(np.int16).tobytes()
        self._due = 0.0

    async def read(self) -> bytes:
        now = time.perf_counter()
        self._due = max(self._due + 0.01, now - 0.05)
        await asyncio.sleep(max(0.0, self._due - now))
        return self._frame


def make_provider(
    name: str, tables: Mapping[str, Any], env: Mapping[str, str], http: HttpClient, clock: SystemClock
) -> Provider:
    settings = Settings.model_validate(tables)
    context = ProviderContext(http, env, OwnRoom(settings.livekit, env, http, clock), clock)
    entry = load_providers()[name]
    return entry.create(provider_settings(settings, entry), context)


class SwitchingDesk:
    """`begin` once, then `switch_to` any number of times. `simulators` by the name of their provider."""

    def __init__(self, simulators: Mapping[str, Simulator], folder: Path, first: str, http: HttpClient) -> None:
        self.simulators = simulators
        self.chronicle = Chronicle()
        self.on_channel: dict[int, str] = {}  # number -> provider
        clock = SystemClock()
        self._persona_table = {"width": 320, "height": 240, "ears": False}
        providers = [
            make_provider(name, simulator.settings, simulator.env, http, clock)
            for name, simulator in simulators.items()
        ]
        providers.append(make_provider(LOCAL, {"providers": {LOCAL: self._persona_table}}, {}, http, clock))
        self._shelf = ProviderShelf(*providers)
        self._media = MediaThread()
        self._abandoned = AbandonedConnects()
        self._mailbox = FrameMailbox(PixelFormat.I420)
        self._loudspeaker = Loudspeaker(self.chronicle)
        air = Air(self._mailbox, self._loudspeaker, Visitor())
        self._http, self._clock = http, clock
        self._persona = self._make_persona()
        self._links = LinkChoice(air, self._parts)
        self.controller = Controller(
            providers=self._shelf,
            main=first,
            new_link=self._new_link,
            devices=FakeDevices(),
            ledger=FileLedger(folder / "ledger.json", clock),
            clock=clock,
            limits=Limits(idle_s=600.0, max_visit_s=600.0, welcome=False),
        )
        self._watching: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        self._watching = asyncio.create_task(self._watch(), name="screen")
        await self.controller.start()
        self.controller.touch()
        await self.until(lambda: self.controller.situation.phase is Phase.LIVE, "the first avatar is there")

    async def switch_to(self, provider: str) -> int:
        """Returns when the new avatar is seen and was heard; how many pictures of the old one came meanwhile."""
        before, seen = max(self.on_channel), len(self.chronicle.pictures)
        self.controller.switch(provider)
        await self.until(lambda: max(self.on_channel) > before, f"{provider} is let in")
        number = max(self.on_channel)
        await self.until(lambda: number in self.chronicle.pictures, f"{provider} is seen")
        await self.until(lambda: number in self.chronicle.audible, f"{provider} is heard")
        return self.chronicle.pictures[seen:].count(before)

    async def until(self, holds: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + WITHIN_S
        while not holds():
            assert time.monotonic() < deadline, f"did not happen in time: {what}"
            await asyncio.sleep(0.01)

    async def heard_s(self, provider: str) -> float:
        """Seconds of the visitor's voice that reached the far side so far."""
        status = await asyncio.to_thread(self.simulators[provider].status)
        return float(status["heard_loud_s"])

    async def end(self) -> None:
        await self.controller.shutdown()
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await asyncio.wrap_future(self._media.submit(self._abandoned.settle(3.0)))
        await asyncio.wrap_future(self._media.submit(self._persona.aclose()))
        await asyncio.to_thread(self._media.stop)

    def _make_persona(self) -> LocalPersona:
        env: dict[str, str] = {}
        context = ProviderContext(
            self._http, env, OwnRoom(Settings().livekit, env, self._http, self._clock), self._clock
        )
        settings = LocalSettings.model_validate(self._persona_table)
        return build_persona(settings, context, CallSettings(), None, self._loudspeaker.latency_s)

    def _new_link(self, grant: Grant) -> AiredLink:
        self._provider = grant.session.provider
        return self._links.make(grant)

    def _parts(self, channel: Channel) -> LinkParts:
        self.on_channel[channel.number] = self._provider
        # The persona takes voice and microphone from the channel itself.
        channel.voice = Named(channel, self._loudspeaker, self.chronicle)
        channel.microphone = Noted(channel.microphone, channel.number, self.chronicle)
        return LinkParts(
            self._media,
            channel.video,
            channel.voice,
            channel.microphone,
            self._abandoned,
            make_face=self._persona.face,
            visit_persona=lambda emit: self._persona.visit(emit, channel),
            make_stage_persona=self._persona.on_stage,
        )

    async def _watch(self) -> None:
        """The screen: takes what is due, as the view does."""
        while True:
            if (frame := self._mailbox.take(time.perf_counter())) is not None:
                self.chronicle.pictures.append(frame.channel)
            await asyncio.sleep(0.01)


@contextlib.contextmanager
def running(commands: Mapping[str, Sequence[str]]) -> Iterator[dict[str, Simulator]]:
    """Simulators by name, each with the arguments of its command line; all start at once."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(len(commands)) as pool:
        made = dict(zip(commands, pool.map(lambda name: Simulator(name, *commands[name]), commands), strict=True))
    try:
        yield made
    finally:
        for simulator in made.values():
            simulator.stop()


@contextlib.asynccontextmanager
async def switching_desk(simulators: Mapping[str, Simulator], folder: Path, first: str) -> AsyncIterator[SwitchingDesk]:
    async with AsyncExitStack() as ends:
        http = HttpClient()
        ends.push_async_callback(http.aclose)
        desk = SwitchingDesk(simulators, folder, first, http)
        ends.push_async_callback(desk.end)
        yield desk
