"""Which of espeak-ng's voices is meant."""

from __future__ import annotations

import pytest

from kiosk.persona.espeak_engine import Catalogue, ListedVoice
from kiosk.persona.espeak_voices import VoiceChoice, choose_voice, find_voice
from kiosk.persona.voice import VoiceError

CATALOGUE = Catalogue(
    ready=1,
    rate=22050,
    voices=(
        ListedVoice(identifier="gmw/en-029", name="English (Caribbean)", languages=("en-029", "en")),
        ListedVoice(identifier="gmw/en", name="English (Great Britain)", languages=("en-gb", "en")),
        ListedVoice(identifier="gmw/en-US", name="English (America)", languages=("en-us", "en")),
        ListedVoice(identifier="gmw/de", name="German", languages=("de",)),
        ListedVoice(identifier="sit/cmn", name="Chinese (Mandarin)", languages=("cmn", "zh-cmn", "zh")),
    ),
    variants=("f3", "Annie"),
)


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("en", "gmw/en"),
        ("en-gb", "gmw/en"),
        ("EN-us", "gmw/en-US"),
        ("German", "gmw/de"),
        ("gmw/de", "gmw/de"),
        ("zh", "sit/cmn"),
        ("de+F3", "gmw/de+f3"),
        ("english (america)+annie", "gmw/en-US+Annie"),
    ],
)
def test_names(name: str, identifier: str) -> None:
    assert find_voice(CATALOGUE, name) == identifier


@pytest.mark.parametrize(
    ("language", "identifier", "speed"),
    [
        ("de", "gmw/de+f3", 140),
        ("de-AT", "gmw/de+f3", 140),
        ("en_US", "gmw/en-US", 165),
        ("en-NZ", "gmw/en", 165),
        ("zh", "sit/cmn", 165),
    ],
)
def test_languages(language: str, identifier: str, speed: int) -> None:
    chosen = choose_voice(CATALOGUE, {"de": VoiceChoice("de+f3", words_per_minute=140)}, language)
    assert (chosen.name, chosen.words_per_minute) == (identifier, speed)


@pytest.mark.parametrize(
    ("name", "nearest"), [("en-uk", "en-us"), ("germam", "de"), ("en+f33", "f3"), ("en+", "Annie"), ("", "cmn")]
)
def test_a_voice_that_does_not_exist(name: str, nearest: str) -> None:
    with pytest.raises(VoiceError, match=nearest):
        find_voice(CATALOGUE, name)


def test_a_language_without_a_voice() -> None:
    with pytest.raises(VoiceError, match=r"no voice 'tlh'.*nearest") as caught:
        choose_voice(CATALOGUE, {}, "tlh-Latn")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("wrong", [{"words_per_minute": 20}, {"pitch": 100}, {"pitch_range": -1}])
def test_numbers_out_of_range(wrong: dict[str, int]) -> None:
    with pytest.raises(VoiceError, match="must be"):
        VoiceChoice("en", **wrong)
