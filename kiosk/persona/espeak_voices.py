"""Which of espeak-ng's voices is meant by a name or a language."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from kiosk.persona.espeak_engine import Catalogue
from kiosk.persona.voice import VoiceError


@dataclass(frozen=True, slots=True)
class VoiceChoice:
    """`name` as espeak-ng lists it: `en-gb`, `gmw/en-US`, `German`, with a variant after a plus sign: `de+f3`.

    80 to 450 words a minute; pitch and its range 0 to 99. Raises `VoiceError` for other numbers.
    """

    name: str
    words_per_minute: int = 165
    pitch: int = 50
    pitch_range: int = 50

    def __post_init__(self) -> None:
        if not 80 <= self.words_per_minute <= 450:
            raise VoiceError(f"voice {self.name!r}: words_per_minute must be 80 to 450")
        if not (0 <= self.pitch <= 99 and 0 <= self.pitch_range <= 99):
            raise VoiceError(f"voice {self.name!r}: pitch and pitch_range must be 0 to 99")


def choose_voice(catalogue: Catalogue, choices: Mapping[str, VoiceChoice], language: str) -> VoiceChoice:
    """The operator's choice for `language` or for its first part, else espeak-ng's own; its name is an identifier.

    Raises `VoiceError` that names the nearest ones there are.
    """
    tag = language.lower().replace("_", "-")
    mine = {key.lower().replace("_", "-"): choice for key, choice in choices.items()}
    chosen = mine.get(tag) or mine.get(tag.split("-")[0])
    if chosen is None:
        chosen = VoiceChoice(_identifier(catalogue, tag) or tag.split("-")[0])
    return VoiceChoice(find_voice(catalogue, chosen.name), chosen.words_per_minute, chosen.pitch, chosen.pitch_range)


def find_voice(catalogue: Catalogue, name: str) -> str:
    """The identifier, with `+variant` where one was named. Raises `VoiceError`."""
    base, plus, variant = name.partition("+")
    identifier = _identifier(catalogue, base.strip())
    if identifier is None:
        known = [tag for voice in catalogue.voices for tag in (voice.languages[:1] or (voice.identifier,))]
        raise VoiceError(f"there is no voice {_quoted(base)}; the nearest are {_nearest(base, known)}")
    if not plus:
        return identifier
    for known_variant in catalogue.variants:
        if known_variant.lower() == variant.strip().lower():
            return f"{identifier}+{known_variant}"
    raise VoiceError(
        f"there is no variant {_quoted(variant)} of a voice; the nearest are {_nearest(variant, catalogue.variants)}"
    )


def _identifier(catalogue: Catalogue, name: str) -> str | None:
    wanted = name.lower()
    # In this order: "en" is the last part of one identifier but a lesser language of many voices.
    for names_of in (
        lambda voice: (voice.identifier, voice.identifier.rsplit("/", 1)[-1], voice.name),
        lambda voice: voice.languages[:1],
        lambda voice: voice.languages,
    ):
        for voice in catalogue.voices:
            if wanted in (known.lower() for known in names_of(voice)):
                return voice.identifier
    return None


def _nearest(name: str, known: list[str] | tuple[str, ...]) -> str:
    folded = {each.lower(): each for each in known}
    near = difflib.get_close_matches(name.lower()[:40], folded, n=4, cutoff=0.3) or sorted(folded)[:4]
    return ", ".join(folded[each] for each in near)


def _quoted(name: str) -> str:
    return repr(name if len(name) <= 40 else name[:40] + "…")
