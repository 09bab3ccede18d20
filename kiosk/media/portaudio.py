"""The sound devices of this machine, through PortAudio. The only place that names, finds and opens them.

`sounddevice` is imported on first use: it loads PortAudio and looks at every device; the window need not wait for that.

PortAudio looks at the devices once. `refresh` makes it look again, which ends every open stream, so all of them must be
closed before. Some host APIs keep a dead device in their list all the same: opening it then fails.

Linux: Debian's PortAudio reaches PulseAudio and PipeWire through ALSA's pulse plugin. A sound server without any
microphone gives the loudspeaker's monitor instead, which no program can tell from a microphone.
Windows: WASAPI in shared mode, which converts every format; the older MME adds 100 ms.
macOS: the bundle needs NSMicrophoneUsageDescription; a refused permission shows as a microphone that gives silence.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kiosk.media.device_state import DeviceError, DeviceKind

log = logging.getLogger("kiosk.media")

RATE = 48_000  # Hz
BLOCK_S = 0.010
LATENCY_S = 0.030
UNANTICIPATED_HOST_ERROR = -9999  # PortAudio's number
_WASAPI = "Windows WASAPI"
_SCREEN = {DeviceKind.SPEAKER: "no_speaker", DeviceKind.MICROPHONE: "no_microphone"}
_WORD = {DeviceKind.SPEAKER: "loudspeaker", DeviceKind.MICROPHONE: "microphone"}
_SETTING = {DeviceKind.SPEAKER: "audio.speaker", DeviceKind.MICROPHONE: "audio.microphone"}

Callback = Callable[[Any, int, Any, Any], None]  # buffer, frames, time info, status: see sounddevice


@dataclass(frozen=True, slots=True)
class Device:
    """`index` is PortAudio's and good until the next `refresh`; to store a choice, store the label."""

    index: int
    name: str
    host_api: str
    channels: int
    rate: int  # Hz, the device's own
    is_default: bool = False

    @property
    def label(self) -> str:
        return f"{self.name}, {self.host_api}"


@dataclass(frozen=True, slots=True)
class OpenStream:
    """A stream that is open and not started. `rate` in Hz, `block` in samples a channel."""

    stream: Any
    device: Device
    rate: int
    channels: int
    block: int

    def end(self, *, abort: bool) -> None:
        """`abort` gives up what waits to be played; otherwise this takes as long as that lasts."""
        try:
            if abort:
                self.stream.abort()
            else:
                self.stream.stop()
        finally:
            self.stream.close()


def list_devices(kind: DeviceKind) -> list[Device]:
    """Raises `DeviceError` where PortAudio is missing or fails."""
    sounddevice = _load(kind)
    try:
        rows = list(sounddevice.query_devices())
        apis = list(sounddevice.query_hostapis())
        first = _default_index(sounddevice, apis, kind)
    except sounddevice.PortAudioError as error:
        raise _failed(kind, "cannot be listed", error) from error
    side = "input" if kind is DeviceKind.MICROPHONE else "output"
    return [
        Device(
            index=index,
            name=str(row["name"]),
            host_api=str(apis[row["hostapi"]]["name"]),
            channels=int(row[f"max_{side}_channels"]),
            rate=round(row["default_samplerate"]),
            is_default=index == first,
        )
        for index, row in enumerate(rows)
        if row[f"max_{side}_channels"] > 0
    ]


def choose(devices: Sequence[Device], wanted: str, kind: DeviceKind) -> Device:
    """The device that a setting means: '' the default one, else a name or label, else a part of one, in any case.

    Raises `DeviceError` that lists the devices when none or more than one fits.
    """
    if not devices:
        raise DeviceError(_nothing_there(kind), _SCREEN[kind])
    if not wanted:
        return next((device for device in devices if device.is_default), devices[0])
    exact = [device for device in devices if wanted in (device.name, device.label)]
    part = [device for device in devices if wanted.casefold() in device.label.casefold()]
    found = exact or part
    if len(found) > 1 and sum(device.is_default for device in found) == 1:
        found = [device for device in found if device.is_default]  # the same name under several host APIs
    if len(found) == 1:
        return found[0]
    listed = "; ".join(device.label for device in (found or devices))
    problem = f"fits more than one {_WORD[kind]}" if found else f"is no {_WORD[kind]} of this machine"
    raise DeviceError(f'{_SETTING[kind]} = "{wanted}" {problem}: choose one of: {listed}', _SCREEN[kind])


