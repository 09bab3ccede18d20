"""Captions from the text streams of a room (topic `lk.transcription`).

Agent speech is one growing stream per segment; the visitor's speech comes as a fresh stream per interim result, each
with the whole text. The closing packet's attributes say whether a segment is final.
Source: LiveKit's agents framework (transcription output) and its client SDKs.
"""

from __future__ import annotations

from collections.abc import Mapping

from kiosk.links.contract import Caption, Speaker

TOPIC = "lk.transcription"
MAX_CHARS = 2000


class CaptionStream:
    """One text stream. Feed the chunks, then `close`; each call gives the caption as it stands."""

    def __init__(self, stream_id: str, speaker: Speaker, attributes: Mapping[str, str]):
        self._segment = attributes.get("lk.segment_id") or stream_id
        self._speaker = speaker
        self._text = ""

    def feed(self, chunk: str) -> Caption:
        self._text = (self._text + chunk)[-MAX_CHARS:]
        return self._caption(final=False)

    def close(self, attributes: Mapping[str, str]) -> Caption:
        return self._caption(final=attributes.get("lk.transcription_final", "true") == "true")

    def _caption(self, *, final: bool) -> Caption:
        return Caption(self._speaker, self._segment, self._text, final)
