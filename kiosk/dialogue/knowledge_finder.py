"""Finds the entry that a question is about, or says that there is none.

Each way of asking is a set of word stems, each stem weighs the more the fewer entries know it (as in BM25), and words
are compared by rapidfuzz, so that a typing error or a German compound still meets its word. The score says how much of
the question's weight a way of asking covers, and how much of that way the question covers: 0 to 1, comparable between
questions, which a plain BM25 score is not. tests/benchmarks/knowledge_accuracy.py measures it and the alternatives.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiosk.dialogue.knowledge import Entry, LanguageKnowledge
from kiosk.dialogue.knowledge_words import plain_words, stem

THRESHOLD = 0.46
"""Scores below this are not taken for an answer. Chosen on the `tune` half of tests/benchmarks/paraphrases."""

MARGIN = 0.015
"""A best entry that is no more than this ahead of the second is not taken either: the visitor is asked."""

SUGGESTED = 3  # entries that are offered instead of an answer
SUGGESTION_FLOOR = 0.25  # below this score an entry has nothing to do with the question

_LIKE = 0.88  # Jaro-Winkler likeness from which two words are the same but for typing
_PART = 0.8  # likeness of a compound and one of its parts
_SHORTEST_FUZZY = 5  # letters; shorter words are too easily taken for each other
_SMALL = 0.3  # weight of a stop word, in parts of that of another word
_UNKNOWN = 1.5  # weight of a word that no entry knows, in parts of the heaviest known word's
_WHOLE_ENTRY = 0.6  # how much of the coverage may come from other ways of asking for the same entry
_QUESTION = 0.75  # how much the coverage of the question counts against that of the way of asking

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Found:
    """`score` is 0 to 1; `alternatives` are the next best entries, best first."""

    entry: Entry
    score: float
    alternatives: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class NotFound:
    """`nearest` are entries that the visitor may have meant, best first, the first with `score`; empty: none near."""

    nearest: tuple[Entry, ...] = ()
    score: float = 0.0


class Finder:
    """An index over the entries of one language. Building it takes some milliseconds; asking it never raises."""

    def __init__(self, knowledge: LanguageKnowledge, *, threshold: float = THRESHOLD, margin: float = MARGIN):
        self._entries = knowledge.entries
        self._language = knowledge.language
        self._threshold, self._margin = threshold, margin
        self._small = {word for text in knowledge.phrases.stop_words for word in plain_words(text, self._language)}
        ways = [(number, self._words(way)) for number, entry in enumerate(self._entries) for way in entry.ways]
        ways = [(number, words) for number, words in ways if words]
        self._vocabulary = sorted({word for _, words in ways for word in words})
        self._column = {word: column for column, word in enumerate(self._vocabulary)}
        self._owner = np.array([number for number, _ in ways], dtype=np.int64)
        self._ways = np.zeros((len(ways), len(self._vocabulary)))
        self._bags = np.zeros((len(self._entries), len(self._vocabulary)))
        for row, (number, words) in enumerate(ways):
            columns = [self._column[word] for word in words]
            self._ways[row, columns] = 1.0
            self._bags[number, columns] = 1.0
        self._weights = self._weigh()
        self._way_weights = self._ways @ self._weights

    def find(self, text: str) -> Found | NotFound:
        """The entry for `text`, whatever it holds; bounded in time by the clipping of long texts."""
        scores = self.scores(text)
        order = [int(number) for number in np.argsort(-scores, kind="stable")]
        best = scores[order[0]] if order else 0.0
        second = scores[order[1]] if len(order) > 1 else 0.0
        near = tuple(self._entries[number] for number in order[: SUGGESTED + 1] if scores[number] >= SUGGESTION_FLOOR)
        if best >= self._threshold and best - second > self._margin:
            return Found(self._entries[order[0]], float(best), near[1:])
        return NotFound(near[:SUGGESTED], float(best))

    def scores(self, text: str) -> Scores:
        """The score of each entry, in the order of the knowledge."""
        entry_scores = np.zeros(len(self._entries))
        words = self._words(text)
        if not words or not self._vocabulary:
            return entry_scores
        like = self._likeness(words)
        met = np.flatnonzero(like.max(axis=0))  # the columns that matter: few, which keeps the arrays small
        if not met.size:
            return entry_scores
        like, weights = like[:, met], self._weights[met]
        heaviest = np.where(like.max(axis=1) > 0, weights[like.argmax(axis=1)], [self._unknown(w) for w in words])
        total = heaviest.sum()
        by_way = np.zeros(len(self._owner))
        by_entry = np.zeros(len(self._entries))
        for row, weight in zip(like, heaviest, strict=True):
            by_way += weight * (row * self._ways[:, met]).max(axis=1)
            by_entry += weight * (row * self._bags[:, met]).max(axis=1)
        answered = (self._ways[:, met] * (like.max(axis=0) * weights)).sum(axis=1) / self._way_weights
        asked = ((1 - _WHOLE_ENTRY) * by_way + _WHOLE_ENTRY * by_entry[self._owner]) / total
        np.maximum.at(entry_scores, self._owner, _QUESTION * asked + (1 - _QUESTION) * answered)
        return entry_scores

    def _words(self, text: str) -> list[str]:
        """Stems, each once; a stop word keeps its form and is marked, so that it never meets another word."""
        words = plain_words(text, self._language)
        marked = ("~" + word if word in self._small else stem(word, self._language) for word in words)
        return sorted(set(marked))

    def _weigh(self) -> Scores:
        count = len(self._entries)
        known = self._bags.sum(axis=0)
        weights = np.log1p(count / np.maximum(known, 1.0))
        weights[[column for word, column in self._column.items() if word.startswith("~")]] *= _SMALL
        return weights

    def _unknown(self, word: str) -> float:
        return math.log1p(len(self._entries)) * (_SMALL if word.startswith("~") else _UNKNOWN)

    def _likeness(self, words: list[str]) -> Scores:
        """Likeness 0 to 1 of each word to each word of the vocabulary; one that is known is like itself alone."""
        from rapidfuzz import process  # with the first question: the greeting does not wait for it
        from rapidfuzz.distance import JaroWinkler

        like = process.cdist(words, self._vocabulary, scorer=JaroWinkler.normalized_similarity).astype(np.float64)
        like[like < _LIKE] = 0.0
        for row, word in enumerate(words):
            if (column := self._column.get(word)) is not None:
                like[row] = 0.0
                like[row, column] = 1.0
            elif word.startswith("~") or len(word) < _SHORTEST_FUZZY:
                like[row] = 0.0
            else:
                self._meet_compounds(word, like[row])
        return like

    def _meet_compounds(self, word: str, row: Scores) -> None:
        for column, known in enumerate(self._vocabulary):
            if known.startswith("~") or len(known) < _SHORTEST_FUZZY:
                row[column] = 0.0
            elif _is_part(known, word) or _is_part(word, known):
                row[column] = max(row[column], _PART)


def _is_part(part: str, compound: str) -> bool:
    return len(part) < len(compound) and (compound.startswith(part) or compound.endswith(part))
