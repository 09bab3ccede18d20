"""Ears with models of the operator: several languages side by side, and what a wrong path is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kiosk.local_persona import make_ears
from kiosk.persona.ears import EarsError, Final
from kiosk.persona.ears_by_language import EarsByLanguage
from kiosk.persona.ears_engine import EarsEngine, ears_command
from kiosk.persona.ears_offline import OfflineEars
from kiosk.providers.local import LocalSettings
from tests.benchmarks.ears_accuracy import frames, speak
from tests.simulators.vosk_library import vosk

SENTENCES = {"en": ["Where are the toilets?"], "de": ["Wo sind die Toiletten?"]}


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the simulated library takes for a model."""
    monkeypatch.setenv("PYTHONPATH", str(Path(vosk.__file__).parent))
    (tmp_path / "am").mkdir()
    (tmp_path / "am" / "final.mdl").write_bytes(vosk.GOOD)
    return tmp_path


async def test_a_model_by_path_hears_its_language_beside_the_english_one(model: Path) -> None:
    ears = make_ears(LocalSettings(ears_models={"de": model}))
    assert ears is not None
    assert ears.hears("de-AT")
    assert ears.hears("en")
    assert not ears.hears("fr")
    await ears.learn(SENTENCES)
    sound = speak("wo sind die Toiletten", "de")
    german = [event async for event in ears.listen(frames(sound), "de-AT") if isinstance(event, Final)]
    assert [(event.text, event.confidence) for event in german] == [("2 sekunden", 0.9)]
    english = [event async for event in ears.listen(frames(speak("where are the toilets", "en-us")), "en")]
    assert [event.text for event in english if isinstance(event, Final)] == ["where are the toilets"]
    with pytest.raises(EarsError, match="no ears for fr"):
        ears.listen(frames(sound), "fr")
    await ears.aclose()


def test_silence_has_no_words(model: Path) -> None:
    engine = EarsEngine(ears_command(model))
    engine.learn([])
    assert (engine.recognise(bytes(3_200)).text, engine.recognise(bytes(64_000)).text) == ("", "2 sekunden")
    engine.close()


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "is no folder of a Vosk model"), (b"", "does not take the model"), (b"damaged", "does not take the model")],
)
def test_a_wrong_model_is_told_in_one_line(model: Path, content: bytes | None, words: str) -> None:
    file = model / "am" / "final.mdl"
    file.unlink() if content is None else file.write_bytes(content)
    engine = EarsEngine(ears_command(model))
    with pytest.raises(EarsError, match=words) as caught:
        engine.learn([])
    assert str(model) in str(caught.value)
    assert "\n" not in str(caught.value)
    engine.close()


def test_without_the_library_the_line_says_what_to_install(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = model / "library"
    missing.mkdir()
    (missing / "vosk.py").write_text("raise ImportError('no such library')")
    monkeypatch.setenv("PYTHONPATH", str(missing))
    engine = EarsEngine(ears_command(model))
    with pytest.raises(EarsError, match=r"pip install 'avatar-kiosk\[vosk\]'"):
        engine.learn([])
    engine.close()


async def test_a_wrong_path_for_one_language_leaves_the_other(
    tmp_path: Path, expected_log: Callable[[str], None]
) -> None:
    expected_log("a language is not heard: .* is no folder of a Vosk model")
    ears = EarsByLanguage([OfflineEars(), OfflineEars("de", tmp_path / "nowhere")])
    await ears.learn(SENTENCES)
    await ears.aclose()
    alone = EarsByLanguage([OfflineEars("de", tmp_path / "nowhere")])
    with pytest.raises(EarsError, match="nowhere"):
        await alone.learn(SENTENCES)
    await alone.aclose()


def test_without_ears_nothing_is_started() -> None:
    assert make_ears(LocalSettings(ears=False)) is None
