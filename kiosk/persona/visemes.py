"""What a mouth does: the standard visemes, when each is due, and the shape of the lips that they blend into.

The fifteen visemes are the set that face rigs and lip-sync engines share (MPEG-4's, as widened by the Oculus set).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Viseme(StrEnum):
    SIL = "sil"
    PP = "pp"  # p b m
    FF = "ff"  # f v
    TH = "th"
    DD = "dd"  # t d
    KK = "kk"  # k g
    CH = "ch"  # tS dZ S Z
    SS = "ss"  # s z
    NN = "nn"  # n l
    RR = "rr"
    AA = "aa"
    E = "e"
    I = "i"  # noqa: E741 - the set's own name
    O = "o"  # noqa: E741
    U = "u"


class MouthClass(StrEnum):
    """Five mouths that a stranger can tell apart; the measure of lip accuracy."""

    CLOSED = "closed"
    NARROW = "narrow"
    OPEN = "open"
    ROUND = "round"
    TEETH = "teeth"


MOUTH_CLASS: dict[Viseme, MouthClass] = {
    Viseme.SIL: MouthClass.CLOSED,
    Viseme.PP: MouthClass.CLOSED,
    Viseme.FF: MouthClass.TEETH,
    Viseme.TH: MouthClass.TEETH,
    Viseme.DD: MouthClass.NARROW,
    Viseme.KK: MouthClass.NARROW,
    Viseme.CH: MouthClass.TEETH,
    Viseme.SS: MouthClass.TEETH,
    Viseme.NN: MouthClass.NARROW,
    Viseme.RR: MouthClass.NARROW,
    Viseme.AA: MouthClass.OPEN,
    Viseme.E: MouthClass.OPEN,
    Viseme.I: MouthClass.NARROW,
    Viseme.O: MouthClass.ROUND,
    Viseme.U: MouthClass.ROUND,
}


@dataclass(frozen=True, slots=True)
class VisemeCue:
    """A viseme from `start_s` to `end_s`, seconds from the start of its utterance; `strength` 0 to 1."""

    start_s: float
    end_s: float
    viseme: Viseme
    strength: float = 1.0


@dataclass(frozen=True, slots=True)
class MouthShape:
    """The lips as numbers that blend: all 0 to 1, 0 is a closed mouth at rest."""

    open: float = 0.0  # how far the jaw is down
    width: float = 0.5  # 0 pursed, 0.5 at rest, 1 drawn wide
    round: float = 0.0  # lips pushed forward into a ring
    teeth: float = 0.0  # upper teeth showing
    tongue: float = 0.0
    press: float = 0.0  # lips pressed together
