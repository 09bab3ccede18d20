"""A voice behind HTTP: any server that answers `POST {base_url}/audio/speech` as OpenAI's does."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Final

from kiosk.persona.pcm import STEP, PcmConverter, WavHeader
from kiosk.persona.speech_settings import SpeechEndpointSettings
from kiosk.persona.speech_text import pieces, said
from kiosk.persona.voice import SpeechPiece, VoiceError
from kiosk.providers.contract import ProviderError
from kiosk.providers.http import HttpClient, host_of

SECRET: Final = "KIOSK_SPEECH_API_KEY"  # noqa: S105 - the name, not the value
"""Optional: a server in the house may want none."""

_FIRST_BYTES: Final = 20 * STEP  # 0.2 s: enough to begin with, while the rest comes faster than it is spoken
_NEXT_BYTES: Final = 100 * STEP
_WHAT: Final = "Speech"


class SpeechEndpointVoice:
    """Asks for one sentence at a time and hands its sound on as it comes. It tells no visemes."""

    def __init__(self, settings: SpeechEndpointSettings, http: HttpClient, api_key: str = "") -> None:
        """`http` belongs to the caller and is not closed here."""
        self._settings = settings
        self._http = http
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._closed = False

    async def speak(self, text: str, language: str) -> AsyncIterator[SpeechPiece]:
        """See `Voice`. A sentence comes in several pieces, of which the first bears its text."""
        for sentence in pieces(text):
            if not (words := said(sentence)):
                yield SpeechPiece(b"", (), sentence)
                continue
            shown, least, ready = sentence, _FIRST_BYTES, bytearray()
            async with aclosing(self._sound(words, language)) as sound:
                async for pcm in sound:
                    ready += pcm
                    if len(ready) >= least:
                        yield SpeechPiece(bytes(ready), (), shown)
                        shown, least, ready = "", _NEXT_BYTES, bytearray()
            if ready:
                yield SpeechPiece(bytes(ready), (), shown)
            elif shown:
                raise VoiceError(f"{_WHAT}: {host_of(self._settings.base_url)} sent no sound; check model and voice")

    async def aclose(self) -> None:
        self._closed = True

    async def _sound(self, words: str, language: str) -> AsyncGenerator[bytes]:
        """s16le mono at 48 kHz in whole steps of 10 ms. Raises `VoiceError`."""
        if self._closed:
            raise VoiceError("the voice has been closed")
        settings = self._settings
        header = WavHeader() if settings.response_format == "wav" else None
        converter = PcmConverter(settings.pcm_rate)
        asked = {
            "model": settings.model,
            "input": words,
            "voice": self._voice(language),
            "response_format": settings.response_format,
            "speed": settings.speed,
        }
        try:
            stream = self._http.stream(
                "POST",
                settings.base_url.rstrip("/") + "/audio/speech",
                what=_WHAT,
                accept="audio/",
                headers={**self._headers, "Accept": "audio/*"},
                json=asked,
                timeout_s=settings.timeout_s,
            )
            async with aclosing(stream):
                async for data in stream:
                    sound: bytes | None = data
                    if header is not None:
                        sound = header.push(data)
                        if sound is None:
                            continue
                        converter, header = PcmConverter(header.rate, header.channels), None
                    if made := converter.push(sound or b""):
                        yield made
        except ProviderError as error:
            raise VoiceError(error.operator_line) from None
        except ValueError as error:
            raise VoiceError(f"{_WHAT}: {host_of(settings.base_url)} sent {error}; check response_format") from None
        if made := converter.finish():
            yield made

    def _voice(self, language: str) -> str:
        tag = language.lower().replace("_", "-")
        mine = {key.lower().replace("_", "-"): name for key, name in self._settings.voices.items()}
        return mine.get(tag) or mine.get(tag.split("-")[0]) or self._settings.voice
