"""Loudspeaker, microphone and echo canceller together: opened, watched, opened again, closed in order."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from kiosk.media.capture import Capture
from kiosk.media.device_state import DeviceError, DeviceKind, DeviceState
from kiosk.media.device_thread import DeviceThread
from kiosk.media.echo import EchoCanceller
from kiosk.media.playout import Playout
from kiosk.media.portaudio import refresh

log = logging.getLogger("kiosk.media")

OPEN_S = 3.0
CLOSE_S = 3.0
LOOK_S = 0.25  # between two looks at the health of the devices
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 15.0
QUIET_S = 2.0  # the loudspeaker may be taken away for a moment when nothing was audible for so long
NOTHING = "no_sound"  # neither of the two


class SoundDevices:
    """What the controller opens for a visit and closes after it. A device that is missing is a state, not an error.

    `playout` and `capture` stay the same objects all the time: while their device is missing they swallow the voice, or
    give no frames. A device that dies, or was not there, is tried again with growing pauses; `on_change` is then called
    on the loop on which `open` was awaited.
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
        self._looked = False  # PortAudio has looked at the devices before
        self._state = DeviceState()

    @property
    def state(self) -> DeviceState:
        return self._state

    async def open(self) -> DeviceState:
        """Opens what is there, within 3 s."""
        if self._thread is None:
            self._thread = DeviceThread("sound devices")
            try:
                await self._thread.call(self._open_all, OPEN_S)
            except TimeoutError:
                log.warning("the sound devices do not open within %.0f s; still trying", OPEN_S)
            self._state = self._present_state()
            self._tending = asyncio.get_running_loop().create_task(self._tend(self._thread), name="sound devices")
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

    async def _tend(self, thread: DeviceThread) -> None:
        wait_s, next_try_s = FIRST_WAIT_S, 0.0
        while True:
            await asyncio.sleep(LOOK_S)
            if self.playout.healthy() and self.capture.healthy():
                wait_s, next_try_s = FIRST_WAIT_S, 0.0
                if self.playout.wants_reopening():
                    await self._slow_down(thread)
            elif time.perf_counter() >= next_try_s:
                try:
                    await thread.call(self._repair, OPEN_S)
                except TimeoutError:
                    log.warning("a sound device does not answer within %.0f s", OPEN_S)
                next_try_s = time.perf_counter() + wait_s
                wait_s = min(LONGEST_WAIT_S, wait_s * 2)
            self._tell()

    async def _slow_down(self, thread: DeviceThread) -> None:
        log.info("the loudspeaker runs dry: it is opened anew with more time")
        try:
            await thread.call(self._reopen_speaker, OPEN_S)
        except TimeoutError:
            log.warning("the loudspeaker does not open anew within %.0f s; still trying", OPEN_S)

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

    def _open_all(self) -> None:
        if self._looked and not self.playout.is_open and not self.capture.is_open:
            self._look_again()
        self._looked = True
        self._start(DeviceKind.SPEAKER, self.playout.start)
        self._start(DeviceKind.MICROPHONE, self.capture.start)

    def _close_all(self) -> None:
        self.capture.stop()
        self.playout.stop()

    def _reopen_speaker(self) -> None:
        self.playout.stop()
        self._start(DeviceKind.SPEAKER, self.playout.start)

    def _repair(self) -> None:
        if self.capture.is_open and not self.capture.healthy():
            log.warning("the microphone is gone")
            self.capture.stop()
        if self.playout.is_open and not self.playout.healthy():
            log.warning("the loudspeaker is gone")
            self.playout.stop()
        self._open_all()
        missing = not self.playout.is_open or not self.capture.is_open
        if missing and (self.playout.is_open or self.capture.is_open) and self.playout.idle_s() > QUIET_S:
            # A device that was plugged in is seen only by looking anew, and that needs both closed for a moment.
            self._close_all()
            self._open_all()

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

    def _look_again(self) -> None:
        try:
            refresh()
        except DeviceError as error:
            log.debug("%s", error.operator_line)  # opening will say the same


def _word(is_open: bool) -> str:
    return "open" if is_open else "missing"
