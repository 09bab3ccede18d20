"""From what somebody wrote or said to the words that say what it is about."""

from __future__ import annotations

import re
import unicodedata

LONGEST_TEXT = 400
"""Characters of a question that are looked at: its beginning, and its end where people come to the point."""

MOST_WORDS = 40

_APOSTROPHE = re.compile(r"(?<=\w)['’`´](?=\w)")
_SHORT_PART = re.compile(r"\b([^\W_]{1,2})-(?=\w)|(?<=\w)-([^\W_]{1,2})\b")
_WORD = re.compile(r"[^\W_]+")
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_ENDINGS = {
    "en": ("ings", "ing", "edly", "ies", "ied", "es", "ed", "ly", "s", "y", "e"),
    "de": ("ungen", "ung", "ern", "est", "em", "en", "er", "es", "et", "st", "te", "e", "n", "s", "t"),
}
_SHORTEST_STEM = 3


def clip(text: str) -> str:
    """At most `LONGEST_TEXT` characters of `text`."""
    if len(text) <= LONGEST_TEXT:
        return text
    half = LONGEST_TEXT // 2
    return f"{text[:half]} {text[-half:]}"


def plain_words(text: str, language: str) -> list[str]:
    """Lower-case words without accents and apostrophes; "wi-fi" is one word, "first-aid" two; a number is "0".

    German umlauts become ae, oe, ue, as people write them who have no such keys.
    """
    text = unicodedata.normalize("NFKC", clip(text)).casefold()
    if language.startswith("de"):
        text = text.translate(_GERMAN)
    if not text.isascii():
        decomposed = unicodedata.normalize("NFD", text)
        text = "".join(char for char in decomposed if not unicodedata.combining(char))
    text = _SHORT_PART.sub(r"\1\2", _APOSTROPHE.sub("", text))
    # Which room or hour is asked for never matters: the entry is about rooms or hours.
    return ["0" if word.isdecimal() else word for word in _WORD.findall(text)[:MOST_WORDS]]


def stem(word: str, language: str) -> str:
    """The word without a common ending: "parking" and "parked" meet in "park". No dictionary, no irregular words."""
    for ending in _ENDINGS.get(language.split("-")[0], ()):
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word[: -len(ending)]
    return word
