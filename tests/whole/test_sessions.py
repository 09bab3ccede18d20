"""`kiosk sessions` as an operator meets it: the real process, its books on disk, and a simulated vendor."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from kiosk.clock import SystemClock, day_text, local_day
from kiosk.providers.contract import SessionRef, Visit
from kiosk.session.ledger import FileLedger
from kiosk.session.usage import Total, Usage, Use
from kiosk.session.usage_file import UsageFile
from kiosk.toml_text import write_toml
from kiosk.ui.single_instance import SingleInstance
from tests.contract.deepbrain_rig import Rig, rig
from tests.simulators.deepbrain import APP_ID, AVATAR_ID, USER_KEY
from tests.simulators.vendor_http import Fault, Reply
from tests.whole.test_cli import Machine


class Books:
    """A home with its ledger and its record."""

    def __init__(self, home: Path) -> None:
        self.machine = Machine(home)
        self.folder = home / "data" / "kiosk"
        self.ledger = FileLedger(self.folder / "ledger.json", SystemClock())
        self.record = UsageFile(self.folder / "usage.json")

    def told(self, *words: str) -> tuple[int, dict[str, Any], str]:
        done = self.machine.run("sessions", *words, "--json")
        return done.returncode, json.loads(done.stdout), done.stderr


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path)


def session(number: int, age_s: float = 0.0, provider: str = "deepbrain") -> SessionRef:
    return SessionRef(provider, f"visit-{number}", f"session-{number}", time.time() - age_s)


class TestTheList:
    def test_a_new_kiosk_has_nothing_to_tell(self, books: Books) -> None:
        done = books.machine.run("sessions")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("Open now: nothing\n")
        assert ": 0 visits, 0 min" in done.stdout
        assert not books.folder.exists()

    def test_what_is_open_what_was_used_and_what_is_left(self, books: Books) -> None:
        today = local_day(time.time())
        books.machine.write("[budget]\nvisits_per_day = 4\nminutes_per_day = 60\n")
        used = (Use(session(1), today, 125.0, True), Use(session(2, provider="livekit"), today, 3.0, True))
        books.record.save(Usage(used, (Total(today - 1, "deepbrain", 7, 30),)))
        books.ledger.open(session(3))
        code, told, complaints = books.told()
        assert (code, complaints) == (0, "")
        assert [(one["provider"], one["session"], one["minutes"]) for one in told["open"]] == [
            ("deepbrain", "session-3", 1)
        ]
        assert told["today"] == {
            "day": day_text(today),
            "visits": 3,
            "minutes": 5,
            "visits_left": 1,
            "minutes_left": 55,
            "near_limit": False,
        }
        assert [(one["day"], one["provider"], one["visits"], one["minutes"]) for one in told["days"]] == [
            (day_text(today), "deepbrain", 2, 4),
            (day_text(today), "livekit", 1, 1),
            (day_text(today - 1), "deepbrain", 7, 30),
        ]
        text = books.machine.run("sessions").stdout
        for words in ("session-3", "3 of 4 visits, 5 of 60 min", "7 visits", "30 min"):
            assert words in text

    def test_damaged_files_are_told_and_the_rest_is_listed(self, books: Books) -> None:
        books.ledger.open(session(1))
        (books.folder / "usage.json").write_bytes(b'{"version": 1, "sess')
        code, told, complaints = books.told()
        assert code == 1
        assert len(told["open"]) == 1
        assert complaints.startswith("kiosk: the record of vendor minutes cannot be read; kept aside as usage.json")
        (books.folder / "ledger.json").write_bytes(b"\x00" * 90)
        code, told, complaints = books.told()
        assert (code, told["open"]) == (1, [])
        assert "ledger of open sessions cannot be read" in complaints
        assert len(complaints.splitlines()) == 1
        assert books.told()[0] == 0, "put aside, and told once"

    def test_wrong_settings_hide_nothing_that_is_open(self, books: Books) -> None:
        books.machine.write("[budget]\nvisits_a_day = 4\n")
        books.ledger.open(session(1))
        code, told, complaints = books.told()
        assert (code, len(told["open"])) == (2, 1)
        assert 'did you mean "visits_per_day"?' in complaints


class TestTheEnd:
    @staticmethod
    def set_up(books: Books, base_url: str) -> None:
        table = {"base_url": base_url, "app_id": APP_ID, "avatar_id": AVATAR_ID}
        books.machine.write(write_toml({"providers": {"deepbrain": table}}))
        books.machine.environ["KIOSK_DEEPBRAIN_USER_KEY"] = USER_KEY

    @staticmethod
    async def left_open(books: Books, vendor: Rig) -> SessionRef:
        """As a kiosk leaves it that was killed in mid-visit."""
        grant = await vendor.provider().start(Visit("visit"))
        await asyncio.to_thread(books.ledger.open, grant.session)
        return grant.session

    async def test_what_a_crash_left_open_is_ended_and_counted(self, books: Books) -> None:
        async with rig() as vendor:
            self.set_up(books, vendor.simulator.base_url)
            session = await self.left_open(books, vendor)
            await asyncio.to_thread(books.ledger.open, SessionRef("local", "v", None, 0.0))
            # It is not the provider of this kiosk, only one that is set up.
            done = await asyncio.to_thread(books.machine.run, "sessions", "end")
            assert (done.returncode, done.stderr) == (0, "")
            assert done.stdout == f"deepbrain: ended {session.session_id}\n"
            (seen,) = vendor.simulator.sessions.values()
            assert (seen.stops, seen.end_reason) == (1, "ERROR")
            assert await asyncio.to_thread(books.ledger.entries) == ()
            record = await asyncio.to_thread(books.record.load)
            assert [(use.session.session_id, use.ended) for use in record.sessions] == [(session.session_id, True)]
            again = await asyncio.to_thread(books.machine.run, "sessions", "end")
            assert (again.returncode, again.stdout) == (0, "Nothing is open.\n")
            assert seen.stops == 1

    async def test_what_cannot_be_ended_stays_in_the_ledger(self, books: Books) -> None:
        async with rig() as vendor:
            self.set_up(books, vendor.simulator.base_url)
            session = await self.left_open(books, vendor)
            stranger = SessionRef("acme", "v", "s", time.time())
            await asyncio.to_thread(books.ledger.open, stranger)
            vendor.simulator.fail("stop", Fault(Reply(503, {"code": 5000})))
            done = await asyncio.to_thread(books.machine.run, "sessions", "end")
            assert (done.returncode, done.stdout) == (1, "")
            first, second = done.stderr.splitlines()
            assert "a session of deepbrain is still open: " in first
            assert "503" in first
            assert "this version does not know that provider" in second
            assert await asyncio.to_thread(books.ledger.entries) == (session, stranger)
            record = await asyncio.to_thread(books.record.load)
            assert [use.ended for use in record.sessions] == [False]

    def test_a_running_kiosk_is_left_alone(self, books: Books) -> None:
        books.ledger.open(session(1))
        lock = SingleInstance(books.folder)
        assert lock.acquire()
        try:
            done = books.machine.run("sessions", "end")
        finally:
            lock.release()
        assert (done.returncode, done.stdout) == (1, "")
        assert "a kiosk is running" in done.stderr
        assert len(books.ledger.entries()) == 1

    def test_without_the_secret_it_says_which(self, books: Books) -> None:
        self.set_up(books, "http://127.0.0.1:9")
        books.machine.environ.pop("KIOSK_DEEPBRAIN_USER_KEY")
        books.ledger.open(session(1))
        done = books.machine.run("sessions", "end")
        assert done.returncode == 1
        assert "KIOSK_DEEPBRAIN_USER_KEY" in done.stderr
