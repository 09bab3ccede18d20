"""Co-articulation: visemes in time become one mouth that flows from shape to shape.

Each viseme rules the mouth while it sounds and less and less before and after it (dominance functions, after Cohen and
Massaro 1993); the mouth is the mean of all shapes, weighed by dominance. What is short gives way to its neighbours, and
only where the lips must meet (p, b, m) or must reach the teeth (f, v) is the shape enforced.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from kiosk.persona.visemes import MouthShape, Viseme, VisemeCue

SHAPES: Mapping[Viseme, MouthShape] = MappingProxyType(
    {
        Viseme.SIL: MouthShape(),
        Viseme.PP: MouthShape(press=1.0, width=0.46),
        Viseme.FF: MouthShape(open=0.10, width=0.50, teeth=0.95),
        Viseme.TH: MouthShape(open=0.24, width=0.52, teeth=0.65, tongue=0.95),
        Viseme.DD: MouthShape(open=0.24, width=0.56, teeth=0.55, tongue=0.60),
        Viseme.KK: MouthShape(open=0.32, width=0.55, teeth=0.30, tongue=0.15),
        Viseme.CH: MouthShape(open=0.24, width=0.36, round=0.55, teeth=0.85),
        Viseme.SS: MouthShape(open=0.16, width=0.68, teeth=1.0),
        Viseme.NN: MouthShape(open=0.26, width=0.56, teeth=0.45, tongue=0.70),
        Viseme.RR: MouthShape(open=0.28, width=0.40, round=0.45, teeth=0.30, tongue=0.30),
        Viseme.AA: MouthShape(open=0.90, width=0.56, teeth=0.45, tongue=0.25),
        Viseme.E: MouthShape(open=0.52, width=0.78, teeth=0.60, tongue=0.30),
        Viseme.I: MouthShape(open=0.28, width=0.92, teeth=0.70, tongue=0.20),
        Viseme.O: MouthShape(open=0.66, width=0.28, round=0.80, teeth=0.10, tongue=0.10),
        Viseme.U: MouthShape(open=0.32, width=0.12, round=1.0, teeth=0.0),
    }
)
"""The mouth of a viseme that is held long enough to be reached."""

_REACH_S = 0.20  # farther off than this a viseme has no say
_TAU_S = 0.045  # dominance falls to 1/e this long before a viseme and after it
_REST = 0.05  # weight of the closed mouth, felt where no viseme is near
_CLOSING_S = 0.09  # lips take this long to meet and to part
_TAIL = math.exp(-_REACH_S / _TAU_S)

# How much of the mouth a viseme claims: lips that must touch more, what is made behind the teeth less.
_CLAIM = {
    Viseme.SIL: 1.0,
    Viseme.PP: 1.6,
    Viseme.FF: 1.6,
    Viseme.TH: 1.0,
    Viseme.DD: 0.7,
    Viseme.KK: 0.45,
    Viseme.CH: 1.2,
    Viseme.SS: 1.0,
    Viseme.NN: 0.6,
    Viseme.RR: 0.8,
    Viseme.AA: 1.0,
    Viseme.E: 0.9,
    Viseme.I: 0.9,
    Viseme.O: 1.1,
    Viseme.U: 1.2,
}


def mouth_at(cues: Sequence[VisemeCue], t_s: float) -> MouthShape:
    """The mouth at `t_s` seconds. `cues` are in order of time and do not overlap; far from all of them it rests."""
    opened, width, rounded, teeth, tongue = 0.0, 0.5 * _REST, 0.0, 0.0, 0.0
    total, closure, bite = _REST, 0.0, 0.0
    at = bisect_right(cues, t_s + _REACH_S, key=lambda cue: cue.start_s)
    while at > 0:
        at -= 1
        cue = cues[at]
        distance = max(cue.start_s - t_s, t_s - cue.end_s, 0.0)
        if distance >= _REACH_S:
            break
        weight = _CLAIM[cue.viseme] * (math.exp(-distance / _TAU_S) - _TAIL)
        shape = SHAPES[cue.viseme]
        amount = weight * min(max(cue.strength, 0.0), 1.0)
        total += weight
        opened += amount * shape.open
        width += amount * shape.width + (weight - amount) * 0.5
        rounded += amount * shape.round
        teeth += amount * shape.teeth
        tongue += amount * shape.tongue
        if cue.viseme is Viseme.PP:
            closure = max(closure, _near(distance))
        elif cue.viseme is Viseme.FF:
            bite = max(bite, _near(distance))
    parted = 1.0 - closure
    opened = opened / total
    opened += (min(opened, SHAPES[Viseme.FF].open) - opened) * bite
    return MouthShape(
        open=opened * parted,
        width=width / total,
        round=rounded / total,
        teeth=max(teeth / total, bite * SHAPES[Viseme.FF].teeth) * parted,
        tongue=tongue / total * parted * (1.0 - bite),
        press=closure,
    )


def _near(distance_s: float) -> float:
    """1 while a viseme sounds, 0 from `_CLOSING_S` away."""
    return max(0.0, 1.0 - distance_s / _CLOSING_S)
