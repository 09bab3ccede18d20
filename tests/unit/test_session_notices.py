from __future__ import annotations

import json
from pathlib import Path

import pytest

from kiosk.resources import resources_dir
from kiosk.session.notices import Notice

LANGUAGES = sorted((resources_dir() / "translations").glob("*.json"))


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.stem)
def test_every_sentence_that_a_visit_may_need_is_written(path: Path) -> None:
    texts = json.loads(path.read_text(encoding="utf-8"))
    assert [notice for notice in Notice if not texts.get(f"notice.{notice}")] == []


def test_there_is_a_language() -> None:
    assert LANGUAGES
