"""One test a transition of a switch. Read with the text at the top of kiosk/session/switching.py."""

from __future__ import annotations

import pytest

from kiosk.links.contract import (
    AvatarJoined,
    AvatarMode,
    Caption,
    Card,
    FirstFrame,
    LinkEvent,
    Lost,
    LostReason,
    Mode,
    Speaker,
    Suggestions,
    TookLeave,
    VoiceOnly,
)
from kiosk.providers.contract import Capabilities, EndReason
from kiosk.session.effects import (
    CloseDevices,
    CloseLink,
    Effect,
    EndSession,
    OpenLink,
    PutOnAir,
    Report,
    ShowWords,
    StartSession,
)
from kiosk.session.events import FromLink, Left, LinkFailed, LinkOpened, SessionStarted, Shutdown, StartFailed, Switch
from kiosk.session.limits import Limits
from kiosk.session.policies import Fault
from kiosk.session.source import Source
from kiosk.session.view import Phase
from tests.unit.session_script import HOSTED, Script, grant

NETWORK = Lost(LostReason.NETWORK, True, "the network is gone")
DOWN = Fault("unavailable", "unavailable", "the vendor is down", retry=True)
OTHER = Source("other", Capabilities(hosted_dialogue=True))
THIRD = Source("third", Capabilities(video=False))
SPARE = Source("spare", Capabilities())


def kinds(effects: tuple[Effect, ...]) -> list[type[Effect]]:
    return [type(effect) for effect in effects]


def switching(source: Source = OTHER, limits: Limits | None = None) -> Script:
    """A visit with session s1 whose operator wants another avatar; that one's session s2 is there, its link opens."""
    script = Script(limits=limits or Limits(main=HOSTED)).live()
    assert kinds(script.send(Switch(source))) == [StartSession]
    script.opening(2)
    script.send(LinkOpened(script.last(OpenLink).ticket))
    return script


def ended(script: Script) -> list[tuple[str | None, EndReason]]:
    return [(effect.session.session_id, effect.reason) for effect in script.effects if isinstance(effect, EndSession)]


def test_the_other_avatar_comes_in_beside_the_present_one() -> None:
    script = Script().live()
    before = script.state.connection
    effects = script.send(Switch(OTHER))
    assert effects == (StartSession(script.state.last_ticket, script.last(StartSession).visit, OTHER),)
    assert kinds(script.send(SessionStarted(script.last(StartSession).ticket, grant(2)))) == [OpenLink]
    assert script.send(LinkOpened(script.last(OpenLink).ticket)) == ()
    assert (script.phase(), script.state.connection) == (Phase.LIVE, before)
    assert ended(script) == []


def test_the_first_frame_takes_over_then_the_old_link_is_closed_and_its_session_ended() -> None:
    script = switching()
    old, new = script.state.connection.ticket, script.last(OpenLink).ticket
    effects = script.link(FirstFrame(320, 240))
    assert effects[:3] == (
        PutOnAir(new, "other"),
        CloseLink(old),
        EndSession(grant(1).session, EndReason.SWITCHED),
    )
    assert script.phase() is Phase.LIVE
    assert script.seen().picture
    assert not script.seen().can_interrupt
    script.send(Left())
    assert ended(script) == [("s1", EndReason.SWITCHED), ("s2", EndReason.VISITOR_LEFT)]


@pytest.mark.parametrize(("source", "event"), [(OTHER, VoiceOnly()), (THIRD, AvatarJoined("a"))])
def test_an_avatar_without_a_picture_takes_over_when_it_is_there(source: Source, event: LinkEvent) -> None:
    script = switching(source)
    assert PutOnAir in kinds(script.link(event))
    assert script.state.connection.source == source
    assert script.seen().picture, "what stood on the screen stands there until there is another picture"


def test_what_it_gave_to_read_before_is_shown_with_it_and_the_old_offers_go() -> None:
    script = switching()
    questions, caption = Suggestions(("Where?",)), Caption(Speaker.AVATAR, "1", "Good day", False)
    assert script.link(questions) == script.link(Mode(AvatarMode.SPEAKING)) == script.link(caption) == ()
    assert script.seen().mode is AvatarMode.LISTENING
    effects = script.link(FirstFrame(2, 2))
    shown = [effect.words for effect in effects if isinstance(effect, ShowWords)]
    assert shown == [Suggestions(()), Card(), questions, caption]
    assert script.seen().mode is AvatarMode.SPEAKING


