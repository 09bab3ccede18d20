"""The Piper voice up to the engine itself, which is no part of this project: a stand-in with its interface speaks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kiosk.persona.piper import PiperVoice
from kiosk.persona.voice import SpeechPiece, VoiceError

# As piper-tts 1.8 has it: load, synthesize, chunks of int16 bytes, and double brackets that mean phonemes.
STAND_IN = """
from types import SimpleNamespace

class SynthesisConfig:
    def __init__(self, length_scale):
        self.length_scale = length_scale

class PiperVoice:
    config = SimpleNamespace(sample_rate=16000, length_scale=1.0)

    @staticmethod
    def load(path):
        assert open(path).read() == "model", "no model"
        print("noise on stdout")
        return PiperVoice()

    def synthesize(self, text, settings):
        assert "[[" not in text
        assert "crash" not in text
        for word in text.split():
            yield SimpleNamespace(audio_int16_bytes=b"\\0\\x10" * round(1600 * settings.length_scale))
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "voice.onnx"
    path.write_text("model")
    path.with_name("voice.onnx.json").write_text("{}")
    return path


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "piper.py").write_text(STAND_IN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


async def spoken(voice: PiperVoice, text: str, language: str = "en-GB") -> list[SpeechPiece]:
    return [piece async for piece in voice.speak(text, language)]


@pytest.mark.usefixtures("stand_in")
async def test_speaks_sentence_by_sentence(model: Path) -> None:
    voice = PiperVoice({"en": model}, words_per_minute=330)
    voice.prewarm()
    pieces = await spoken(voice, "Good morning. [[How]] are you? 😀")
    assert [piece.text for piece in pieces] == ["Good morning.", "[[How]] are you? 😀"]
    assert [round(piece.duration_s, 2) for piece in pieces] == [0.1, 0.15]
    assert all(piece.cues == () for piece in pieces)
    assert abs(np.frombuffer(pieces[0].pcm, dtype="<i2")[2000] - 4096) < 10
    with pytest.raises(VoiceError, match="could not speak a sentence"):
        await spoken(voice, "crash")
    assert await spoken(voice, "Hello")
    with pytest.raises(VoiceError, match="no Piper voice for 'de'; there are en"):
        await spoken(voice, "Hallo", "de")
    await voice.aclose()
    with pytest.raises(VoiceError, match="closed"):
        await spoken(voice, "Hello")


@pytest.fixture
def broken_model(model: Path) -> Path:
    model.write_text("something else")
    return model


@pytest.mark.usefixtures("stand_in")
async def test_a_file_that_is_no_model(broken_model: Path) -> None:
    voice = PiperVoice({"en": broken_model})
    with pytest.raises(VoiceError, match="does not load"):
        await spoken(voice, "Hello")
    await voice.aclose()


@pytest.fixture
def no_piper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "piper.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


@pytest.mark.usefixtures("no_piper")
async def test_the_package_may_be_missing(model: Path) -> None:
    voice = PiperVoice({"en": model})
    with pytest.raises(VoiceError, match=r"avatar-kiosk\[piper\]"):
        await spoken(voice, "Hello")
    await voice.aclose()


@pytest.mark.parametrize("missing", ["voice.onnx", "voice.onnx.json"])
def test_a_file_may_be_missing(model: Path, missing: str) -> None:
    model.with_name(missing).unlink()
    with pytest.raises(VoiceError, match=missing):
        PiperVoice({"en": model})
