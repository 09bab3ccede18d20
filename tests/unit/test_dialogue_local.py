"""The persona's side of a conversation."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.dialogue.call_person import CallOutcome
from kiosk.dialogue.knowledge import Does, Knowledge, Tone
from kiosk.dialogue.knowledge_load import example_folder, load_knowledge
from kiosk.dialogue.local import Answer, LocalDialogue

KNOWLEDGE = load_knowledge(example_folder()).knowledge
UNKNOWN = "quantum chromodynamics"


class HeldClock:
    def __init__(self, hour: int):
        self._hour = hour

    def monotonic(self) -> float:
        return 0.0

    def wall(self) -> float:
        return datetime(2027, 3, 1, self._hour, 30).timestamp()


def dialogue(*, can_call: bool = True, hour: int = 12) -> LocalDialogue:
    return LocalDialogue(KNOWLEDGE, HeldClock(hour), can_call=can_call)


@pytest.mark.parametrize(
    ("hour", "english", "german"),
    [(8, "Good morning", "Guten Morgen"), (12, "Hello", "Guten Tag"), (19, "Good evening", "Guten Abend")],
)
def test_it_greets_by_the_time_of_day(hour: int, english: str, german: str) -> None:
    assert dialogue(hour=hour).greeting("en").text.startswith(english)
    greeting = dialogue(hour=hour).greeting("de")
    assert greeting.text.startswith(german)
    assert greeting.tone is Tone.WARM
    assert greeting.suggestions == dialogue().suggestions("de")
    assert 3 <= len(greeting.suggestions) <= 6


def test_it_answers_with_a_card_and_other_chips() -> None:
    answer = dialogue().answer("is there wifi?", "en")
    assert "network Guest" in answer.text
    assert answer.card is not None
    assert answer.card.qr
    assert "Is there Wi-Fi?" not in answer.suggestions
    assert "Where can I park?" in answer.suggestions


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_chip_is_answered(language: str) -> None:
    for chip in dialogue().suggestions(language):
        assert dialogue().answer(chip, language).entry


def test_an_unknown_language_is_answered_in_english() -> None:
    assert "lifts" in dialogue().answer("where are the toilets", "fr").text


def test_below_the_threshold_it_says_so_and_offers_a_person() -> None:
    desk = dialogue()
    answer = desk.answer(UNKNOWN, "en")
    assert answer.text == "I am not sure that I understood. Shall I call a colleague?"
    assert answer.offers_person
    assert answer.suggestions
    agreed = desk.answer("yes, please", "en")
    assert agreed.does is Does.CALL_PERSON
    assert desk.called(CallOutcome.SENT, "en").text.startswith("I have called a colleague")
    assert "already" in desk.answer("call somebody please", "en").text


def test_no_is_taken_for_an_answer_once() -> None:
    desk = dialogue()
    desk.answer(UNKNOWN, "de")
    declined = desk.answer("Nein danke", "de")
    assert declined.does is Does.NOTHING
    assert declined.text.startswith("In Ordnung")
    assert desk.answer("ja", "de").does is Does.NOTHING, "the offer does not stand for ever"


def test_without_a_webhook_nobody_is_promised() -> None:
    desk = dialogue(can_call=False)
    unsure = desk.answer(UNKNOWN, "en")
    assert "colleague" not in unsure.text
    assert not unsure.offers_person
    asked = desk.answer("can I talk to a person", "en")
    assert asked.does is Does.NOTHING
    assert "cannot call anybody" in asked.text
    urgent = desk.answer("this is an emergency", "en")
    assert "one one two" in urgent.text
    assert "cannot call anybody" in urgent.text
    assert not desk.answer("I have an appointment", "en").offers_person


@pytest.mark.parametrize(
    ("outcome", "words"),
    [(CallOutcome.SENT, "Somebody will be"), (CallOutcome.QUEUED, "keep trying"), (CallOutcome.IMPOSSIBLE, "cannot")],
)
def test_it_says_honestly_what_became_of_the_call(outcome: CallOutcome, words: str) -> None:
    assert words in dialogue().called(outcome, "en").text


def test_an_emergency_calls_again_although_somebody_was_called() -> None:
    desk = dialogue()
    desk.called(CallOutcome.SENT, "en")
    answer = desk.answer("somebody collapsed", "en")
    assert answer.does is Does.CALL_PERSON
    assert answer.tone is Tone.CONCERNED


def test_what_was_nearly_understood_is_asked_back() -> None:
    desk = dialogue()
    asked = next(
        (text, answer)
        for text in ("my cousin parks", "coffee elephants", "train my elephant", "badge elephants dance")
        if "Did you mean" in (answer := desk.answer(text, "en")).text
    )
    assert asked[1].suggestions
    assert desk.answer("yes", "en").entry
    desk.answer(asked[0], "en")
    assert desk.answer("no", "en").text.startswith("All right")


def test_what_was_heard_unsurely_is_asked_back_before_anything_is_done() -> None:
    desk = dialogue()
    asked = desk.answer("call the police", "en", confidence=0.5)
    assert "Did you mean: This is an emergency" in asked.text
    assert asked.does is Does.NOTHING
    assert desk.answer("yes", "en", confidence=0.4).does is Does.CALL_PERSON
    assert desk.answer("where can I park", "en", confidence=0.9).entry == "parking"


def test_it_repeats_what_it_said_last() -> None:
    desk = dialogue()
    assert "not said anything" in desk.answer("say that again", "en").text
    said = desk.answer("where can I park", "en")
    repeated = desk.answer("say that again please", "en")
    assert said.text in repeated.text
    again = desk.answer("once more please", "en")
    assert said.text in again.text
    assert repeated.text not in again.text, "what is repeated is the answer, not the repetition"


def test_variants_come_in_turn() -> None:
    desk = dialogue()
    assert desk.answer("hello", "en").text != desk.answer("hello", "en").text


def test_goodbye_ends_the_visit() -> None:
    assert dialogue().answer("goodbye", "en").does is Does.GOODBYE
    assert dialogue().goodbye("de").does is Does.GOODBYE


def test_a_new_visitor_knows_nothing_of_the_one_before() -> None:
    desk = dialogue()
    desk.answer("where can I park", "en")
    desk.answer(UNKNOWN, "en")
    desk.new_visit()
    assert "not said anything" in desk.answer("repeat that please", "en").text
    assert desk.answer("yes", "en").does is Does.NOTHING


def test_saved_knowledge_is_used_at_once() -> None:
    desk = dialogue()
    german = KNOWLEDGE.for_language("de")
    desk.replace(Knowledge({"de": german}))
    assert desk.answer("Wo sind die Toiletten?", "en").entry == "toilets"


@settings(max_examples=80)
@given(st.lists(st.one_of(st.text(max_size=60), st.sampled_from(["yes", "no", "again", UNKNOWN])), max_size=6))
def test_no_conversation_raises(texts: list[str]) -> None:
    desk = dialogue()
    for text in texts:
        answer = desk.answer(text, "en")
        assert isinstance(answer, Answer)
        assert answer.text or answer.does is Does.CALL_PERSON