def test_little_is_kept_of_what_it_gave_to_read() -> None:
    script = switching()
    for number in range(100):
        script.link(Caption(Speaker.AVATAR, str(number), "text", True))
    shown = [effect for effect in script.link(FirstFrame(2, 2)) if isinstance(effect, ShowWords)]
    assert len(shown) == 2 + 16
    assert isinstance(shown[-1].words, Caption)
    assert shown[-1].words.segment == "99"


def test_a_goodbye_of_somebody_who_is_not_here_yet_ends_nothing() -> None:
    script = switching()
    assert script.link(TookLeave()) == ()
    assert script.phase() is Phase.LIVE


@pytest.mark.parametrize("how", ["start", "link", "lost", "time"])
def test_when_it_fails_the_present_avatar_stays(how: str) -> None:
    script = Script().live()
    before = script.state.connection
    script.send(Switch(OTHER))
    if how == "start":
        effects = script.send(StartFailed(script.last(StartSession).ticket, DOWN, grant(2).session))
    else:
        script.opening(2)
        link = script.last(OpenLink).ticket
        if how == "link":
            effects = script.send(LinkFailed(link, NETWORK))
        elif how == "lost":
            script.send(LinkOpened(link))
            effects = script.link(NETWORK)
        else:
            effects = script.wait(30.0)
        assert effects[0] == CloseLink(link)
    [report] = [effect for effect in effects if isinstance(effect, Report)]
    assert report.operator_line.startswith("other did not take over, fake stays: ")
    assert not report.fatal
    assert (script.phase(), script.state.connection, script.state.incoming) == (Phase.LIVE, before, None)
    assert ended(script) == [("s2", EndReason.FAULT)]
    script.send(Left())
    script.wait(10.0)
    script.connecting()
    assert script.last(StartSession).source == HOSTED, "the next visitor is not given what did not work"


def test_a_late_answer_of_a_switch_that_failed_is_undone() -> None:
    script = Script().live()
    script.send(Switch(OTHER))
    late = script.last(StartSession).ticket
    script.send(Switch(HOSTED))
    before = script.state
    assert script.send(SessionStarted(late, grant(2))) == (EndSession(grant(2).session, EndReason.SWITCHED),)
    assert script.state == before


def test_a_switch_to_the_present_one_changes_nothing() -> None:
    script = Script(limits=Limits(main=HOSTED, fallback=SPARE)).live()
    before = script.state.connection
    assert script.send(Switch(HOSTED)) == ()
    assert (script.phase(), script.state.connection, script.state.incoming) == (Phase.LIVE, before, None)


def test_the_same_switch_twice_is_one() -> None:
    script = switching()
    before = script.state
    assert script.send(Switch(OTHER)) == ()
    assert script.state == before


def test_a_second_switch_replaces_the_first() -> None:
    script = switching()
    first = script.last(OpenLink).ticket
    effects = script.send(Switch(THIRD))
    assert kinds(effects) == [CloseLink, EndSession, StartSession]
    assert effects[0] == CloseLink(first)
    assert script.send(FromLink(first, FirstFrame(2, 2))) == ()
    script.opening(3)
    assert PutOnAir in kinds(script.link(FirstFrame(2, 2)))
    script.send(Left())
    assert ended(script) == [
        ("s2", EndReason.SWITCHED),
        ("s1", EndReason.SWITCHED),
        ("s3", EndReason.VISITOR_LEFT),
    ]


def test_switching_back_before_it_came_keeps_the_present_one() -> None:
    script = switching()
    assert kinds(script.send(Switch(HOSTED))) == [CloseLink, EndSession]
    assert script.phase() is Phase.LIVE
    assert script.state.incoming is None


def test_the_present_one_lost_meanwhile_is_replaced_by_the_one_on_its_way() -> None:
    script = switching()
    present = script.state.connection.ticket
    effects = script.send(FromLink(present, Lost(LostReason.EXPELLED, False, "shown out")))
    assert kinds(effects) == [CloseLink, EndSession, Report]
    assert (script.phase(), script.state.incoming) == (Phase.RECOVERING, None)
    assert script.seen().picture
    assert kinds(script.link(FirstFrame(2, 2))) == [PutOnAir]
    assert (script.phase(), script.state.connection.source) == (Phase.LIVE, OTHER)


