"""A visit with the persona: real voice, real face, real timing; only the words and the devices are ours."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kiosk.clock import SystemClock
from kiosk.dialogue.call_person import CallPerson
from kiosk.dialogue.call_settings import CallSettings
from kiosk.dialogue.contract import Dialogue, Reply
from kiosk.dialogue.knowing import KnowingDialogue
from kiosk.dialogue.knowledge_load import example_folder, load_knowledge
from kiosk.dialogue.local import LocalDialogue
from kiosk.links.contract import (
    AvatarMode,
    Caption,
    Card,
    FirstFrame,
    Joined,
    LinkEvent,
    Mode,
    Speaker,
    Suggestions,
)
from kiosk.media.frames import PixelFormat, VideoFrame
from kiosk.persona.behaviour import Behaviour
from kiosk.persona.espeak import EspeakVoice
from kiosk.persona.espeak_voices import VoiceChoice
from kiosk.persona.look import load_look
from kiosk.persona.painter import FacePainter
from kiosk.persona.performer import Performer
from kiosk.persona.visit import LocalVisit
from kiosk.persona.voice import SpeechPiece, Voice, VoiceError
from kiosk.providers.http import HttpClient
from kiosk.resources import resources_dir
from tests.room.sinks import Loudspeaker

STRANGE_QUESTIONS = (
    "where is it " * 834,  # 10,000 characters
    "x" * 10_000,
    "🚻❓👩‍👩‍👧 🇩🇪",
    "‮אין לי מושג‬ مرحبا بالعالم",
    "$(rm -rf /); `reboot` | cat /etc/passwd && %s {0} {answer} {question}",
    "<speak><break time='99s'/><img src=x onerror=alert(1)> &lt;b&gt; [[h@'loU]]",
    "\x00\x1b[2J\x07\u202e\ud800",
    "?!…",
    "",
)


class Words:
    """A dialogue that knows one answer."""

    def greeting(self, language: str) -> Reply:
        return Reply("Good day.", suggestions=("Where is the lift?",))

    async def reply(self, text: str, language: str, confidence: float = 1.0) -> Reply:
        if "long" in text:
            return Reply("I could go on for hours. " * 20)
        return Reply("The lift is behind you. It goes to all floors.", card=Card("Lift"))

    def not_heard(self, language: str) -> Reply:
        return Reply("Pardon?")


class Mute:
    async def speak(self, text: str, language: str) -> AsyncIterator[SpeechPiece]:
        if text:
            raise VoiceError("no voice here")
        yield SpeechPiece(b"", (), "")

    async def aclose(self) -> None:
        pass


class Screen:
    wanted_format = PixelFormat.BGRA

    def __init__(self) -> None:
        self.frames: list[VideoFrame] = []

    def put(self, frame: VideoFrame) -> None:
        self.frames.append(frame)


class Scene:
    def __init__(self, voice: Voice, dialogue: Dialogue | None = None) -> None:
        self.events: list[LinkEvent] = []
        self.screen, self.speaker = Screen(), Loudspeaker()
        look = load_look(resources_dir() / "personas" / "mara.toml")

        def perform(**listeners: Any) -> Performer:
            return Performer(
                FacePainter(look, 320, 240),
                Behaviour(1),
                self.screen,
                self.speaker,
                latency_s=self.speaker.latency_s,
                **listeners,
            )

        self.visit = LocalVisit(perform, voice, dialogue or Words(), None, None, self.events.append)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def said(self) -> list[str]:
        return [c.text for c in self.of(Caption) if c.final and c.speaker is Speaker.AVATAR]


async def eventually(condition: Callable[[], object], within_s: float = 15.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.02)


@pytest.fixture
async def voice() -> AsyncIterator[EspeakVoice]:
    voice = EspeakVoice()
    yield voice
    await voice.aclose()


@pytest.fixture
async def scene(voice: EspeakVoice) -> AsyncIterator[Scene]:
    scene = Scene(voice)
    await scene.visit.open("en")
    yield scene
    await scene.visit.close()


async def test_it_greets_and_answers(scene: Scene) -> None:
    await eventually(lambda: scene.said() == ["Good day."])
    assert scene.events[0] == Joined()
    assert scene.of(FirstFrame) == [FirstFrame(320, 240)]
    assert scene.of(Suggestions) == [Suggestions(("Where is the lift?",))]
    await scene.visit.take("Where is the lift?")
    await eventually(lambda: len(scene.said()) == 2)
    assert scene.said()[1] == "The lift is behind you. It goes to all floors."
    assert scene.of(Card)[-1] == Card("Lift")
    assert Caption(Speaker.VISITOR, "visitor-2", "Where is the lift?", True) in scene.events
    modes = [event.mode for event in scene.of(Mode)]
    assert modes == [
        AvatarMode.SPEAKING,
        AvatarMode.LISTENING,
        AvatarMode.THINKING,
        AvatarMode.SPEAKING,
        AvatarMode.LISTENING,
    ]
    sound = scene.speaker.heard()
    assert np.abs(sound.astype(np.int32)).max() > 3000
    assert len(scene.screen.frames) > 30


async def test_the_picture_of_a_sound_is_due_when_it_is_heard(scene: Scene) -> None:
    await eventually(lambda: len(scene.screen.frames) > 20)
    ahead = [frame.due_s - frame.arrived_s for frame in scene.screen.frames[5:]]
    # Drawing takes some of the 60 ms that this loudspeaker needs.
    assert -0.2 < float(np.median(ahead)) <= 0.06


async def test_pictures_are_due_evenly_however_busy_the_loop_is(scene: Scene) -> None:
    for _ in range(10):
        await asyncio.sleep(0.05)
        time.sleep(0.02)  # noqa: ASYNC251 - the loop is held up
    await eventually(lambda: len(scene.screen.frames) > 20)
    due = np.array([frame.due_s for frame in scene.screen.frames])
    assert float(np.median(np.abs(np.diff(due) - 1 / 30))) < 1e-6


async def test_an_interruption_and_a_new_question_end_the_turn(scene: Scene) -> None:
    await eventually(lambda: scene.said() == ["Good day."])
    await scene.visit.take("a long answer, please")
    await eventually(lambda: scene.of(Mode)[-1].mode is AvatarMode.SPEAKING)
    await scene.visit.interrupt()
    assert scene.of(Mode)[-1].mode is AvatarMode.LISTENING
    assert scene.speaker.flushed >= 1
    await scene.visit.take("a long answer, please")
    await eventually(lambda: scene.of(Mode)[-1].mode is AvatarMode.SPEAKING)
    await scene.visit.take("Where is the lift?")
    await eventually(lambda: scene.said()[-1].startswith("The lift"))


async def test_without_a_voice_the_words_are_shown(expected_log: Callable[[str], None]) -> None:
    expected_log("no voice here")
    scene = Scene(Mute())
    await scene.visit.open("en")
    await eventually(lambda: scene.said() == ["Good day.", "Good day."] or "Good day." in scene.said())
    await scene.visit.take("Where is the lift?")
    await eventually(lambda: any("behind you" in text for text in scene.said()))
    await scene.visit.close()
    assert scene.of(FirstFrame)


async def test_a_voice_that_does_not_exist_costs_the_sound_alone(expected_log: Callable[[str], None]) -> None:
    expected_log("no voice: .*nobody")
    voice = EspeakVoice({"en": VoiceChoice("nobody")})
    scene = Scene(voice)
    await scene.visit.open("en")
    await eventually(lambda: "Good day." in scene.said())
    await scene.visit.take("Where is the lift?")
    await eventually(lambda: any("behind you" in text for text in scene.said()))
    await scene.visit.close()
    await voice.aclose()
    assert not scene.speaker.heard().any()


async def test_whatever_is_asked_is_answered(voice: EspeakVoice, tmp_path: Path) -> None:
    http, clock = HttpClient(), SystemClock()
    calls = CallPerson(CallSettings(), http, clock, tmp_path / "calls.json")
    answers = LocalDialogue(load_knowledge(example_folder()).knowledge, clock)
    scene = Scene(voice, KnowingDialogue(answers, calls))
    await scene.visit.open("en")
    for text in STRANGE_QUESTIONS:
        before = len(scene.events)
        await scene.visit.take(text)

        def answered(before: int = before) -> bool:
            captions = [event for event in scene.events[before:] if isinstance(event, Caption)]
            return any(caption.speaker is Speaker.AVATAR and caption.text for caption in captions)

        await eventually(answered)
        assert any(isinstance(event, Caption) and event.text == text for event in scene.events[before:])
    await scene.visit.take("Where are the toilets?")
    await eventually(lambda: any("ground floor" in caption.text for caption in scene.of(Caption)))
    await scene.visit.close()
    await http.aclose()
