"""The words and colours of the screens as they are shipped."""

from __future__ import annotations

import json
import string
from pathlib import Path

import pytest
from PySide6.QtGui import QColor

from kiosk.resources import resources_dir
from kiosk.session.notices import Notice
from kiosk.ui.texts import Texts
from kiosk.ui.theme import Theme, contrast, load_theme

TRANSLATIONS = resources_dir() / "translations"
THEMES = resources_dir() / "themes"
LANGUAGES = sorted(path.stem for path in TRANSLATIONS.glob("*.json"))
READABLE = 4.5


def sentences(language: str) -> dict[str, str]:
    loaded: dict[str, str] = json.loads((TRANSLATIONS / f"{language}.json").read_text(encoding="utf-8"))
    return loaded


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_keys_and_placeholders(language: str) -> None:
    english, other = sentences("en"), sentences(language)
    assert list(other) == list(english)
    assert all(other[key].strip() for key in other)
    assert {key: placeholders(other[key]) for key in other} == {key: placeholders(english[key]) for key in english}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("notice", list(Notice))
def test_every_notice_has_a_sentence(language: str, notice: Notice) -> None:
    assert f"notice.{notice}" in sentences(language)


def test_unknown_words_become_a_calm_sentence() -> None:
    texts = Texts.load(TRANSLATIONS)
    assert texts.of("de", "notice.Traceback (most recent call last)") == "One moment, please …"
    assert texts.of("de-AT", "live.badge") == "KI-Avatar"
    assert texts.of("tlh", "live.badge") == "AI avatar"
    assert texts.of("en", "idle.line", seconds=7) == "The conversation ends in 7 s."
    assert texts.languages == ["en", "de"]


def test_a_gap_in_a_language_is_filled_in_english() -> None:
    texts = Texts({"en": {"a": "one", "b": "two"}, "de": {"a": "eins"}})
    assert texts.of("de", "a") == "eins"
    assert texts.of("de", "b") == "two"
    with pytest.raises(ValueError, match="English"):
        Texts({"de": {}})


def opaque(over: QColor, ground: QColor) -> QColor:
    share = over.alphaF()
    return QColor.fromRgbF(
        over.redF() * share + ground.redF() * (1 - share),
        over.greenF() * share + ground.greenF() * (1 - share),
        over.blueF() * share + ground.blueF() * (1 - share),
    )


@pytest.mark.parametrize("name", ["dark", "light"])
def test_contrast_is_readable_on_every_ground(name: str) -> None:
    theme: Theme = load_theme(THEMES, name)
    pairs = {
        "text": [(theme.text, ground) for ground in (theme.backdrop_top, theme.backdrop_bottom, theme.glow)],
        "quiet": [(theme.text_quiet, ground) for ground in (theme.backdrop_top, theme.backdrop_bottom)],
        "primary": [(theme.on_accent, theme.accent), (theme.on_accent, theme.accent_pressed)],
        "plain": [(theme.on_control, ground) for ground in (theme.control, theme.control_pressed, theme.chosen)],
        # Panels let the picture shine through: black and white are the worst it can be.
        "panel": [
            (ink, opaque(theme.panel, QColor(picture)))
            for ink in (theme.on_panel, theme.on_panel_quiet)
            for picture in ("#000000", "#ffffff")
        ],
    }
    weak = {
        what: round(contrast(ink, ground), 2)
        for what, grounds in pairs.items()
        for ink, ground in grounds
        if contrast(ink, ground) < READABLE
    }
    assert not weak
    # Controls and the focus ring are shapes: 3 is enough for those.
    assert contrast(theme.control_border, theme.backdrop_bottom) >= 3
    assert contrast(theme.focus, theme.backdrop_bottom) >= 3


def test_a_bad_theme_says_which_file_and_key(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no theme 'neon'.*dark, light"):
        load_theme(THEMES, "neon")
    values = json.loads((THEMES / "dark.json").read_text(encoding="utf-8"))
    values["accent"] = "greenish"
    (tmp_path / "mine.json").write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(ValueError, match=r"mine\.json: 'accent'"):
        load_theme(tmp_path, "mine")
