"""Opens the kiosk's sound devices in a process of its own and does as the lines on its standard input say.

`python -m tests.sound_driver`, started with the environment of a `SoundServer`. Each line is a JSON list, a word and
its arguments; the answer is one JSON line. The words are the methods of `Driver`.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from kiosk.media.device_state import DeviceError, DeviceKind, DeviceState
from kiosk.media.devices import SoundDevices
from kiosk.media.echo import EchoCanceller
from kiosk.media.portaudio import choose, list_devices

FRAME_BYTES = 960
SILENCE = bytes(FRAME_BYTES)


class Driver:
    """An avatar that speaks without a break, mostly silence, and a reader of the microphone, as in a visit."""

    def __init__(self) -> None:
        self.devices: SoundDevices | None = None
        self.states: list[DeviceState] = []
        self.voice = bytearray()
        self.recording: bytearray | None = None
        self.tasks: list[asyncio.Task[None]] = []

    async def open(self, processing: bool = False, speaker: str = "", microphone: str = "") -> dict[str, Any]:
        """`processing`: echo and noise are taken out. Never with gain control, so that levels can be compared."""
        echo = EchoCanceller(
            echo_cancellation=processing, noise_suppression=processing, high_pass=processing, gain_control=False
        )
        self.devices = SoundDevices(echo, speaker=speaker, microphone=microphone, on_change=self.states.append)
        state = await self.devices.open()
        self.tasks = [asyncio.create_task(self._speak()), asyncio.create_task(self._listen())]
        return self._shown(state)

    async def close(self) -> dict[str, Any]:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        assert self.devices is not None
        await self.devices.close()
        await self.devices.close()
        return {"threads": [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]}

    async def say(self, path: str) -> None:
        """Queues raw s16le mono 48 kHz for the avatar's voice."""
        self.voice += Path(path).read_bytes()  # noqa: ASYNC240 - a thread for it would hide one that was left running

    async def record(self) -> None:
        """Keeps what the microphone gives from now on."""
        self.recording = bytearray()

    async def recorded(self, path: str) -> int:
        """Writes it to a file and goes on without keeping; returns the number of samples."""
        sound, self.recording = self.recording or bytearray(), None
        Path(path).write_bytes(sound)  # noqa: ASYNC240
        return len(sound) // 2

    async def mute(self, on: bool) -> None:
        assert self.devices is not None
        self.devices.capture.mute = on

    async def figures(self) -> dict[str, Any]:
        assert self.devices is not None
        playout, capture = self.devices.playout, self.devices.capture
        return {
            "played_s": playout.played_s,
            "underruns": playout.underruns,
            "resyncs": playout.resyncs,
            "latency_s": playout.latency_s(),
            "device_latency_s": playout.device_latency_s(),
            "level_dbfs": capture.level_dbfs(),
            "state": self._shown(self.devices.state),
            **dataclasses.asdict(capture.statistics()),
        }

    async def state(self, microphone: bool, speaker: bool, limit_s: float) -> dict[str, Any]:
        """Waits until the devices are so; answers with the state in any case."""
        assert self.devices is not None
        deadline = time.perf_counter() + limit_s
        while time.perf_counter() < deadline:
            if (self.devices.state.microphone, self.devices.state.speaker) == (microphone, speaker):
                break
            await asyncio.sleep(0.05)
        return self._shown(self.devices.state)

    async def choose(self, kind: str, wanted: str) -> dict[str, str]:
        try:
            return {"label": choose(list_devices(DeviceKind(kind)), wanted, DeviceKind(kind)).label}
        except DeviceError as error:
            return {"error": error.operator_line, "screen": error.screen}

    def _shown(self, state: DeviceState) -> dict[str, Any]:
        assert self.devices is not None
        problems = {kind.value: error.operator_line for kind, error in self.devices.problems.items()}
        return {**dataclasses.asdict(state), "problems": problems, "changes": len(self.states)}

    async def _speak(self) -> None:
        assert self.devices is not None
        due_s = time.perf_counter()
        while True:
            chunk = bytes(self.voice[:FRAME_BYTES])
            del self.voice[:FRAME_BYTES]
            self.devices.playout.put(chunk.ljust(FRAME_BYTES, b"\0"))
            due_s += 0.01
            await asyncio.sleep(max(0.0, due_s - time.perf_counter()))

    async def _listen(self) -> None:
        assert self.devices is not None
        while True:
            pcm = await self.devices.capture.read()
            assert len(pcm) == FRAME_BYTES
            if self.recording is not None:
                self.recording += pcm


async def _main() -> None:
    driver = Driver()
    lines: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, line)
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(lines.put_nowait, "")

    threading.Thread(target=read, name="stdin", daemon=True).start()
    while line := await lines.get():
        word, *arguments = json.loads(line)
        answer = await getattr(driver, word)(*arguments)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    sys.setswitchinterval(0.0005)
    np.seterr(all="raise")
    asyncio.run(_main())
