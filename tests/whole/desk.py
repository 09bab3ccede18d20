"""A reception desk for whole-process tests: screen, sound, a simulated vendor, and the kiosk as a user starts it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kiosk.toml_text import write_toml
from tests.display import Display
from tests.livekit_server import REPOSITORY
from tests.sound import SoundServer

READY_TIMEOUT_S = 60.0
END_TIMEOUT_S = 45.0


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Tables of kiosk.toml with changes; inner tables are merged."""
    merged = dict(base)
    for key, value in changes.items():
        inner = merged.get(key)
        merged[key] = merge(inner, value) if isinstance(value, Mapping) and isinstance(inner, Mapping) else value
    return merged


class Simulator:
    """`python -m tests.simulators`, driven from outside."""

    def __init__(self, *arguments: str):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.simulators", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the simulator did not start: {arguments}"
        self.ready: dict[str, Any] = json.loads(line)

    @property
    def settings(self) -> dict[str, Any]:
        return dict(self.ready["settings"])

    @property
    def env(self) -> dict[str, str]:
        return dict(self.ready["env"])

    def status(self) -> dict[str, Any]:
        with urllib.request.urlopen(self.ready["status"], timeout=10) as answer:  # noqa: S310 - our own, on loopback
            found: dict[str, Any] = json.load(answer)
            return found

    def command(self, do: str, **fields: Any) -> dict[str, Any]:
        body = json.dumps({"do": do, **fields}).encode()
        request = urllib.request.Request(self.ready["command"], body, {"Content-Type": "application/json"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
            return found

    def count(self, path: str) -> int:
        """Requests so far whose path holds `path`."""
        return sum(path in str(call["path"]) for call in self.status()["requests"])

    def stop(self) -> int:
        streams = (self._process.stdin, self._process.stdout)
        for stream in streams:
            assert stream is not None
            stream.close()
        return self._process.wait(END_TIMEOUT_S)


@dataclass
class KioskRun:
    """One `kiosk run` as a process."""

    process: subprocess.Popen[str]
    report_path: Path
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        self.lines.extend(line.rstrip("\n") for line in self.process.stderr)

    def wait_for(self, text: str, within_s: float = READY_TIMEOUT_S) -> str:
        """The first line of the log that holds `text`."""
        deadline = time.monotonic() + within_s
        while True:
            for line in list(self.lines):
                if text in line:
                    return line
            assert self.process.poll() is None, f"ended before {text!r}:\n" + "\n".join(self.lines)
            assert time.monotonic() < deadline, f"no {text!r} in:\n" + "\n".join(self.lines)
            time.sleep(0.05)

    def end(self, how: signal.Signals | None = None, within_s: float = END_TIMEOUT_S) -> int:
        """Waits for the end, after a signal if one is given; returns the exit code."""
        if how is not None and self.process.poll() is None:
            self.process.send_signal(how)
        try:
            code = self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)  # faulthandler tells where it hangs
            self.process.wait(5)
            raise AssertionError("the kiosk does not end:\n" + "\n".join(self.lines)) from None
        self._reader.join(5)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return code

    @property
    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.report_path.read_text(encoding="utf-8"))
        return found

    @property
    def log(self) -> str:
        return "\n".join(self.lines)

    def phases(self) -> list[str]:
        return [mark["state"] for mark in self.report["states"]]


class Desk:
    """What stands on one desk. `folder` holds settings, ledger and reports, also over several runs."""

    def __init__(self, display: Display, sound: SoundServer, folder: Path):
        self.display = display
        self.sound = sound
        self.folder = folder
        self._runs: list[KioskRun] = []
        self._simulators: list[Simulator] = []

    def simulator(self, *arguments: str) -> Simulator:
        simulator = Simulator(*arguments)
        self._simulators.append(simulator)
        return simulator

    def kiosk(
        self,
        simulator: Simulator | None,
        *arguments: str,
        settings: Mapping[str, Any] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> KioskRun:
        """`kiosk run` with the simulator's settings and secrets, and nothing of the tester's own configuration.

        Without a simulator it is the kiosk's own persona.
        """
        vendor = {} if simulator is None else simulator.settings
        number = len(self._runs)
        config = self.folder / f"kiosk{number}.toml"
        tables = merge(merge(vendor, {"log": {"file": "off"}}), settings or {})
        config.write_text(write_toml(tables), encoding="utf-8")
        report = self.folder / f"report{number}.json"
        process = subprocess.Popen(
            [
                *(sys.executable, "-X", "faulthandler", "-m", "kiosk", "run"),
                *("--config", str(config), "--report", str(report), *arguments),
            ],
            env={**self._environ(simulator), **(env or {})},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
        )
        run = KioskRun(process, report)
        self._runs.append(run)
        return run

    def command(self, simulator: Simulator, *words: str) -> subprocess.CompletedProcess[str]:
        """Another command of `kiosk`, with the settings of the latest run."""
        config = self.folder / f"kiosk{len(self._runs) - 1}.toml"
        return subprocess.run(
            [sys.executable, "-m", "kiosk", *words, "--config", str(config)],
            env=self._environ(simulator),
            capture_output=True,
            text=True,
            cwd=REPOSITORY,
            timeout=READY_TIMEOUT_S,
            check=False,
        )

    def _environ(self, simulator: Simulator | None) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("KIOSK_", "XDG_"))}
        return {
            **clean,
            **self.display.env(),
            "QT_QPA_PLATFORM": "xcb",
            "NO_AT_BRIDGE": "1",
            **self.sound.env(),
            "XDG_DATA_HOME": str(self.folder / "data"),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "PYTHONWARNINGS": "default",
            **({} if simulator is None else simulator.env),
        }

    def adopt(self, run: KioskRun) -> KioskRun:
        """A run that was started elsewhere ends with the desk."""
        self._runs.append(run)
        return run

    def close(self) -> None:
        for run in self._runs:
            run.end(signal.SIGKILL)  # one that has ended still has its pipe open
        for simulator in self._simulators:
            simulator.stop()


def eventually(condition: Callable[[], object], what: str, within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"did not happen in time: {what}"
        time.sleep(0.1)
