"""How often a typed question finds its entry, and how often nonsense finds one.

    python -m tests.benchmarks.knowledge_accuracy            both languages, both halves
    python -m tests.benchmarks.knowledge_accuracy --misses   also every question of the tune half that went wrong

right: the entry that was meant was answered. asked: nothing was answered, the persona offered a person or suggestions.
wrong: another entry was answered. false accept: an off-topic question was answered.
The paraphrases in tests/benchmarks/paraphrases do not stand in the knowledge. Those called `tune` chose the threshold
and showed gaps in the example knowledge; those called `held_out` were never looked at for that.
"""

from __future__ import annotations

import argparse
import time
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rapidfuzz import fuzz, process

from kiosk.dialogue.knowledge import LanguageKnowledge
from kiosk.dialogue.knowledge_finder import THRESHOLD, Finder, Found
from kiosk.dialogue.knowledge_load import load_knowledge
from kiosk.dialogue.knowledge_words import plain_words
from kiosk.resources import resources_dir

PARAPHRASES = Path(__file__).with_name("paraphrases")
HALVES = ("tune", "held_out")
Answering = Callable[[str], str | None]
"""A question -> the id of the entry that is answered, or None."""


@dataclass(frozen=True, slots=True)
class Score:
    right: float
    wrong: float
    false_accept: float

    def __str__(self) -> str:
        asked = 1 - self.right - self.wrong
        answered = f"right {self.right:6.1%}  asked {asked:6.1%}  wrong {self.wrong:5.1%}"
        return f"{answered}  false accept {self.false_accept:5.1%}"


def questions(language: str, half: str) -> tuple[list[tuple[str, str]], list[str]]:
    """(id, paraphrase) pairs, and questions that no entry answers."""
    table = tomllib.loads((PARAPHRASES / f"{language}.toml").read_text(encoding="utf-8"))
    return [(name, text) for name, ways in table["right"].items() for text in ways[half]], table["off_topic"][half]


def measure(answering: Answering, asked: Sequence[tuple[str, str]], off_topic: Sequence[str]) -> Score:
    answers = [(meant, answering(text)) for meant, text in asked]
    right = sum(meant == given for meant, given in answers) / len(answers)
    wrong = sum(given not in (meant, None) for meant, given in answers) / len(answers)
    return Score(right, wrong, sum(answering(text) is not None for text in off_topic) / len(off_topic))


def with_finder(knowledge: LanguageKnowledge, threshold: float = THRESHOLD) -> Answering:
    finder = Finder(knowledge, threshold=threshold)

    def answering(text: str) -> str | None:
        found = finder.find(text)
        return found.entry.id if isinstance(found, Found) else None

    return answering


def with_whole_sentences(knowledge: LanguageKnowledge, cutoff: float) -> Answering:
    """For comparison: rapidfuzz's token_set_ratio over whole questions."""
    ways = [
        (entry.id, " ".join(plain_words(way, knowledge.language))) for entry in knowledge.entries for way in entry.ways
    ]

    def answering(text: str) -> str | None:
        words = " ".join(plain_words(text, knowledge.language))
        scores = process.cdist([words], [way for _, way in ways], scorer=fuzz.token_set_ratio)[0]
        best = int(np.argmax(scores))
        return ways[best][0] if scores[best] >= cutoff else None

    return answering


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--misses", action="store_true")
    misses = parser.parse_args().misses
    knowledge = load_knowledge(resources_dir() / "knowledge").knowledge
    for language, known in knowledge.languages.items():
        ways = sum(len(entry.ways) for entry in known.entries)
        print(f"{language}: {len(known.entries)} entries, {ways} ways of asking")
        began = time.perf_counter()
        answering = with_finder(known)
        print(f"  index built in {(time.perf_counter() - began) * 1e3:.1f} ms")
        for half in HALVES:
            asked, off_topic = questions(language, half)
            print(f"  {half:9} finder       {measure(answering, asked, off_topic)}   ({len(asked)} + {len(off_topic)})")
            print(f"  {half:9} token_set 80 {measure(with_whole_sentences(known, 80), asked, off_topic)}")
        asked, off_topic = questions(language, "tune")
        for threshold in (0.40, 0.43, 0.46, 0.49, 0.52, 0.55, 0.58):
            print(f"  tune      at {threshold:.2f}      {measure(with_finder(known, threshold), asked, off_topic)}")
        began = time.perf_counter()
        for _, text in asked:
            answering(text)
        print(f"  {(time.perf_counter() - began) / len(asked) * 1e3:.2f} ms a question")
        if misses:
            for meant, text in asked:
                if (given := answering(text)) != meant:
                    print(f"  MISS {meant}: {text!r} -> {given}")
            for text in off_topic:
                if given := answering(text):
                    print(f"  FALSE {text!r} -> {given}")


if __name__ == "__main__":
    main()
