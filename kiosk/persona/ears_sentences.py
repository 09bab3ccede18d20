"""From the sentences of the knowledge to what the recogniser expects to hear: a small language model and dictionary.

Free dictation is beyond the model that comes with the kiosk; among some hundred sentences of a reception desk it finds
its way. Each word is also put into everyday frames ("where is the …"), because visitors do not know the sentences.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence

MOST_SENTENCES = 5_000
MOST_WORDS = 3_000
MOST_WHOLE = 2_000  # sentences that are listened for as wholes; so many take a second for one that was said
OWN_WEIGHT = 6  # how often a sentence of the knowledge counts against one that was made up here

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
_SHORTEST_SUBJECT = 4  # letters; shorter words are seldom what somebody asks for

FRAMES = (
    "where is the {}",
    "where are the {}",
    "excuse me where is the {}",
    "where can i find a {}",
    "how do i get to the {}",
    "i am looking for the {}",
    "is there a {}",
    "do you have a {}",
    "i need a {}",
    "i would like a {}",
    "can i get a {}",
    "can i {}",
    "where can i {}",
    "may i {}",
    "could you {}",
    "i want to {}",
    "please {}",
)
_ALWAYS = ("yes", "yes please", "no", "no thank you", "okay")


def spoken_words(text: str) -> list[str]:
    """The words of `text` as a pronouncing dictionary writes them; "Wi-Fi" is one word."""
    text = text.lower().replace("’", "'").replace("wi-fi", "wifi")
    return _WORD.findall(text)


def whole_sentences(sentences: Sequence[str], known: Container[str]) -> list[tuple[str, ...]]:
    """The words of each sentence that can be heard to its last word, each once. `known`: words with a pronunciation."""
    spoken = (tuple(spoken_words(text)) for text in sentences)
    heard = dict.fromkeys(words for words in spoken if words and all(word in known for word in words))
    return list(heard)[:MOST_WHOLE]


def training_sentences(sentences: Sequence[str], known: Container[str]) -> list[list[str]]:
    """What the language model is made of. `known`: words that have a pronunciation; others are left out."""
    own = [[word for word in spoken_words(text) if word in known] for text in (*sentences[:MOST_SENTENCES], *_ALWAYS)]
    own = [words for words in own if words]
    vocabulary = list(dict.fromkeys(word for words in own for word in words))[:MOST_WORDS]
    allowed = set(vocabulary)
    own = [words for words in own if allowed.issuperset(words)]
    small = {word for frame in FRAMES for word in spoken_words(frame)}
    subjects = [word for word in vocabulary if len(word) >= _SHORTEST_SUBJECT and word not in small]
    made_up = [spoken_words(frame.format(word)) for frame in FRAMES for word in subjects]
    return own * OWN_WEIGHT + [[word for word in words if word in known] for words in made_up]


Arc = tuple[int, int, float] | tuple[int, int, float, str]
"""From a state to a state, with its probability, by a word or silently."""


def sentence_graph(sentences: Iterable[Sequence[str]]) -> tuple[list[Arc], int]:
    """The arcs of a graph that takes each of `sentences` from state 0 to the last state, which is told, and no other.

    Sentences share the arcs of their first words, so that a thousand of them are no thousand times the work.
    """
    arcs: dict[tuple[int, str], int] = {}
    ends: dict[int, None] = {}
    for words in sentences:
        state = 0
        for word in words:
            state = arcs.setdefault((state, word), len(arcs) + 1)
        ends[state] = None
    last = len(arcs) + 1
    spoken: list[Arc] = [(before, after, 1.0, word) for (before, word), after in arcs.items()]
    return spoken + [(state, last, 1.0) for state in ends], last


def dictionary_lines(lines: Iterable[str], sentences: Iterable[Sequence[str]]) -> list[str]:
    """Those lines of a pronouncing dictionary ("word(2) PH PH") that belong to words of `sentences`."""
    wanted = {word for words in sentences for word in words}
    return [line for line in lines if word_of(line) in wanted]


def word_of(line: str) -> str:
    """The word of a dictionary line, without the number of the variant."""
    return line.split(" ", 1)[0].split("(", 1)[0].strip()
