"""The manual says what the program does: every key with its default, every line of the doctor, every exit status."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from kiosk.exit_codes import ExitCode
from kiosk.operations.doctor_machine import (
    FolderCheck,
    KeyringCheck,
    LedgerCheck,
    LoudspeakerCheck,
    MicrophoneCheck,
    ProgramCheck,
    RendererCheck,
    ScreenCheck,
    SettingsCheck,
)
from kiosk.operations.doctor_network import ClockCheck
from kiosk.operations.self_test import FrameCheck, ParseCheck, ResourcesCheck, SoundCheck, TlsCheck, WindowCheck
from kiosk.providers.own_room import ROOM_SECRETS
from kiosk.resources import resources_dir
from kiosk.settings import Settings

ROW = re.compile(r"^\| `?([^`|]+?)`? \| (.+?) \|", re.MULTILINE)


def section(page: str, title: str) -> str:
    """The text below a heading, up to the next one."""
    text = (resources_dir() / "manual" / page).read_text(encoding="utf-8")
    return text.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def rows(page: str, title: str) -> dict[str, str]:
    return dict(ROW.findall(section(page, title).split("|---", 1)[1]))


@pytest.mark.parametrize("table", ["session", "budget", "view", "audio", "livekit", "call", "log"])
def test_every_key_stands_there_with_its_default(table: str) -> None:
    defaults = Settings().model_dump(by_alias=True)[table]
    written = {
        key: tomllib.loads(f"value = {default.strip('`')}")["value"]
        for key, default in rows("settings.md", f"[{table}]").items()
    }
    assert written == {key: list(value) if isinstance(value, tuple) else value for key, value in defaults.items()}


def test_every_table_has_a_section() -> None:
    text = (resources_dir() / "manual" / "settings.md").read_text(encoding="utf-8")
    tables = {name.split(".")[0] for name in re.findall(r"^## \[([a-zA-Z.]+)\]$", text, re.MULTILINE)}
    assert tables == set(Settings.model_fields)


def test_the_example_is_valid() -> None:
    example = section("settings.md", "A first file").split("```toml\n")[1].split("```")[0]
    assert Settings.model_validate(tomllib.loads(example)).session.provider == "livekit"


def test_the_secrets_of_the_own_room_are_named() -> None:
    assert set(rows("settings.md", "Secrets")) >= set(ROOM_SECRETS)


def test_every_line_of_the_doctor_has_a_remedy() -> None:
    machine = {
        ProgramCheck.name,
        SettingsCheck.name,
        ScreenCheck.name,
        RendererCheck.name,
        LoudspeakerCheck.name,
        MicrophoneCheck.name,
        ClockCheck.name,
        FolderCheck.name,
        LedgerCheck.name,
        KeyringCheck.name,
    }
    asked = {"name HOST", "reach HOST", "provider NAME", "own LiveKit room"}
    assert set(rows("troubleshooting.md", "The doctor's lines")) == machine | asked


def test_every_line_of_the_self_test_is_explained() -> None:
    names = {ResourcesCheck.name, WindowCheck.name, FrameCheck.name, SoundCheck.name, TlsCheck.name, ParseCheck.name}
    assert set(rows("troubleshooting.md", "Is the program itself sound?")) == names | {FolderCheck.name}


def test_every_exit_status_is_listed() -> None:
    assert set(rows("troubleshooting.md", "Exit status")) == {str(int(code)) for code in ExitCode}


def test_no_page_is_empty() -> None:
    pages = sorted(Path(resources_dir() / "manual").glob("*.md"))
    assert pages
    assert all(page.read_text(encoding="utf-8").startswith("# ") for page in pages)
