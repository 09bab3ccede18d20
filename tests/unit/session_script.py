"""Drives the pure machine by hand: sends events, keeps the effects, knows the time."""

from __future__ import annotations

from dataclasses import dataclass, field

from kiosk.links.contract import FirstFrame, LinkEvent
from kiosk.providers.contract import Capabilities, Grant, LiveKitGrant, SessionRef
from kiosk.session.devices import DeviceState
from kiosk.session.effects import Effect, OpenDevices, OpenLink, StartSession
from kiosk.session.events import (
    Accepted,
    DevicesOpened,
    Event,
    FromLink,
    LinkOpened,
    SessionStarted,
    Tick,
    Touched,
)
from kiosk.session.limits import Limits
from kiosk.session.machine import step
from kiosk.session.situation import due, situation
from kiosk.session.source import Source
from kiosk.session.state import State
from kiosk.session.view import Phase, Situation

HOSTED = Source("fake", Capabilities(hosted_dialogue=True, interrupts=True))


def grant(number: int = 1, *, visit_id: str = "visit", max_duration_s: float | None = None) -> Grant:
    session = SessionRef("fake", visit_id, f"s{number}", 0.0)
    return LiveKitGrant(session, "wss://example.test", "token", max_duration_s=max_duration_s)


@dataclass
class Script:
    limits: Limits = field(default_factory=lambda: Limits(main=HOSTED))
    state: State = field(default_factory=State)
    now: float = 1000.0
    effects: list[Effect] = field(default_factory=list)

    def send(self, *events: Event) -> tuple[Effect, ...]:
        """The effects of these events alone; `effects` keeps all."""
        begun = len(self.effects)
        for event in events:
            self.state, effects = step(self.state, event, self.now, self.limits)
            self.effects.extend(effects)
        return tuple(self.effects[begun:])

    def wait(self, seconds: float) -> tuple[Effect, ...]:
        """Lets time pass, with a tick whenever the state says that one is due."""
        begun = len(self.effects)
        until = self.now + seconds
        for _ in range(10_000):
            at = due(self.state, self.now, self.limits)
            if at is None or at > until:
                break
            self.now = max(self.now + 0.001, at)
            self.send(Tick())
        else:
            raise AssertionError("ticks without end")
        self.now = max(self.now, until)
        return tuple(self.effects[begun:])

    def last[E: Effect](self, kind: type[E]) -> E:
        return next(effect for effect in reversed(self.effects) if isinstance(effect, kind))

    def link(self, event: LinkEvent) -> tuple[Effect, ...]:
        """What the current link reports."""
        return self.send(FromLink(self.last(OpenLink).ticket, event))

    def phase(self) -> Phase:
        return self.state.phase

    def seen(self) -> Situation:
        """What the screens are told."""
        return situation(self.state, self.now, self.limits)

    # --- ways to a phase ---

    def welcome(self) -> Script:
        self.send(Touched("visit"))
        return self

    def connecting(self) -> Script:
        self.welcome().send(Accepted("de"))
        return self

    def opening(self, number: int = 1, *, max_duration_s: float | None = None) -> Script:
        self.send(SessionStarted(self.last(StartSession).ticket, grant(number, max_duration_s=max_duration_s)))
        return self

    def up(self) -> Script:
        self.send(LinkOpened(self.last(OpenLink).ticket))
        self.link(FirstFrame(640, 480))
        return self

    def live(self) -> Script:
        self.connecting().send(DevicesOpened(self.last(OpenDevices).ticket, DeviceState(True, True)))
        return self.opening().up()
