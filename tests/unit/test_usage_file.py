"""The record on disk: whole or put aside, never half believed."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from kiosk.providers.contract import SessionRef
from kiosk.session.usage import Total, Usage, Use
from kiosk.session.usage_file import UsageFile

DAY = 739_925
USAGE = Usage(
    (
        Use(SessionRef("a", "v1", "s1", 1_793_880_000.25), DAY, 61.5, True),
        Use(SessionRef("a", "v2", None, 1_793_880_100.0), DAY, 0.0, False),
    ),
    (Total(DAY - 1, "a", 3, 12),),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "usage.json"


def test_what_was_saved_is_loaded(path: Path) -> None:
    book = UsageFile(path)
    assert book.load() == Usage()
    book.save(USAGE)
    assert UsageFile(path).load() == USAGE
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["usage.json"]


def test_a_power_cut_at_any_byte_is_survived(
    path: Path, caplog: pytest.LogCaptureFixture, expected_log: Callable[[str], None]
) -> None:
    expected_log("record of vendor minutes cannot be read")
    book = UsageFile(path)
    book.save(USAGE)
    whole = path.read_bytes()
    for length in range(len(whole)):
        caplog.clear()
        path.write_bytes(whole[:length])
        assert book.load() == Usage()
        assert path.with_name("usage.json.damaged").read_bytes() == whole[:length]
        assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_a_flipped_byte_anywhere_gives_a_record_or_an_empty_one(
    path: Path, expected_log: Callable[[str], None]
) -> None:
    expected_log("record of vendor minutes cannot be read")
    book = UsageFile(path)
    book.save(USAGE)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + b"\xff" + whole[place + 1 :])
        assert book.load() == Usage()


@pytest.mark.parametrize(
    ("where", "key", "value"),
    [
        ("sessions", "day", 0),
        ("sessions", "day", 10**9),
        ("sessions", "seconds", -1),
        ("sessions", "seconds", None),
        ("totals", "minutes", -5),
        ("totals", "day", "today"),
    ],
)
def test_figures_that_cannot_be_are_not_believed(
    path: Path, where: str, key: str, value: object, expected_log: Callable[[str], None]
) -> None:
    expected_log("record of vendor minutes cannot be read")
    UsageFile(path).save(USAGE)
    page = json.loads(path.read_text())
    page[where][0][key] = value
    path.write_text(json.dumps(page))
    assert UsageFile(path).load() == Usage()


def test_what_a_later_version_added_is_ignored(path: Path) -> None:
    UsageFile(path).save(USAGE)
    page = json.loads(path.read_text()) | {"currency": "EUR"}
    page["sessions"][0]["colour"] = "blue"
    path.write_text(json.dumps(page))
    assert UsageFile(path).load() == USAGE


def test_a_write_that_is_cut_before_the_new_name_leaves_the_old_record(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = UsageFile(path)
    book.save(USAGE)

    def cut(source: object, target: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", cut)
        with pytest.raises(OSError, match="Input/output"):
            book.save(Usage())
    assert book.load() == USAGE
    # What a real power cut leaves under the new name is no record and does not disturb.
    path.with_name(".usage.json.x1y2").write_bytes(b"half")
    assert book.load() == USAGE