def refresh() -> None:
    """Looks at the devices again. Every stream must be closed; raises `DeviceError` where PortAudio fails."""
    sounddevice = _load(DeviceKind.SPEAKER)
    try:
        sounddevice._terminate()  # noqa: SLF001 - documented by sounddevice for this purpose
        sounddevice._initialize()  # noqa: SLF001
    except sounddevice.PortAudioError as error:
        raise _failed(DeviceKind.SPEAKER, "cannot be listed anew", error) from error


def open_stream(
    kind: DeviceKind,
    wanted: str,
    callback: Callback,
    finished: Callable[[], None],
    *,
    block_s: float = BLOCK_S,
    latency_s: float = LATENCY_S,
) -> OpenStream:
    """Opens a device for s16 sound, as near to 48 kHz mono as it allows. Raises `DeviceError`.

    `callback` runs on PortAudio's thread for every block of `block_s`, `finished` once when the stream ended, for
    whatever reason. `latency_s` is a wish; the device takes what it can do.
    """
    sounddevice = _load(kind)
    device = choose(list_devices(kind), wanted, kind)
    make = sounddevice.RawInputStream if kind is DeviceKind.MICROPHONE else sounddevice.RawOutputStream
    extra = sounddevice.WasapiSettings(auto_convert=True) if device.host_api == _WASAPI else None
    refused: Exception | None = None
    for rate in dict.fromkeys((RATE, device.rate)):
        for channels in (1, 2):
            if channels > device.channels:
                continue
            block = round(rate * block_s)
            try:
                stream = make(
                    samplerate=rate,
                    blocksize=block,
                    device=device.index,
                    channels=channels,
                    dtype="int16",
                    latency=latency_s,
                    extra_settings=extra,
                    callback=callback,
                    finished_callback=finished,
                )
            except (sounddevice.PortAudioError, ValueError) as error:
                refused = error
                if _is_gone(error):
                    raise _failed(kind, f'"{device.label}" cannot be opened', error) from error
                continue
            return OpenStream(stream, device, rate, channels, block)
    raise _failed(kind, f'"{device.label}" cannot be opened', refused)


def start_stream(kind: DeviceKind, opened: OpenStream) -> None:
    """Raises `DeviceError`; the stream is closed then."""
    sounddevice = _load(kind)
    try:
        opened.stream.start()
    except sounddevice.PortAudioError as error:
        with contextlib.suppress(sounddevice.PortAudioError):
            opened.stream.close()
        raise _failed(kind, f'"{opened.device.label}" cannot be started', error) from error


def _is_gone(error: Exception) -> bool:
    """The sound system itself refuses, so no other format would help; and PortAudio does not bear many such tries."""
    return len(error.args) > 1 and error.args[1] == UNANTICIPATED_HOST_ERROR


def _load(kind: DeviceKind) -> Any:
    try:
        return importlib.import_module("sounddevice")
    except OSError as error:
        remedy = " (Debian, Ubuntu: sudo apt install libportaudio2)" if sys.platform == "linux" else ""
        raise DeviceError(f"no sound: the PortAudio library is missing; install it{remedy}", _SCREEN[kind]) from error


def _default_index(sounddevice: Any, apis: list[dict[str, Any]], kind: DeviceKind) -> int:
    side = "input" if kind is DeviceKind.MICROPHONE else "output"
    for api in apis:
        if api["name"] == _WASAPI and api[f"default_{side}_device"] >= 0:
            return int(api[f"default_{side}_device"])
    index = sounddevice.default.device[0 if side == "input" else 1]
    if index is not None and index >= 0:
        return int(index)
    return next((int(api[f"default_{side}_device"]) for api in apis if api[f"default_{side}_device"] >= 0), -1)


def _nothing_there(kind: DeviceKind) -> str:
    line = f"no {_WORD[kind]} found: connect one and check the system's sound settings"
    if sys.platform == "linux":
        line += "; with PulseAudio or PipeWire the package libasound2-plugins is needed (sudo apt install it)"
    return line


def _failed(kind: DeviceKind, what: str, error: Exception | None) -> DeviceError:
    cause = str(error).strip() or type(error).__name__
    return DeviceError(f"{_WORD[kind]} {what} ({cause}): check that it is connected and not in use", _SCREEN[kind])
