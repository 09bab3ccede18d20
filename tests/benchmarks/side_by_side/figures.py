"""From what was sent and what was seen and heard to the figures of one take. Nothing but arithmetic."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tests.simulators.frame_code import LIMIT

GAP_MS: Final = 100.0
FLASH_PICTURES: Final = 3  # a flash that lost its first picture is seen in the second
ALIKE_S: Final = 1.8  # a sound later than this belongs to the next beep
PAIR_S: Final = 0.9
LOUD: Final = 6_000  # of 32767; a beep has 20 000
HOLD_S: Final = 1.0  # after the begin of a beep nothing else is one


class NothingMeasured(Exception):
    """There is too little to make figures of, and why."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture's code came onto the screen. Times are `time.perf_counter` seconds."""

    number: int  # 1..65535
    t_s: float
    doubt_s: float  # so much earlier it may have come: the time since the look before


@dataclass(frozen=True, slots=True)
class Sent:
    """The publisher's notes: when which picture and which beep was handed to the media library."""

    pictures: Mapping[int, float]  # number -> time
    beeps: Mapping[int, float]  # number of the picture in which the flash begins -> time
    stalls: int = 0
    notes: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_lines(cls, lines: Iterable[str]) -> Sent:
        pictures: dict[int, float] = {}
        beeps: dict[int, float] = {}
        notes: dict[str, Any] = {}
        stalls = 0
        for line in lines:
            found = json.loads(line)
            if "picture" in found:
                pictures[found["picture"] % LIMIT] = found["t"]
            elif "beep" in found:
                beeps[found["beep"] % LIMIT] = found["t"]
            elif "stall_s" in found:
                stalls += 1
            else:
                notes |= found
        return cls(pictures, beeps, stalls, notes)


def picture_figures(sent: Sent, seen: Sequence[Seen]) -> dict[str, float]:
    """Latency in ms from hand-over to screen, how many came, and how evenly. Raises `NothingMeasured`.

    A picture that was seen after a later one is counted and left out. `shown_share` is of those sent from the first
    to the last seen; `interval_std_ms` is over all intervals, also those in which pictures are missing.
    """
    came, disorder = _in_order([one for one in seen if one.number in sent.pictures])
    if len(came) < 3:
        raise NothingMeasured(f"{len(came)} pictures were seen on the screen of {len(sent.pictures)} sent")
    latency = np.array([one.t_s - sent.pictures[one.number] for one in came]) * 1e3
    intervals = np.diff([one.t_s for one in came]) * 1e3
    doubt = np.array([one.doubt_s for one in came]) * 1e3
    return {
        "video_p50_ms": _percentile(latency, 50),
        "video_p95_ms": _percentile(latency, 95),
        "video_max_ms": round(float(latency.max()), 2),
        "pictures_seen": len(came),
        "shown_share": round(len(came) / (came[-1].number - came[0].number + 1), 4),
        "out_of_order": disorder,
        "interval_mean_ms": round(float(intervals.mean()), 2),
        "interval_std_ms": round(float(intervals.std()), 2),
        "gaps_over_100_ms": int((intervals > GAP_MS).sum()),
        "doubt_p95_ms": _percentile(doubt, 95),
    }


def sound_figures(sent: Sent, seen: Sequence[Seen], heard_s: Sequence[float]) -> dict[str, float]:
    """Latency of the beeps in ms, and how much later they were than their flash. Raises `NothingMeasured`.

    `av_…` is positive where the sound is late. What the publisher itself was off by is taken out. The pair of voice and
    mouth is as early as the later of the two.
    """
    latency = {beep: late for beep, t in sent.beeps.items() if (late := _first_after(t, heard_s)) is not None}
    if not latency:
        raise NothingMeasured(f"{len(heard_s)} beeps were heard, none of the {len(sent.beeps)} sent")
    came, _ = _in_order([one for one in seen if one.number in sent.pictures])
    shown = {one.number: one.t_s for one in came}
    offsets = [
        late - flash
        for beep, late in latency.items()
        if (flash := _flash_latency(beep, sent, shown)) is not None and abs(late - flash) < PAIR_S
    ]
    if not offsets:
        raise NothingMeasured("no flash was seen whose beep was heard")
    sound, offset = np.array(list(latency.values())) * 1e3, np.array(offsets) * 1e3
    picture = np.median([one.t_s - sent.pictures[one.number] for one in came]) * 1e3
    return {
        "audio_p50_ms": _percentile(sound, 50),
        "audio_p95_ms": _percentile(sound, 95),
        "beeps_matched": len(latency),
        "av_median_ms": _percentile(offset, 50),
        "av_abs_p95_ms": _percentile(np.abs(offset), 95),
        "av_pairs": len(offsets),
        "pair_p50_ms": round(float(max(np.median(sound), picture)), 2),
    }


def onsets(samples: NDArray[np.int16], rate: int) -> list[int]:
    """The sample at which each beep begins. What is already loud at the beginning is none."""
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > LOUD)
    found: list[int] = []
    last = -int(HOLD_S * rate)
    for begin in loud[np.diff(loud, prepend=-rate) > rate // 20]:
        if begin - last >= HOLD_S * rate:
            found.append(int(begin))
            last = int(begin)
    return [begin for begin in found if begin > rate // 100]


def _in_order(seen: Sequence[Seen]) -> tuple[list[Seen], int]:
    """(those that follow upon a lower number, how many did not)"""
    came: list[Seen] = []
    for one in seen:
        if not came or one.number > came[-1].number:
            came.append(one)
    return came, len(seen) - len(came)


def _first_after(t_s: float, heard_s: Sequence[float]) -> float | None:
    late = [heard - t_s for heard in heard_s if 0 <= heard - t_s < ALIKE_S]
    return min(late) if late else None


def _flash_latency(beep: int, sent: Sent, shown: Mapping[int, float]) -> float | None:
    """Seconds from the flash's first picture to the first of its pictures on the screen."""
    times = [shown[number] for number in range(beep, beep + FLASH_PICTURES) if number in shown]
    if not times or beep not in sent.pictures:
        return None
    return min(times) - sent.pictures[beep]


def _percentile(values: NDArray[np.float64], share: float) -> float:
    return round(float(np.percentile(values, share)), 2)
