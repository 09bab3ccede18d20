"""Loudspeaker, microphone and echo canceller together: opened, watched, opened again, closed in order."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from kiosk.media.capture import Capture
from kiosk.media.device_listing import DeviceListing, device_listing
from kiosk.media.device_repair import RepairPlan, Try
from kiosk.media.device_state import DeviceError, DeviceKind, DeviceState
from kiosk.media.device_thread import DeviceThread
from kiosk.media.echo import EchoCanceller
from kiosk.media.playout import Playout
from kiosk.media.portaudio import refresh

log = logging.getLogger("kiosk.media")

OPEN_S = 3.0
CLOSE_S = 3.0
LOOK_S = 0.25  # between two looks at the health of the devices
LISTING_S = 1.0  # between two looks at the system's list of devices
NOTHING = "no_sound"  # neither of the two


class SoundDevices:
    """What the controller opens for a visit and closes after it. A device that is missing is a state, not an error.

    `playout` and `capture` stay the same objects all the time: while their device is missing they swallow the voice, or
    give no frames. A device that dies, or was not there, is tried again as `RepairPlan` has it; `on_change` is then
    called on the loop on which `open` was awaited.
    """

    def __init__(
        self,
        echo: EchoCanceller,
        *,
        speaker: str = "",
        microphone: str = "",
        volume: float = 1.0,
        on_change: Callable[[DeviceState], None] | None = None,
    ) -> None:
        """`speaker`, `microphone`: names as in the settings, '' for the default ones. `volume`: 0 to 1."""
        self.playout = Playout(speaker, volume)
        self.capture = Capture(microphone, echo, self.playout.far_end)
        self.on_change = on_change
        self.problems: dict[DeviceKind, DeviceError] = {}  # why a device is not open at present
        self._thread: DeviceThread | None = None
        self._tending: asyncio.Task[None] | None = None
        self._names_both = bool(speaker and microphone)
        self._looked = False  # PortAudio has looked at the devices before
        self._state = DeviceState()

    @property
    def state(self) -> DeviceState:
        return self._state

    async def open(self) -> DeviceState:
        """Opens what is there, within 3 s."""
        if self._thread is None:
            self._thread = DeviceThread("sound devices")
            listing = None
            try:
                listing = await self._thread.call(self._open_first, OPEN_S)
            except TimeoutError:
                log.warning("the sound devices do not open within %.0f s; still trying", OPEN_S)
            self._state = self._present_state()
            plan = RepairPlan(time.perf_counter(), listing, follow_defaults=not self._names_both)
            tending = self._tend(self._thread, plan, listing)
            self._tending = asyncio.get_running_loop().create_task(tending, name="sound devices")
        return self._state

    async def close(self) -> None:
        """Idempotent, within some seconds: first the microphone, then the loudspeaker."""
        tending, self._tending = self._tending, None
        if tending is not None:
            tending.cancel()
            await asyncio.gather(tending, return_exceptions=True)
        thread, self._thread = self._thread, None
        if thread is None:
            return
        try:
            await thread.call(self._close_all, CLOSE_S)
        except TimeoutError:
            log.error("the sound devices do not close within %.0f s; left to themselves", CLOSE_S)
        await thread.end(0.5)
        self._state = DeviceState()

    async def _tend(self, thread: DeviceThread, plan: RepairPlan, listing: DeviceListing | None) -> None:
        listed_s = time.perf_counter()
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                if not thread.busy:  # with what took too long before
                    if time.perf_counter() - listed_s >= LISTING_S:
                        listing, listed_s = await thread.call(device_listing, OPEN_S), time.perf_counter()
                    await self._mend(thread, plan, listing)
            except TimeoutError:
                log.warning("a sound device does not answer within %.0f s", OPEN_S)
            if not plan.doubts:
                self._tell()

    async def _mend(self, thread: DeviceThread, plan: RepairPlan, listing: DeviceListing | None) -> None:
        todo = plan.choose(
            time.perf_counter(),
            speaker=self.playout.healthy(),
            microphone=self.capture.healthy(),
            idle_s=self.playout.idle_s(),
            listing=listing,
        )
        if todo is Try.NOTHING:
            if self.playout.healthy() and self.playout.wants_reopening():
                await self._slow_down(thread)
            return
        try:
            await thread.call(self._look_and_open if todo is Try.LOOK else self._open_missing, OPEN_S)
        finally:
            now_s = time.perf_counter()
            plan.tried(now_s)
            if todo is Try.LOOK:
                plan.looked(now_s, listing)

    async def _slow_down(self, thread: DeviceThread) -> None:
        log.info("the loudspeaker runs dry: it is opened anew with more time")
        await thread.call(self._reopen_speaker, OPEN_S)

    def _tell(self) -> None:
        state = self._present_state()
        if state != self._state:
            self._state = state
            log.info("sound devices: microphone %s, loudspeaker %s", _word(state.microphone), _word(state.speaker))
            if self.on_change is not None:
                self.on_change(state)

    def _present_state(self) -> DeviceState:
        speaker, microphone = self.playout.healthy(), self.capture.healthy()
        notice = ""
        if not speaker and not microphone:
            notice = NOTHING
        elif not speaker or not microphone:
            kind = DeviceKind.MICROPHONE if speaker else DeviceKind.SPEAKER
            problem = self.problems.get(kind)
            notice = problem.screen if problem else f"no_{kind}"
        return DeviceState(microphone=microphone, speaker=speaker, notice=notice)

    # From here on: on the devices' own thread.

    def _open_first(self) -> DeviceListing | None:
        """Returns what the system listed when PortAudio looked."""
        listing = device_listing()
        if self._looked:
            self._refresh()
        self._looked = True
        self._open_both()
        return listing

    def _open_both(self) -> None:
        self._start(DeviceKind.SPEAKER, self.playout.start)
        self._start(DeviceKind.MICROPHONE, self.capture.start)

    def _close_all(self) -> None:
        self.capture.stop()
        self.playout.stop()

    def _reopen_speaker(self) -> None:
        self.playout.stop()
        self._start(DeviceKind.SPEAKER, self.playout.start)

    def _open_missing(self) -> None:
        self._stop_dead()
        self._open_both()

    def _stop_dead(self) -> None:
        if self.capture.is_open and not self.capture.healthy():
            log.warning("the microphone is gone")
            self.capture.stop()
        if self.playout.is_open and not self.playout.healthy():
            log.warning("the loudspeaker is gone")
            self.playout.stop()

    def _look_and_open(self) -> None:
        """What was open is silent for as long as this takes, some 0.1 s."""
        self._stop_dead()
        self._close_all()
        self._refresh()
        self._open_both()

    def _start(self, kind: DeviceKind, start: Callable[[], None]) -> None:
        try:
            start()
        except DeviceError as error:
            known = self.problems.get(kind)
            if known is None or known.operator_line != error.operator_line:
                log.warning("%s", error.operator_line)  # once, not at every try
            self.problems[kind] = error
        else:
            self.problems.pop(kind, None)

    def _refresh(self) -> None:
        try:
            refresh()
        except DeviceError as error:
            log.debug("%s", error.operator_line)  # opening will say the same


def _word(is_open: bool) -> str:
    return "open" if is_open else "missing"
