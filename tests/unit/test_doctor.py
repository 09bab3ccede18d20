"""The doctor's checks: what each sees, in which words, and that none can hold up or break the others."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from kiosk.keyring_vault import VaultError
from kiosk.operations.checks import (
    Checker,
    CheckResult,
    CheckStatus,
    all_passed,
    as_json,
    as_table,
    failed,
    ok,
    run_checks,
    skipped,
    warning,
)
from kiosk.operations.doctor import Subject, doctor_checks
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
from kiosk.operations.doctor_network import AskCheck, ClockCheck, NameCheck, ReachCheck, SaidCheck, addresses
from kiosk.operations.probe import Findings, ProbeError, ProcessProbe
from kiosk.operations.self_test import (
    FrameCheck,
    ParseCheck,
    ResourcesCheck,
    SoundCheck,
    TlsCheck,
    WindowCheck,
)
from kiosk.providers.contract import Busy, Misconfigured, SessionRef
from kiosk.providers.http import HttpClient
from kiosk.settings import Settings
from kiosk.settings_error import Problem, SettingsError

SECRET = "pl4nted-s3cret"
SCREEN = {"qt": "6.12.0", "platform": "xcb", "screens": [{"width": 1920, "height": 1080, "hz": 60.0, "scale": 1.0}]}
RASTER = {"renderer": "raster", "reason": "OpenGL is emulated on the CPU"}
WINDOW = {"platform": "xcb", "painted": 1, "colours": 7, "font": True, "screenshot": None, **RASTER}


class HeldClock:
    """`wall` runs `ahead_s` before the world's clock."""

    def __init__(self, ahead_s: float = 0.0) -> None:
        self.ahead_s = ahead_s

    def monotonic(self) -> float:
        return 100.0

    def wall(self) -> float:
        return 1_800_000_000.0 + self.ahead_s


def probe(found: Findings | str) -> Callable[[], Any]:
    """A probe that found `found`, or that fails with this text."""

    async def answer() -> Findings:
        if isinstance(found, str):
            raise ProbeError(found)
        return found

    return answer


class Told:
    """A checker made of a function."""

    def __init__(self, name: str, run: Callable[[], Any], limit_s: float = 5.0):
        self.name = name
        self.limit_s = limit_s
        self._run = run

    async def run(self) -> CheckResult:
        result = await self._run()
        assert isinstance(result, CheckResult)
        return result


def raises(error: Exception) -> Callable[[], Any]:
    async def run() -> CheckResult:
        raise error

    return run


async def judge(check: Checker) -> CheckResult:
    (named,) = await run_checks([check], HeldClock())
    return named.result


class TestRunning:
    async def test_checks_run_at_the_same_time_and_keep_their_order(self) -> None:
        second_ran = asyncio.Event()

        async def first() -> CheckResult:
            await second_ran.wait()
            return ok("first")

        async def second() -> CheckResult:
            second_ran.set()
            return ok("second")

        results = await run_checks([Told("a", first), Told("b", second)], HeldClock())
        assert [(named.name, named.result.line) for named in results] == [("a", "first"), ("b", "second")]

    async def test_a_check_that_hangs_or_breaks_is_one_failed_line(self) -> None:
        forever = Told("forever", asyncio.Event().wait, limit_s=0.05)
        broken = Told("broken", raises(RuntimeError(f"with {SECRET}\nin it")))
        results = await run_checks([forever, broken, Told("fine", lambda: _value(ok("fine")))], HeldClock(), [SECRET])
        assert [named.result.status for named in results] == ["failed", "failed", "ok"]
        assert results[0].result.line == "no answer within 0.05 s"
        assert results[1].result.line == "the check itself failed (RuntimeError: with *** in it)"
        assert not all_passed(results)

    async def test_the_table_says_what_to_do_and_the_json_the_same(self) -> None:
        checks = [
            SaidCheck("screen", ok("xcb")),
            SaidCheck("microphone", warning("silence", "unmute it")),
            SaidCheck("provider x", failed("HTTP 401", "check the secret")),
            SaidCheck("clock", skipped("no server")),
        ]
        results = await run_checks(checks, HeldClock())
        assert as_table(results) == (
            "ok       screen      xcb\n"
            "warning  microphone  silence\n"
            "                     -> unmute it\n"
            "FAILED   provider x  HTTP 401\n"
            "                     -> check the secret\n"
            "skipped  clock       no server\n"
            "\n"
            "1 ok, 1 warning, 1 failed, 1 skipped\n"
        )
        told = json.loads(as_json(results, versions={"kiosk": "1"}))
        assert told["ok"] is False
        assert told["versions"] == {"kiosk": "1"}
        assert told["checks"][2] == {
            "name": "provider x",
            "status": "failed",
            "line": "HTTP 401",
            "remedy": "check the secret",
            "took_s": 0.0,
        }
        assert all_passed(results[:2])


