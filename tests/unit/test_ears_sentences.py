"""From sentences to what the recogniser expects."""

from __future__ import annotations

from kiosk.persona.ears_sentences import Arc, sentence_graph, spoken_words, training_sentences, whole_sentences

KNOWN = {"where", "is", "the", "lift", "toilet", "are", "you", "open", "wifi", "men's", "room", "yes", "no"}


def accepted(arcs: list[Arc], last: int) -> set[tuple[str, ...]]:
    """Every sentence that leads from state 0 to the last state."""
    found: set[tuple[str, ...]] = set()
    ways: list[tuple[int, tuple[str, ...]]] = [(0, ())]
    while ways:
        state, words = ways.pop()
        if state == last:
            found.add(words)
        ways += [(arc[1], words + arc[3:]) for arc in arcs if arc[0] == state]
    return found


def test_words_as_the_dictionary_writes_them() -> None:
    assert spoken_words("Where’s the men's room, please? Wi-Fi 5!") == [
        "where's",
        "the",
        "men's",
        "room",
        "please",
        "wifi",
    ]


def test_only_sentences_that_can_be_heard_to_their_end_are_whole() -> None:
    sentences = ["Where is the lift?", "where is the LIFT", "Where is Xanadu?", "?!", "Yes."]
    assert whole_sentences(sentences, KNOWN) == [("where", "is", "the", "lift"), ("yes",)]


def test_the_graph_takes_the_sentences_and_nothing_else() -> None:
    sentences = [("where", "is", "the", "lift"), ("where", "is", "the"), ("where", "is", "the", "toilet"), ("yes",)]
    arcs, last = sentence_graph(sentences)
    assert accepted(arcs, last) == set(sentences)
    assert sum(len(arc) == 4 for arc in arcs) == 6, "what they have in common stands there once"


def test_an_empty_graph_takes_nothing() -> None:
    assert sentence_graph([]) == ([], 1)


def test_what_cannot_be_pronounced_is_left_out_of_the_language_model() -> None:
    training = training_sentences(["Where is the Xanadu lift?"], KNOWN)
    assert ["where", "is", "the", "lift"] in training
    assert all(set(words) <= KNOWN for words in training)
