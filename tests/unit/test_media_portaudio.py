"""Which device a setting means, and what the operator reads when there is none."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType

import pytest

from kiosk.media.device_state import DeviceError, DeviceKind
from kiosk.media.devices import SoundDevices
from kiosk.media.echo import EchoCanceller
from kiosk.media.portaudio import Device, choose, list_devices


def device(index: int, name: str, host_api: str = "ALSA", *, is_default: bool = False) -> Device:
    return Device(index, name, host_api, channels=2, rate=48_000, is_default=is_default)


DEVICES = [
    device(0, "Jabra Speak 510: USB Audio (hw:1,0)"),
    device(1, "HDMI 0"),
    device(2, "default", is_default=True),
]


@pytest.mark.parametrize(
    ("wanted", "index"),
    [("", 2), ("default", 2), ("default, ALSA", 2), ("jabra", 0), ("hw:1,0", 0), ("HDMI 0", 1), ("hdmi", 1)],
)
def test_a_device_is_found_by_name_label_or_part(wanted: str, index: int) -> None:
    assert choose(DEVICES, wanted, DeviceKind.SPEAKER).index == index


def test_an_exact_name_wins_over_a_part_of_another() -> None:
    devices = [device(0, "USB"), device(1, "USB 2")]
    assert choose(devices, "USB", DeviceKind.SPEAKER).index == 0


def test_the_same_name_under_several_host_apis_means_the_default_one() -> None:
    devices = [device(0, "Speakers", "MME"), device(1, "Speakers", "Windows WASAPI", is_default=True)]
    assert choose(devices, "Speakers", DeviceKind.SPEAKER).index == 1
    assert choose(devices, "Speakers, MME", DeviceKind.SPEAKER).index == 0


def test_without_a_default_the_first_device_is_taken() -> None:
    assert choose(DEVICES[:2], "", DeviceKind.SPEAKER).index == 0


def test_an_ambiguous_name_lists_what_it_could_mean() -> None:
    devices = [device(0, "USB one"), device(1, "USB two"), device(2, "HDMI")]
    with pytest.raises(DeviceError) as caught:
        choose(devices, "usb", DeviceKind.MICROPHONE)
    assert caught.value.operator_line == (
        'audio.microphone = "usb" fits more than one microphone: choose one of: USB one, ALSA; USB two, ALSA'
    )
    assert caught.value.screen == "no_microphone"


def test_an_unknown_name_lists_all_there_are() -> None:
    with pytest.raises(DeviceError, match=r"no loudspeaker of this machine.*Jabra.*HDMI 0.*default") as caught:
        choose(DEVICES, "Bose", DeviceKind.SPEAKER)
    assert caught.value.screen == "no_speaker"


def test_a_machine_without_devices_is_told_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(DeviceError, match=r"no loudspeaker found.*libasound2-plugins"):
        choose([], "", DeviceKind.SPEAKER)
    monkeypatch.setattr("sys.platform", "win32")
    with pytest.raises(DeviceError) as caught:
        choose([], "anything", DeviceKind.MICROPHONE)
    assert "apt" not in caught.value.operator_line


async def test_a_machine_without_portaudio_has_no_sound_and_a_remedy(
    monkeypatch: pytest.MonkeyPatch, expected_log: Callable[[str], None]
) -> None:
    expected_log("PortAudio library is missing")
    original = importlib.import_module

    def import_module(name: str, package: str | None = None) -> ModuleType:
        if name == "sounddevice":
            raise OSError("PortAudio library not found")
        return original(name, package)

    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(importlib, "import_module", import_module)
    with pytest.raises(DeviceError, match="libportaudio2"):
        list_devices(DeviceKind.MICROPHONE)

    devices = SoundDevices(
        EchoCanceller(echo_cancellation=False, noise_suppression=False, high_pass=False, gain_control=False)
    )
    state = await devices.open()
    assert (state.microphone, state.speaker, state.notice) == (False, False, "no_sound")
    assert "libportaudio2" in devices.problems[DeviceKind.SPEAKER].operator_line
    devices.playout.put(bytes(960))
    assert devices.playout.dropped_s == pytest.approx(0.01)
    assert devices.playout.latency_s() == 0.0
    await devices.close()
