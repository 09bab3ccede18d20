"""What is shown, what is said, and where a text is cut."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.persona.speech_text import PIECE_CHARACTERS, WORD_CHARACTERS, pieces, said, shown


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("Hello! How are you? Fine.", ["Hello!", "How are you?", "Fine."]),
        ("Dr. Smith and Mr. J. Doe are in. Really.", ["Dr. Smith and Mr. J. Doe are in.", "Really."]),
        ("Am 3. Mai, z. B. um 9 Uhr. Gut.", ["Am 3. Mai, z. B. um 9 Uhr.", "Gut."]),
        ("It costs 3.50 at example.com today", ["It costs 3.50 at example.com today"]),
        ('He said "Stop!" Then he left…  Yes', ['He said "Stop!"', "Then he left…", "Yes"]),
        ("one\ntwo\r\n\r\nthree", ["one", "two", "three"]),
        ("您好。请坐！谢谢", ["您好。", "请坐！", "谢谢"]),
        ("मैं ठीक हूँ। धन्यवाद", ["मैं ठीक हूँ।", "धन्यवाद"]),
        ("👋 Hello! 😀😀 Bye 👋🏽", ["👋 Hello!", "😀😀 Bye 👋🏽"]),
        ("Yes! 🎉", ["Yes! 🎉"]),
        ("😀", ["😀"]),
        ("", []),
        (" \n\x00\u202e ", []),
    ],
)
def test_sentences(text: str, cut: list[str]) -> None:
    assert pieces(text) == cut


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<speak>Hi <break time='99s'/>there</speak>", "Hi there"),
        ("**Bold**, `code` and [our page](https://example.com/a?b=c)", "Bold , code and our page"),
        ("See https://www.example.com/path?x=1#y now", "See example.com now"),
        ("20 °C, 5 €, 3 % & more", "20 °C, 5 €, 3 % & more"),
        ("1 < 2 and 3 > 2", "1 2 and 3 2"),
        ("[[h@'loU]] \x01+50p loud", "h@'loU +50p loud"),
        ("$(rm -rf /); `reboot` | cat", "$(rm -rf /); reboot cat"),
        ("‮שלום‬ עולם", "שלום עולם"),
        ("😀👩‍👩‍👧 🇩🇪 1️⃣ ok", "1 ok"),
        ("می‌خواهم", "می‌خواهم"),
        ("😀 … !", ""),
    ],
)
def test_what_is_said(text: str, words: str) -> None:
    assert said(text) == words


def test_a_long_sentence_is_cut_at_clauses_and_a_long_word_anywhere() -> None:
    clause = "this goes on and on for quite a while, "
    cut = pieces(clause * 20)
    assert all(piece.endswith(",") for piece in cut)
    assert max(map(len, cut)) <= PIECE_CHARACTERS
    assert len(cut) < 6, "clauses are joined as far as they fit"
    assert "".join(pieces("x" * 10_000)) == "x" * 10_000
    assert max(map(len, said("x" * 200).split())) == WORD_CHARACTERS


@given(st.text(max_size=2000))
def test_nothing_is_lost_and_nothing_dangerous_is_left(text: str) -> None:
    cut = pieces(text)
    together = shown(text).replace(" ", "").replace("\n", "")
    if said(text):
        assert [c for c in "".join(cut) if c.isalnum()] == [c for c in together if c.isalnum()]
    for piece in cut:
        assert len(piece) <= 2 * PIECE_CHARACTERS
        assert not {unicodedata.category(c) for c in piece} & {"Cc", "Cs", "Cn", "Co"}
        words = said(piece)
        assert not set(words) & set("<>[]\x01")
        assert all(c.isprintable() or c in "\u200c\u200d" for c in words)


@given(st.text(alphabet="ab. ,!?\n<>[](){}:/h😀\u202e", max_size=3000))
def test_texts_of_rubbish_come_through(text: str) -> None:
    assert all(len(piece) <= 2 * PIECE_CHARACTERS for piece in pieces(text))
