"""The publisher's process, held from outside."""

from __future__ import annotations

import importlib.util
import os
import select
import shutil
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.benchmarks.side_by_side.figures import Sent
from tests.livekit_server import REPOSITORY, LiveKitServer

READY_S: Final = 60.0
END_S: Final = 20.0


class PublisherDied(Exception):
    """It could not publish, or ended too early. Its own words stand on the standard error output."""


class Publishing:
    """A context manager: in `room` pictures come from the beginning to the end. `sent` is whole only afterwards."""

    def __init__(self, server: LiveKitServer, room: str, size: tuple[int, int], fps: int, log: Path, *, voice: bool):
        self.room = room
        self._log = log
        self._command = [
            *(sys.executable, "-m", "tests.benchmarks.side_by_side.publisher", "--url", server.url),
            *("--size", f"{size[0]}x{size[1]}", "--fps", str(fps), "--log", str(log)),
            *([] if voice else ["--no-voice"]),
        ]
        self._env = {
            **os.environ,
            "KIOSK_BENCH_TOKEN": server.token("avatar", room, ttl_s=3_600),
            **_own_library(log.parent),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, env=self._env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=REPOSITORY
        )
        pipe = self._process.stdout
        assert pipe is not None
        try:
            ready, _, _ = select.select([pipe], [], [], READY_S)
            if not ready or not pipe.readline():
                raise PublisherDied("the publisher did not start")
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def check(self) -> None:
        """Raises `PublisherDied`."""
        if self._process is None or self._process.poll() is not None:
            raise PublisherDied("the publisher ended in the middle of a take")

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            pipe.close()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(END_S)

    @property
    def sent(self) -> Sent:
        lines = self._log.read_text(encoding="utf-8").splitlines(keepends=True)
        return Sent.from_lines(line for line in lines if line.endswith("\n"))

    @property
    def latest(self) -> int:
        """The number of the picture that was sent last."""
        return max(self.sent.pictures, default=0)


def _own_library(folder: Path) -> dict[str, str]:
    """A copy of the media library for the publisher alone.

    Pages of one file are shared by all who load it, and PSS halves them: the kiosk would look smaller for the
    publisher's sake.
    """
    spec = importlib.util.find_spec("livekit.rtc")  # without loading it into the observer
    assert spec is not None
    assert spec.origin is not None
    original = Path(spec.origin).with_name("resources") / "liblivekit_ffi.so"
    copy = folder / original.name
    if not copy.exists():
        shutil.copyfile(original, copy)
    return {"LIVEKIT_LIB_PATH": str(copy)}
