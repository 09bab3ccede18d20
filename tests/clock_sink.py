"""A loudspeaker whose clock runs fast or slow: a sink of the private sound server, emptied by a clock of ours."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tests.sound import RATE, SoundServer

PIPE_BYTES = 4096  # 43 ms of sound: what the sink has played ahead of its clock at most
TICK_S = 0.004


class ClockSink:
    """A context manager; `sound` is then all that was played, each sample as it came.

    `ppm`: how much faster than the system's clock it plays, in millionths.
    """

    def __init__(self, server: SoundServer, folder: Path, name: str, ppm: float) -> None:
        self._server = server
        self._name = name
        self._speed = RATE * (1 + ppm * 1e-6)
        self._fifo = folder / f"{name}.fifo"
        self._alsa = folder / f"{name}.conf"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._play, name=f"sink {name}")
        self._data = bytearray()
        self._module = ""

    def env(self) -> dict[str, str]:
        """What a child process needs to have this sink as its only loudspeaker."""
        return {**self._server.env(), "ALSA_CONFIG_PATH": str(self._alsa)}

    def __enter__(self) -> Self:
        os.mkfifo(self._fifo)
        address = self._server.env()["PULSE_SERVER"]
        self._alsa.write_text(
            f'pcm.!default {{ type pulse  server "{address}"  device {self._name}\n'
            '    hint { show on  description "A loudspeaker with a clock of its own" } }\n'
        )
        self._module = self._pactl(
            *("load-module", "module-pipe-sink", f"sink_name={self._name}", f"file={self._fifo}"),
            *("format=s16le", f"rate={RATE}", "channels=1"),
        )
        self._pipe = os.open(self._fifo, os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._pactl("unload-module", self._module)
        os.close(self._pipe)

    @property
    def sound(self) -> NDArray[np.int16]:
        """int16 mono at 48 kHz by the sink's own clock."""
        return np.frombuffer(bytes(self._data[: len(self._data) // 2 * 2]), np.int16)

    def _play(self) -> None:
        began_s = time.perf_counter()
        taken = 0
        while not self._stop.wait(TICK_S):
            due = round((time.perf_counter() - began_s) * self._speed) * 2
            with contextlib.suppress(BlockingIOError):
                piece = os.read(self._pipe, due - taken)
                self._data += piece
                taken += len(piece)
            taken = max(taken, due - PIPE_BYTES)  # a sink that fell behind does not make up for it in one gulp

    def _pactl(self, *words: str) -> str:
        done = subprocess.run(
            ["pactl", *words], env={**os.environ, **self._server.env()}, capture_output=True, text=True, timeout=10
        )
        if done.returncode != 0:
            raise RuntimeError(f"pactl {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout.strip()
