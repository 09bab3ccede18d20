"""The voice behind HTTP against a strict server: what it asks, what it hands on, and how it names what goes wrong."""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest
from pydantic import ValidationError

from kiosk.persona.pcm import STEP
from kiosk.persona.speech_endpoint import SpeechEndpointVoice
from kiosk.persona.speech_settings import SpeechEndpointSettings
from kiosk.persona.voice import RATE, SpeechPiece, VoiceError
from kiosk.providers.http import HttpClient
from tests.simulators.speech_endpoint import KEY, SECONDS_PER_CHARACTER, SpeechEndpoint, tone
from tests.simulators.vendor_http import Fault, Reply

ExpectedLog = Callable[[str], None]


@pytest.fixture
async def server() -> AsyncIterator[SpeechEndpoint]:
    server = SpeechEndpoint()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    client = HttpClient(ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), secrets=[KEY])
    yield client
    await client.aclose()


def voice_of(server: SpeechEndpoint, http: HttpClient, key: str = KEY, **more: object) -> SpeechEndpointVoice:
    settings = SpeechEndpointSettings.model_validate({"base_url": server.base_url + "/v1", "timeout_s": 2, **more})
    return SpeechEndpointVoice(settings, http, key)


async def spoken(voice: SpeechEndpointVoice, text: str, language: str = "en") -> list[SpeechPiece]:
    return [piece async for piece in voice.speak(text, language)]


async def failure(voice: SpeechEndpointVoice) -> str:
    with pytest.raises(VoiceError) as caught:
        await spoken(voice, "Hello there")
    line = str(caught.value)
    assert KEY not in line
    assert "\n" not in line
    return line


async def test_asks_for_each_sentence_and_hands_its_sound_on(server: SpeechEndpoint, http: HttpClient) -> None:
    text = "Hello! The lift is on your left, <b>behind</b> you."
    pieces = await spoken(voice_of(server, http, voices={"de": "nova"}), text)
    assert server.inputs == ["Hello!", "The lift is on your left, behind you."]
    assert [piece.text for piece in pieces if piece.text] == ["Hello!", "The lift is on your left, <b>behind</b> you."]
    assert len(pieces) > 2, "a long sentence comes in pieces"
    assert all(len(piece.pcm) % STEP == 0 and not piece.cues for piece in pieces)
    expected_s = sum(map(len, server.inputs)) * SECONDS_PER_CHARACTER
    assert abs(sum(piece.duration_s for piece in pieces) - expected_s) < 0.03
    samples = np.frombuffer(pieces[0].pcm, dtype="<i2")
    peak = np.argmax(np.abs(np.fft.rfft(samples))) * RATE / samples.size
    assert abs(peak - 440) < 10
    body = server.requests[0].body
    assert body == {"model": "tts-1", "input": "Hello!", "voice": "alloy", "response_format": "pcm", "speed": 1.0}


@pytest.mark.parametrize(("language", "name"), [("de", "nova"), ("de-AT", "nova"), ("en", "alloy")])
async def test_voices_by_language(server: SpeechEndpoint, http: HttpClient, language: str, name: str) -> None:
    await spoken(voice_of(server, http, voices={"de": "nova"}), "Hallo", language)
    assert server.requests[0].body["voice"] == name


@pytest.mark.parametrize(("rate", "channels"), [(24_000, 1), (44_100, 2), (48_000, 1)])
async def test_wav_tells_its_own_format(http: HttpClient, rate: int, channels: int) -> None:
    server = SpeechEndpoint(channels, rate)
    await server.start()
    pieces = await spoken(voice_of(server, http, response_format="wav"), "Hello there")
    await server.stop()
    assert abs(sum(piece.duration_s for piece in pieces) - 11 * SECONDS_PER_CHARACTER) < 0.03


