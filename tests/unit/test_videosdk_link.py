"""What the link into a VideoSDK room decides without a room: whom it shows, what it understands, what it says."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.links import videosdk_facts as facts
from kiosk.links import videosdk_losses as losses
from kiosk.links.contract import Caption, LinkEvent, LostReason, Message, Speaker
from kiosk.links.handover import Handover
from kiosk.links.videosdk_cast import Cast, Peer, choose
from kiosk.links.videosdk_facts import Data, Published, Transcript
from kiosk.links.videosdk_words import MESSAGES_PER_S, RoomWords

HOST = "api.example.com"
FACE = "avatar_0a1b2c3d"


@pytest.mark.parametrize(
    ("peers", "named", "cast"),
    [
        ([], None, Cast()),
        ([Peer("a", True)], None, Cast("a", "a")),
        ([Peer("a", True, audio="m")], None, Cast("a", "a", None, "m")),
        ([Peer("a", True, audio="m", video="v")], None, Cast("a", "a", "v", "m")),
        # The face is a participant of its own: its picture, and its voice, not the agent's.
        ([Peer("a", True, audio="m"), Peer(FACE, audio="n", video="v")], None, Cast(FACE, "a", "v", "n")),
        ([Peer("a", True, audio="m"), Peer(FACE, video="v")], None, Cast(FACE, "a", "v", "m")),
        ([Peer("a", True, audio="m", video="w"), Peer(FACE, video="v")], None, Cast("a", "a", "w", "m")),
        # Other people are neither shown nor heard, whatever they are called.
        ([Peer("visitor", audio="m", video="v")], None, Cast()),
        ([Peer("avatar_of_mine", audio="m", video="v")], None, Cast()),
        ([Peer("visitor", audio="m", video="v"), Peer("a", True, audio="n")], None, Cast("a", "a", None, "n")),
        # A track of whom nobody said anything is better than no face, but only then.
        ([Peer("x", known=False, video="v")], None, Cast("x", None, "v")),
        ([Peer("x", known=False, video="v"), Peer("a", True)], None, Cast("a", "a")),
        # Who is named counts, agent or not.
        ([Peer("a", True, video="v"), Peer("b", video="w", audio="m")], "b", Cast("b", "b", "w", "m")),
        ([Peer("a", True, video="v")], "b", Cast()),
    ],
)
def test_casting(peers: list[Peer], named: str | None, cast: Cast) -> None:
    assert choose(peers, named) == cast


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.binary(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
KEYS = ["id", "peerId", "metaData", "peerType", "state", "text", "type", "topic", "message", "senderId", "payload"]


@given(JSON | st.dictionaries(st.sampled_from(KEYS), JSON, max_size=6))
def test_nothing_that_a_room_says_makes_reading_raise(data: object) -> None:
    for read in (facts.peer_came, facts.peer_left, facts.agent_state, facts.transcript, facts.data_received):
        read(data)
    facts.published(data, "kiosk")


def test_long_words_are_cut() -> None:
    said = facts.transcript({"text": "x" * 100_000, "peerId": "p" * 5000})
    assert said is not None
    assert (len(said.text), len(said.peer)) == (facts.MAX_TEXT, facts.MAX_ID)


def test_ones_own_message_is_no_news() -> None:
    message = {"topic": "CHAT", "message": "hello", "senderId": "kiosk-1"}
    assert facts.published(message, "kiosk-1") is None
    assert facts.published(message, "kiosk-2") == Published("CHAT", "hello", "kiosk-1")


def words() -> tuple[RoomWords, list[LinkEvent]]:
    told: list[LinkEvent] = []
    return RoomWords("CHAT", lambda peer: peer == "agent", told.append), told


def test_a_flood_is_thinned_and_the_agents_words_pass() -> None:
    room, told = words()
    for number in range(1000):
        room.published(Published("CHAT", f"spam {number}", "troll"))
        room.data(Data(bytes(15_000), "troll", False))
    assert len(told) <= MESSAGES_PER_S + 5
    room.transcript(Transcript("agent", "Welcome.", True))
    room.published(Published("CHAT", "Behind you.", "agent"))
    assert told[-2:] == [
        Caption(Speaker.AVATAR, "avatar-1", "Welcome.", True),
        Caption(Speaker.AVATAR, "avatar-2", "Behind you.", True),
    ]


def test_a_final_word_passes_even_in_a_flood_of_interim_ones() -> None:
    room, told = words()
    for _ in range(500):
        room.transcript(Transcript("agent", "Wel", False))
    room.transcript(Transcript("agent", "Welcome.", True))
    assert len(told) < 60
    assert told[-1] == Caption(Speaker.AVATAR, "avatar-1", "Welcome.", True)


def test_a_message_of_another_topic_is_passed_on() -> None:
    room, told = words()
    room.published(Published("DESK", "door open", "agent"))
    assert told == [Message("DESK", b"door open", "agent")]


@pytest.mark.parametrize(
    ("stage", "text", "fault", "reason", "retry", "word"),
    [
        ("init", "401 Client Error: Unauthorized for url", None, LostReason.REFUSED, False, "key and secret"),
        ("init", "401 Client Error", "the token expired", LostReason.REFUSED, False, "the token expired"),
        ("socket", "server rejected WebSocket connection: HTTP 403", None, LostReason.REFUSED, False, "room token"),
        ("init", "404 Client Error", None, LostReason.REFUSED, False, "check room_id"),
        ("init", "402 Client Error", None, LostReason.REFUSED, False, "check room_id"),
        ("init", "429 Client Error", None, LostReason.SERVER, True, "tries again"),
        ("init", "503 Server Error", None, LostReason.SERVER, True, "503"),
        ("init", "certificate verify failed", None, LostReason.NETWORK, True, "clock"),
        ("init", "Name or service not known", None, LostReason.NETWORK, True, "where the room is"),
        ("socket", "", None, LostReason.NETWORK, True, "room's server"),
        ("room", "NoneType", None, LostReason.NETWORK, True, "broke off"),
    ],
)
def test_a_failed_join_is_told_by_what_is_known(
    stage: str, text: str, fault: str | None, reason: LostReason, retry: bool, word: str
) -> None:
    lost = losses.from_join(stage, text, HOST, fault)
    assert (lost.reason, lost.retry) == (reason, retry)
    assert word in lost.operator_line


def test_a_missing_package_says_how_to_get_it() -> None:
    assert "pip install avatar-kiosk[videosdk]" in losses.not_installed().operator_line


async def test_what_is_handed_over_is_bounded_and_the_newest_survives() -> None:
    taken: list[int] = []
    way = Handover(asyncio.get_running_loop(), taken.append, 10)

    def put_all() -> None:
        for number in range(1000):
            way.put(number)

    await asyncio.to_thread(put_all)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert taken[-1] == 999
    assert taken == sorted(taken)
    # Nothing was taken while the loop stood still: only what fits is kept.
    taken.clear()
    for number in range(1000):
        way.put(number)
    await asyncio.sleep(0)
    assert taken == list(range(990, 1000))
    way.put(5)
    way.close()
    await asyncio.sleep(0)
    assert 5 not in taken
