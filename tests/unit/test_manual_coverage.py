"""The manual's pages for contributors: every test that they name exists, and every provider's coverage stands there."""

from __future__ import annotations

import ast
import re

import pytest

from kiosk.providers.registry import load_providers
from kiosk.resources import resources_dir
from tests.livekit_server import REPOSITORY

NAMED = re.compile(r"`(test_[a-z0-9_]+)::(test_[a-z0-9_]+)`")
PAGE = (resources_dir() / "manual" / "coverage.md").read_text(encoding="utf-8")
EVERYWHERE = PAGE + (resources_dir() / "manual" / "adding-a-vendor.md").read_text(encoding="utf-8")
FILES = sorted((REPOSITORY / "tests").rglob("test_*.py"))  # two folders may hold one of the same name


def part(provider: str) -> str:
    return PAGE.split(f"## {provider}\n", 1)[1].split("\n## ", 1)[0]


@pytest.mark.parametrize("file", sorted({file for file, _ in NAMED.findall(EVERYWHERE)}))
def test_every_test_that_is_named_exists(file: str) -> None:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in FILES if path.stem == file]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    known = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert {name for named, name in NAMED.findall(EVERYWHERE) if named == file} - known == set()


@pytest.mark.parametrize("provider", sorted(load_providers()))
def test_every_provider_has_its_part(provider: str) -> None:
    assert NAMED.findall(part(provider)), "tests stand there"
    if provider != "local":
        assert "| documented | tested by |" in part(provider)
        assert "| no public document states | what the kiosk does |" in part(provider)


@pytest.mark.parametrize("provider", sorted(set(load_providers()) - {"local", "livekit"}))
def test_every_contract_test_of_a_vendor_is_drawn_upon(provider: str) -> None:
    begins = f"test_{provider.replace('-', '_')}_"
    ours = {path.stem for path in FILES if path.parent.name == "contract" and path.stem.startswith(begins)}
    assert ours, "a vendor has contract tests"
    assert ours - {file for file, _ in NAMED.findall(part(provider))} == set()
