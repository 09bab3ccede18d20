"""From espeak-ng's phonemes to visemes.

Its mnemonics are ASCII letters, one for each sound or half of a double sound, followed by marks that tell shades apart
(`a#`, `I2`, `O~`, `t[`); a mnemonic is therefore read letter by letter, and one of a language never met before falls
into its class by its letters. Shades matter to the ear and hardly to the eye.
"""

from __future__ import annotations

from collections.abc import Sequence

from kiosk.persona.visemes import Viseme, VisemeCue

SHORTEST_S = 0.03
"""Cues below this would not be seen; they borrow from the one before."""

_VOWELS: dict[str, Viseme] = {
    **dict.fromkeys("aAV&", Viseme.AA),
    **dict.fromkeys("eE@38", Viseme.E),
    **dict.fromkeys("iI1", Viseme.I),
    **dict.fromkeys("oO0W", Viseme.O),
    **dict.fromkeys("uUyYw", Viseme.U),
}
_CONSONANTS: dict[str, Viseme] = {
    **dict.fromkeys("pbmBP", Viseme.PP),
    **dict.fromkeys("fvF", Viseme.FF),
    **dict.fromkeys("TD", Viseme.TH),
    **dict.fromkeys("td", Viseme.DD),
    **dict.fromkeys("kgqGxXQNcJ", Viseme.KK),
    **dict.fromkeys("SZ", Viseme.CH),
    **dict.fromkeys("szC", Viseme.SS),
    **dict.fromkeys("nlL", Viseme.NN),
    **dict.fromkeys("rR*", Viseme.RR),
    "j": Viseme.I,
}
_WHOLE: dict[str, tuple[Viseme, ...]] = {
    "tS": (Viseme.CH,),
    "dZ": (Viseme.CH,),
    "A@": (Viseme.AA,),
    "O@": (Viseme.O,),
    "o@": (Viseme.O,),
    "@L": (Viseme.E, Viseme.NN),
    "J^": (Viseme.I,),
    "n^": (Viseme.NN,),
    "I2": (Viseme.I,),
    "1": (),
    ";": (),
    "-": (),
    ":": (),
    "?": (),
}
_FIRST_OF_TWO = 0.55  # of a diphthong's time: the first vowel is the longer one
_UNSTRESSED = 0.75
_NEUTRAL = 0.6  # a schwa moves the jaw little


def visemes_of(mnemonic: str) -> tuple[Viseme, ...] | None:
    """The mouths that one phoneme takes, in order: two for a diphthong. `()` where it leaves the mouth as it was; None
    where it takes that of the sound to come."""
    core = mnemonic.lstrip("',%=")
    if not core or core.startswith("("):  # a language switch, as "(en)"
        return ()
    if core[0] in "_|":
        # "_:" and its like are pauses; "_|" and "_!" only part two sounds.
        return (Viseme.SIL,) if core.rstrip(":") == "_" else ()
    plain = core if core in _WHOLE else core[0] + core[1:].rstrip('#2345/;.["^!')
    if plain in _WHOLE:
        return _WHOLE[plain]
    found: list[Viseme] = []
    for letter in plain:
        viseme = _VOWELS.get(letter) or _CONSONANTS.get(letter)
        if letter in "123458" and found:  # a shade, not the vowel of that name
            continue
        if viseme is not None and (not found or viseme is not found[-1]):
            found.append(viseme)
    if not found and plain[:1] in ("h", "H"):
        return None
    return tuple(found)


def _strength(mnemonic: str) -> float:
    core = mnemonic.lstrip("',%=")
    if core[:1] == "@":
        return _NEUTRAL
    if core[:1] in _VOWELS and not mnemonic.startswith(("'", ",")):
        return _UNSTRESSED
    return 1.0


def viseme_cues(begins: Sequence[tuple[float, str]], end_s: float) -> tuple[VisemeCue, ...]:
    """From phonemes and when each begins (seconds, ascending) to cues without a gap between them, up to `end_s`."""
    parts: list[tuple[float, Viseme, float]] = []
    borrowed_from: float | None = None  # since when an "h" waits for its vowel
    for at, (begin, mnemonic) in enumerate(begins):
        end = min(begins[at + 1][0] if at + 1 < len(begins) else end_s, end_s)
        visemes = visemes_of(mnemonic)
        if visemes is None:
            borrowed_from = begin
            continue
        if not visemes or end < begin:
            continue
        middle = begin + (end - begin) * _FIRST_OF_TWO
        starts = [begin, middle, (middle + end) / 2]
        if borrowed_from is not None:
            starts[0], borrowed_from = borrowed_from, None
        strength = _strength(mnemonic)
        for start, viseme in zip(starts, visemes, strict=False):
            parts.append((start, viseme, strength))
    return _cues(parts, end_s)


def _cues(parts: Sequence[tuple[float, Viseme, float]], end_s: float) -> tuple[VisemeCue, ...]:
    cues: list[VisemeCue] = []
    if parts and parts[0][0] > 0:
        cues.append(VisemeCue(0.0, parts[0][0], Viseme.SIL))
    for at, (start, viseme, strength) in enumerate(parts):
        end = parts[at + 1][0] if at + 1 < len(parts) else end_s
        if cues and end - start < SHORTEST_S:
            before = cues[-1]
            start -= min(SHORTEST_S - (end - start), (before.end_s - before.start_s) / 2)
            cues[-1] = VisemeCue(before.start_s, start, before.viseme, before.strength)
        if cues and cues[-1].viseme is viseme:
            start, strength = cues[-1].start_s, max(strength, cues[-1].strength)
            cues.pop()
        if end > start:
            cues.append(VisemeCue(start, end, viseme, strength))
    return tuple(cues)
