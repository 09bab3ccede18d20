"""One test a transition. Read with the theory of operation at the top of the machine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.links.contract import (
    AvatarJoined,
    AvatarMode,
    Caption,
    FirstFrame,
    Joined,
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
from kiosk.providers.contract import Capabilities, EndReason, SessionRef, Visit
from kiosk.session.devices import DeviceState
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
    DevicesFailed,
    DevicesOpened,
    EffectFailed,
    EndFailed,
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
    Tick,
    Touched,
    Typed,
)
from kiosk.session.limits import Limits
from kiosk.session.notices import Notice
from kiosk.session.policies import Fault
from kiosk.session.source import Source
from kiosk.session.state import State
from kiosk.session.view import Phase
from tests.unit.session_script import HOSTED, Script, grant

NETWORK = Lost(LostReason.NETWORK, True, "the network is gone")
EXPELLED = Lost(LostReason.EXPELLED, False, "the room was deleted")
DOWN = Fault("unavailable", "unavailable", "the vendor is down", retry=True)
SPARE = Source("spare", Capabilities())
RENEWING = replace(HOSTED, offers=replace(HOSTED.offers, renews=True))
WRONG_KEY = Fault("misconfigured", "out_of_service", "set the key", retry=False)


def kinds(effects: tuple[Effect, ...]) -> list[type[Effect]]:
    return [type(effect) for effect in effects]


# --- from the first touch to the picture ---


def test_first_touch_shows_the_welcome() -> None:
    script = Script()
    assert script.send(Touched("visit")) == ()
    assert script.phase() is Phase.WELCOME


def test_without_welcome_the_first_touch_connects() -> None:
    script = Script(limits=Limits(welcome=False, language="fr", main=HOSTED))
    assert kinds(script.send(Touched("visit"))) == [OpenDevices, StartSession]
    assert script.phase() is Phase.CONNECTING
    assert script.last(StartSession).visit == Visit("visit", "fr")


def test_accepting_opens_devices_and_session_at_once() -> None:
    script = Script().welcome()
    assert kinds(script.send(Accepted("de"))) == [OpenDevices, StartSession]
    assert script.last(StartSession).visit == Visit("visit", "de")
    assert script.seen().language == "de"


def test_welcome_left_alone_goes_back() -> None:
    script = Script().welcome()
    assert script.wait(59.0) == ()
    assert script.phase() is Phase.WELCOME
    script.wait(1.0)
    assert script.phase() is Phase.ATTRACT


def test_touch_prolongs_the_welcome() -> None:
    script = Script().welcome()
    script.wait(50.0)
    script.send(Touched("other"))
    script.wait(50.0)
    assert script.phase() is Phase.WELCOME
    script.send(Left())
    assert script.phase() is Phase.ATTRACT


def test_the_way_to_live() -> None:
    script = Script().connecting()
    assert kinds(script.send(SessionStarted(script.last(StartSession).ticket, grant()))) == [OpenLink]
    assert script.send(LinkOpened(script.last(OpenLink).ticket)) == ()
    assert script.link(Joined()) == ()
    assert script.link(AvatarJoined("a")) == ()
    assert script.phase() is Phase.CONNECTING
    assert not script.seen().picture
    assert script.link(FirstFrame(640, 480)) == (PutOnAir(script.last(OpenLink).ticket, "fake"),)
    assert script.phase() is Phase.LIVE
    assert script.seen().picture
    assert script.link(FirstFrame(640, 480)) == ()


def test_without_video_the_avatar_itself_is_enough() -> None:
    script = Script(limits=Limits(main=Source("fake", Capabilities(video=False)))).connecting().opening()
    script.send(LinkOpened(script.last(OpenLink).ticket))
    script.link(AvatarJoined("a"))
    assert script.phase() is Phase.LIVE


def test_an_avatar_that_only_speaks_is_live_and_may_show_itself_later() -> None:
    script = Script().connecting().opening()
    script.send(LinkOpened(script.last(OpenLink).ticket))
    script.link(VoiceOnly())
    assert (script.phase(), script.seen().picture) == (Phase.LIVE, False)
    script.link(FirstFrame(640, 480))
    assert (script.phase(), script.seen().picture) == (Phase.LIVE, True)


def test_a_stage_with_nobody_on_it_is_a_calm_visit_that_ends_when_nobody_touches() -> None:
    script = Script().connecting().opening()
    script.send(LinkOpened(script.last(OpenLink).ticket))
    script.link(StageEmpty())
    assert (script.phase(), script.seen().picture, script.seen().notice) == (Phase.LIVE, False, Notice.STAGE_EMPTY)
    script.link(FirstFrame(640, 480))
    assert (script.seen().picture, script.seen().notice) == (True, "")
    script.link(Stalled(3.0))
    script.link(StageEmpty())
    assert (script.seen().picture, script.seen().notice) == (False, Notice.STAGE_EMPTY)
    script.wait(script.limits.stall_limit_s + 1)
    assert script.phase() is Phase.LIVE, "an empty stage does not stand still"
    script.wait(script.limits.idle_s)
    assert script.phase() in (Phase.GOODBYE, Phase.ATTRACT)
    assert not [effect for effect in script.effects if isinstance(effect, Report)]


def test_connecting_asks_for_patience_and_then_gives_up() -> None:
    script = Script().connecting().opening()
    assert script.seen().notice == ""
    script.wait(8.0)
    assert script.seen().notice == Notice.ONE_MOMENT
    effects = script.wait(22.0)
    assert kinds(effects) == [CloseDevices, CloseLink, EndSession, Report]
    assert (script.phase(), script.seen().notice) == (Phase.OUT_OF_SERVICE, Notice.UNAVAILABLE)
    assert script.last(Report).fatal


def test_leaving_while_connecting_ends_what_comes_late() -> None:
    script = Script().connecting()
    late = script.last(StartSession).ticket
    assert kinds(script.send(Left())) == [CloseDevices]
    assert script.phase() is Phase.GOODBYE
    script.wait(10.0)
    assert script.phase() is Phase.ATTRACT
    assert script.send(SessionStarted(late, grant())) == (EndSession(grant().session, EndReason.VISITOR_LEFT),)
    assert script.phase() is Phase.ATTRACT


def test_a_late_start_of_the_last_visit_does_not_become_the_next_visits() -> None:
    script = Script().connecting()
    late = script.last(StartSession).ticket
    script.send(Left())
    script.wait(10.0)
    script.connecting()
    assert kinds(script.send(SessionStarted(late, grant(7)))) == [EndSession]
    script.opening(8).up()
    assert script.phase() is Phase.LIVE


def test_a_link_that_opens_late_is_closed() -> None:
    script = Script().connecting().opening()
    late = script.last(OpenLink).ticket
    assert kinds(script.send(Left())) == [CloseDevices, CloseLink, EndSession]
    assert script.send(LinkOpened(late)) == (CloseLink(late),)
    assert script.send(FromLink(late, FirstFrame(1, 1))) == ()
    assert script.send(LinkFailed(late, NETWORK)) == ()


# --- starts that fail ---


def test_a_start_that_may_work_next_time_is_tried_again() -> None:
    script = Script().connecting()
    first = script.last(StartSession).ticket
    assert kinds(script.send(StartFailed(first, DOWN))) == [Report]
    assert not script.last(Report).fatal
    effects = script.wait(0.5)
    assert kinds(effects) == [StartSession]
    assert script.last(StartSession).ticket != first
    script.opening().up()
    assert script.phase() is Phase.LIVE


def test_tries_run_out() -> None:
    script = Script().connecting()
    for _ in range(3):
        script.send(StartFailed(script.last(StartSession).ticket, DOWN))
        script.wait(3.0)
    assert len([effect for effect in script.effects if isinstance(effect, StartSession)]) == 3
    assert (script.phase(), script.seen().notice) == (Phase.OUT_OF_SERVICE, Notice.UNAVAILABLE)
    assert isinstance(script.effects[-2], CloseDevices)


def test_a_wrong_key_is_not_tried_again() -> None:
    script = Script().connecting()
    effects = script.send(StartFailed(script.last(StartSession).ticket, WRONG_KEY))
    assert kinds(effects) == [CloseDevices, Report]
    assert script.last(Report) == Report("misconfigured", "set the key", fatal=True)
    assert (script.phase(), script.seen().notice) == (Phase.OUT_OF_SERVICE, Notice.OUT_OF_SERVICE)


def test_a_failed_start_that_made_a_session_ends_it() -> None:
    script = Script().connecting()
    session = SessionRef("fake", "visit", "s9", 0.0)
    effects = script.send(StartFailed(script.last(StartSession).ticket, WRONG_KEY, session))
    assert kinds(effects) == [CloseDevices, Report, EndSession]
    assert script.last(EndSession) == EndSession(session, EndReason.FAULT)


def test_a_late_failed_start_that_made_a_session_ends_it_too() -> None:
    script = Script().connecting()
    late = script.last(StartSession).ticket
    script.send(Left())
    session = SessionRef("fake", "visit", "s9", 0.0)
    effects = script.send(StartFailed(late, WRONG_KEY, session))
    assert effects[0] == EndSession(session, EndReason.VISITOR_LEFT)
    assert script.phase() is Phase.GOODBYE


def test_a_busy_vendor_is_given_the_time_that_it_asks_for() -> None:
    script = Script().connecting()
    busy = Fault("busy", "busy", "too many sessions", retry=True, retry_after_s=12.0)
    script.send(StartFailed(script.last(StartSession).ticket, busy))
    assert script.seen().notice == Notice.BUSY
    assert script.wait(11.9) == ()
    assert kinds(script.wait(0.2)) == [StartSession]


def test_a_vendor_that_is_busy_for_longer_than_a_visitor_waits_gives_the_busy_screen() -> None:
    script = Script().connecting()
    busy = Fault("busy", "busy", "too many sessions", retry=True, retry_after_s=45.0)
    script.send(StartFailed(script.last(StartSession).ticket, busy))
    assert (script.phase(), script.seen().notice) == (Phase.OUT_OF_SERVICE, Notice.BUSY)
    script.wait(44.9)
    assert script.phase() is Phase.OUT_OF_SERVICE
    script.wait(0.2)
    assert script.phase() is Phase.ATTRACT


def test_out_of_service_waits_longer_each_time_and_forgets_when_a_visit_works() -> None:
    script = Script()
    for count in range(1, 8):
        script.connecting().send(StartFailed(script.last(StartSession).ticket, WRONG_KEY))
        assert script.state.failed_visits == count
        script.send(Touched("impatient"))
        assert script.phase() is Phase.OUT_OF_SERVICE
        script.wait(60.0)
        assert script.phase() is Phase.ATTRACT
    script.live()
    assert script.state.failed_visits == 0


def test_a_link_that_cannot_be_opened_is_tried_with_a_new_session_and_a_new_link() -> None:
    script = Script().connecting().opening(1)
    first = script.last(OpenLink).ticket
    effects = script.send(LinkFailed(first, NETWORK))
    assert effects[:2] == (CloseLink(first), EndSession(grant(1).session, EndReason.FAULT))
    script.wait(1.0)
    script.opening(2).up()
    assert script.last(OpenLink).ticket != first
    assert script.phase() is Phase.LIVE


# --- the fallback provider ---


def fallback_limits() -> Limits:
    return Limits(main=HOSTED, fallback=SPARE)


def test_the_fallback_speaks_when_the_main_provider_cannot_be_had() -> None:
    script = Script(limits=fallback_limits()).connecting()
    effects = script.send(StartFailed(script.last(StartSession).ticket, WRONG_KEY))
    assert kinds(effects) == [StartSession, Report]
    assert script.last(StartSession).source == SPARE
    script.opening(2).up()
    assert script.phase() is Phase.FALLBACK
    assert not script.seen().can_type


def test_the_fallback_takes_over_from_a_main_provider_that_is_too_slow() -> None:
    script = Script(limits=fallback_limits()).connecting()
    slow = script.last(StartSession).ticket
    script.wait(30.0)
    assert script.last(StartSession).source == SPARE
    assert kinds(script.send(SessionStarted(slow, grant(1)))) == [EndSession]
    script.opening(2).up()
    assert script.phase() is Phase.FALLBACK


def test_a_fallback_that_fails_too_is_the_end() -> None:
    script = Script(limits=fallback_limits()).connecting()
    script.send(StartFailed(script.last(StartSession).ticket, WRONG_KEY))
    script.send(StartFailed(script.last(StartSession).ticket, WRONG_KEY))
    assert script.phase() is Phase.OUT_OF_SERVICE


def test_a_fallback_recovers_as_a_fallback() -> None:
    script = Script(limits=fallback_limits()).connecting()
    script.send(StartFailed(script.last(StartSession).ticket, WRONG_KEY))
    script.opening(2).up()
    script.link(NETWORK)
    assert script.phase() is Phase.RECOVERING
    script.wait(0.5)
    assert script.last(StartSession).source == SPARE
    script.opening(3).up()
    assert script.phase() is Phase.FALLBACK


# --- talking ---


def test_modes_captions_and_messages_of_the_link() -> None:
    script = Script().live()
    script.link(Mode(AvatarMode.SPEAKING))
    assert script.seen().mode is AvatarMode.SPEAKING
    caption = Caption(Speaker.AVATAR, "1", "Good day", False)
    assert script.link(caption) == (ShowWords(caption),)
    message = Message("strange", b"\x00")
    assert script.link(message) == (NoteMessage(message),)
    script.link(Mode(AvatarMode.THINKING))
    assert script.seen().mode is AvatarMode.THINKING


def test_typed_text_goes_to_an_agent_that_reads() -> None:
    script = Script().live()
    assert script.send(Typed("  hello  ")) == (SendText(script.last(OpenLink).ticket, "hello"),)
    assert script.send(Typed(" \n ")) == ()
    assert script.send(Typed("x" * 5000))[0] == SendText(script.last(OpenLink).ticket, "x" * 2000)


def test_typed_text_is_not_spoken_word_for_word() -> None:
    script = Script(limits=Limits(main=Source("fake", Capabilities(says=True)))).live()
    assert script.send(Typed("hello"), Interrupted()) == ()
    assert (script.seen().can_type, script.seen().can_interrupt) == (False, False)


def test_interrupting() -> None:
    script = Script().live()
    assert script.seen().can_interrupt
    assert script.send(Interrupted()) == (StopSpeaking(script.last(OpenLink).ticket),)


def test_idle_time_warns_and_ends() -> None:
    script = Script().live()
    script.wait(34.5)
    assert script.seen().ends_in_s is None
    script.wait(1.5)
    assert (script.seen().notice, script.seen().ends_in_s) == (Notice.STILL_THERE, 9.0)
    effects = script.wait(9.0)
    assert kinds(effects) == [CloseDevices, CloseLink, EndSession]
    assert script.last(EndSession).reason is EndReason.IDLE
    assert script.phase() is Phase.GOODBYE
    script.wait(4.0)
    assert script.state == replace(State(), last_ticket=script.state.last_ticket, ended=EndReason.IDLE)


@pytest.mark.parametrize("sign", [Touched("x"), Accepted("de"), Typed("hi"), Typed(""), Interrupted()])
def test_any_sign_of_life_starts_idle_time_anew(sign: Touched | Accepted | Typed | Interrupted) -> None:
    script = Script().live()
    script.wait(40.0)
    assert script.seen().ends_in_s == 5.0
    script.send(sign)
    assert script.seen().ends_in_s is None
    script.wait(44.0)
    assert script.phase() is Phase.LIVE


def test_what_the_visitor_says_is_a_sign_of_life() -> None:
    script = Script().live()
    script.wait(40.0)
    script.link(Caption(Speaker.VISITOR, "1", "hm", False))
    script.wait(44.0)
    assert script.phase() is Phase.LIVE


def test_idle_time_does_not_run_while_the_avatar_speaks() -> None:
    script = Script().live()
    script.link(Mode(AvatarMode.SPEAKING))
    script.wait(300.0)
    assert script.phase() is Phase.LIVE
    script.link(Mode(AvatarMode.LISTENING))
    script.wait(44.0)
    assert script.phase() is Phase.LIVE
    script.wait(1.0)
    assert script.phase() is Phase.GOODBYE


def test_the_same_mode_again_is_no_sign_of_life() -> None:
    script = Script().live()
    for _ in range(50):
        script.wait(1.0)
        script.link(Mode(AvatarMode.LISTENING))
    assert script.phase() is not Phase.LIVE


def test_the_longest_visit_warns_and_ends() -> None:
    script = Script(limits=Limits(idle_s=10_000.0, max_visit_s=600.0, main=HOSTED)).live()
    script.wait(569.0)
    assert script.seen().ends_in_s is None
    script.wait(2.0)
    assert (script.seen().notice, script.seen().ends_in_s) == (Notice.ENDING_SOON, 29.0)
    script.send(Touched("x"))
    assert script.seen().ends_in_s == 29.0
    script.wait(29.0)
    assert (script.phase(), script.seen().notice) == (Phase.GOODBYE, Notice.TIME_UP)
    assert script.last(EndSession).reason is EndReason.TIME_LIMIT


def test_the_vendors_own_limit_counts_if_it_is_shorter() -> None:
    script = Script(limits=Limits(idle_s=10_000.0, main=HOSTED)).connecting().opening(max_duration_s=60.0).up()
    script.wait(59.0)
    assert script.seen().ends_in_s == 1.0
    script.wait(1.0)
    assert script.last(EndSession).reason is EndReason.TIME_LIMIT


def test_leaving() -> None:
    script = Script().live()
    link = script.last(OpenLink).ticket
    effects = script.send(Left())
    assert effects == (
        CloseDevices(script.last(OpenDevices).ticket),
        CloseLink(link),
        EndSession(grant().session, EndReason.VISITOR_LEFT),
    )
    assert script.seen().picture
    script.wait(4.0)
    assert script.phase() is Phase.ATTRACT
    assert not script.seen().picture


# --- losing the link, and getting it back ---


def test_a_lost_link_holds_the_picture_and_comes_back_with_a_new_session() -> None:
    script = Script().live()
    lost = script.last(OpenLink).ticket
    effects = script.link(NETWORK)
    assert effects[:2] == (CloseLink(lost), EndSession(grant(1).session, EndReason.FAULT))
    assert (script.phase(), script.seen().notice) == (Phase.RECOVERING, Notice.RECONNECTING)
    assert script.seen().picture
    assert script.seen().microphone
    assert kinds(script.wait(0.5)) == [StartSession]
    script.opening(2).up()
    assert script.phase() is Phase.LIVE
    assert script.last(OpenLink).ticket != lost
    script.send(Left())
    ended = [effect.session.session_id for effect in script.effects if isinstance(effect, EndSession)]
    assert ended == ["s1", "s2"]


def test_a_provider_that_renews_keeps_its_session() -> None:
    script = Script(limits=Limits(main=RENEWING)).live()
    effects = script.link(NETWORK)
    assert kinds(effects) == [CloseLink, Report]
    assert kinds(script.wait(0.5)) == [RenewGrant]
    assert kinds(script.send(GrantRenewed(script.last(RenewGrant).ticket, grant(1)))) == [OpenLink]
    script.up()
    assert script.phase() is Phase.LIVE
    script.send(Left())
    assert len([effect for effect in script.effects if isinstance(effect, EndSession)]) == 1


def test_a_grant_that_cannot_be_renewed_is_replaced() -> None:
    script = Script(limits=Limits(main=RENEWING)).live()
    script.link(NETWORK)
    script.wait(0.5)
    effects = script.send(RenewFailed(script.last(RenewGrant).ticket, WRONG_KEY))
    assert effects[0] == EndSession(grant(1).session, EndReason.FAULT)
    assert kinds(script.wait(1.0)) == [StartSession]
    script.opening(2).up()
    assert script.phase() is Phase.LIVE


def test_a_renewal_that_fails_for_too_long_still_ends_in_order() -> None:
    script = Script(limits=Limits(main=RENEWING)).live()
    script.link(NETWORK)
    script.wait(0.5)
    patience = replace(DOWN, retry_after_s=60.0)
    effects = script.send(RenewFailed(script.last(RenewGrant).ticket, patience))
    assert kinds(effects) == [CloseDevices, EndSession, Report]
    assert script.phase() is Phase.GOODBYE


def test_an_answer_to_a_renewal_that_nobody_awaits_changes_nothing() -> None:
    script = Script(limits=Limits(main=RENEWING)).live()
    script.link(NETWORK)
    script.wait(0.5)
    late = script.last(RenewGrant).ticket
    script.send(Left())
    assert script.send(GrantRenewed(late, grant(1)), RenewFailed(late, DOWN)) == ()


def test_who_was_shown_out_says_goodbye() -> None:
    script = Script().live()
    effects = script.link(EXPELLED)
    assert kinds(effects) == [CloseDevices, CloseLink, EndSession, Report]
    assert (script.phase(), script.seen().notice) == (Phase.GOODBYE, Notice.CONNECTION_LOST)
    script.wait(8.0)
    assert script.phase() is Phase.ATTRACT


def test_recovering_gives_up_after_so_many_tries() -> None:
    script = Script().live()
    script.link(NETWORK)
    for _ in range(20):
        script.wait(4.0)
        if script.phase() is not Phase.RECOVERING:
            break
        script.send(StartFailed(script.last(StartSession).ticket, DOWN))
    assert (script.phase(), script.seen().notice) == (Phase.GOODBYE, Notice.CONNECTION_LOST)
    assert len([effect for effect in script.effects if isinstance(effect, StartSession)]) == 5


def test_recovering_gives_up_after_its_time() -> None:
    script = Script().live()
    script.link(NETWORK)
    script.wait(39.0)
    assert script.phase() is Phase.RECOVERING
    script.wait(1.5)
    assert (script.phase(), script.seen().notice) == (Phase.GOODBYE, Notice.CONNECTION_LOST)


def test_a_visitor_may_leave_while_recovering() -> None:
    script = Script().live()
    script.link(NETWORK)
    script.send(Left())
    assert script.phase() is Phase.GOODBYE
    assert script.wait(60.0) == ()


def test_a_picture_that_stands_still_asks_for_a_moment_then_recovers() -> None:
    script = Script().live()
    script.link(Stalled(1.0))
    assert script.seen().notice == ""
    script.wait(1.0)
    assert (script.phase(), script.seen().notice) == (Phase.LIVE, Notice.ONE_MOMENT)
    script.link(Stalled(2.0))
    script.wait(9.5)
    assert script.phase() is Phase.LIVE
    script.wait(0.5)
    assert script.phase() is Phase.RECOVERING


def test_a_picture_that_moves_again_is_forgiven() -> None:
    script = Script().live()
    script.link(Stalled(5.0))
    assert script.seen().notice == Notice.ONE_MOMENT
    script.link(Resumed())
    assert script.seen().notice == ""
    script.wait(20.0)
    assert script.phase() is Phase.LIVE


def test_a_stall_before_the_first_picture_is_none() -> None:
    script = Script().connecting().opening()
    script.send(LinkOpened(script.last(OpenLink).ticket))
    script.link(Stalled(100.0))
    script.link(FirstFrame(640, 480))
    script.wait(20.0)
    assert script.phase() is Phase.LIVE


# --- devices ---


def test_the_microphone_counts_as_open_only_when_it_is() -> None:
    script = Script().connecting()
    assert not script.seen().microphone
    ticket = script.last(OpenDevices).ticket
    script.send(DevicesOpened(ticket, DeviceState(microphone=True, speaker=True)))
    assert script.seen().microphone
    script.send(DevicesOpened(ticket, DeviceState(microphone=False, speaker=True)))
    assert not script.seen().microphone


@pytest.mark.parametrize(
    ("state", "notice"),
    [
        (DeviceState(True, True), ""),
        (DeviceState(False, True), Notice.NO_MICROPHONE),
        (DeviceState(True, False), Notice.NO_SPEAKER),
        (DeviceState(False, False), Notice.NO_SOUND),
        (DeviceState(False, True, "plug_in"), "plug_in"),
    ],
)
def test_missing_devices_are_told_and_do_not_end_the_visit(state: DeviceState, notice: str) -> None:
    script = Script().live()
    script.send(DevicesOpened(script.last(OpenDevices).ticket, state))
    assert (script.phase(), script.seen().notice) == (Phase.LIVE, notice)


def test_devices_that_fail_leave_a_visit_to_look_at() -> None:
    script = Script().live()
    script.send(DevicesFailed(script.last(OpenDevices).ticket, "no sound server"))
    assert script.last(Report) == Report("devices", "no sound server", fatal=True)
    assert (script.seen().notice, script.seen().microphone) == (Notice.NO_SOUND, False)


def test_devices_of_the_last_visit_do_not_count_in_the_next() -> None:
    script = Script().connecting()
    late = script.last(OpenDevices).ticket
    script.send(Left())
    assert script.send(DevicesOpened(late, DeviceState(True, True)), DevicesFailed(late, "x")) == ()
    script.wait(5.0)
    script.connecting().send(DevicesOpened(late, DeviceState(True, True)))
    assert not script.seen().microphone


# --- the end of the kiosk, and faults that no phase waits for ---


@pytest.mark.parametrize("phase", list(Phase))
def test_shutdown_in_every_phase(phase: Phase) -> None:
    script = Script(limits=fallback_limits())
    match phase:
        case Phase.ATTRACT:
            pass
        case Phase.WELCOME:
            script.welcome()
        case Phase.CONNECTING:
            script.connecting().opening()
        case Phase.LIVE:
            script.live()
        case Phase.RECOVERING:
            script.live().link(NETWORK)
        case Phase.FALLBACK:
            script.connecting().send(StartFailed(script.last(StartSession).ticket, WRONG_KEY))
            script.opening().up()
        case Phase.GOODBYE:
            script.live().send(Left())
        case Phase.OUT_OF_SERVICE:
            script = Script().connecting()
            script.send(StartFailed(script.last(StartSession).ticket, WRONG_KEY))
    assert script.phase() is phase
    effects = script.send(Shutdown())
    assert [effect.reason for effect in effects if isinstance(effect, EndSession)] in ([], [EndReason.SHUTDOWN])
    assert script.state.connection.grant is None
    script.wait(120.0)
    assert script.phase() is Phase.ATTRACT
    assert script.send(Touched("x"), Accepted("de"), Left(), Shutdown()) == ()
    assert script.phase() is Phase.ATTRACT


def test_faults_without_an_owner_reach_the_operator() -> None:
    script = Script()
    assert script.send(EndFailed(grant().session, "cannot end")) == (
        Report("session_left_open", "cannot end", fatal=True),
    )
    assert script.send(EffectFailed("ledger", "disk full")) == (Report("ledger", "disk full", fatal=False),)


def test_a_tick_that_comes_too_early_changes_nothing() -> None:
    script = Script().live()
    before = script.state
    assert script.send(Tick()) == ()
    assert script.state == before
