"""Providers are found by their files, and a vendor's file is loaded when it is asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kiosk.providers.registry import load_providers
from kiosk.settings_load import ConfigFiles, load_settings

ROOT = Path(__file__).resolve().parents[2]
NOWHERE = ConfigFiles(Path("/nowhere/system.toml"), Path("/nowhere/user.toml"))


@pytest.mark.parametrize("name", sorted(load_providers()))
def test_a_provider_is_found_by_the_name_of_its_file(name: str) -> None:
    entry = load_providers()[name]
    assert entry.name == name
    assert entry.create.__module__ == f"kiosk.providers.{name.replace('-', '_')}"


@pytest.mark.parametrize("name", ["", "http", "contract", "registry", "videosdk_agent", "..contract", "nobody"])
def test_what_is_no_provider_is_not_found(name: str) -> None:
    assert name not in load_providers()


def test_one_vendor_is_loaded_without_the_others() -> None:
    program = (
        "import sys\nfrom kiosk.providers.registry import load_providers\n"
        "before = set(sys.modules)\nassert 'livekit' in load_providers()\n"
        "print(*sorted(name for name in set(sys.modules) - before if name.startswith('kiosk.providers.')))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "kiosk.providers.livekit" in done.stdout.split()
    vendors = [f"kiosk.providers.{name.replace('-', '_')}" for name in load_providers() if name != "livekit"]
    assert not {*vendors} & {*done.stdout.split()}


def test_a_variable_names_a_provider_that_it_cannot_spell() -> None:
    environ = {
        "KIOSK_SESSION__PROVIDER": "videosdk-agent",
        "KIOSK_PROVIDERS__VIDEOSDK_AGENT__ROOM_ID": "abcd-efgh-ijkl",
        "KIOSK_PROVIDERS__NO_BODY__KEY": "x",
    }
    settings = load_settings(NOWHERE, load_providers(), environ).settings
    assert settings.providers["videosdk-agent"]["room_id"] == "abcd-efgh-ijkl"
    assert "no_body" in settings.providers
