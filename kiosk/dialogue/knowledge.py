"""What the kiosk's own persona knows: questions, ways of asking, answers and cards, for each language.

Frozen all through: a new version of the knowledge replaces the old one as a whole. `knowledge_load` reads the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

LONGEST_QUESTION = 200  # characters
LONGEST_ANSWER = 1_500  # characters: about two minutes of speech
MOST_QUESTIONS = 200  # ways of asking for one entry

Id = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=64)]
Question = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_QUESTION)]
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_ANSWER)]
Sentences = Annotated[tuple[Sentence, ...], Field(min_length=1, max_length=20)]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]


class Tone(StrEnum):
    """How an answer is to be said; the face makes an expression of it."""

    NEUTRAL = "neutral"
    WARM = "warm"
    CONCERNED = "concerned"


class Does(StrEnum):
    """What an entry does besides answering."""

    NOTHING = "nothing"
    REPEAT = "repeat"  # says the last answer again
    GOODBYE = "goodbye"  # the visitor takes their leave
    CALL_PERSON = "call_person"


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Card(Part):
    """Shown beside the answer. `picture` is a file that existed when it was loaded; `qr` is the text in the code."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
    text: Annotated[str, StringConstraints(max_length=600)] = ""
    picture: Path | None = None
    qr: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = None
    link: Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+(/\S*)?$", max_length=500)] | None = None


class Entry(Part):
    """One thing the persona knows. The first of `questions` is shown to visitors; `also` is for finding alone."""

    id: Id
    questions: Annotated[tuple[Question, ...], Field(min_length=1, max_length=MOST_QUESTIONS)]
    also: Annotated[tuple[Question, ...], Field(max_length=MOST_QUESTIONS)] = ()
    answer: Sentences
    card: Card | None = None
    suggest: bool = False
    tone: Tone = Tone.NEUTRAL
    does: Does = Does.NOTHING
    offers_person: bool = False

    @field_validator("answer", mode="before")
    @classmethod
    def one_or_several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @property
    def ways(self) -> tuple[str, ...]:
        """All ways of asking."""
        return self.questions + self.also


class Phrases(Part):
    """What the persona says by itself. `{answer}` and `{question}` are filled in where they stand."""

    greeting_morning: Sentences
    greeting_day: Sentences
    greeting_evening: Sentences
    not_sure: Sentences
    offer: Sentences
    did_you_mean: Sentences
    not_heard: Sentences
    nothing_to_repeat: Sentences
    repeat: Sentences
    yes_to_what: Sentences
    no_then: Sentences
    calling: Sentences
    calling_later: Sentences
    calling_impossible: Sentences
    already_called: Sentences
    idle: Sentences
    goodbye: Sentences
    yes: tuple[Word, ...]
    no: tuple[Word, ...]
    stop_words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class LanguageKnowledge:
    language: str
    entries: tuple[Entry, ...]
    phrases: Phrases = field(repr=False)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """`languages`: the code of the language, e.g. "en", -> what is known in it; at least English."""

    languages: Mapping[str, LanguageKnowledge] = field(default_factory=lambda: MappingProxyType({}))

    def for_language(self, language: str) -> LanguageKnowledge:
        """The language itself, the one that it is a kind of ("de-AT" -> "de"), English, or the first there is.

        Raises `KeyError` where nothing at all is known.
        """
        for code in (language, language.split("-")[0], "en", *self.languages):
            if code in self.languages:
                return self.languages[code]
        raise KeyError("there is no knowledge in any language")
