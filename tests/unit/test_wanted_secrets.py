"""Which secrets are looked for, and when the keyring is left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kiosk.providers.registry import load_providers
from kiosk.settings import Settings
from kiosk.settings_load import ConfigFiles, load_settings
from kiosk.wanted_secrets import keyring_secrets, needed_secrets

ENTRIES = load_providers()
LIVEKIT_KEY, LIVEKIT_SECRET = "KIOSK_LIVEKIT_API_KEY", "KIOSK_LIVEKIT_API_SECRET"
RELAY_KEY, READY_TOKEN = "KIOSK_LIVEKIT_RELAY_KEY", "KIOSK_LIVEKIT_TOKEN"

TENBYTE = """[providers.tenbyte]
session_id = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
livekit_url = "wss://stage.example"
"""


def settings(tmp_path: Path, toml: str) -> Settings:
    file = tmp_path / "kiosk.toml"
    file.write_text(toml, "utf-8")
    return load_settings(ConfigFiles(Path("/nowhere/system.toml"), file), ENTRIES, {}, {}).settings


def livekit(more: str = "") -> str:
    return f'[session]\nprovider = "livekit"\n[providers.livekit]\nurl = "wss://rooms.example"\n{more}'


def asked(found: set[str], chosen: Settings) -> set[str]:
    return set(keyring_secrets(chosen, ENTRIES, found))


def test_the_own_persona_needs_nothing(tmp_path: Path) -> None:
    assert needed_secrets(settings(tmp_path, ""), ENTRIES) == ()
    assert asked(set(), settings(tmp_path, "")) == set()


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (set(), {READY_TOKEN, LIVEKIT_KEY, LIVEKIT_SECRET}),
        ({LIVEKIT_KEY}, {READY_TOKEN, LIVEKIT_SECRET}),
        ({LIVEKIT_KEY, LIVEKIT_SECRET}, set()),
        ({READY_TOKEN}, set()),
        ({RELAY_KEY}, {READY_TOKEN, LIVEKIT_KEY, LIVEKIT_SECRET}),
    ],
)
def test_a_way_in_is_enough(tmp_path: Path, found: set[str], expected: set[str]) -> None:
    assert asked(found, settings(tmp_path, livekit())) == expected


def test_with_a_relay_only_its_key_is_of_use(tmp_path: Path) -> None:
    chosen = settings(tmp_path, livekit('token_url = "https://relay.example/token"'))
    assert asked({LIVEKIT_KEY, LIVEKIT_SECRET}, chosen) == {RELAY_KEY}
    assert asked({RELAY_KEY}, chosen) == set()


def test_each_provider_that_can_be_chosen_wants_its_own(tmp_path: Path) -> None:
    chosen = settings(tmp_path, livekit(TENBYTE))
    assert asked({LIVEKIT_KEY, LIVEKIT_SECRET}, chosen) == {"KIOSK_TENBYTE_TOKEN", "KIOSK_TENBYTE_API_KEY"}
    assert asked({READY_TOKEN, "KIOSK_TENBYTE_API_KEY"}, chosen) == set()


def test_a_key_that_is_wanted_beside_the_provider_is_looked_for(tmp_path: Path) -> None:
    chosen = settings(tmp_path, livekit("[call]\nurl = 'https://bell.example/ring'"))
    assert asked({READY_TOKEN}, chosen) == {"KIOSK_CALL_TOKEN"}


@pytest.mark.parametrize("name", [name for name in sorted(ENTRIES) if ENTRIES[name].ways_in is not None])
def test_the_ways_in_of_a_provider_are_of_secrets_that_it_can_use(name: str) -> None:
    entry = ENTRIES[name]
    assert entry.ways_in is not None
    table: Any = entry.settings.model_construct(url="", token_url=None, stop_url=None)
    for way in entry.ways_in(table, Settings().livekit):
        assert way
        assert set(way) <= set(entry.secrets)
