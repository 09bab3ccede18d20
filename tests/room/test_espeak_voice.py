"""The voice of the persona with the real voice process."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kiosk.persona.espeak import EspeakVoice
from kiosk.persona.espeak_voices import VoiceChoice
from kiosk.persona.lips import LipNetwork, default_network
from kiosk.persona.visemes import Viseme
from kiosk.persona.voice import RATE, SpeechPiece, VoiceError
from tests.benchmarks.lip_accuracy import english, german, measure, noisy
from tests.benchmarks.lip_sentences import ENGLISH, GERMAN

ExpectedLog = Callable[[str], None]


@pytest.fixture
async def voice() -> AsyncIterator[EspeakVoice]:
    voice = EspeakVoice()
    voice.prewarm()
    yield voice
    await voice.aclose()
    assert processes() == []


def processes() -> list[psutil.Process]:
    """Voice processes of this test, dead ones that nobody waited for too."""
    return [
        child
        for child in psutil.Process().children()
        if child.status() == psutil.STATUS_ZOMBIE or any("process" in word for word in child.cmdline())
    ]


async def spoken(voice: EspeakVoice, text: str, language: str = "en") -> list[SpeechPiece]:
    return [piece async for piece in voice.speak(text, language)]


async def test_speaks_sentence_by_sentence(voice: EspeakVoice) -> None:
    pieces = await spoken(voice, "Hello! How can I help you?")
    assert [piece.text for piece in pieces] == ["Hello!", "How can I help you?"]
    for piece in pieces:
        assert 0.4 < piece.duration_s < 3
        assert np.abs(np.frombuffer(piece.pcm, dtype="<i2")).max() > 3000
        assert len(piece.cues) > 4
        assert piece.cues[-1].viseme is Viseme.SIL
        assert abs(piece.cues[-1].end_s - piece.duration_s) < 0.01


async def test_cues_are_where_the_sound_is(voice: EspeakVoice) -> None:
    """A hiss is high, a vowel low, and silence nothing: by the cues, in the sound."""
    (piece,) = await spoken(voice, "See saw, sushi.")
    samples = np.frombuffer(piece.pcm, dtype="<i2").astype(float)

    def crossings(viseme: Viseme) -> float:
        parts = [
            samples[round((cue.start_s + 0.02) * RATE) : round((cue.end_s - 0.02) * RATE)]
            for cue in piece.cues
            if cue.viseme is viseme and cue.end_s - cue.start_s > 0.06
        ]
        return float(np.mean(np.abs(np.diff(np.signbit(np.concatenate(parts)).astype(int))))) * RATE

    assert crossings(Viseme.SS) > 4 * crossings(Viseme.O)
    pause = max((cue for cue in piece.cues if cue.viseme is Viseme.SIL), key=lambda cue: cue.end_s - cue.start_s)
    quiet = samples[round((pause.start_s + 0.05) * RATE) : round((pause.end_s - 0.02) * RATE)]
    assert np.abs(quiet).max() < 0.05 * np.abs(samples).max()


async def test_languages_and_voices(voice: EspeakVoice) -> None:
    assert {"gmw/de", "roa/fr", "gmw/en-US"} <= {listed.identifier for listed in await voice.voices()}
    english = await spoken(voice, "one two three")
    german = await spoken(voice, "one two three", "de-AT")
    assert [cue.viseme for cue in english[0].cues] != [cue.viseme for cue in german[0].cues]
    for language in ("fr", "es", "ja", "ru", "ar"):
        assert (await spoken(voice, "123", language))[0].duration_s > 0.5


async def test_speed_and_pitch_are_the_operators() -> None:
    voice = EspeakVoice({"en": VoiceChoice("en-us", 120), "fr": VoiceChoice("en-us", 300)})
    slow, fast = [(await spoken(voice, "The lift is on your left.", tag))[0].duration_s for tag in ("en", "fr")]
    await voice.aclose()
    assert slow > 1.4 * fast


@pytest.mark.parametrize(
    ("choices", "language", "line"),
    [
        ({}, "tlh", "there is no voice 'tlh'; the nearest are "),
        ({"en": VoiceChoice("en-uk")}, "en", "there is no voice 'en-uk'; the nearest are .*en-us"),
        ({"en": VoiceChoice("en+f33")}, "en", "there is no variant 'f33' of a voice; the nearest are .*f3"),
    ],
)
async def test_a_voice_that_does_not_exist(choices: dict[str, VoiceChoice], language: str, line: str) -> None:
    voice = EspeakVoice(choices)
    with pytest.raises(VoiceError, match=line):
        await spoken(voice, "Hello", language)
    await voice.aclose()


MARKUP = "<speak><voice name='x'>Hi</voice></speak> [[h@'loU]] \x01+99p $(id) `id` ; & |"


async def test_markup_is_not_obeyed(voice: EspeakVoice) -> None:
    (piece,) = await spoken(voice, MARKUP)
    assert "\x01" not in piece.text
    assert piece.duration_s > 1
    (plain,) = await spoken(voice, "Hello")
    (again,) = await spoken(voice, "<prosody rate='x-slow'>Hello</prosody>")
    assert abs(plain.duration_s - again.duration_s) < 0.02


async def test_a_text_with_nothing_to_say_is_shown(voice: EspeakVoice) -> None:
    assert await spoken(voice, "😀🎉") == [SpeechPiece(b"", (), "😀🎉")]
    assert await spoken(voice, " \n ") == []


async def test_a_very_long_text_begins_at_once_and_is_said_to_its_end(voice: EspeakVoice) -> None:
    text = "A sentence of many words, as people say them. 你好 😀 " * 196
    pieces = [piece async for piece in voice.speak(text[:10_000], "en")]
    assert len(pieces) > 150
    assert sum(piece.duration_s for piece in pieces) > 300


@given(st.lists(st.text(max_size=120), min_size=3, max_size=3))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_text_is_spoken_or_left_out(voice: EspeakVoice, texts: list[str]) -> None:
    for text in texts:
        for piece in await spoken(voice, text):
            assert len(piece.pcm) % 2 == 0
            assert all(0 <= cue.start_s < cue.end_s <= piece.duration_s + 0.01 for cue in piece.cues)


async def test_who_stops_listening_is_not_waited_for(voice: EspeakVoice) -> None:
    speech = voice.speak("One. Two. Three. " * 100, "en")
    await anext(speech)
    task = asyncio.ensure_future(anext(speech))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [piece.text for piece in await spoken(voice, "Hello.")] == ["Hello."]


async def test_a_process_that_dies_is_started_anew(voice: EspeakVoice) -> None:
    await spoken(voice, "Hello")
    (process,) = processes()
    process.kill()
    assert [piece.text for piece in await spoken(voice, "I am back.")] == ["I am back."]
    assert [child.pid for child in processes()] != [process.pid]


@pytest.mark.parametrize(
    ("program", "line"),
    [
        ("", "has ended or did not answer"),
        ("print('hello')", "does not speak our protocol"),
        ("print('[]')", "does not speak our protocol"),
        ("print('{}')", "does not speak our protocol"),
        ('print(\'{"error": "no library"}\')', "no library; install the kiosk again"),
        ('print(\'{"ready": 99, "rate": 1, "voices": [], "variants": []}\')', "another version"),
    ],
    ids=["ends", "babble", "list", "empty", "error", "version"],
)
async def test_a_process_that_does_not_serve(program: str, line: str) -> None:
    voice = EspeakVoice(command=[sys.executable, "-c", program])
    with pytest.raises(VoiceError, match=line) as caught:
        await spoken(voice, "Hello")
    assert "\n" not in str(caught.value)
    await voice.aclose()


async def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    voice = EspeakVoice(command=[str(tmp_path / "missing")])
    with pytest.raises(VoiceError, match="does not start"):
        await spoken(voice, "Hello")
    await voice.aclose()


async def test_closing_ends_a_process_that_hangs() -> None:
    voice = EspeakVoice(command=[sys.executable, "-c", "import time; time.sleep(60)", "process"])
    task = asyncio.ensure_future(spoken(voice, "Hello"))
    while not processes():  # noqa: ASYNC110 - what a process does is no event here
        await asyncio.sleep(0.02)
    await voice.aclose()
    with pytest.raises(VoiceError, match="closed"):
        await task
    with pytest.raises(VoiceError, match="closed"):
        await spoken(voice, "Hello")
    await voice.aclose()
    assert processes() == []


async def test_the_command_line_serves_it_too() -> None:
    voice = EspeakVoice(command=[sys.executable, "-m", "kiosk", "voice-process"])
    assert (await spoken(voice, "Hello"))[0].duration_s > 0.4
    await voice.aclose()


def test_lips_from_sound_beat_a_mouth_by_loudness() -> None:
    """A part of `tests.benchmarks.lip_accuracy`, which measures all of its sentences."""
    network = LipNetwork.load(default_network())
    for speech in (english(ENGLISH[::6]), noisy(german(GERMAN[::5]))):
        got = measure(speech, network)
        assert got.lips > 0.7
        assert got.lips >= got.loudness + 0.2
        assert got.delay_ms <= 40
