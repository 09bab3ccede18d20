"""When a missing sound device is tried again, and how thoroughly: a pure decision."""

from __future__ import annotations

from enum import Enum, auto

from kiosk.media.device_listing import DeviceListing

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 1.5  # with the opening itself, sound is back within 3 s after its device
CERTAIN_S = 0.2  # a machine that stood still for a moment finds both dead, and a moment later alive
QUIET_S = 2.0  # the loudspeaker may be taken away for a moment when nothing was audible for so long
SETTLE_S = 6.0  # what was just plugged in may not be ready at the first look
BLIND_PAUSE_S = 15.0  # between two looks at the cost of the other device, where the system tells of no change


class Try(Enum):
    NOTHING = auto()
    OPEN = auto()  # what is missing, as it is known: disturbs nothing
    LOOK = auto()  # close what is open, look at all devices anew, open both


class RepairPlan:
    """For one opening of the devices. Instants in seconds, of any one clock.

    To open what is known costs a millisecond or two. To see what is new, PortAudio must let go of what is open: it does
    so where nothing is open, and else only after the system's own list has changed, while the avatar is silent.
    """

    def __init__(self, now_s: float, listing: DeviceListing | None, *, follow_defaults: bool) -> None:
        """PortAudio has just looked; `listing` is from right before. `follow_defaults`: a device is not named."""
        self._follow_defaults = follow_defaults
        self._known = self._latest = listing
        self._looked_s = now_s
        self._changed_s = float("-inf")
        self._missing_s: float | None = None  # since when one does not work
        self.doubts = False  # one seems to be missing, and it is too early to say so
        self._pause_s = FIRST_PAUSE_S
        self._next_s = now_s

    def choose(
        self, now_s: float, *, speaker: bool, microphone: bool, idle_s: float, listing: DeviceListing | None
    ) -> Try:
        """`speaker`, `microphone`: it works. `idle_s`: since the avatar was audible."""
        if listing != self._latest:
            self._latest, self._changed_s = listing, now_s
            self._begin(now_s)
        self.doubts = False
        if speaker and microphone:
            self._missing_s = None
            self._begin(now_s)
            return Try.LOOK if self._default_moved(listing) and idle_s > QUIET_S else Try.NOTHING
        if self._missing_s is None:
            self._missing_s = now_s
        self.doubts = now_s < self._missing_s + CERTAIN_S
        if self.doubts or now_s < self._next_s:
            return Try.NOTHING
        if not speaker and not microphone:
            return Try.LOOK
        return Try.LOOK if idle_s > QUIET_S and self._something_is_new(now_s, listing) else Try.OPEN

    def looked(self, now_s: float, listing: DeviceListing | None) -> None:
        self._known, self._looked_s = listing, now_s

    def tried(self, now_s: float) -> None:
        """A try is over, whatever came of it."""
        self._next_s = now_s + self._pause_s
        self._pause_s = min(LONGEST_PAUSE_S, self._pause_s * 2)

    def _begin(self, now_s: float) -> None:
        self._pause_s, self._next_s = FIRST_PAUSE_S, now_s

    def _default_moved(self, listing: DeviceListing | None) -> bool:
        if not self._follow_defaults or listing is None or self._known is None:
            return False
        return listing.defaults != self._known.defaults

    def _something_is_new(self, now_s: float, listing: DeviceListing | None) -> bool:
        if listing is None:
            return now_s - self._looked_s >= BLIND_PAUSE_S
        return listing != self._known or now_s - self._changed_s < SETTLE_S
