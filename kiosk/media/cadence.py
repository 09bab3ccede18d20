"""The steady beat behind the timestamps of pictures.

libwebrtc rounds its timestamps to milliseconds and reckons them anew with each packet: pictures that were taken every
33.3 ms are told to be 31 to 35 ms apart, and would be shown so.
"""

from __future__ import annotations

from typing import Final

JITTER_S: Final = 0.004  # what is further off the beat is meant so
STRAYS: Final = 3  # so many in a row off the beat are a beat of their own
POSITION_GAIN: Final = 0.1  # share of a deviation that is believed: settles within ten pictures
PERIOD_GAIN: Final = POSITION_GAIN**2 / (2 - POSITION_GAIN)  # critically damped


class Cadence:
    """An alpha-beta filter (Kalata 1984) over the timestamps. A picture that was left out, or is off the beat, keeps
    the beat of the others; pictures without one keep their own time."""

    def __init__(self) -> None:
        self._beat_s: float | None = None
        self._period_s = 0.0
        self._told_s = 0.0
        self._strays = 0

    def even_s(self, timestamp_s: float) -> float:
        """Where the picture is due by the beat, never more than `JITTER_S` from its own timestamp."""
        step_s, self._told_s = timestamp_s - self._told_s, timestamp_s
        if self._beat_s is None or self._period_s <= 0:
            self._period_s = 0.0 if self._beat_s is None else step_s
            self._beat_s = timestamp_s
            return timestamp_s
        beats = max(1, round((timestamp_s - self._beat_s) / self._period_s))
        expected_s = self._beat_s + beats * self._period_s
        error_s = timestamp_s - expected_s
        if abs(error_s) <= JITTER_S:
            self._strays = 0
            self._beat_s = expected_s + POSITION_GAIN * error_s
            self._period_s += PERIOD_GAIN * error_s / beats
            return self._beat_s
        self._strays += 1
        if self._strays >= STRAYS:
            self._beat_s, self._period_s, self._strays = timestamp_s, step_s, 0
        return timestamp_s
