"""Casting a room: who is the avatar, by the avatar contract and never by a name's prefix."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.links.participants import Cast, ParticipantFacts, Source, TrackFacts, choose, on_stage


def video(sid: str, source: Source = Source.CAMERA) -> TrackFacts:
    return TrackFacts(sid, True, source)


def audio(sid: str, source: Source = Source.MICROPHONE) -> TrackFacts:
    return TrackFacts(sid, False, source)


def person(identity: str, *tracks: TrackFacts) -> ParticipantFacts:
    return ParticipantFacts(identity, False, None, tracks)


def agent(identity: str, *tracks: TrackFacts, on_behalf_of: str | None = None) -> ParticipantFacts:
    return ParticipantFacts(identity, True, on_behalf_of, tracks)


def test_an_empty_room_has_no_avatar() -> None:
    assert choose((), None) == Cast()


def test_a_worker_on_behalf_of_the_agent_is_the_avatar() -> None:
    people = (agent("brain"), agent("face", video("v"), audio("a"), on_behalf_of="brain"), person("visitor 2"))
    assert choose(people, None) == Cast("face", "brain", "v", "a")


def test_the_agents_own_tracks_come_before_the_workers() -> None:
    people = (agent("brain", audio("own")), agent("face", video("v"), audio("a"), on_behalf_of="brain"))
    assert choose(people, None) == Cast("face", "brain", "v", "own")


def test_a_worker_of_somebody_elses_agent_is_the_avatar_where_there_is_no_other() -> None:
    people = (agent("face", video("v"), audio("a"), on_behalf_of="kiosk"),)
    assert choose(people, None) == Cast("face", None, "v", "a")


def test_an_agent_without_a_worker_is_its_own_avatar() -> None:
    assert choose((agent("brain", video("v"), audio("a")),), None) == Cast("brain", "brain", "v", "a")


def test_a_vendor_room_without_kinds_shows_the_first_participant_with_video() -> None:
    people = (person("silent"), person("first", video("v1"), audio("a1")), person("second", video("v2")))
    assert choose(people, None) == Cast("first", None, "v1", "a1")


def test_a_named_avatar_wins_over_everybody_else() -> None:
    people = (person("other", video("x"), audio("y")), person("named", video("v"), audio("a")))
    assert choose(people, "named") == Cast("named", None, "v", "a")


def test_a_named_avatar_that_is_not_there_yet_is_waited_for() -> None:
    assert choose((person("other", video("x")),), "named") == Cast()


def test_a_name_that_only_looks_like_an_avatar_counts_for_nothing() -> None:
    people = (person("lobby-avatar-agent"), person("face", video("v")))
    assert choose(people, None).avatar == "face"


@pytest.mark.parametrize("source", [Source.OTHER, Source.MICROPHONE])
def test_the_camera_comes_before_any_other_video(source: Source) -> None:
    assert choose((person("p", video("screen", source), video("cam")),), None).video_sid == "cam"


tracks = st.lists(st.builds(TrackFacts, st.uuids().map(str), st.booleans(), st.sampled_from(Source)), max_size=3).map(
    tuple
)
people_in_rooms = st.lists(
    st.builds(ParticipantFacts, st.sampled_from("abcde"), st.booleans(), st.none() | st.sampled_from("abcde"), tracks),
    max_size=5,
    unique_by=lambda p: p.identity,
)


@given(people_in_rooms, st.none() | st.sampled_from("abcxyz"))
def test_only_tracks_and_people_of_the_room_are_cast(people: list[ParticipantFacts], named: str | None) -> None:
    cast = choose(people, named)
    sids = {t.sid: t.video for p in people for t in p.tracks}
    assert cast.avatar is None or cast.avatar in {p.identity for p in people}
    assert cast.video_sid is None or sids[cast.video_sid] is True
    assert cast.audio_sid is None or sids[cast.audio_sid] is False
    if named is not None and cast.avatar is not None:
        assert cast.avatar == named


def test_a_voice_comes_before_a_listener_where_nobody_has_a_picture() -> None:
    assert choose((person("listener"), person("speaker", audio("a"))), None) == Cast("speaker", None, None, "a")


def test_on_a_stage_the_one_who_is_shown_stays_until_the_picture_is_gone() -> None:
    ada, ben = person("ada", video("v1"), audio("a1")), person("ben", video("v2"), audio("a2"))
    assert choose((ada, ben), None, shown="ben") == Cast("ben", None, "v2", "a2")
    assert choose((ada, person("ben", audio("a2"))), None, shown="ben") == Cast("ada", None, "v1", "a1")
    assert choose((ada, ben), "ada", shown="ben") == Cast("ada", None, "v1", "a1"), "the one who was named comes first"
    assert choose((ada,), None, shown="ben") == Cast("ada", None, "v1", "a1")


def test_a_stage_is_without_us_and_without_what_is_switched_off() -> None:
    camera = TrackFacts("v1", True, Source.CAMERA, muted=True)
    people = (person("ada", camera, audio("a1")), person("us", video("v2")))
    seen = on_stage(people, lambda participant: participant.identity == "us")
    assert seen == (person("ada", audio("a1")),)
