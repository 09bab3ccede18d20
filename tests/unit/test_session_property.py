"""Whatever happens, in whatever order: nothing raises, nothing gets stuck, nothing that costs money is forgotten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kiosk.links.contract import (
    AvatarJoined,
    AvatarMode,
    Caption,
    FirstFrame,
    Joined,
    LinkEvent,
    Lost,
    LostReason,
    Message,
    Mode,
    Resumed,
    Speaker,
    StageEmpty,
    Stalled,
    VoiceOnly,
)
from kiosk.providers.contract import Capabilities, EndReason, Grant, LiveKitGrant, SessionRef
from kiosk.session.devices import DeviceState
from kiosk.session.effects import (
    CloseDevices,
    CloseLink,
    Effect,
    EndSession,
    OpenDevices,
    OpenLink,
    PutOnAir,
    RenewGrant,
    StartSession,
)
from kiosk.session.events import (
    Accepted,
    DevicesFailed,
    DevicesOpened,
    EffectFailed,
    EndFailed,
    Event,
    FromLink,
    GrantRenewed,
    Interrupted,
    Left,
    LinkFailed,
    LinkOpened,
    RenewFailed,
    SessionStarted,
    Shutdown,
    StartFailed,
    Switch,
    Tick,
    Touched,
    Typed,
)
from kiosk.session.limits import Limits
from kiosk.session.machine import step
from kiosk.session.policies import Fault
from kiosk.session.situation import due, situation
from kiosk.session.source import Source
from kiosk.session.state import IN_VISIT, LINKED, TALKING, Connection, Stage, State
from kiosk.session.view import Phase

capabilities = st.builds(
    Capabilities, interrupts=st.booleans(), hosted_dialogue=st.booleans(), video=st.booleans(), renews=st.booleans()
)
sources = {name: st.builds(Source, st.just(name), capabilities) for name in ("main", "spare", "other")}
limits = st.builds(
    Limits,
    idle_s=st.sampled_from([1.0, 45.0]),
    max_visit_s=st.sampled_from([5.0, 120.0]),
    welcome=st.booleans(),
    main=sources["main"],
    fallback=st.none() | sources["spare"],
)
odd_seconds = st.sampled_from([0.0, 0.3, 5.0, 61.0, -1.0, float("inf"), float("nan")])
faults = st.builds(
    Fault,
    kind=st.just("unavailable"),
    screen=st.sampled_from(["busy", "unavailable", "out_of_service"]),
    operator_line=st.just("line"),
    retry=st.booleans(),
    retry_after_s=st.none() | odd_seconds,
)
losses = st.builds(Lost, st.sampled_from(LostReason), st.booleans(), st.just("line"))
link_events: st.SearchStrategy[LinkEvent] = st.one_of(
    st.just(FirstFrame(640, 480)),
    st.just(Joined()),
    st.just(AvatarJoined("a")),
    st.just(VoiceOnly()),
    st.just(StageEmpty()),
    st.builds(Stalled, odd_seconds),
    st.just(Resumed()),
    st.builds(Mode, st.sampled_from(AvatarMode)),
    st.builds(Caption, st.sampled_from(Speaker), st.just("1"), st.just("text"), st.booleans()),
    st.just(Message("topic", b"x")),
    losses,
)
device_states = st.builds(DeviceState, st.booleans(), st.booleans())
gestures: st.SearchStrategy[Event] = st.sampled_from(
    [Touched("t"), Accepted("de"), Typed("hi"), Typed(""), Interrupted(), Tick(), Left()]
)


class SessionModel(RuleBasedStateMachine):
    """Plays visitor, vendor, room and time, and keeps the books that the machine must agree with."""

    def __init__(self) -> None:
        super().__init__()
        self.state = State()
        self.now = 0.0
        self.limits = Limits()
        self.starts: set[int] = set()
        self.renewals: dict[int, Grant] = {}
        self.links: dict[int, str] = {}  # ticket -> "opening", "open", "closed"
        self.open_links: set[int] = set()
        self.wanted_devices: set[int] = set()
        self.created: set[SessionRef] = set()
        self.ended: Counter[SessionRef] = Counter()
        self.aired: list[int] = []

    @initialize(limits=limits)
    def set_up(self, limits: Limits) -> None:
        self.limits = limits

    def send(self, event: Event) -> None:
        before = self.state.phase
        self.state, effects = step(self.state, event, self.now, self.limits)
        for effect in effects:
            self.book(effect)
        order = [kind for kind in map(type, effects) if kind in (CloseDevices, CloseLink, EndSession)]
        if before in IN_VISIT and self.state.phase not in IN_VISIT:
            expected = [kind for kind in (CloseDevices, CloseLink, EndSession) if kind in order]
            assert list(dict.fromkeys(order)) == expected

    def book(self, effect: Effect) -> None:
        match effect:
            case StartSession(ticket=ticket):
                assert ticket in {connection.ticket for connection in self.connections()}
                self.starts.add(ticket)
            case RenewGrant(ticket=ticket, grant=grant):
                self.renewals[ticket] = grant
            case OpenLink(ticket=ticket):
                most = 1 if self.state.incoming is not None else 0
                assert len(self.open_links) <= most, "a link too many"
                self.links[ticket] = "opening"
                self.open_links.add(ticket)
            case PutOnAir(ticket=ticket, provider=provider):
                assert ticket in self.open_links, "a closed link on air"
                assert ticket not in self.aired, "put on air twice"
                assert provider == self.state.connection.source.provider
                self.aired.append(ticket)
            case CloseLink(ticket=ticket):
                self.open_links.discard(ticket)
            case OpenDevices(ticket=ticket):
                assert not self.wanted_devices
                self.wanted_devices.add(ticket)
            case CloseDevices(ticket=ticket):
                self.wanted_devices.remove(ticket)
            case EndSession(session=session):
                self.ended[session] += 1
            case _:
                pass

    def connections(self) -> list[Connection]:
        """The one that the visit has or waits for, and the one that comes in beside it."""
        incoming = self.state.incoming
        return [self.state.connection, *([] if incoming is None else [incoming.connection])]

    def new_grant(self, max_duration_s: float | None = None) -> Grant:
        session = SessionRef("fake", "visit", f"s{len(self.created)}", 0.0)
        self.created.add(session)
        return LiveKitGrant(session, "wss://example.test", "token", max_duration_s=max_duration_s)

    # --- what can happen ---

    @precondition(lambda self: self.state.phase not in (Phase.ATTRACT, Phase.GOODBYE, Phase.OUT_OF_SERVICE))
    @rule(gesture=gestures)
    def visitor(self, gesture: Event) -> None:
        self.send(gesture)

    @rule(seconds=st.sampled_from([0.0, 0.2, 1.0, 4.0, 11.0, 35.0, 200.0]))
    def time_passes(self, seconds: float) -> None:
        until = self.now + seconds
        for _ in range(2000):
            at = due(self.state, self.now, self.limits)
            if at is None or at > until:
                break
            self.now = max(self.now + 0.001, at)
            self.send(Tick())
        else:
            raise AssertionError("ticks without end")
        self.now = max(self.now, until)

    @precondition(lambda self: self.starts)
    @rule(data=st.data(), duration=st.none() | odd_seconds)
    def start_works(self, data: st.DataObject, duration: float | None) -> None:
        ticket = data.draw(st.sampled_from(sorted(self.starts)))
        self.starts.remove(ticket)
        self.send(SessionStarted(ticket, self.new_grant(duration), begun_ahead=ticket % 3 == 0))

    @precondition(lambda self: self.starts)
    @rule(data=st.data(), fault=faults, made_one=st.booleans())
    def start_fails(self, data: st.DataObject, fault: Fault, made_one: bool) -> None:
        ticket = data.draw(st.sampled_from(sorted(self.starts)))
        self.starts.remove(ticket)
        self.send(StartFailed(ticket, fault, self.new_grant().session if made_one else None))

    @precondition(lambda self: self.renewals)
    @rule(data=st.data(), fault=st.none() | faults)
    def renewal_answers(self, data: st.DataObject, fault: Fault | None) -> None:
        ticket = data.draw(st.sampled_from(sorted(self.renewals)))
        grant = self.renewals.pop(ticket)
        self.send(GrantRenewed(ticket, grant) if fault is None else RenewFailed(ticket, fault))

    @precondition(lambda self: "opening" in self.links.values())
    @rule(data=st.data(), loss=st.none() | losses)
    def link_answers(self, data: st.DataObject, loss: Lost | None) -> None:
        ticket = data.draw(st.sampled_from([ticket for ticket, how in self.links.items() if how == "opening"]))
        self.links[ticket] = "open" if loss is None else "closed"
        if loss is None:
            self.open_links.add(ticket)  # also one that opens after it was told to close
            self.send(LinkOpened(ticket))
            if not any(each.ticket == ticket and each.stage in LINKED for each in self.connections()):
                assert ticket not in self.open_links, "a link that opened too late stays open"
        else:
            self.send(LinkFailed(ticket, loss))

    @precondition(lambda self: len(self.links) > 1)
    @rule(data=st.data(), event=link_events)
    def link_reports(self, data: st.DataObject, event: LinkEvent) -> None:
        self.send(FromLink(data.draw(st.sampled_from(sorted(self.links))), event))

    @precondition(lambda self: self.state.connection.stage in LINKED)
    @rule(event=link_events)
    def present_link_reports(self, event: LinkEvent) -> None:
        self.send(FromLink(self.state.connection.ticket, event))

    @precondition(lambda self: self.state.connection.stage is Stage.UP)
    @rule()
    def present_link_is_lost(self) -> None:
        """Where another avatar is on its way, that is whom the visit waits for."""
        awaited = self.connections()[-1].source
        self.send(FromLink(self.state.connection.ticket, Lost(LostReason.NETWORK, True, "line")))
        assert self.state.phase is Phase.RECOVERING
        assert (self.state.connection.source, self.state.incoming) == (awaited, None)

    @rule(source=st.one_of(*sources.values()))
    def operator_switches(self, source: Source) -> None:
        before = self.state
        self.send(Switch(source))
        if before.stopped:
            assert self.state == before
        elif self.state.phase in TALKING:
            assert self.state.connection == before.connection, "the present avatar stays until the next one is seen"
            asked = self.connections()[-1].source.provider
            assert asked == source.provider

    @precondition(lambda self: self.state.phase in TALKING and not self.state.stopped)
    @rule(source=st.one_of(*sources.values()), far=st.integers(0, 3))
    def another_avatar_comes_in(self, source: Source, far: int) -> None:
        """As far as asked for (0), started (1), joined (2) or seen (3)."""
        self.send(Switch(source))
        for _ in range(far):
            if self.state.incoming is not None:
                seen = FirstFrame(2, 2) if self.state.incoming.connection.stage is Stage.JOINED else None
                self.the_incoming_avatar_comes_nearer(seen)

    @precondition(lambda self: self.state.incoming is not None)
    @rule(event=st.none() | st.just(FirstFrame(2, 2)) | link_events)
    def the_incoming_avatar_comes_nearer(self, event: LinkEvent | None) -> None:
        """None: its link opens. Whatever it does, the present avatar is let go only when another is on air."""
        assert self.state.incoming is not None
        before, ticket = self.state, self.state.incoming.connection.ticket
        if self.state.incoming.connection.stage is Stage.STARTING:
            self.starts.remove(ticket)
            self.send(SessionStarted(ticket, self.new_grant()))
        elif event is None:
            self.links[ticket] = "open"
            self.send(LinkOpened(ticket))
        else:
            self.send(FromLink(ticket, event))
            if isinstance(event, FirstFrame):
                assert (self.aired[-1], self.state.connection.ticket) == (ticket, ticket)
                return
        assert self.aired[-1] == ticket or self.state.connection == before.connection

    @precondition(lambda self: self.state.connection.retry_at is not None)
    @rule()
    def backoff_passes(self) -> None:
        assert self.state.connection.retry_at is not None
        self.time_passes(max(0.0, self.state.connection.retry_at - self.now))

    @precondition(lambda self: self.state.phase in (Phase.ATTRACT, Phase.WELCOME))
    @rule()
    def visit_begins(self) -> None:
        self.send(Touched("t"))
        self.send(Accepted("de"))

    @precondition(lambda self: self.state.connection.stage is Stage.STARTING)
    @rule()
    def all_goes_well(self) -> None:
        ticket = self.state.connection.ticket
        self.starts.remove(ticket)
        self.send(SessionStarted(ticket, self.new_grant()))
        link = self.state.connection.ticket
        self.links[link] = "open"
        for event in (LinkOpened(link), FromLink(link, AvatarJoined("a")), FromLink(link, FirstFrame(2, 2))):
            self.send(event)

    @rule(data=st.data(), state=st.none() | device_states)
    def devices_answer(self, data: st.DataObject, state: DeviceState | None) -> None:
        ticket = data.draw(st.integers(0, self.state.last_ticket))
        self.send(DevicesFailed(ticket, "line") if state is None else DevicesOpened(ticket, state))

    @rule(data=st.data(), fault=faults, loss=losses)
    def answers_that_nobody_asked_for(self, data: st.DataObject, fault: Fault, loss: Lost) -> None:
        awaited = {connection.ticket for connection in self.connections()}
        ticket = data.draw(st.integers(-1, self.state.last_ticket + 1).filter(lambda number: number not in awaited))
        makers: list[Callable[[], Event]] = [
            lambda: SessionStarted(ticket, self.new_grant()),
            lambda: StartFailed(ticket, fault, self.new_grant().session),
            lambda: RenewFailed(ticket, fault),
            lambda: LinkFailed(ticket, loss),
            lambda: LinkOpened(ticket),
            lambda: FromLink(ticket, loss),
            lambda: EffectFailed("x", "line"),
            lambda: EndFailed(SessionRef("fake", "v", None, 0.0), "line"),
        ]
        before = self.state
        self.send(data.draw(st.sampled_from(makers))())
        assert self.state == before, "a late answer is undone, and changes nothing else"

    @precondition(lambda self: self.now > 100.0)
    @rule(reason=st.sampled_from(EndReason))
    def shutdown(self, reason: EndReason) -> None:
        self.send(Shutdown(reason))
        assert self.state.connection.grant is None
        assert self.state.incoming is None
        assert not self.wanted_devices

    # --- what always holds ---

    @invariant()
    def books_agree(self) -> None:
        held = {connection.grant.session for connection in self.connections() if connection.grant}
        assert all(count == 1 for count in self.ended.values()), "a session was ended twice"
        assert not held & set(self.ended), "a session is held although it was ended"
        assert held | set(self.ended) == self.created, "a session was forgotten"
        assert self.open_links == {each.ticket for each in self.connections() if each.stage in LINKED}
        assert self.state.incoming is None or self.state.phase in TALKING
        assert self.state.phase not in TALKING or self.aired[-1] == self.state.connection.ticket
        assert bool(self.wanted_devices) == (self.state.phase in IN_VISIT)

    @invariant()
    def something_is_pending(self) -> None:
        """No phase but attract waits for ever, and no answer is awaited that nobody owes."""
        stage, ticket = self.state.connection.stage, self.state.connection.ticket
        assert (due(self.state, self.now, self.limits) is None) == (self.state.phase is Phase.ATTRACT)
        assert (self.state.phase in IN_VISIT) == (stage is not Stage.NONE)
        for connection in self.connections():
            assert connection.stage is not Stage.STARTING or connection.ticket in self.starts
        assert stage is not Stage.RENEWING or ticket in self.renewals
        assert stage is not Stage.WAITING or self.state.connection.retry_at is not None

    @invariant()
    def screens_are_told_the_truth(self) -> None:
        seen = situation(self.state, self.now, self.limits)
        assert seen.phase is self.state.phase
        assert not seen.microphone or self.state.phase in IN_VISIT
        assert not seen.picture or self.state.phase not in (Phase.ATTRACT, Phase.WELCOME, Phase.CONNECTING)
        assert seen.ends_in_s is None or 1.0 <= seen.ends_in_s <= 30.0

    def teardown(self) -> None:
        """Left alone, with no answer from anybody, every state comes home; then the late answers come."""
        self.time_passes(600.0)
        assert self.state.phase is Phase.ATTRACT
        for ticket in sorted(self.starts):
            self.send(SessionStarted(ticket, self.new_grant()))
        for ticket, how in list(self.links.items()):
            if how == "opening":
                self.open_links.add(ticket)
                self.send(LinkOpened(ticket))
        assert not self.open_links
        assert not self.wanted_devices
        assert self.ended == Counter(self.created)


TestSession = SessionModel.TestCase
TestSession.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)
