"""`kiosk self-test`: does this very build work on this machine? Needs no network, no credential and no settings."""

from __future__ import annotations

import ssl
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

import certifi

from kiosk.bounded_thread import await_bounded
from kiosk.operations.checks import Checker, CheckResult, failed, ok, warning
from kiosk.operations.doctor_machine import FolderCheck
from kiosk.operations.probe import Probe, ProbeError
from kiosk.settings import Settings

WATCHDOG_S = 30.0
RESOURCES = ("fonts/*.otf", "shaders/*.vert", "shaders/*.frag", "themes/*.json", "translations/en.json")
_SAMPLE = '[session]\nidle_s = 30\n[view]\nrenderer = "raster"\n[log]\njson = true\n'


class ResourcesCheck:
    name = "resources"
    limit_s = 5.0

    def __init__(self, find_folder: Callable[[], Path]):
        self._find_folder = find_folder

    async def run(self) -> CheckResult:
        try:
            folder = self._find_folder()
        except FileNotFoundError as error:
            return failed(str(error), "install the program again")
        missing = [pattern for pattern in RESOURCES if not any(folder.glob(pattern))]
        if missing:
            return failed(f"missing beside the program: {', '.join(missing)}", "install the program again")
        return ok(str(folder))


class WindowCheck:
    name = "window"
    limit_s = 20.0

    def __init__(self, window: Probe):
        self._window = window

    async def run(self) -> CheckResult:
        try:
            found = await self._window()
        except ProbeError as error:
            return failed(f"no window can be painted ({error})", "look for a missing library in the lines above")
        seen = f"{found['platform']}, {found['renderer']} ({found['reason']}), {found['colours']} colours"
        if found["painted"] < 1 or found["colours"] < 5:
            return failed(f"the window does not show the picture: {seen}", 'set [view] renderer = "raster"')
        if not found["font"]:
            return failed(f"the kiosk's own font does not load: {seen}", "install the program again")
        if found["screenshot"] is False:
            return failed("the screenshot cannot be written", "choose another file")
        return ok(seen)


class FrameCheck:
    name = "livekit"
    limit_s = 20.0

    def __init__(self, frame: Probe):
        self._frame = frame

    async def run(self) -> CheckResult:
        try:
            found = await self._frame()
        except ProbeError as error:
            return failed(f"LiveKit's library does not work ({error})", "install the program again")
        line = f"livekit {found['livekit']}, a picture of {found['width']}x{found['height']} came back"
        return ok(line) if found["same"] else failed(f"{line}, but changed", "report this line")


class SoundCheck:
    """A machine without sound is no fault of the build."""

    name = "sound"
    limit_s = 20.0

    def __init__(self, sound: Probe):
        self._sound = sound

    async def run(self) -> CheckResult:
        try:
            found = await self._sound()
        except ProbeError as error:
            return failed(f"the sound library does not work ({error})", "install the program again")
        troubles = [str(found[which]["error"]) for which in ("speaker", "microphone") if "error" in found[which]]
        if troubles:
            return warning("; ".join(troubles), "connect the missing device, then run it again")
        return ok(f"{found['speaker']['name']} and {found['microphone']['name']} opened")


class TlsCheck:
    name = "tls"
    limit_s = 5.0

    async def run(self) -> CheckResult:
        return await await_bounded(self._load, self.limit_s - 1, "tls")

    def _load(self) -> CheckResult:
        context = ssl.create_default_context()
        try:
            context.load_verify_locations(certifi.where())
        except OSError:
            return failed("the list of certificate authorities is missing", "install the program again")
        count = context.cert_store_stats()["x509_ca"]
        return ok(f"{count} certificate authorities") if count else failed("no authorities", "install it again")


class ParseCheck:
    """`provider_names` loads every provider of this build."""

    name = "settings"
    limit_s = 10.0

    def __init__(self, provider_names: Callable[[], Sequence[str]]):
        self._provider_names = provider_names

    async def run(self) -> CheckResult:
        settings = Settings.model_validate(tomllib.loads(_SAMPLE))
        names = await await_bounded(self._provider_names, self.limit_s - 1, "providers")
        if settings.view.renderer != "raster" or not names:
            return failed("the build lacks its providers", "install the program again")
        return ok(f"providers: {', '.join(names)}")


def self_test_checks(
    *,
    window: Probe,
    frame: Probe,
    sound: Probe,
    find_resources: Callable[[], Path],
    provider_names: Callable[[], Sequence[str]],
    data_folder: Path,
) -> list[Checker]:
    """The checks in the order of the table."""
    return [
        ResourcesCheck(find_resources),
        WindowCheck(window),
        FrameCheck(frame),
        SoundCheck(sound),
        TlsCheck(),
        ParseCheck(provider_names),
        FolderCheck(data_folder),
    ]
