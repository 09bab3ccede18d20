"""Picture and voice at the same moment: when a frame is due, and how much it must wait for the slower sound.

Ring and sound card take their time, and so does the way there: voice and picture wait in jitter buffers of their own,
which libwebrtc aligns only where the server puts both into one stream (LiveKit: `sync_streams`).
"""

from __future__ import annotations

from kiosk.media.cadence import Cadence

LONGEST_S = 0.600  # a Bluetooth loudspeaker of 300 ms, with all that comes before it
SLEW_S = 0.001  # per frame: slower than the eye notices
SMOOTHING = 0.05  # share of a new measurement per frame: settles within about a second at 30 frames per second
FORGET_S_PER_S = 0.000_5  # outruns any pair of quartz clocks, adds 5 ms in ten seconds at worst
JUMP_S = 1.0


class VideoDelay:
    """How long video frames wait for the sound, in seconds."""

    def __init__(self) -> None:
        self._lateness_s: float | None = None
        self._delay_s = 0.0

    @property
    def delay_s(self) -> float:
        """0 to `LONGEST_S`."""
        return self._delay_s

    @property
    def offset_s(self) -> float:
        """What is left: positive where the sound is later than the picture."""
        return 0.0 if self._lateness_s is None else self._lateness_s - self._delay_s

    def update(self, lateness_s: float | None) -> float:
        """Once per frame. `lateness_s`: how much later than the frame the sound of the same instant would be, if the
        frame did not wait; None where no sound is played.

        Returns the delay for this frame. The first measurement of a sound counts at once, for lips that are wrong are
        worse than a picture that is held for a moment; later ones move it by at most 1 ms.
        """
        if lateness_s is None:
            self._lateness_s = None
        elif self._lateness_s is None:
            self._lateness_s = lateness_s
            self._delay_s = self._wanted_s()
            return self._delay_s
        else:
            self._lateness_s += (lateness_s - self._lateness_s) * SMOOTHING
        step = self._wanted_s() - self._delay_s
        self._delay_s += max(-SLEW_S, min(SLEW_S, step))
        return self._delay_s

    def _wanted_s(self) -> float:
        lateness_s = 0.0 if self._lateness_s is None else self._lateness_s
        return max(0.0, min(LONGEST_S, lateness_s))


class ClockMap:
    """Frame timestamps, whose clock and origin are unknown, to `time.perf_counter`.

    The frame that travelled fastest shows the true distance of the two clocks; all others arrived later than they
    should. That distance is forgotten slowly, because clocks drift and routes change.
    """

    def __init__(self) -> None:
        self._cadence = Cadence()
        self._offset_s: float | None = None
        self._updated_s = 0.0

    def due_s(self, timestamp_us: int, arrived_s: float) -> float:
        """The instant, in `time.perf_counter` seconds, that belongs to the timestamp. Never later than `arrived_s`."""
        taken_s = self._cadence.even_s(timestamp_us / 1e6)
        offset_s = arrived_s - taken_s
        known = self._offset_s
        if known is not None:
            known += FORGET_S_PER_S * max(0.0, arrived_s - self._updated_s)
        if known is None or offset_s < known or offset_s > known + JUMP_S:
            known = offset_s
        self._offset_s = known
        self._updated_s = arrived_s
        return taken_s + known