async def _value(result: CheckResult) -> CheckResult:
    return result


class TestMachine:
    @pytest.mark.parametrize(
        ("check", "status", "words"),
        [
            (ProgramCheck(probe(SCREEN)), "ok", "Qt 6.12.0"),
            (ProgramCheck(probe("crashed")), "ok", "Qt did not start"),
            (ScreenCheck(probe(SCREEN)), "ok", "xcb: 1920x1080 at 60 Hz, scale 1"),
            (ScreenCheck(probe("it crashed (SIGABRT)")), "failed", "no window can be opened (it crashed (SIGABRT))"),
            (ScreenCheck(probe({**SCREEN, "screens": []})), "failed", "no screen is connected"),
            (ScreenCheck(probe({**SCREEN, "platform": "offscreen"})), "warning", "nothing is visible"),
            (RendererCheck(probe(RASTER), "auto"), "ok", "raster: OpenGL is emulated on the CPU"),
            (RendererCheck(probe(RASTER), "opengl"), "warning", "raster"),
            (RendererCheck(probe("crashed"), "auto"), "skipped", "without a screen"),
            (LoudspeakerCheck(probe({"speaker": {"name": "A", "sample_rate": 48000}})), "ok", "A: opened at 48000 Hz"),
            (LoudspeakerCheck(probe({"speaker": {"error": "none found"}})), "failed", "none found"),
            (LoudspeakerCheck(probe("no answer")), "failed", "the sound system did not answer (no answer)"),
            (MicrophoneCheck(probe({"microphone": {"name": "M", "level_dbfs": -42.4}})), "ok", "M: opened, hears -42"),
            (MicrophoneCheck(probe({"microphone": {"name": "M", "level_dbfs": None}})), "warning", "hears silence"),
            (MicrophoneCheck(probe({"microphone": {"name": "M", "level_dbfs": -88.0}})), "warning", "hears -88"),
            (MicrophoneCheck(probe({"microphone": {"error": "gone"}})), "failed", "gone"),
        ],
    )
    async def test_what_was_found_becomes_a_line(self, check: Checker, status: str, words: str) -> None:
        result = await judge(check)
        assert result.status == status
        assert words in result.line
        assert bool(result.remedy) == (status in ("warning", "failed"))

    async def test_settings_name_where_they_come_from_or_what_is_wrong(self) -> None:
        assert (await judge(SettingsCheck("x", ["/a.toml"], None))).line == "provider x; from /a.toml"
        error = SettingsError([Problem("/a.toml", 3, "view.theme", "must be dark"), Problem("", None, "b", "c")])
        result = await judge(SettingsCheck("x", [], error))
        assert result.status is CheckStatus.FAILED
        assert result.line.startswith("/a.toml:3: view.theme: must be dark (and 1 more")

    async def test_the_data_folder_is_really_written_to(self, tmp_path: Path) -> None:
        assert (await judge(FolderCheck(tmp_path / "new" / "folder"))).status is CheckStatus.OK
        assert list((tmp_path / "new" / "folder").iterdir()) == []
        (tmp_path / "file").write_text("")
        result = await judge(FolderCheck(tmp_path / "file"))
        assert result.status is CheckStatus.FAILED
        assert "cannot be written" in result.line

    async def test_what_is_left_on_the_ledger_is_told_without_ids(self) -> None:
        left = [SessionRef("acme", "visit-1", "session-1", 0.0), SessionRef("acme", "visit-2", None, 0.0)]
        result = await judge(LedgerCheck(lambda: left))
        assert (result.status, result.line) == (CheckStatus.WARNING, "2 at acme")
        assert (await judge(LedgerCheck(tuple))).status is CheckStatus.OK

        def unreadable() -> Sequence[SessionRef]:
            raise PermissionError(13, "Permission denied")

        assert (await judge(LedgerCheck(unreadable))).status is CheckStatus.FAILED

    @pytest.mark.parametrize(("missing", "status"), [([], "skipped"), (["KIOSK_X"], "warning")])
    async def test_a_keyring_is_missed_only_where_a_secret_is(self, missing: list[str], status: str) -> None:
        def describe() -> str:
            raise VaultError("no safe keyring on this machine; start a keyring service")

        result = await judge(KeyringCheck(describe, missing))
        assert result.status == status
        assert (await judge(KeyringCheck(lambda: "Keychain", missing))).status is CheckStatus.OK


