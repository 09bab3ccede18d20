"""Captions from the topic on which an agent writes down what is said.

No document fixes the shape: a message is the text itself, or JSON with the text under one of some names, and perhaps
`type` ("interim" or "final") and the id of who said it. Interim results of one speaker replace each other.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from kiosk.links.captions import MAX_CHARS
from kiosk.links.contract import Caption, Speaker

_TEXTS = ("text", "transcript", "message")
_SPEAKERS = ("peerId", "participantId", "speakerId")
_VISITORS = frozenset({"user", "visitor", "human"})


class TopicCaptions:
    """`is_kiosk` tells whether an id is the kiosk's own: what came in by its microphone, the visitor said."""

    def __init__(self, is_kiosk: Callable[[str], bool]) -> None:
        self._is_kiosk = is_kiosk
        self._numbers = dict.fromkeys(Speaker, 0)

    def read(self, text: str) -> Caption | None:
        """None where the message holds no words."""
        said = _object(text)
        words = text if said is None else _first(said, _TEXTS)
        words = " ".join(words.split())[-MAX_CHARS:]
        if not words:
            return None
        visitor = said is not None and (
            self._is_kiosk(_first(said, _SPEAKERS)) or _first(said, ("role",)).lower() in _VISITORS
        )
        speaker = Speaker.VISITOR if visitor else Speaker.AVATAR
        final = said is None or said.get("type") != "interim"
        caption = Caption(speaker, f"{speaker.value}-{self._numbers[speaker]}", words, final)
        if final:
            self._numbers[speaker] += 1
        return caption


def _object(text: str) -> dict[str, object] | None:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _first(said: dict[str, object], names: tuple[str, ...]) -> str:
    return (
        next((value for name in names if isinstance(value := said.get(name), str)), "")
        .encode("utf-8", "replace")
        .decode("utf-8")
    )
