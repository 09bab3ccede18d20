"""The manual's pages of the providers say what the program does: settings that are right, every key, working links."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from kiosk.providers.registry import load_providers
from kiosk.resources import resources_dir
from kiosk.settings import Settings
from tests.livekit_server import REPOSITORY

PROVIDERS = load_providers()
PAGES = {
    "local": "persona.md",
    "deepbrain": "deepbrain.md",
    "agenthuman": "agenthuman.md",
    "tenbyte": "tenbyte.md",
    "videosdk-agent": "videosdk-agent.md",
    "videosdk-ingest": "videosdk-ingest.md",
    "liveavatar": "liveavatar.md",
    "livekit": "livekit.md",
}
BLOCK = re.compile(r"^```toml\n(.*?)^```", re.MULTILINE | re.DOTALL)
KEYS = re.compile(r"^\| (`[^|]+`) \| ([^|]+?) \| [^|]+\|$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#\s]+)\)")


def page(provider: str) -> str:
    return (resources_dir() / "manual" / PAGES[provider]).read_text(encoding="utf-8")


def test_every_provider_has_a_page() -> None:
    assert set(PAGES) == set(PROVIDERS)


@pytest.mark.parametrize("provider", PAGES)
def test_the_examples_are_valid(provider: str) -> None:
    blocks = BLOCK.findall(page(provider))
    assert blocks
    for block in blocks:
        settings = Settings.model_validate(tomllib.loads(block))
        for name, table in settings.providers.items():
            PROVIDERS[name].settings.model_validate(table)


@pytest.mark.parametrize("provider", PAGES)
def test_every_key_stands_there_with_its_default(provider: str) -> None:
    rows = {key: default for keys, default in KEYS.findall(page(provider)) for key in re.findall(r"`([^`]+)`", keys)}
    for key, field in PROVIDERS[provider].settings.model_fields.items():
        if key == "persona" and provider == "deepbrain":
            assert "[providers.deepbrain.persona]" in page(provider)
        elif key == "room" and provider == "agenthuman":
            assert "room.platform" in rows
        elif isinstance(field.default, bool | int | float | str) and "the vendor's" not in rows[key]:
            assert tomllib.loads(f"value = {rows[key].strip('`')}")["value"] == field.default, key
        else:
            assert key in rows


@pytest.mark.parametrize("provider", PAGES)
def test_every_secret_is_named(provider: str) -> None:
    everywhere = page(provider) + page("livekit")  # what belongs to the own room stands there
    assert [secret for secret in PROVIDERS[provider].secrets if secret not in everywhere] == []


@pytest.mark.parametrize(
    "name", ["README.md", *sorted(path.name for path in (resources_dir() / "manual").glob("*.md"))]
)
def test_links_lead_somewhere(name: str) -> None:
    path = REPOSITORY / name if name == "README.md" else Path(resources_dir() / "manual" / name)
    targets = [target for target in LINK.findall(path.read_text(encoding="utf-8")) if "://" not in target]
    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_the_readme_names_every_provider() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    rows = [line for line in readme.splitlines() if line.startswith("| ")]
    for name, page_name in PAGES.items():
        assert any(f"`{name}`" in row and f"(resources/manual/{page_name})" in row for row in rows), name


def test_the_index_lists_every_page() -> None:
    manual = resources_dir() / "manual"
    listed = set(LINK.findall((manual / "index.md").read_text(encoding="utf-8")))
    assert {path.name for path in manual.glob("*.md")} - {"index.md"} <= listed
