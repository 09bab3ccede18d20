"""What the system says of its sound devices: the same as long as nothing changes, and never a fault."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kiosk.media import device_listing as listing


@pytest.fixture
def alsa(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(listing, "_ALSA", tmp_path / "pcm")
    return tmp_path / "pcm"


def test_a_card_that_is_plugged_in_changes_it(alsa: Path) -> None:
    alsa.write_text("00-00: ALC256 : ALC256 : playback 1 : capture 1\n")
    before = listing.device_listing()
    assert before == listing.device_listing() is not None
    alsa.write_text(alsa.read_text() + "01-00: USB Audio : USB Audio : playback 1 : capture 1\n")
    assert listing.device_listing() != before


def test_the_first_card_changes_it(alsa: Path) -> None:
    before = listing.device_listing()
    assert before == listing.device_listing() is not None
    alsa.write_text("00-00: USB Audio : USB Audio : playback 1\n")
    assert listing.device_listing() != before


def test_what_cannot_be_read_is_not_known(alsa: Path) -> None:
    alsa.mkdir()
    assert listing.device_listing() is None


@pytest.mark.parametrize("platform", ["win32", "darwin", "freebsd14"])
def test_a_system_that_cannot_be_asked_is_no_fault(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    if sys.platform == platform:
        pytest.skip("this one can be asked")
    monkeypatch.setattr(sys, "platform", platform)
    assert listing.device_listing() is None