def test_the_fallback_takes_the_air_with_its_first_frame_and_the_picture_stays_till_then() -> None:
    script = Script(limits=Limits(main=HOSTED, fallback=SPARE)).live()
    script.link(NETWORK)
    script.wait(1.0)
    script.send(StartFailed(script.last(StartSession).ticket, Fault("misconfigured", "x", "set the key", retry=False)))
    assert script.last(StartSession).source == SPARE
    assert script.seen().picture
    script.opening(2)
    assert script.link(FirstFrame(2, 2)) == (PutOnAir(script.last(OpenLink).ticket, "spare"),)
    assert script.phase() is Phase.FALLBACK


def test_from_the_fallback_back_to_the_main_provider() -> None:
    script = Script(limits=Limits(main=HOSTED, fallback=SPARE)).connecting()
    script.send(StartFailed(script.last(StartSession).ticket, Fault("misconfigured", "x", "set the key", retry=False)))
    script.opening(1).up()
    assert script.phase() is Phase.FALLBACK
    script.send(Switch(HOSTED))
    script.opening(2)
    script.link(FirstFrame(2, 2))
    assert script.phase() is Phase.LIVE


def test_the_fallback_is_what_was_wanted_once_it_was_chosen() -> None:
    script = Script(limits=Limits(main=HOSTED, fallback=SPARE)).connecting()
    script.send(StartFailed(script.last(StartSession).ticket, Fault("misconfigured", "x", "set the key", retry=False)))
    script.opening(1).up()
    assert script.send(Switch(SPARE)) == ()
    assert script.phase() is Phase.LIVE


@pytest.mark.parametrize("phase", [Phase.CONNECTING, Phase.RECOVERING])
def test_while_nobody_talks_the_present_attempt_gives_way(phase: Phase) -> None:
    script = Script().connecting().opening(1)
    if phase is Phase.RECOVERING:
        script.up().link(NETWORK)
        script.wait(1.0)
        script.opening(2)
    attempt = script.last(OpenLink).ticket
    script.wait(5.0)
    effects = script.send(Switch(OTHER))
    assert kinds(effects) == [CloseLink, EndSession, StartSession]
    assert effects[0] == CloseLink(attempt)
    assert script.phase() is phase
    script.wait(26.0)
    assert script.phase() is phase, "it has the time that any avatar has"
    script.opening(3)
    assert kinds(script.link(FirstFrame(2, 2))) == [PutOnAir]
    assert script.phase() is Phase.LIVE


@pytest.mark.parametrize("phase", [Phase.ATTRACT, Phase.WELCOME, Phase.GOODBYE])
def test_outside_of_a_visit_it_only_says_who_is_asked_next(phase: Phase) -> None:
    script = Script()
    if phase is Phase.WELCOME:
        script.welcome()
    if phase is Phase.GOODBYE:
        script.live().send(Left())
    assert script.send(Switch(OTHER)) == ()
    assert script.phase() is phase
    script.wait(70.0)
    script.connecting()
    assert script.last(StartSession).source == OTHER
    script.opening(9)
    script.link(FirstFrame(2, 2))
    assert script.phase() is Phase.LIVE


def test_the_choice_lasts_for_the_next_visits_too() -> None:
    script = switching()
    script.link(FirstFrame(2, 2))
    script.send(Left())
    script.wait(10.0)
    script.connecting()
    assert script.last(StartSession).source == OTHER


@pytest.mark.parametrize("event", [Left(), Shutdown()])
def test_the_end_of_the_visit_lets_go_of_both(event: Left | Shutdown) -> None:
    script = switching()
    present, coming = script.state.connection.ticket, script.last(OpenLink).ticket
    effects = script.send(event)
    assert kinds(effects) == [CloseDevices, CloseLink, CloseLink, EndSession, EndSession]
    assert effects[1:3] == (CloseLink(present), CloseLink(coming))
    assert [session for session, _ in ended(script)] == ["s1", "s2"]
    assert script.send(Switch(THIRD)) == ()


def test_each_vendors_own_limit_counts_while_it_is_there() -> None:
    script = Script(limits=Limits(main=HOSTED, idle_s=10_000.0)).connecting().opening(1, max_duration_s=60.0).up()
    script.send(Switch(OTHER))
    script.opening(2, max_duration_s=200.0)
    script.link(FirstFrame(2, 2))
    script.wait(150.0)
    assert script.phase() is Phase.LIVE, "the first one's limit is gone with it"
    script.wait(51.0)
    assert script.phase() is Phase.GOODBYE
