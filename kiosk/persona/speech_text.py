"""What of a text is shown, what of it is said, and where it is cut so that the first words are heard at once."""

from __future__ import annotations

import re
import unicodedata

PIECE_CHARACTERS = 240
WORD_CHARACTERS = 80
"""No language's words are longer; what is longer is rubbish, and would block the voice for minutes."""

_ENDS = re.compile(
    r"""(?: [.!?…]+ ["'”’»)\]]* (?=\s)   # Latin and its like
        | [。！？]+ ["”’」』）]*           # no space follows
        | [؟۔।॥]+ (?=\s)
        | \n )\s*""",
    re.VERBOSE,
)
_NO_END = re.compile(
    r"""(?: \b(?:dr|mr|mrs|ms|prof|st|no|nr|tel|str|vs|etc|bzw|ca|usw|inkl|evtl|ggf|approx|sra?|mme|mlle)
        | (?<![^\W\d_])[^\W\d_]          # an initial, or z. B., e. g., i. d. R.
        | \b\d{1,2} )\.$""",
    re.VERBOSE | re.IGNORECASE,
)
_CLAUSES = re.compile(r"(?<=[;:,،、，；])\s*|\s+(?=[–—-]\s)")
_LINK = re.compile(r"!?\[([^\[\]]{0,200})\]\([^()\s]{0,500}\)")
_ADDRESS = re.compile(r"\bhttps?://(?:www\.)?([^\s/?#:@]{1,253})[^\s]*", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z!?][^<>]{0,300}>")
_ENTITY = re.compile(r"&#?\w{1,10};")
_MARKUP = str.maketrans(dict.fromkeys('<>[]{}|\\^`~*_#"“”„«»', " "))
_SPOKEN_SYMBOLS = "°€"  # the first is a symbol like an emoji, by its category
_JOINERS = "\u200c\u200d"  # they shape Persian and Indic words, and glue emoji


def shown(text: str) -> str:
    """For a caption: without control characters and directional overrides, white space tidy, newlines kept."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n"))
    kept = (c if _is_shown(c) else " " if unicodedata.category(c) == "Cc" else "" for c in text)
    return re.sub(r" *\n[ \n]*", "\n", re.sub(r"[^\S\n]+", " ", "".join(kept))).strip()


def _is_shown(c: str) -> bool:
    return c == "\n" or c in _JOINERS or unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn"}


def said(text: str) -> str:
    """For a voice: words and what guides their melody. Markup, pictures and the rests of addresses fall away.

    Empty where nothing can be said. Nothing in it is a command to any voice.
    """
    text = _LINK.sub(r"\1", shown(text))
    text = _ENTITY.sub(" ", _TAG.sub(" ", _ADDRESS.sub(r"\1", text))).translate(_MARKUP)
    kept: list[str] = []
    for c in text:
        if c in _JOINERS:
            if kept and unicodedata.category(kept[-1])[0] in "LM":
                kept.append(c)
        elif c in _SPOKEN_SYMBOLS or unicodedata.category(c) not in {"So", "Sk", "Me", "Cf"}:
            kept.append(c if c.isprintable() and c not in "\ufe0e\ufe0f" else " ")
    words = "".join(kept).split()
    if not any(c.isalnum() or c in _SPOKEN_SYMBOLS for word in words for c in word):
        return ""
    return " ".join(_chop(word) for word in words)


def _chop(word: str) -> str:
    return " ".join(word[at : at + WORD_CHARACTERS] for at in range(0, len(word), WORD_CHARACTERS))


def pieces(text: str, limit: int = PIECE_CHARACTERS) -> list[str]:
    """The sentences of `text`, each at most `limit` characters and fit to be shown; too long ones cut at clauses.

    What has nothing to say, as a row of emoji, stays with the piece before it, or after it at the beginning.
    """
    found: list[str] = []
    waiting = ""
    for part in (part for sentence in _sentences(shown(text)) for part in _short(sentence, limit)):
        if said(part):
            found.append(f"{waiting} {part}".strip())
            waiting = ""
        elif found and len(found[-1]) < limit:
            found[-1] += f" {part}"[:limit]
        else:
            waiting = f"{waiting} {part}".strip()[:limit]
    return found or ([waiting] if waiting else [])


def _sentences(text: str) -> list[str]:
    found, begin = [], 0
    for end in _ENDS.finditer(text):
        if "\n" not in end[0] and _NO_END.search(text[max(begin, end.start() - 8) : end.start() + 1]):
            continue
        found.append(text[begin : end.end()].strip())
        begin = end.end()
    found.append(text[begin:].strip())
    return [sentence for sentence in found if sentence]


def _short(sentence: str, limit: int) -> list[str]:
    if len(sentence) <= limit:
        return [sentence]
    for cuts in (_CLAUSES, re.compile(r"\s+")):
        joined: list[str] = []
        for part in cuts.split(sentence):
            if joined and len(joined[-1]) + 1 + len(part) <= limit:
                joined[-1] += f" {part}"
            else:
                joined.append(part)
        if len(joined) > 1:
            return [piece for part in joined for piece in _short(part.strip(), limit) if piece]
    return [sentence[at : at + limit] for at in range(0, len(sentence), limit)]
