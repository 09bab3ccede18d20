"""An X server of a test's own, whose screen can be read pixel by pixel from outside the program under test."""

from __future__ import annotations

import mmap
import os
import select
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

XWD_HEADER = struct.Struct(">25I")
START_LIMIT_S = 20.0
STOP_LIMIT_S = 5.0


class Display:
    """Xvfb on a free display number, with its framebuffer in a file. No window manager runs on it.

    `width` and `height` in pixels, 24 bits deep. Use it as a context manager, or call `start` and `stop`.
    """

    def __init__(self, width: int = 1280, height: int = 720) -> None:
        self.width = width
        self.height = height
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None
        self._number = -1

    @property
    def name(self) -> str:
        """The value of DISPLAY, as in ':3'."""
        return f":{self._number}"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def env(self) -> dict[str, str]:
        """What a child process needs in its environment to draw on this screen with Qt."""
        return {"DISPLAY": self.name, "QT_QPA_PLATFORM": "xcb"}

    def start(self) -> Self:
        """Raises `RuntimeError` when Xvfb is not installed or does not answer in time."""
        program = shutil.which("Xvfb")
        if program is None:
            raise RuntimeError("Xvfb is not installed; `make setup` installs it")
        self._folder = Path(tempfile.mkdtemp(prefix="kiosk-display-"))
        reader, writer = os.pipe()
        command = [program, "-displayfd", str(writer), "-screen", "0", f"{self.width}x{self.height}x24"]
        command += ["-fbdir", str(self._folder), "-nolisten", "tcp", "-noreset", "-dpi", "96"]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                command, pass_fds=[writer], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        os.close(writer)
        try:
            self._number = self._read_number(reader)
        except RuntimeError:
            self.stop()
            raise
        finally:
            os.close(reader)
        return self

    def _read_number(self, reader: int) -> int:
        # The server writes the digits and the line's end apart, and dies when nobody reads the second.
        answer = b""
        while not answer.endswith(b"\n"):
            ready, _, _ = select.select([reader], [], [], START_LIMIT_S)
            piece = os.read(reader, 32) if ready else b""
            if not piece:
                log = (self._folder / "log").read_text(errors="replace")[-400:] if self._folder else ""
                raise RuntimeError(f"Xvfb did not start: {log}")
            answer += piece
        return int(answer)

    def framebuffer(self) -> npt.NDArray[np.uint8]:
        """A copy of the whole screen: shape (height, width, 3), uint8, RGB."""
        return np.ascontiguousarray(_pixels(self._file().read_bytes())[:, :, 2::-1])

    def live(self) -> npt.NDArray[np.uint8]:
        """The screen itself, which changes while it is looked at: shape (height, width, 4), uint8, B, G, R and nothing.

        Holds as long as the display runs; a picture may be caught half drawn.
        """
        with self._file().open("rb") as file:
            return _pixels(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))

    def _file(self) -> Path:
        if self._folder is None:
            raise RuntimeError("the display is not running")
        return self._folder / "Xvfb_screen0"

    def region(self, left: int, top: int, width: int, height: int) -> npt.NDArray[np.uint8]:
        """A copy of a part of the screen, shape (height, width, 3), without reading the rest: quick enough to watch."""
        if self._folder is None:
            raise RuntimeError("the display is not running")
        raw = np.memmap(self._folder / "Xvfb_screen0", np.uint8, "r")
        header = XWD_HEADER.unpack_from(raw[: XWD_HEADER.size].tobytes())
        start, stride = header[0] + header[19] * 12, header[12]
        rows = raw[start + top * stride : start + (top + height) * stride].reshape(height, stride // 4, 4)
        return np.ascontiguousarray(rows[:, left : left + width, 2::-1])

    def save_png(self, path: str | Path) -> None:
        from PIL import Image

        Image.fromarray(self.framebuffer()).save(path)

    def stop(self) -> None:
        """Ends the server; idempotent."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(STOP_LIMIT_S)
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _pixels(raw: bytes | mmap.mmap) -> npt.NDArray[np.uint8]:
    """The pixels of an XWD file: shape (height, width, 4), B, G, R and nothing."""
    header = XWD_HEADER.unpack_from(raw)
    header_size, width, height, stride, colours = header[0], header[4], header[5], header[12], header[19]
    pixels = np.frombuffer(raw, np.uint8, count=stride * height, offset=header_size + colours * 12)
    return pixels.reshape(height, stride // 4, 4)[:, :width]
