"""From espeak-ng's phonemes to visemes."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.persona.phonemes import SHORTEST_S, viseme_cues, visemes_of
from kiosk.persona.visemes import Viseme, VisemeCue

# All that espeak-ng 1.52 uttered for texts that hold every sound of English (both), German, French and Spanish.
HEARD = """
    n t l @ d s p 'E D b k r f 'V 'I v z 3 h 'aI '0 'i: I2 I T w m i g 'aU dZ 'eI a S j '3: Z 'a 'U@ N i: 'o@ r- a#
    'oU @L ,0 'u: 0 tS 'e@ 'OI 'A@ u: ,oU aI V ,eI O@ oU 'aI@ 'i@3 'U 'A: x 'O: ,aU eI @2 t# I# ,O2 U@ 'aI3
    n- ,e@ ts 'OY U C
    'O 'e: e: 'W 'o: 'y 'y: R E o: pF ,u: ,a 'A~ 'Y: O ,y: ,y A: UR 'A ,E 'W~ 'E: y: ,A: ,U e@ o 'Y 'e 'y 'O~ y O~ e 'o
    'E~ @- E~ A~ 'u W~ z2 a- n^ B ** Q u l^ R2 ,i 'oI ,e ,o 'eU J^
""".split()  # noqa: SIM905 - a table, not a list


@pytest.mark.parametrize("mnemonic", HEARD)
def test_every_sound_has_a_mouth(mnemonic: str) -> None:
    visemes = visemes_of(mnemonic)
    if mnemonic == "h":
        assert visemes is None, "it takes the mouth of the vowel to come"
        return
    assert visemes
    assert Viseme.SIL not in visemes


@pytest.mark.parametrize(
    ("mnemonic", "visemes"),
    [
        ("'aI", [Viseme.AA, Viseme.I]),
        ("oU", [Viseme.O, Viseme.U]),
        ("'OY", [Viseme.O, Viseme.U]),
        ("aI@", [Viseme.AA, Viseme.I, Viseme.E]),
        ("tS", [Viseme.CH]),
        ("pF", [Viseme.PP, Viseme.FF]),
        ("'A@", [Viseme.AA]),
        ("3:", [Viseme.E]),
        ("y:", [Viseme.U]),
        ("O~", [Viseme.O]),
        ("t[", [Viseme.DD]),
        ("m-", [Viseme.PP]),
        ("_:", [Viseme.SIL]),
        ("_", [Viseme.SIL]),
        ("_|", []),
        ("_!", []),
        ("(en)", []),
        ("?", []),
        (";", []),
        ("", []),
    ],
)
def test_mouths(mnemonic: str, visemes: list[Viseme]) -> None:
    assert visemes_of(mnemonic) == tuple(visemes)


def test_a_diphthong_gives_two_cues_and_an_h_the_mouth_of_its_vowel() -> None:
    cues = viseme_cues([(0.1, "h"), (0.2, "'aI"), (0.4, "_:")], 0.5)
    assert [(cue.viseme, round(cue.start_s, 3), round(cue.end_s, 3)) for cue in cues] == [
        (Viseme.SIL, 0.0, 0.1),
        (Viseme.AA, 0.1, 0.31),
        (Viseme.I, 0.31, 0.4),
        (Viseme.SIL, 0.4, 0.5),
    ]


def test_lips_that_close_for_a_moment_are_seen_to_close() -> None:
    cues = viseme_cues([(0.0, "'a"), (0.2, "p"), (0.201, "'a"), (0.4, "_")], 0.5)
    closed = next(cue for cue in cues if cue.viseme is Viseme.PP)
    assert closed.end_s - closed.start_s >= SHORTEST_S - 1e-9


def test_a_stressed_vowel_is_wider_than_an_unstressed_one_and_a_schwa_least() -> None:
    def strength(mnemonic: str) -> float:
        return viseme_cues([(0.0, mnemonic)], 0.2)[0].strength

    assert strength("'E") > strength("E") > strength("@")
    assert strength("m") == 1.0


@given(
    st.lists(st.tuples(st.floats(0, 5), st.sampled_from([*HEARD, "_", "_:", "_|", "(en)", "?", ""])), max_size=60),
    st.floats(0, 6),
)
def test_cues_follow_each_other_to_the_end(begins: list[tuple[float, str]], end_s: float) -> None:
    cues = viseme_cues(sorted(begins), end_s)
    assert all(0 <= cue.start_s < cue.end_s <= end_s + 1e-9 for cue in cues)
    assert all(abs(a.end_s - b.start_s) < 1e-9 for a, b in itertools.pairwise(cues))
    assert all(0 < cue.strength <= 1 for cue in cues)


@given(st.text(max_size=8))
def test_what_was_never_met_does_no_harm(mnemonic: str) -> None:
    visemes_of(mnemonic)
    assert all(isinstance(cue, VisemeCue) for cue in viseme_cues([(0.0, mnemonic)], 1.0))
