from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.providers.utterances import split_utterances


@pytest.mark.parametrize(
    ("text", "limit", "pieces"),
    [
        ("", 10, []),
        (" \n ", 10, []),
        ("One. Two.", 20, ["One. Two."]),
        ("One. Two. Three.", 10, ["One. Two.", "Three."]),
        ('He said "No." Then he left.', 15, ['He said "No."', "Then he left."]),
        ("Version 1.2 is out. Fine.", 20, ["Version 1.2 is out.", "Fine."]),
        ("no full stop in this text", 10, ["no full", "stop in", "this text"]),
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
        ("첫째. 둘째. 셋째.", 8, ["첫째. 둘째.", "셋째."]),
        ("これは一。これは二。", 6, ["これは一。", "これは二。"]),
        ("line one\nline two", 12, ["line one", "line two"]),
    ],
)
def test_cuts_between_sentences_where_it_can(text: str, limit: int, pieces: list[str]) -> None:
    assert split_utterances(text, limit) == pieces


@given(text=st.text(max_size=300) | st.text("ab .!?\n\"'", max_size=300), limit=st.integers(1, 60))
def test_nothing_is_lost_and_no_piece_is_too_long(text: str, limit: int) -> None:
    pieces = split_utterances(text, limit)
    assert all(piece.strip() and len(piece) <= limit for piece in pieces)
    kept = text.encode("utf-8", "replace").decode()
    assert "".join("".join(pieces).split()) == "".join(kept.split())
