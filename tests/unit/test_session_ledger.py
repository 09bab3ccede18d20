from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from kiosk.providers.contract import SessionRef, Visit
from kiosk.session.ledger import FileLedger

OPEN = SessionRef("fake", "visit", "s1", 5.0)


class FixedClock:
    def monotonic(self) -> float:
        return 0.0

    def wall(self) -> float:
        return 1234.5


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger.json"


@pytest.fixture
def ledger(path: Path) -> FileLedger:
    return FileLedger(path, FixedClock())


def test_an_empty_ledger_needs_no_file(ledger: FileLedger, path: Path) -> None:
    assert ledger.entries() == ()
    ledger.close(OPEN)
    assert not path.exists()


def test_the_life_of_an_entry(ledger: FileLedger, path: Path) -> None:
    intent = ledger.intend("fake", Visit("visit"))
    assert intent == SessionRef("fake", "visit", None, 1234.5)
    assert FileLedger(path, FixedClock()).entries() == (intent,)
    ledger.open(OPEN)
    assert FileLedger(path, FixedClock()).entries() == (OPEN,)
    ledger.close(OPEN)
    assert FileLedger(path, FixedClock()).entries() == ()


def test_entries_of_one_visit_do_not_disturb_each_other(ledger: FileLedger) -> None:
    ledger.open(OPEN)
    intent = ledger.intend("fake", Visit("visit"))
    other = ledger.intend("other", Visit("visit"))
    assert ledger.entries() == (OPEN, intent, other)
    ledger.close(OPEN)
    ledger.open(SessionRef("fake", "visit", "s2", 6.0))
    assert [entry.session_id for entry in ledger.entries()] == [None, "s2"]


def test_opening_and_closing_twice_is_once(ledger: FileLedger) -> None:
    ledger.open(OPEN)
    ledger.open(OPEN)
    assert ledger.entries() == (OPEN,)
    ledger.close(OPEN)
    ledger.close(OPEN)
    assert ledger.entries() == ()


def test_only_the_owner_may_read_it(ledger: FileLedger, path: Path) -> None:
    ledger.open(OPEN)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["ledger.json"]


def test_truncation_at_every_byte_is_survived(
    ledger: FileLedger, path: Path, caplog: pytest.LogCaptureFixture, expected_log: Callable[[str], None]
) -> None:
    expected_log("ledger of open sessions cannot be read")
    ledger.open(OPEN)
    whole = path.read_bytes()
    for length in range(len(whole)):
        caplog.clear()
        path.write_bytes(whole[:length])
        assert ledger.entries() == ()
        assert path.with_name("ledger.json.damaged").read_bytes() == whole[:length]
        assert ledger.entries() == ()
        assert [record.levelno for record in caplog.records] == [logging.WARNING]
        ledger.open(OPEN)
        assert ledger.entries() == (OPEN,)


@pytest.mark.parametrize(
    "text",
    [
        b"\x00\xff",
        b"null",
        b"[]",
        b"{}",
        b'{"sessions": {}}',
        b'{"sessions": [{"provider": 1}]}',
        b'{"sessions": [null]}',
        b'{"sessions": [{"provider": "a", "visit_id": "v", "session_id": null, "started_at": NaN}]}',
    ],
)
def test_nonsense_is_put_aside(
    ledger: FileLedger, path: Path, text: bytes, expected_log: Callable[[str], None]
) -> None:
    expected_log("ledger of open sessions cannot be read")
    path.parent.mkdir()
    path.write_bytes(text)
    ledger.open(OPEN)
    assert ledger.entries() == (OPEN,)
    assert path.with_name("ledger.json.damaged").read_bytes() == text


def test_what_a_later_version_added_is_ignored(ledger: FileLedger, path: Path) -> None:
    path.parent.mkdir()
    row = {"provider": "fake", "visit_id": "v", "session_id": "s", "started_at": 1.0, "colour": "blue"}
    path.write_text(json.dumps({"version": 2, "sessions": [row], "more": 1}))
    assert ledger.entries() == (SessionRef("fake", "v", "s", 1.0),)


def test_a_failed_write_leaves_the_old_list_and_no_litter(
    ledger: FileLedger, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.open(OPEN)

    def full(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(OSError, match="No space"):
            ledger.open(SessionRef("fake", "visit", "s2", 6.0))
    assert ledger.entries() == (OPEN,)
    assert [file.name for file in path.parent.iterdir()] == ["ledger.json"]


def test_a_reader_beside_the_writer_never_sees_half_a_list(path: Path) -> None:
    """The supervisor reads while the kiosk writes; a torn read would put the file aside with a warning."""
    writer, reader = FileLedger(path, FixedClock()), FileLedger(path, FixedClock())
    done = threading.Event()
    seen: set[int] = set()

    def read() -> None:
        while not done.is_set():
            seen.add(len(reader.entries()))

    thread = threading.Thread(target=read)
    thread.start()
    try:
        for number in range(60):
            session = SessionRef("fake", "visit", f"s{number}", 0.0)
            writer.open(session)
            if number % 3 == 2:
                writer.close(session)
    finally:
        done.set()
        thread.join()
    assert len(writer.entries()) == 40
    assert seen <= set(range(42))


def test_writers_in_several_threads_lose_nothing(ledger: FileLedger) -> None:
    def write(name: str) -> None:
        for number in range(10):
            ledger.open(SessionRef(name, "visit", f"s{number}", 0.0))

    threads = [threading.Thread(target=write, args=(f"p{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ledger.entries()) == 40