async def test_the_first_piece_does_not_wait_for_the_rest(server: SpeechEndpoint, http: HttpClient) -> None:
    sound = Reply(200, tone(20, 24_000, 1), {"Content-Type": "audio/pcm"})
    server.fail("speech", Fault(sound, never_ends=True))
    speech = voice_of(server, http).speak("Hello there", "en")
    piece = await asyncio.wait_for(anext(speech), 5)
    assert piece.text == "Hello there"
    await speech.aclose()  # type: ignore[attr-defined]
    assert (await spoken(voice_of(server, http), "Next"))[0].text == "Next"


async def test_a_text_without_words_is_not_asked_for(server: SpeechEndpoint, http: HttpClient) -> None:
    assert await spoken(voice_of(server, http), "🎉🎉") == [SpeechPiece(b"", (), "🎉🎉")]
    assert server.requests == []


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"key": "wrong"}, "HTTP 401"),
        ({"key": ""}, "HTTP 401"),
        ({"model": "gpt-x"}, "HTTP 404.*does not exist"),
        ({"voice": "darth"}, "HTTP 400.*voice"),
    ],
)
async def test_what_the_server_refuses(
    server: SpeechEndpoint, http: HttpClient, more: dict[str, str], line: str
) -> None:
    assert re.search(line, await failure(voice_of(server, http, **more)))


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (Fault(Reply(429, {"error": {"message": "slow down"}})), "HTTP 429"),
        (Fault(Reply(500, "oops")), "HTTP 500"),
        (Fault(Reply(307, "", {"Location": "http://127.0.0.1:1/"})), "HTTP 307"),
        (Fault(Reply(200, "<html>")), "did not answer with audio"),
        (Fault(Reply(200, b"", {"Content-Type": "audio/pcm"})), "sent no sound"),
        (Fault(Reply(200, b"\1", {"Content-Type": "audio/pcm"})), "sent no sound"),
        (Fault(Reply(401, f"unknown key {KEY}")), "HTTP 401"),
    ],
)
async def test_answers_that_are_no_speech(server: SpeechEndpoint, http: HttpClient, fault: Fault, line: str) -> None:
    server.fail("speech", fault)
    assert line in await failure(voice_of(server, http))


@pytest.mark.parametrize("body", [b"ID3" + bytes(100), b"RIFF\0\0\0\0WAVEdata\0\0\0\0"])
async def test_a_wav_that_is_none(server: SpeechEndpoint, http: HttpClient, body: bytes) -> None:
    server.fail("speech", Fault(Reply(200, body, {"Content-Type": "audio/wav"})))
    line = await failure(voice_of(server, http, response_format="wav"))
    assert "check response_format" in line


@pytest.mark.parametrize(
    "fault",
    [Fault(hang_up=True), Fault(Reply(200, bytes(96_000), {"Content-Type": "audio/pcm"}), truncated=True)],
    ids=["hang up", "truncated"],
)
async def test_a_connection_that_breaks(
    server: SpeechEndpoint, http: HttpClient, fault: Fault, expected_log: ExpectedLog
) -> None:
    expected_log("^WARNING kiosk.http: Speech: ")
    server.fail("speech", fault)
    assert "127.0.0.1" in await failure(voice_of(server, http))
    assert await spoken(voice_of(server, http), "Hello again")


async def test_a_server_that_is_slow_or_gone(
    server: SpeechEndpoint, http: HttpClient, expected_log: ExpectedLog
) -> None:
    expected_log("^WARNING kiosk.http: Speech: ")
    server.fail("speech", Fault(delay_s=30))
    began = time.monotonic()
    assert "within 0.2 s" in await failure(voice_of(server, http, timeout_s=0.2))
    assert time.monotonic() - began < 10
    await server.stop()
    assert "refuses the connection" in await failure(voice_of(server, http))


async def test_closed_it_speaks_no_more(server: SpeechEndpoint, http: HttpClient) -> None:
    voice = voice_of(server, http)
    await voice.aclose()
    assert "closed" in await failure(voice)


@pytest.mark.parametrize(
    "wrong", [{"base_url": "speech.example.com"}, {"speed": 9}, {"response_format": "mp3"}, {"x": 1}]
)
def test_wrong_settings(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SpeechEndpointSettings.model_validate({"base_url": "https://speech.example.com/v1", **wrong})
