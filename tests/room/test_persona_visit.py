"""A visit with the persona: real voice, real face, real timing; only the words and the devices are ours."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest

from kiosk.dialogue.contract import Reply
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
from kiosk.persona.look import load_look
from kiosk.persona.painter import FacePainter
from kiosk.persona.performer import Performer
from kiosk.persona.visit import LocalVisit
from kiosk.persona.voice import SpeechPiece, Voice, VoiceError
from kiosk.resources import resources_dir
from tests.room.sinks import Loudspeaker


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
    def __init__(self, voice: Voice) -> None:
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

        self.visit = LocalVisit(perform, voice, Words(), None, None, self.events.append)

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