class Answer:
    """A small web server that answers every request alike and remembers the paths."""

    def __init__(self) -> None:
        self.head = "HTTP/1.1 404 Not Found"
        self.date = formatdate(1_800_000_000, usegmt=True)
        self.paths: list[str] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        self.paths.append(request.split(b" ")[1].decode())
        date = f"Date: {self.date}\r\n" if self.date else ""
        writer.write(f"{self.head}\r\n{date}Content-Length: 2\r\nConnection: close\r\n\r\nOK".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@pytest.fixture
async def answer() -> AsyncIterator[Answer]:
    web = Answer()
    server = await asyncio.start_server(web.serve, "127.0.0.1", 0)
    web.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield web


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    client = HttpClient(timeout_s=5.0)
    yield client
    await client.aclose()


class TestNetwork:
    def test_addresses_are_found_wherever_a_table_has_them(self) -> None:
        class Inner(BaseModel):
            relay: str = "https://relay.example/x"

        class Table(BaseModel):
            base_url: str = "https://api.example"
            avatar: str = "http"
            bad: str = "https://[broken"
            port: str = "https://api.example:x"
            inner: Inner = Inner()
            room: str = "wss://room.example"

        expected = ["https://api.example", "https://relay.example/x", "wss://room.example"]
        assert list(addresses(Table())) == expected

    async def test_any_answer_proves_the_way(self, answer: Answer, http: HttpClient) -> None:
        result = await judge(ReachCheck(answer.url.replace("http", "ws") + "/room?access_token=x", http, HeldClock()))
        assert result.status is CheckStatus.OK
        assert "this machine, without TLS" in result.line
        assert answer.paths == ["/room"]

    async def test_a_refused_connection_says_whom_to_ask(
        self, answer: Answer, http: HttpClient, expected_log: Callable[[str], None]
    ) -> None:
        expected_log("Reach")
        server = await asyncio.start_server(answer.serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        result = await judge(ReachCheck(f"http://127.0.0.1:{port}", http, HeldClock()))
        assert result.status is CheckStatus.FAILED
        assert "refuses the connection" in result.line
        assert "firewall" in result.remedy

    async def test_a_proxy_that_wants_a_login_is_named(self, answer: Answer, http: HttpClient) -> None:
        answer.head = "HTTP/1.1 407 Proxy Authentication Required"
        assert "the proxy" in (await judge(ReachCheck(answer.url, http, HeldClock()))).line

    async def test_names(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        assert (await judge(NameCheck("http://localhost/"))).status is CheckStatus.OK
        assert (await judge(NameCheck("https://no-such-host.invalid/"))).status is CheckStatus.FAILED
        monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert (await judge(NameCheck("https://no-such-host.invalid/"))).status is CheckStatus.SKIPPED

    @pytest.mark.parametrize(
        ("ahead_s", "status", "words"),
        [
            (0.0, "ok", "within 1 s"),
            (45.0, "ok", "within 44 s"),
            (-45.0, "ok", "within 45 s"),
            (200.0, "warning", "199 s ahead of"),
            (-7200.0, "warning", "7200 s behind"),
        ],
    )
    async def test_the_clock(self, answer: Answer, http: HttpClient, ahead_s: float, status: str, words: str) -> None:
        result = await judge(ClockCheck(answer.url, http, HeldClock(ahead_s)))
        assert result.status == status
        assert words in result.line

    @pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Foo 2026 99:99:99 GMT"])
    async def test_a_server_that_tells_no_time(self, answer: Answer, http: HttpClient, date: str) -> None:
        answer.date = date
        assert (await judge(ClockCheck(answer.url, http, HeldClock()))).status is CheckStatus.SKIPPED

    async def test_the_providers_own_words_become_line_and_remedy(self) -> None:
        refused = raises(Misconfigured("List sessions: api.example answered HTTP 401; check the secret KIOSK_X"))
        result = await judge(AskCheck("provider x", refused))
        assert result == failed("List sessions: api.example answered HTTP 401", "check the secret KIOSK_X")
        assert (await judge(AskCheck("provider x", raises(Busy("too many"))))).remedy

        async def fine() -> str:
            return "3 sessions"

        assert await judge(AskCheck("provider x", fine)) == ok("3 sessions")


class AcmeTable(BaseModel):
    base_url: str = "https://api.acme.invalid/v1"
    second: str = "https://api.acme.invalid/v2"
    room: str = "wss://room.acme.invalid"


class TestThePlan:
    def subject(self, **changes: Any) -> Subject:
        async def fine() -> str:
            return "fine"

        values: dict[str, Any] = {
            "settings": Settings(),
            "settings_error": None,
            "settings_sources": (),
            "provider_settings": AcmeTable(),
            "provider_trouble": "",
            "ask_provider": fine,
            "ask_own_room": fine,
            "open_sessions": tuple,
            "data_folder": Path("unused"),
            "describe_keyring": lambda: "Keychain",
            "missing_secrets": (),
        }
        return Subject(**(values | changes))

    def names(self, subject: Subject, http: HttpClient) -> list[str]:
        checks = doctor_checks(subject, screen=probe(SCREEN), sound=probe({}), http=http, clock=HeldClock())
        return [check.name for check in checks]

    async def test_each_host_is_asked_once(self, http: HttpClient) -> None:
        settings = Settings.model_validate({"livekit": {"url": "wss://room.acme.invalid"}})
        assert self.names(self.subject(settings=settings), http) == [
            "program",
            "settings",
            "screen",
            "renderer",
            "loudspeaker",
            "microphone",
            "name api.acme.invalid",
            "reach api.acme.invalid",
            "name room.acme.invalid",
            "reach room.acme.invalid",
            "clock",
            "provider local",
            "own LiveKit room",
            "data folder",
            "open sessions",
            "keyring",
        ]

    async def test_without_usable_settings_the_machine_is_checked_all_the_same(self, http: HttpClient) -> None:
        error = SettingsError([Problem("/a", 1, "b", "c")])
        subject = self.subject(settings_error=error, provider_settings=None, ask_provider=None)
        names = self.names(subject, http)
        assert "microphone" in names
        assert "provider" in names
        assert not [name for name in names if name.startswith(("name ", "reach "))]

    async def test_a_provider_that_cannot_be_built_fails_with_its_own_words(self, http: HttpClient) -> None:
        subject = self.subject(ask_provider=None, provider_trouble="the secret KIOSK_X is missing; set it")
        checks = doctor_checks(subject, screen=probe(SCREEN), sound=probe({}), http=http, clock=HeldClock())
        (check,) = (check for check in checks if check.name == "provider local")
        assert await judge(check) == failed("the secret KIOSK_X is missing", "set it")


def child(code: str) -> list[str]:
    return [sys.executable, "-c", code]


class TestSecondProcess:
    async def test_the_last_line_is_the_answer_and_it_is_asked_once(self, tmp_path: Path) -> None:
        mark = tmp_path / "ran"
        code = f"open({str(mark)!r}, 'a').write('x'); print('ALSA says hello'); print('{{\"n\": 1}}')"
        ask = ProcessProbe([], limit_s=20.0, command=child(code))
        assert list(await asyncio.gather(ask(), ask())) == [{"n": 1}, {"n": 1}]
        assert mark.read_text() == "x"

    @pytest.mark.parametrize(
        ("code", "words"),
        [
            ("import os; os.abort()", r"it crashed \(SIGABRT\)"),
            ("import sys; sys.exit('boom')", "it ended with status 1: boom"),
            ("print('[1]')", "it ended with status 0"),
            ("print('{')", "it ended with status 0"),
            ("import sys; print('{}'); sys.exit(3)", "it ended with status 3"),
            (
                "import sys; sys.exit('xcb: could not connect\\nThis application failed to start')",
                "status 1: xcb: could not connect",
            ),
        ],
    )
    async def test_any_other_end_is_told(self, code: str, words: str) -> None:
        with pytest.raises(ProbeError, match=words):
            await ProcessProbe([], limit_s=20.0, command=child(code))()

    async def test_a_process_that_hangs_is_ended(self, tmp_path: Path) -> None:
        with pytest.raises(ProbeError, match=r"no answer within 0.2 s"):
            await ProcessProbe([], limit_s=0.2, command=child("import time; time.sleep(60)"))()


class TestSelfTest:
    @pytest.mark.parametrize(
        ("check", "status", "words"),
        [
            (WindowCheck(probe(WINDOW)), "ok", "xcb, raster (OpenGL is emulated on the CPU), 7 colours"),
            (WindowCheck(probe({**WINDOW, "colours": 1})), "failed", "does not show the picture"),
            (WindowCheck(probe({**WINDOW, "painted": 0})), "failed", "does not show the picture"),
            (WindowCheck(probe({**WINDOW, "font": False})), "failed", "own font"),
            (WindowCheck(probe({**WINDOW, "screenshot": False})), "failed", "screenshot"),
            (WindowCheck(probe("it crashed")), "failed", "no window can be painted (it crashed)"),
            (FrameCheck(probe({"livekit": "1", "width": 4, "height": 2, "same": True})), "ok", "4x2 came back"),
            (FrameCheck(probe({"livekit": "1", "width": 4, "height": 2, "same": False})), "failed", "but changed"),
            (FrameCheck(probe("it crashed")), "failed", "LiveKit's library does not work"),
            (SoundCheck(probe({"speaker": {"name": "A"}, "microphone": {"name": "B"}})), "ok", "A and B opened"),
            (SoundCheck(probe({"speaker": {"error": "none"}, "microphone": {"name": "B"}})), "warning", "none"),
            (SoundCheck(probe("it crashed")), "failed", "sound library"),
            (TlsCheck(), "ok", "certificate authorities"),
            (ParseCheck(lambda: ["x", "y"]), "ok", "providers: x, y"),
            (ParseCheck(list), "failed", "lacks its providers"),
        ],
    )
    async def test_what_was_found_becomes_a_line(self, check: Checker, status: str, words: str) -> None:
        result = await judge(check)
        assert result.status == status
        assert words in result.line

    async def test_resources_are_looked_for_one_by_one(self, tmp_path: Path) -> None:
        result = await judge(ResourcesCheck(lambda: tmp_path))
        assert result.status is CheckStatus.FAILED
        assert "shaders/*.vert" in result.line

        def nowhere() -> Path:
            raise FileNotFoundError("resources folder not found")

        assert (await judge(ResourcesCheck(nowhere))).status is CheckStatus.FAILED


async def test_a_call_that_never_comes_back_keeps_nobody_waiting() -> None:
    release = threading.Event()
    try:

        def hang() -> Sequence[SessionRef]:
            release.wait(30)
            return []

        check = LedgerCheck(hang)
        check.limit_s = 1.1
        result = await judge(check)
        assert result.line == "no answer within 1.1 s"
    finally:
        release.set()
