"""Cuts a text into what an avatar can be given to say at once."""

from __future__ import annotations

import re

_SENTENCE_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s)|[。！？]+[」』”’]*|\n+")


def split_utterances(text: str, limit: int) -> list[str]:
    """`text` in pieces of at most `limit` characters (>= 1), each as long as possible; none is blank.

    Cut between sentences where that is possible, else between words, else anywhere.
    """
    # A lone surrogate cannot be sent as UTF-8.
    rest = text.encode("utf-8", "replace").decode().strip()
    pieces: list[str] = []
    while len(rest) > limit:
        window = rest[: limit + 1]
        ends = [match.end() for match in _SENTENCE_END.finditer(window) if match.end() <= limit]
        cut = ends[-1] if ends else max(window.rfind(" "), window.rfind("\n"))
        if cut <= 0:
            cut = limit
        pieces.append(rest[:cut].strip())
        rest = rest[cut:].strip()
    return [piece for piece in (*pieces, rest) if piece]
