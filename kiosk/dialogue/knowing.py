"""The persona's dialogue: answers from the knowledge, and a person who is called where they do not suffice."""

from __future__ import annotations

from pathlib import Path

from kiosk.dialogue import knowledge
from kiosk.dialogue.call_person import CallPerson
from kiosk.dialogue.contract import Reply
from kiosk.dialogue.knowledge import Does
from kiosk.dialogue.local import Answer, LocalDialogue
from kiosk.links.contract import Card


class KnowingDialogue:
    """A `Dialogue`. One visitor at a time: `greeting` forgets the one before."""

    def __init__(self, answers: LocalDialogue, calls: CallPerson):
        self._answers = answers
        self._calls = calls

    def greeting(self, language: str) -> Reply:
        self._answers.new_visit()
        return _reply(self._answers.greeting(language))

    def not_heard(self, language: str) -> Reply:
        return _reply(self._answers.not_heard(language))

    async def reply(self, text: str, language: str, confidence: float = 1.0) -> Reply:
        answer = self._answers.answer(text, language, confidence)
        if answer.does is not Does.CALL_PERSON:
            return _reply(answer)
        urgent = answer.tone is knowledge.Tone.CONCERNED
        outcome = await self._calls.call(language, reason=answer.entry, text=text, urgent=urgent)
        called = self._answers.called(outcome, language)
        return Reply(f"{answer.text} {called.text}".strip(), _card(answer.card), called.suggestions)


def _reply(answer: Answer) -> Reply:
    return Reply(answer.text, _card(answer.card), answer.suggestions, ends=answer.does is Does.GOODBYE)


def _card(card: knowledge.Card | None) -> Card | None:
    if card is None:
        return None
    picture: Path | None = card.picture
    return Card(card.title, card.text, picture, card.qr or "", card.link or "")
