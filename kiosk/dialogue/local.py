"""Decides what the persona answers, from the knowledge alone: no network, no clock but the one that it is given.

One object serves one kiosk; `new_visit` forgets the visitor. What it says it takes from the knowledge's phrases.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from kiosk.clock import Clock
from kiosk.dialogue.call_person import CallOutcome
from kiosk.dialogue.knowledge import Card, Does, Entry, Knowledge, LanguageKnowledge, Phrases, Tone
from kiosk.dialogue.knowledge_finder import SUGGESTED, Finder, Found, NotFound
from kiosk.dialogue.knowledge_words import plain_words

MOST_CHIPS = 6
LIKELY = 0.36
"""Score from which the persona asks "did you mean …" instead of only offering a person."""

SURE = 0.7
"""How surely speech must have been heard to be answered without asking back; see resources/manual/ears.md."""

_MORNING_ENDS, _EVENING_BEGINS = 11, 18  # o'clock
_LONGEST_YES = 5  # words: "yes please, that would be nice"; more than that is a new question


@dataclass(frozen=True, slots=True)
class Answer:
    """What the persona says next.

    `suggestions` are questions for chips. With `does` CALL_PERSON the caller calls somebody and then says what
    `LocalDialogue.called` gives; with GOODBYE the visit ends after these words. `offers_person`: show a button that
    calls somebody. `entry` is the id of what was found, empty where nothing was.
    """

    text: str
    card: Card | None = None
    suggestions: tuple[str, ...] = ()
    tone: Tone = Tone.NEUTRAL
    offers_person: bool = False
    does: Does = Does.NOTHING
    entry: str = ""


@dataclass(frozen=True, slots=True)
class _Index:
    finder: Finder
    yes: frozenset[tuple[str, ...]]
    no: frozenset[tuple[str, ...]]


class _Language:
    def __init__(self, known: LanguageKnowledge) -> None:
        self.known = known

    @cached_property
    def index(self) -> _Index:
        def words(texts: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
            return frozenset(tuple(plain_words(text, self.known.language)) for text in texts)

        phrases = self.known.phrases
        return _Index(Finder(self.known), words(phrases.yes), words(phrases.no))


class LocalDialogue:
    """`can_call`: whether a person can be called from here; without it nothing of the kind is promised.

    Raises `KeyError` from any call where the knowledge is empty in all languages.
    """

    def __init__(self, knowledge: Knowledge, clock: Clock, *, can_call: bool = False):
        self._clock = clock
        self._can_call = can_call
        self.replace(knowledge)
        self.new_visit()

    def replace(self, knowledge: Knowledge) -> None:
        """Takes a new version of the knowledge, all at once; the visit under way goes on with it."""
        self._knowledge = knowledge
        self._languages = {code: _Language(known) for code, known in knowledge.languages.items()}

    def index(self) -> None:
        """Makes ready for questions, which the first one of a language would wait for otherwise: some ten milliseconds.

        May be called on any thread.
        """
        for language in tuple(self._languages.values()):
            _ = language.index

    def new_visit(self) -> None:
        self._turns: Counter[str] = Counter()
        self._last: Answer | None = None
        self._meant: Entry | None = None  # "did you mean …" waits for yes or no
        self._offered = False  # "shall I call somebody?" waits for yes or no
        self._called = False

    def greeting(self, language: str) -> Answer:
        hour = datetime.fromtimestamp(self._clock.wall()).hour
        phrases = self._of(language).known.phrases
        if hour < _MORNING_ENDS:
            said = phrases.greeting_morning
        else:
            said = phrases.greeting_day if hour < _EVENING_BEGINS else phrases.greeting_evening
        return self._remember(Answer(self._next("greeting", said), None, self.suggestions(language), Tone.WARM))

    def goodbye(self, language: str) -> Answer:
        said = self._next("goodbye", self._of(language).known.phrases.goodbye)
        return Answer(said, tone=Tone.WARM, does=Does.GOODBYE)

    def idle(self, language: str) -> Answer:
        """For a visitor who stands there and says nothing."""
        said = self._next("idle", self._of(language).known.phrases.idle)
        return Answer(said, suggestions=self.suggestions(language), tone=Tone.WARM)

    def not_heard(self, language: str) -> Answer:
        """Speech was heard and not understood."""
        said = self._next("not_heard", self._of(language).known.phrases.not_heard)
        return Answer(said, suggestions=self.suggestions(language), offers_person=self._can_call)

    def called(self, outcome: CallOutcome, language: str) -> Answer:
        """What became of the call; to be said after an answer that calls somebody."""
        phrases = self._of(language).known.phrases
        said = {
            CallOutcome.SENT: phrases.calling,
            CallOutcome.QUEUED: phrases.calling_later,
            CallOutcome.IMPOSSIBLE: phrases.calling_impossible,
        }[outcome]
        self._called = outcome is not CallOutcome.IMPOSSIBLE
        return self._remember(Answer(self._next(outcome, said), suggestions=self.suggestions(language)))

    def suggestions(self, language: str) -> tuple[str, ...]:
        """Questions for chips, in the order of the knowledge."""
        entries = self._of(language).known.entries
        return tuple(entry.questions[0] for entry in entries if entry.suggest)[:MOST_CHIPS]

    def answer(self, text: str, language: str, confidence: float = 1.0) -> Answer:
        """What to say to `text`, whatever it holds.

        `confidence` is how surely it was heard, 0 to 1: what was not, is asked back before anything is done.
        """
        here = self._of(language)
        meant, self._meant = self._meant, None
        offered, self._offered = self._offered, False
        found = here.index.finder.find(text)
        words = tuple(plain_words(text, here.known.language))
        short = meant is not None or offered or not isinstance(found, Found)
        if short and _says(words, here.index.yes):
            return self._agreed(meant, offered, language)
        if short and _says(words, here.index.no):
            return self._declined(here.known.phrases, language)
        if not isinstance(found, Found):
            return self._unsure(found, language)
        if confidence < SURE:
            return self._ask_back((found.entry, *found.alternatives), language)
        return self._give(found.entry, language)

    def _agreed(self, meant: Entry | None, offered: bool, language: str) -> Answer:
        if meant is not None:
            return self._give(meant, language)
        if offered:
            return self._call("", Answer("", tone=Tone.WARM), language)
        said = self._next("yes_to_what", self._of(language).known.phrases.yes_to_what)
        return Answer(said, suggestions=self.suggestions(language))

    def _declined(self, phrases: Phrases, language: str) -> Answer:
        return Answer(self._next("no_then", phrases.no_then), suggestions=self.suggestions(language))

    def _give(self, entry: Entry, language: str) -> Answer:
        said = self._next(f"entry {entry.id}", entry.answer)
        others = tuple(chip for chip in self.suggestions(language) if chip != entry.questions[0])
        answer = Answer(said, entry.card, others, entry.tone, entry=entry.id)
        match entry.does:
            case Does.REPEAT:
                return self._repeat(language)
            case Does.GOODBYE:
                return replace(answer, does=Does.GOODBYE)
            case Does.CALL_PERSON:
                return self._call(said, answer, language)
        if entry.offers_person and self._can_call and not self._called:
            answer = self._with_offer(answer, language)
        return self._remember(answer)

    def _call(self, said: str, answer: Answer, language: str) -> Answer:
        phrases = self._of(language).known.phrases
        if not self._can_call:
            impossible = self._next("calling_impossible", phrases.calling_impossible)
            return self._remember(replace(answer, text=f"{said} {impossible}".strip()))
        if self._called and answer.tone is not Tone.CONCERNED:  # what is urgent is called in once more
            return replace(answer, text=self._next("already_called", phrases.already_called))
        return self._remember(replace(answer, does=Does.CALL_PERSON))

    def _repeat(self, language: str) -> Answer:
        phrases = self._of(language).known.phrases
        if self._last is None or not self._last.text:
            return Answer(self._next("nothing", phrases.nothing_to_repeat), suggestions=self.suggestions(language))
        # Replaced, not formatted: an answer may hold braces.
        said = self._next("repeat", phrases.repeat).replace("{answer}", self._last.text)
        return replace(self._last, text=said, does=Does.NOTHING)

    def _unsure(self, found: NotFound, language: str) -> Answer:
        phrases = self._of(language).known.phrases
        near = tuple(entry.questions[0] for entry in found.nearest)
        if near and found.score >= LIKELY:
            return self._ask_back(found.nearest, language)
        answer = Answer(self._next("not_sure", phrases.not_sure), suggestions=near or self.suggestions(language))
        return self._with_offer(answer, language) if self._can_call else answer

    def _ask_back(self, entries: tuple[Entry, ...], language: str) -> Answer:
        self._meant = entries[0]
        questions = tuple(entry.questions[0] for entry in entries[:SUGGESTED])
        phrases = self._of(language).known.phrases
        said = self._next("did_you_mean", phrases.did_you_mean).replace("{question}", questions[0])
        return Answer(said, suggestions=questions, offers_person=self._can_call)

    def _with_offer(self, answer: Answer, language: str) -> Answer:
        self._offered = True
        offer = self._next("offer", self._of(language).known.phrases.offer)
        return replace(answer, text=f"{answer.text} {offer}", offers_person=True)

    def _remember(self, answer: Answer) -> Answer:
        self._last = answer
        return answer

    def _next(self, key: str, said: tuple[str, ...]) -> str:
        """The variants of a sentence in turn, so that nobody hears the same one twice in a row."""
        self._turns[key] += 1
        return said[(self._turns[key] - 1) % len(said)]

    def _of(self, language: str) -> _Language:
        return self._languages[self._knowledge.for_language(language).language]


def _says(words: tuple[str, ...], phrases: frozenset[tuple[str, ...]]) -> bool:
    """Whether these few words are one of `phrases`, or begin with one."""
    if not words or len(words) > _LONGEST_YES:
        return False
    return words in phrases or any(phrase and words[: len(phrase)] == phrase for phrase in phrases)
