"""Who is there, what a loss means, which words are captions, how much of a flood passes: pure decisions."""

from __future__ import annotations

import json
import socket
import ssl
from typing import Any

import pytest
from websockets.datastructures import Headers
from websockets.exceptions import InvalidMessage, InvalidStatus, InvalidURI
from websockets.http11 import Response

from kiosk.links import ingest_losses
from kiosk.links.allowance import Allowance
from kiosk.links.contract import Caption, LostReason, Speaker
from kiosk.links.ingest_captions import TopicCaptions
from kiosk.links.ingest_people import MOST_PEOPLE, People
from kiosk.links.ingest_protocol import Person

REF = "vs_k9d8j2m4x7p1w5v3r6u0"


def agent(identity: str = "a1", **metadata: Any) -> Person:
    return Person(identity, "Anna", {"agent_id": "agent_123", **metadata})


class TestPeople:
    def test_nobody(self) -> None:
        people = People("me")
        assert people.partner is None
        assert not people.somebody

    def test_the_kiosk_itself_is_no_company(self) -> None:
        people = People("me")
        people.joined(Person("me", "Kiosk"))
        assert not people.somebody
        assert not people.left("me")

    def test_the_agent_goes_before_who_came_first(self) -> None:
        people = People("me", "agent_123")
        people.joined(Person("p1", "Host"))
        assert people.partner == "p1"
        people.joined(agent())
        assert people.partner == "a1"
        assert not people.left("a1"), "somebody else is still there"
        assert people.partner == "p1"
        assert people.left("p1")
        assert people.partner is None

    @pytest.mark.parametrize(
        "person", [Person("agent_123", "Anna"), Person("x", "Front desk Agent"), Person("x", "Anna", {"agent_id": "?"})]
    )
    def test_what_looks_like_an_agent(self, person: Person) -> None:
        people = People("me", "agent_123")
        people.joined(Person("p1", "Host"))
        people.joined(person)
        assert people.partner == person.id

    def test_who_is_heard_is_there_but_cannot_be_missed(self) -> None:
        people = People("me")
        people.heard()
        assert people.somebody
        assert not people.left("never announced")

    def test_a_flood_of_people_is_bounded(self) -> None:
        people = People("me")
        for number in range(10 * MOST_PEOPLE):
            people.joined(Person(f"p{number}", "x"))
        assert people.partner == "p0"
        gone = [people.left(f"p{number}") for number in range(10 * MOST_PEOPLE)]
        assert gone.count(True) == 1
        assert gone.index(True) == MOST_PEOPLE - 1


class TestLosses:
    @pytest.mark.parametrize(
        ("code", "reason"),
        [
            (1000, LostReason.SERVER),
            (1001, LostReason.SERVER),
            (1006, LostReason.NETWORK),
            (None, LostReason.NETWORK),
            (1008, LostReason.REFUSED),
            (1011, LostReason.SERVER),
            (4321, LostReason.SERVER),
        ],
    )
    def test_every_close_is_tried_again_with_a_new_session(self, code: int | None, reason: LostReason) -> None:
        lost = ingest_losses.from_close(code, f"see ?ref={REF}\nand more", "ingest.example")
        assert lost.reason is reason
        assert lost.retry
        assert "ingest.example" in lost.operator_line
        assert REF not in lost.operator_line
        assert "\n" not in lost.operator_line

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410])
    def test_an_address_that_is_refused(self, status: int) -> None:
        error = InvalidStatus(Response(status, "no", Headers()))
        lost = ingest_losses.from_connect_error(error, "ingest.example")
        assert (lost.reason, lost.retry) == (LostReason.REFUSED, True)
        assert f"HTTP {status}" in lost.operator_line

    @pytest.mark.parametrize(
        ("error", "reason", "retry"),
        [
            (InvalidStatus(Response(503, "no", Headers())), LostReason.SERVER, True),
            (InvalidStatus(Response(429, "no", Headers())), LostReason.SERVER, True),
            (TimeoutError(), LostReason.TIMEOUT, True),
            (ConnectionRefusedError(), LostReason.NETWORK, True),
            (socket.gaierror(-2, REF), LostReason.NETWORK, True),
            (ssl.SSLCertVerificationError(REF), LostReason.NETWORK, True),
            (InvalidMessage(REF), LostReason.NETWORK, True),
            (InvalidURI(f"wss://x?ref={REF}", "bad"), LostReason.REFUSED, False),
            (ValueError(REF), LostReason.NETWORK, True),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_what_opening_can_raise(self, error: Exception, reason: LostReason, retry: bool) -> None:
        lost = ingest_losses.from_connect_error(error, "ingest.example")
        assert (lost.reason, lost.retry) == (reason, retry)
        assert REF not in lost.operator_line

    def test_an_end_from_outside_is_final(self) -> None:
        for why in ("", f"the host closed it, ref={REF}"):
            lost = ingest_losses.meeting_over(why)
            assert not lost.retry
            assert REF not in lost.operator_line

    def test_an_agent_that_never_comes_is_told_by_its_id(self) -> None:
        lost = ingest_losses.nobody_came("agent_123", 20)
        assert not lost.retry, "the fallback takes over"
        assert "agent_123" in lost.operator_line


class TestCaptions:
    def captions(self) -> TopicCaptions:
        return TopicCaptions(lambda identity: identity == "me")

    def test_plain_text(self) -> None:
        captions = self.captions()
        assert captions.read("  Good\nday ") == Caption(Speaker.AVATAR, "avatar-0", "Good day", True)
        assert captions.read("Bye") == Caption(Speaker.AVATAR, "avatar-1", "Bye", True)

    def test_interim_results_replace_each_other(self) -> None:
        captions = self.captions()
        said = [("Where", "interim"), ("Where is", "interim"), ("Where is it?", "final"), ("There.", "final")]
        read = [captions.read(json.dumps({"text": text, "type": kind, "peerId": "a1"})) for text, kind in said]
        assert [(c.segment, c.text, c.final) for c in read if c is not None] == [
            ("avatar-0", "Where", False),
            ("avatar-0", "Where is", False),
            ("avatar-0", "Where is it?", True),
            ("avatar-1", "There.", True),
        ]

    @pytest.mark.parametrize("mark", [{"peerId": "me"}, {"role": "user"}])
    def test_what_the_visitor_said(self, mark: dict[str, str]) -> None:
        caption = self.captions().read(json.dumps({"text": "Hello", **mark}))
        assert caption == Caption(Speaker.VISITOR, "visitor-0", "Hello", True)

    @pytest.mark.parametrize("text", ["", "  \n", '{"text": 7}', '{"type": "final"}', "{}"])
    def test_no_words(self, text: str) -> None:
        assert self.captions().read(text) is None

    @pytest.mark.parametrize("text", ["[1]", "null", "7", "{broken"])
    def test_what_only_looks_like_json_is_text(self, text: str) -> None:
        caption = self.captions().read(text)
        assert caption is not None
        assert caption.text == text


def test_an_allowance_lets_so_many_a_second_through() -> None:
    allowance = Allowance(20)
    passed = sum(allowance.take(100 + number / 100) for number in range(1000))  # 100 a second for 10 s
    assert 200 <= passed <= 221
    assert allowance.refused == 1000 - passed
    assert allowance.take(1000.0)
