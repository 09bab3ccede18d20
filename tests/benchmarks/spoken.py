"""A persona's speech that is known beforehand: the knowledge it comes from, its sound, and its mouth."""

from __future__ import annotations

import asyncio
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kiosk.local_persona import voices_of
from kiosk.persona.espeak import EspeakVoice
from kiosk.persona.face import FaceState
from kiosk.persona.look import Look, load_look
from kiosk.persona.mouth import mouth_at
from kiosk.persona.painter import FacePainter
from kiosk.persona.performer import TICK_BYTES
from kiosk.persona.sound_clock import TICK_S
from kiosk.persona.voice import SpeechPiece
from kiosk.resources import resources_dir
from tests.benchmarks.lip_sentences import ENGLISH
from tests.whole.desk import Desk
from tests.whole.mouth import mouth_box, openness

QUESTION = "Tell me something"
_ENTRY = f'[[entry]]\nid = "something"\nquestions = ["{QUESTION}"]\nsuggest = true\nanswer = "{{}}"\n'
LONGEST = 1_000  # characters


@dataclass(frozen=True, slots=True)
class Spoken:
    """One answer: `samples` int16 at 48 kHz; `curve` how far the mouth stands open (`openness`) every 10 ms of it."""

    samples: NDArray[np.int16] = field(repr=False)
    curve: NDArray[np.float64] = field(repr=False)


def answer() -> str:
    text = ""
    for sentence in ENGLISH:
        if len(text) + len(sentence) < LONGEST:
            text = f"{text} {sentence}".strip()
    return text


def write_knowledge(folder: Path) -> None:
    """One question, with a button of its own, and one answer of a minute."""
    (folder / "en").mkdir(parents=True)
    (folder / "en" / "something.toml").write_text(_ENTRY.format(answer()), encoding="utf-8")


def press(desk: Desk, *keys: str) -> None:
    """On the kiosk's screen, e.g. "Tab" and "space" for the first button."""
    subprocess.run(["xdotool", "key", *keys], env={**os.environ, **desk.display.env()}, check=True)


def spoken(width: int, height: int) -> Spoken:
    """As Mara says it, and as her mouth looks meanwhile on a screen of this size."""
    look = load_look(resources_dir() / "personas" / "mara.toml")
    pieces = asyncio.run(_speak(look))
    width, height = width // 4 * 2, height // 4 * 2  # half the size: a quarter of the time, and the same shares
    painter, box = FacePainter(look, width, height), mouth_box(width, height)
    curve: list[float] = []
    for piece in pieces:
        for k in range(len(_whole_ticks(piece.pcm)) // TICK_BYTES):
            picture = painter.paint(FaceState(mouth=mouth_at(piece.cues, k * TICK_S)))
            curve.append(openness(np.frombuffer(picture, np.uint8).reshape(height, width, 4)[box][:, :, 2]))
    return Spoken(np.frombuffer(b"".join(_whole_ticks(piece.pcm) for piece in pieces), np.int16), np.array(curve))


def _whole_ticks(pcm: bytes) -> bytes:
    """The persona hands its sound over in steps of 10 ms, the last of a piece filled up."""
    return pcm.ljust(-(-len(pcm) // TICK_BYTES) * TICK_BYTES, b"\0")


async def _speak(look: Look) -> list[SpeechPiece]:
    voice = EspeakVoice(voices_of(look))
    try:
        return [piece async for piece in voice.speak(answer(), "en")]
    finally:
        await voice.aclose()
