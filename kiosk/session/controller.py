"""Carries out what the state machine decides, and tells it what came of it.

One event at a time: whatever happens becomes an event, `step` turns it into a new state and effects, the effects are
handed to their owners (devices, links, vendor sessions), and their outcome comes back as an event. All of it runs on
one event loop, the screens' own; nothing here blocks.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from random import Random, SystemRandom

from kiosk.clock import Clock
from kiosk.links.contract import AirLink, Message
from kiosk.providers.contract import EndReason, Grant, ProviderError
from kiosk.session.alarm import Alarm
from kiosk.session.device_lane import DeviceLane
from kiosk.session.devices import Devices, DeviceState
from kiosk.session.effects import (
    CloseDevices,
    CloseLink,
    Effect,
    EndSession,
    NoteMessage,
    OpenDevices,
    OpenLink,
    PutOnAir,
    RenewGrant,
    Report,
    SendText,
    ShowWords,
    StartSession,
    StopSpeaking,
)
from kiosk.session.events import (
    Accepted,
    DevicesOpened,
    EffectFailed,
    Event,
    Interrupted,
    Left,
    Shutdown,
    Switch,
    Tick,
    Touched,
    Typed,
)
from kiosk.session.ledger import Ledger
from kiosk.session.limits import Limits
from kiosk.session.link_runs import LinkRuns
from kiosk.session.machine import step
from kiosk.session.situation import due, situation
from kiosk.session.source import Providers, source_of
from kiosk.session.state import State, wanted
from kiosk.session.tasks import TaskSet
from kiosk.session.vendor_sessions import Sleep, VendorSessions
from kiosk.session.view import Phase, Situation, SituationListener, Words, WordsListener
from kiosk.session.warm_sessions import PrewarmPlan, WarmSessions

log = logging.getLogger("kiosk.session")

HISTORY = 10_000
"""How many phases and faults are remembered for the report; a kiosk runs for months."""


class Controller:
    """One kiosk's session. Every method belongs to the thread of the loop that ran `start`."""

    def __init__(
        self,
        *,
        providers: Providers,
        main: str,
        new_link: Callable[[Grant], AirLink],
        devices: Devices,
        ledger: Ledger,
        clock: Clock,
        limits: Limits,
        fallback: str | None = None,
        prewarm: PrewarmPlan | None = None,
        rng: Random | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`main`, `fallback`: names of providers. What stands in `limits` of them counts for nothing. Raises
        `Misconfigured` where one of the two is not set up."""
        self._providers = providers
        self._limits = replace(
            limits,
            main=source_of(providers.get(main)),
            fallback=None if fallback is None else source_of(providers.get(fallback)),
        )
        self._clock = clock
        self._rng = rng or SystemRandom()
        self._tasks = TaskSet()
        self._devices = DeviceLane(devices, self._post, self._tasks, limits.close_s)
        self._links = LinkRuns(new_link, self._post, self._tasks, limits.close_s)
        self._sessions = VendorSessions(
            providers, ledger, clock, self._limits, self._rng, sleep, self._post, self._tasks
        )
        self._warm = WarmSessions(
            prewarm or PrewarmPlan(), self._sessions, clock, sleep, self._new_id, self._post, self._tasks
        )
        self._state = State()
        self._situation = situation(self._state, clock.monotonic(), self._limits)
        self._inbox: deque[Event] = deque()
        self._busy = False
        self._closed = False
        self._alarm = Alarm("session-timer", lambda: self._post(Tick()), clock, sleep, self._tasks)
        self._situation_listeners: list[SituationListener] = []
        self._words_listeners: list[WordsListener] = []
        self._states: deque[tuple[float, Phase]] = deque([(clock.monotonic(), self._state.phase)], HISTORY)
        self._errors: deque[tuple[str, str]] = deque(maxlen=HISTORY)
        self._messages = 0
        self._reconnects = 0
        self._on_air: list[str] = []
        self._topics: deque[str] = deque(maxlen=64)

    # --- what the report asks ---

    @property
    def situation(self) -> Situation:
        return self._situation

    @property
    def states(self) -> tuple[tuple[float, Phase], ...]:
        """Every phase entered: (seconds of the clock's `monotonic`, phase), oldest first."""
        return tuple(self._states)

    @property
    def errors(self) -> tuple[tuple[str, str], ...]:
        """(kind, the operator's line) of what ended or prevented a visit or left something open; healed faults do not
        stand here, only in the log."""
        return tuple(self._errors)

    @property
    def messages(self) -> int:
        """Data messages from the room that no rule of ours understands."""
        return self._messages

    @property
    def reconnects(self) -> int:
        """How often a living visit lost its link and set out to build a new one."""
        return self._reconnects

    @property
    def on_air(self) -> tuple[str, ...]:
        """The providers whose avatars were seen or heard, each once, in the order in which they first were."""
        return tuple(self._on_air)

    # --- what the screens do ---

    def subscribe(self, listener: SituationListener) -> Callable[[], None]:
        """Called at once with the present situation, then at every change. Returns the way to unsubscribe."""
        self._situation_listeners.append(listener)
        listener(self._situation)
        return lambda: self._situation_listeners.remove(listener)

    def subscribe_words(self, listener: WordsListener) -> Callable[[], None]:
        """Called with each caption, list of suggestions and card as it comes. Returns the way to unsubscribe."""
        self._words_listeners.append(listener)
        return lambda: self._words_listeners.remove(listener)

    def touch(self) -> None:
        self._post(Touched(self._warm.visit_id or self._new_id()))

    def accept(self, language: str) -> None:
        self._post(Accepted(language))

    def leave(self) -> None:
        self._post(Left())

    def type_text(self, text: str) -> None:
        self._post(Typed(text))

    def interrupt(self) -> None:
        self._post(Interrupted())

    # --- what the operator does ---

    @property
    def provider(self) -> str:
        """Whom this visit talks to, or the next one asks first."""
        return self._state.connection.source.provider or wanted(self._state, self._limits).provider

    @property
    def providers(self) -> tuple[str, ...]:
        """Names that `switch` takes. One that is not set up is refused there, with a line that says what is missing."""
        return self._providers.names

    def switch(self, provider: str) -> None:
        """This provider's avatar from now on, until the kiosk ends: in a visit it takes over with its first picture,
        else it is asked at the next visit. Returns at once; what goes wrong is one line in the log, and the present
        avatar stays."""
        try:
            chosen = self._providers.get(provider)
        except ProviderError as error:
            self._post(EffectFailed(error.kind, error.operator_line))
        else:
            self._post(Switch(source_of(chosen)))

    # --- what the application does ---

    def devices_changed(self, state: DeviceState) -> None:
        """A microphone or loudspeaker came or went; without effect while none is wanted."""
        if self._state.devices_ticket is not None:
            self._post(DevicesOpened(self._state.devices_ticket, state))

    async def start(self) -> None:
        """Before anything else. Begins to end, in the background, what an earlier run left open at a vendor."""
        self._tasks.bind()
        await self._sessions.end_orphans()
        self._look_ahead()

    async def shutdown(self, reason: EndReason = EndReason.SHUTDOWN) -> None:
        """Ends the visit and its vendor session, waits for all that is under way, at most `limits.shutdown_s`. What was
        not done by then is cancelled; the ledger remembers it."""
        if self._closed:
            return
        self._warm.stop()
        self._post(Shutdown(reason))
        self._alarm.cancel()
        if not await self._tasks.settle(self._limits.shutdown_s):
            log.warning("not all was ended within %.0f s; the next start takes it up", self._limits.shutdown_s)
        self._closed = True
        await self._tasks.cancel()

    # --- one event at a time ---

    def _post(self, event: Event) -> None:
        """Takes an event; one that comes while another is being handled waits its turn."""
        if self._closed:
            return
        self._inbox.append(event)
        if self._busy:
            return
        self._busy = True
        try:
            while self._inbox:
                self._handle(self._inbox.popleft())
        finally:
            self._busy = False

    def _handle(self, event: Event) -> None:
        now = self._clock.monotonic()
        before = self._state.phase
        self._state, effects = step(self._state, event, now, self._limits)
        if self._state.phase is not before:
            self._note_phase(before, now)
        for effect in effects:
            self._carry_out(effect)
        self._look_ahead()
        self._publish(now)
        self._arm(now)

    def _look_ahead(self) -> None:
        state = self._state
        source = None if state.stopped else wanted(state, self._limits)
        self._warm.look(state.phase, state.visit, source, self._limits.language)

    def _new_id(self) -> str:
        return f"{self._rng.getrandbits(128):032x}"

    def _note_phase(self, before: Phase, now: float) -> None:
        phase = self._state.phase
        self._states.append((now, phase))
        self._reconnects += phase is Phase.RECOVERING
        log.info("phase", extra={"before": before.value, "phase": phase.value})

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case StartSession(ticket, visit, source):
                if not self._warm.hand_over(ticket, visit, source.provider):
                    self._sessions.start(ticket, visit, source.provider)
            case RenewGrant(ticket, grant, source):
                self._sessions.renew(ticket, grant, source.provider)
            case EndSession(session, reason):
                silence = self._devices.closing
                self._sessions.end(session, reason, after={*self._links.closing, *([silence] if silence else [])})
            case OpenLink(ticket, grant):
                self._links.open(ticket, grant, after=self._devices.late)
            case PutOnAir(ticket, provider):
                self._links.put_on_air(ticket)
                self._note_on_air(provider)
            case CloseLink(ticket):
                self._links.close(ticket, after=self._devices.closing)
            case OpenDevices(ticket):
                self._devices.open(ticket)
            case CloseDevices(ticket):
                self._devices.close(ticket)
            case SendText(ticket, text):
                self._tasks.spawn(self._links.send_text(ticket, text), "send-text")
            case StopSpeaking(ticket):
                self._tasks.spawn(self._links.interrupt(ticket), "interrupt")
            case ShowWords(words):
                self._tell(self._words_listeners, words)
            case NoteMessage(message):
                self._note_message(message)
            case Report(kind, line, fatal):
                self._report(kind, line, fatal)

    def _publish(self, now: float) -> None:
        current = situation(self._state, now, self._limits)
        if current != self._situation:
            self._situation = current
            self._tell(self._situation_listeners, current)

    def _tell[T: (Situation, Words)](self, listeners: list[Callable[[T], None]], news: T) -> None:
        for listener in tuple(listeners):
            try:
                listener(news)
            except Exception:
                # A screen that fails must not keep a session open at the vendor.
                log.exception("a listener failed")

    def _note_on_air(self, provider: str) -> None:
        log.info("on air", extra={"provider": provider})
        if provider not in self._on_air:
            self._on_air.append(provider)

    def _note_message(self, message: Message) -> None:
        self._messages += 1
        level = logging.DEBUG if message.topic in self._topics else logging.INFO
        if level == logging.INFO:
            self._topics.append(message.topic)
        log.log(level, "unknown message", extra={"topic": message.topic, "size": len(message.payload)})

    def _report(self, kind: str, line: str, fatal: bool) -> None:
        log.log(logging.ERROR if fatal else logging.WARNING, "%s: %s", kind, line)
        if fatal:
            self._errors.append((kind, line))

    def _arm(self, now: float) -> None:
        self._alarm.set(None if self._state.stopped else due(self._state, now, self._limits))
