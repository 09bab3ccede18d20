"""What a visit needs of this machine: program, screen, sound, a place for data, the keyring."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from kiosk import __version__
from kiosk.bounded_thread import await_bounded
from kiosk.operations.checks import CheckResult, failed, ok, skipped, warning
from kiosk.operations.probe import Findings, Probe, ProbeError
from kiosk.providers.contract import SessionRef
from kiosk.settings_error import SettingsError

QUIET_DBFS = -75.0
"""Below this a microphone that is switched on is muted or unplugged: even a quiet room is louder."""


class ProgramCheck:
    name = "program"
    limit_s = 15.0

    def __init__(self, screen: Probe):
        self._screen = screen

    async def run(self) -> CheckResult:
        try:
            qt = (await self._screen()).get("qt", "unknown")
        except ProbeError:
            qt = "did not start"
        return ok(f"kiosk {__version__}, Python {platform.python_version()}, Qt {qt}, {platform.platform()}")


class SettingsCheck:
    name = "settings"
    limit_s = 5.0

    def __init__(self, provider: str, sources: Sequence[str], error: SettingsError | None):
        self._provider = provider
        self._sources = sources
        self._error = error

    async def run(self) -> CheckResult:
        if self._error is not None:
            return failed(self._error.operator_line, "mend it, then see that all is well: kiosk config check")
        return ok(f"provider {self._provider}; from {', '.join(self._sources) or 'defaults alone'}")


class ScreenCheck:
    name = "screen"
    limit_s = 15.0

    def __init__(self, screen: Probe):
        self._screen = screen

    async def run(self) -> CheckResult:
        try:
            found = await self._screen()
        except ProbeError as error:
            return failed(
                f"no window can be opened ({error})",
                "run it on the desktop of this machine; on Linux DISPLAY or WAYLAND_DISPLAY must be set",
            )
        shown = ", ".join(_screen_text(screen) for screen in found.get("screens", []))
        if not shown:
            return failed("no screen is connected", "connect one and switch it on")
        if found.get("platform") in ("offscreen", "minimal"):
            return warning(f"{found['platform']}: nothing is visible", "unset QT_QPA_PLATFORM")
        return ok(f"{found.get('platform')}: {shown}")


def _screen_text(screen: Findings) -> str:
    return f"{screen['width']}x{screen['height']} at {screen['hz']:g} Hz, scale {screen['scale']:g}"


class RendererCheck:
    name = "renderer"
    limit_s = 15.0

    def __init__(self, screen: Probe, setting: str):
        self._screen = screen
        self._setting = setting

    async def run(self) -> CheckResult:
        try:
            found = await self._screen()
        except ProbeError:
            return skipped("without a screen nothing can be painted")
        line = f"{found.get('renderer')}: {found.get('reason')}"
        if self._setting == "opengl" and found.get("renderer") != "opengl":
            return warning(line, 'install the graphics driver, or set [view] renderer = "auto"')
        return ok(line)


class LoudspeakerCheck:
    name = "loudspeaker"
    limit_s = 15.0

    def __init__(self, sound: Probe):
        self._sound = sound

    async def run(self) -> CheckResult:
        found, trouble = await _device(self._sound, "speaker")
        if trouble:
            return failed(trouble, "make it the system's default output, or name it in [audio] speaker")
        return ok(f"{found['name']}: opened at {found['sample_rate']} Hz")


class MicrophoneCheck:
    name = "microphone"
    limit_s = 15.0

    def __init__(self, sound: Probe):
        self._sound = sound

    async def run(self) -> CheckResult:
        found, trouble = await _device(self._sound, "microphone")
        if trouble:
            return failed(
                trouble,
                "make it the system's default input, or name it in [audio] microphone",
            )
        level = found.get("level_dbfs")
        if level is None or level < QUIET_DBFS:
            heard = "silence" if level is None else f"{level:.0f} dBFS"
            return warning(f"{found['name']}: opened, hears {heard}", "unmute it and raise its level in the system")
        return ok(f"{found['name']}: opened, hears {level:.0f} dBFS")


async def _device(sound: Probe, which: str) -> tuple[dict[str, Any], str]:
    try:
        found = (await sound()).get(which) or {}
    except ProbeError as error:
        return {}, f"the sound system did not answer ({error})"
    return found, str(found.get("error") or "")


class FolderCheck:
    """The folder is written to, not asked for its rights: network drives and full disks lie."""

    name = "data folder"
    limit_s = 5.0

    def __init__(self, folder: Path):
        self._folder = folder

    async def run(self) -> CheckResult:
        try:
            await await_bounded(self._write, self.limit_s - 1, "data-folder")
        except TimeoutError:  # an OSError too, yet the disk said nothing
            raise
        except OSError as error:
            return failed(
                f"{self._folder} cannot be written ({error.strerror})",
                "give this user the right to write there, and free space on the disk",
            )
        return ok(str(self._folder))

    def _write(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=self._folder) as file:
            file.write(b"kiosk")
            file.flush()
            os.fsync(file.fileno())


class LedgerCheck:
    """`open_sessions` may block on the disk and raise OSError."""

    name = "open sessions"
    limit_s = 5.0

    def __init__(self, open_sessions: Callable[[], Sequence[SessionRef]]):
        self._open_sessions = open_sessions

    async def run(self) -> CheckResult:
        try:
            left = await await_bounded(self._open_sessions, self.limit_s - 1, "ledger")
        except TimeoutError:
            raise
        except OSError as error:
            return failed(f"the list cannot be read ({error.strerror})", "check the rights of the data folder")
        if not left:
            return ok("none")
        return warning(
            f"{len(left)} at {', '.join(sorted({session.provider for session in left}))}",
            "none of them is a fault while a visit runs; else the next start of the kiosk ends them",
        )


class KeyringCheck:
    """`describe` may block for long and raises an error whose text is "what; remedy"."""

    name = "keyring"
    limit_s = 12.0

    def __init__(self, describe: Callable[[], str], missing: Sequence[str]):
        self._describe = describe
        self._missing = missing

    async def run(self) -> CheckResult:
        try:
            return ok(await await_bounded(self._describe, self.limit_s - 1, "keyring-check"))
        except TimeoutError:
            raise
        except Exception as error:  # noqa: BLE001  (its own text is made for the operator)
            what, _, remedy = str(error).partition("; ")
            if not self._missing:
                return skipped(f"not needed here ({what})")
            return warning(what, remedy or "keep secrets in a folder (KIOSK_SECRETS_DIR)")
