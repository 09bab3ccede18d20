"""`python -m tests.simulators.demo [arguments of kiosk run]`: a kiosk with a simulated vendor, all on one machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from kiosk.toml_text import write_toml

REPOSITORY = Path(__file__).resolve().parents[2]
STOP_TIMEOUT_S = 15.0
CAPTION = "simulated avatar"
WORDS = """\
What you see is a simulated vendor's avatar in a local room on this machine. No cloud is used: vendor, video room and
avatar all run here and end with the kiosk. Speak, and the avatar answers with what it heard. Ctrl+C ends it.
"""


class DemoError(Exception):
    """The simulator did not start."""


def start_simulator() -> tuple[subprocess.Popen[str], dict[str, Any]]:
    """The running simulator and its line of settings. Raises `DemoError`."""
    command = [sys.executable, "-m", "tests.simulators", "deepbrain", "--caption", CAPTION, "--avatar-size", "1280x720"]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,  # its end tells the simulator to stop, however we end
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        start_new_session=True,  # Ctrl+C is for the kiosk; the simulator ends after it
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    try:
        ready: dict[str, Any] = json.loads(line)
    except ValueError:
        stop_simulator(process)
        raise DemoError("the simulated vendor did not start; its reason stands above") from None
    return process, ready


def stop_simulator(process: subprocess.Popen[str]) -> None:
    """Closes its standard input, which it takes as the sign to end."""
    streams: tuple[IO[str] | None, ...] = (process.stdin, process.stdout)
    for stream in streams:
        if stream is not None:
            stream.close()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_TIMEOUT_S)


def run_kiosk(config: Path, secrets: Mapping[str, str], arguments: list[str]) -> int:
    """Runs the kiosk in the foreground; returns its exit code."""
    command = [sys.executable, "-m", "kiosk", "run", "--config", str(config), *arguments]
    kiosk = subprocess.Popen(command, env={**os.environ, **secrets})
    # The terminal sends Ctrl+C to the kiosk, too; it is the one that decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: kiosk.terminate())
    return kiosk.wait()


def main(arguments: list[str]) -> int:
    print(WORDS, flush=True)
    try:
        simulator, ready = start_simulator()
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1
    try:
        with tempfile.TemporaryDirectory(prefix="kiosk-demo-") as folder:
            config = Path(folder) / "kiosk.toml"
            config.write_text(write_toml(ready["settings"]), encoding="utf-8")
            return run_kiosk(config, ready["env"], arguments)
    finally:
        stop_simulator(simulator)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
