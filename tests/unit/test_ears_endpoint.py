"""Cutting a stream of frames into utterances, and making the recogniser's sentences."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kiosk.persona.ears_endpoint import (
    BEGIN_VOICED,
    END_SILENT,
    FRAME_BYTES,
    LEAST_VOICED,
    LONGEST,
    PRE_ROLL,
    Begun,
    Endpointer,
    Noise,
    Utterance,
)
from kiosk.persona.ears_sentences import dictionary_lines, spoken_words, training_sentences, word_of

VOICE, SILENCE = b"\x01" * FRAME_BYTES, bytes(FRAME_BYTES)


def feed(frames: list[bytes]) -> list[object]:
    endpointer = Endpointer(lambda frame: frame == VOICE)
    events = [endpointer.feed(frame) for frame in frames]
    return [event for event in (*events, endpointer.finish()) if event is not None]


def test_a_sentence_with_pauses_is_one_utterance_with_its_beginning() -> None:
    pause = [SILENCE] * (END_SILENT - 1)
    events = feed([SILENCE] * 100 + [VOICE] * 50 + pause + [VOICE] * 50 + [SILENCE] * 100)
    assert [type(event) for event in events] == [Begun, Utterance]
    assert isinstance(events[1], Utterance)
    frames = len(events[1].pcm) // FRAME_BYTES
    assert frames == PRE_ROLL + (20 - BEGIN_VOICED) + 50 + len(pause) + 50 + END_SILENT
    assert events[1].pcm.endswith(SILENCE)


def test_two_sentences_are_two_utterances() -> None:
    sentence = [VOICE] * 50 + [SILENCE] * END_SILENT
    assert [type(event) for event in feed(sentence * 2)] == [Begun, Utterance] * 2


def test_a_click_is_nothing_and_a_cough_is_noise() -> None:
    assert feed([VOICE] * (BEGIN_VOICED - 1) + [SILENCE] * 100) == []
    cough = [VOICE] * BEGIN_VOICED + [SILENCE] * END_SILENT
    assert BEGIN_VOICED < LEAST_VOICED
    assert feed(cough) == [Begun(), Noise()]


def test_somebody_who_never_stops_is_cut() -> None:
    events = feed([VOICE] * (LONGEST * 2))
    utterances = [event for event in events if isinstance(event, Utterance)]
    assert len(utterances) >= 2
    assert all(len(event.pcm) <= LONGEST * FRAME_BYTES for event in utterances)


def test_the_end_of_the_stream_ends_the_utterance() -> None:
    assert [type(event) for event in feed([VOICE] * 40)] == [Begun, Utterance]


@given(st.lists(st.sampled_from([VOICE, SILENCE, b"", b"\x01"]), max_size=400))
def test_every_beginning_has_an_end(frames: list[bytes]) -> None:
    kinds = [type(event) for event in feed(frames)]
    assert kinds[::2] == [Begun] * (len(kinds) // 2)
    assert all(kind in (Utterance, Noise) for kind in kinds[1::2])


def test_sentences_hold_only_words_with_a_pronunciation() -> None:
    known = {"where", "is", "the", "lift", "wifi", "there", "yes", "please", "toilet"}
    training = training_sentences(["Where is the Lift?", "Is there Wi-Fi?", "Überall 12!", "Thx"], known)
    assert ["where", "is", "the", "lift"] in training
    assert ["is", "there", "wifi"] in training
    assert ["is", "the", "wifi"] not in training
    assert ["where", "is", "the", "wifi"] in training, "a word that was learnt is put into everyday frames"
    assert {word for words in training for word in words} <= known


def test_the_dictionary_keeps_every_variant_of_a_word() -> None:
    lines = ["the DH AH", "the(2) DH IY", "then DH EH N", "lift L IH F T"]
    assert dictionary_lines(lines, [["the", "lift"]]) == [lines[0], lines[1], lines[3]]
    assert word_of("the(2) DH IY") == "the"
    assert spoken_words("What's the Wi-Fi’s name — 5?") == ["what's", "the", "wifi's", "name"]
