"""The command line as a person meets it: the real process, its exit status, and what it prints."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kiosk import __version__

if TYPE_CHECKING:
    from tests.display import Display
    from tests.livekit_server import LiveKitServer
    from tests.sound import SoundServer

ROOT = Path(__file__).resolve().parents[2]
PLANTED = "pl4nted-s3cret-value"
KEY, SECRET = "KIOSK_LIVEKIT_API_KEY", "KIOSK_LIVEKIT_API_SECRET"
LIMIT_S = 60


class Machine:
    """A user's home of its own, with an empty keyring; no screen and no sound unless `environ` brings them."""

    def __init__(self, home: Path):
        self.home = home
        self.environ: dict[str, str] = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_DATA_HOME": str(home / "data"),
            "XDG_STATE_HOME": str(home / "state"),
            "XDG_CACHE_HOME": str(home / "cache"),
            "XDG_RUNTIME_DIR": str(home),
            "PYTHON_KEYRING_BACKEND": "tests.whole.file_keyring.FileKeyring",
            "KIOSK_TEST_KEYRING": str(home / "keyring.json"),
            "LANG": "C.UTF-8",
            # Else the client library starts a sound server of its own, which outlives the test.
            "PULSE_SERVER": f"unix:{home}/no-sound-server",
        }
        self.config = home / "config" / "kiosk" / "kiosk.toml"

    def write(self, text: str) -> None:
        self.config.parent.mkdir(parents=True, exist_ok=True)
        self.config.write_text(text, encoding="utf-8")

    def run(
        self, *words: str, stdin: str | bytes = "", environ: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs `kiosk …`; whatever happens, no traceback and no planted secret may be printed."""
        done = subprocess.run(
            [sys.executable, "-m", "kiosk", *words],
            cwd=ROOT,
            env=self.environ | dict(environ or {}),
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            timeout=LIMIT_S,
            check=False,
        )
        result = subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())
        for text in (result.stdout, result.stderr):
            assert "Traceback" not in text
            assert PLANTED not in text
        return result


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


class TestWordsAlone:
    def test_the_version(self, machine: Machine) -> None:
        done = machine.run("--version")
        assert (done.returncode, done.stdout, done.stderr) == (0, f"kiosk {__version__}\n", "")

    def test_the_help_names_every_command(self, machine: Machine) -> None:
        done = machine.run("--help")
        assert (done.returncode, done.stderr) == (0, "")
        for command in ("run", "doctor", "sessions", "config", "secret", "self-test"):
            assert f"\n    {command} " in done.stdout

    def test_neither_loads_anything_heavy(self) -> None:
        code = (
            "import sys\nfrom kiosk.cli import main\n"
            "try: main(['--version'])\nexcept SystemExit: pass\n"
            "print(sorted({'PySide6', 'livekit', 'sounddevice', 'numpy', 'httpx', 'pydantic'} & set(sys.modules)))"
        )
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == "[]"

    @pytest.mark.parametrize(
        "words",
        [
            ["rnu"],
            ["secret", PLANTED],
            ["secret", "set", KEY, PLANTED],
            ["--windowed", PLANTED],
            ["--for", "-3"],
            ["--for", PLANTED],
            ["--kiosk", "--windowed", "800x600"],
            ["--log-level", PLANTED],
            ["--auto-start=" + PLANTED],
            ["config"],
            ["--token", PLANTED],
        ],
    )
    def test_wrong_words_end_with_2_and_are_not_repeated(self, machine: Machine, words: list[str]) -> None:
        done = machine.run(*words)
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.startswith("usage: kiosk")


class TestConfig:
    def test_valid_settings(self, machine: Machine) -> None:
        machine.write('[session]\nprovider = "livekit"\n[view]\ntheme = "light"\n')
        done = machine.run("config", "check")
        assert (done.returncode, done.stderr) == (0, "")
        assert str(machine.config) in done.stdout

    def test_every_mistake_is_one_line_with_its_place(self, machine: Machine) -> None:
        machine.write(f'[sesion]\nidle_s = 1\n[view]\ntheme = "blue"\n[livekit]\napi_secret = "{PLANTED}"\n')
        done = machine.run("config", "check", environ={"KIOSK_AUDIO__VOLUME": "3"})
        lines = done.stderr.splitlines()
        assert done.returncode == 2
        assert [line.split(": ")[1] for line in lines] == [
            *(f"{machine.config}:{line}" for line in (1, 4, 6)),
            "KIOSK_AUDIO__VOLUME",
        ]
        assert f"kiosk secret set {SECRET}" in lines[2]

    def test_show_is_toml_and_says_where_each_value_stands(self, machine: Machine) -> None:
        machine.write('[session]\nprovider = "livekit"\n[providers.livekit]\nroom = "desk"\n')
        done = machine.run("config", "show", environ={"KIOSK_VIEW__FIT": "cover", SECRET: PLANTED})
        assert (done.returncode, done.stderr) == (0, "")
        shown = tomllib.loads(done.stdout)
        assert shown["view"]["fit"] == "cover"
        assert shown["providers"]["livekit"]["room"] == "desk"
        assert 'fit = "cover"  # KIOSK_VIEW__FIT' in done.stdout
        assert f'room = "desk"  # {machine.config}:4' in done.stdout

    def test_another_file_can_be_named(self, machine: Machine) -> None:
        other = machine.home / "other.toml"
        other.write_text("[view]\ntheme = 'light'\n")
        assert tomllib.loads(machine.run("config", "show", "--config", str(other)).stdout)["view"]["theme"] == "light"
        missing = machine.run("config", "show", "--config", str(machine.home / "no.toml"))
        assert missing.returncode == 2
        assert "no.toml: does not exist" in missing.stderr

    def test_path_names_the_places(self, machine: Machine) -> None:
        done = machine.run("config", "path")
        assert done.returncode == 0
        for place in (machine.config, machine.home / "data" / "kiosk", machine.home / "state" / "kiosk"):
            assert str(place) in done.stdout

    def test_an_old_console_gets_its_answer(self, machine: Machine) -> None:
        machine.write('[view]\nbadge = "Grüße ☺"\n')
        done = machine.run("config", "show", environ={"PYTHONIOENCODING": "ascii"})
        assert (done.returncode, done.stderr) == (0, "")
        assert 'badge = "Gr??e ?"' in done.stdout

    def test_a_reader_that_goes_away_is_no_error(self, machine: Machine) -> None:
        command = f"{sys.executable} -m kiosk config show | true"
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command], cwd=ROOT, env=machine.environ, capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")


class TestSecrets:
    def test_set_list_and_delete(self, machine: Machine) -> None:
        done = machine.run("secret", "set", KEY, stdin=f"{PLANTED}\n")
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{KEY} is stored in the keyring.\n", "")
        assert json.loads((machine.home / "keyring.json").read_text()) == {f"avatar-kiosk/{KEY}": PLANTED}

        listed = machine.run("secret", "list", environ={SECRET: PLANTED})
        places = dict(line.split() for line in listed.stdout.splitlines())
        assert listed.returncode == 0
        assert (places[KEY], places[SECRET], places["KIOSK_LIVEKIT_RELAY_KEY"]) == ("keyring", "environment", "-")

        deleted = machine.run("secret", "delete", KEY)
        assert (deleted.returncode, deleted.stdout) == (0, f"{KEY} is no longer in the keyring.\n")
        assert machine.run("secret", "delete", KEY).returncode == 1

    def test_the_prompt_does_not_show_what_is_typed(self, machine: Machine) -> None:
        outer, inner = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "kiosk", "secret", "set", KEY],
            cwd=ROOT,
            env=machine.environ,
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
        )
        os.close(inner)
        seen = b""
        while b": " not in seen:
            seen += os.read(outer, 1024)
        os.write(outer, f"{PLANTED}\n".encode())
        while chunk := _read(outer):
            seen += chunk
        assert process.wait(LIMIT_S) == 0
        os.close(outer)
        assert b"is stored" in seen
        assert PLANTED.encode() not in seen
        assert PLANTED in (machine.home / "keyring.json").read_text()

    @pytest.mark.parametrize(
        ("name", "stdin", "words"),
        [
            ("KIOSK_LIVEKIT_APIKEY", PLANTED, f"did you mean {KEY}?"),
            (PLANTED, "x", "no secret of this name"),
            (KEY, "", "the value is empty"),
            (KEY, f"{PLANTED}\n{PLANTED}", "no single line"),
            (KEY, b"\xff\xfe", "no single line of text"),
        ],
    )
    def test_what_cannot_be_a_secret_is_refused(
        self, machine: Machine, name: str, stdin: str | bytes, words: str
    ) -> None:
        done = machine.run("secret", "set", name, stdin=stdin)
        assert (done.returncode, done.stdout) == (1, "")
        assert words in done.stderr
        assert not (machine.home / "keyring.json").exists()

    def test_without_a_safe_keyring_nothing_is_stored(self, machine: Machine) -> None:
        environ = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
        done = machine.run("secret", "set", KEY, stdin=PLANTED, environ=environ)
        assert (done.returncode, done.stdout) == (1, "")
        assert "no safe keyring on this machine" in done.stderr
        assert "KIOSK_SECRETS_DIR" in done.stderr


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1024)
    except OSError:
        return b""  # Linux tells the end of a terminal so


class TestRunThatCannotBegin:
    def test_without_a_screen_one_line_says_so(self, machine: Machine) -> None:
        report = machine.home / "report.json"
        done = machine.run("run", "--report", str(report))
        assert (done.returncode, done.stdout) == (2, "")
        assert len(done.stderr.splitlines()) == 1
        assert "there is no screen" in done.stderr
        told = json.loads(report.read_text())
        assert (told["provider"], told["exit"], told["states"]) == ("local", 2, [])
        assert told["errors"][0]["kind"] == "misconfigured"

    @pytest.mark.parametrize(
        ("text", "words", "line"),
        [
            ('[view]\nrenderer = "vulkan"\n', [], "kiosk.toml:2: view.renderer: "),
            ("", ["--provider", "acme"], "command line: session.provider: "),
            (
                f'[providers.livekit]\ntoken = "{PLANTED}"\n',
                ["--provider", "livekit"],
                "secrets never stand in settings",
            ),
            ("[view", [], "kiosk.toml:1: is not valid TOML"),
        ],
    )
    def test_wrong_settings_are_one_line(self, machine: Machine, text: str, words: list[str], line: str) -> None:
        machine.write(text)
        done = machine.run(*words)
        assert (done.returncode, done.stdout) == (2, "")
        assert len(done.stderr.splitlines()) == 1
        assert line in done.stderr

    def test_a_secret_file_that_cannot_be_used_is_one_line(self, machine: Machine) -> None:
        (machine.home / "secrets" / KEY).mkdir(parents=True)
        environ = {"KIOSK_SECRETS_DIR": str(machine.home / "secrets"), "KIOSK_LOG__LEVEL": "error"}
        done = machine.run("--provider", "livekit", environ=environ)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
        assert "is no file with one secret" in done.stderr


def checks(text: str) -> dict[str, Any]:
    told = json.loads(text)
    return {check["name"]: check for check in told["checks"]} | {"ok": told["ok"]}


@pytest.fixture
def desk(machine: Machine, display: Display, sound: SoundServer) -> Machine:
    """A machine with a screen, a loudspeaker and a microphone that hears something."""
    machine.environ.pop("PULSE_SERVER")
    machine.environ |= {**display.env(), **sound.env()}
    return machine


class TestDoctor:
    def test_a_bare_machine(self, machine: Machine) -> None:
        machine.write('[session]\nprovider = "livekit"\n[providers.livekit]\nurl = "ws://127.0.0.1:1"\nroom = "desk"\n')
        done = machine.run("doctor", "--json", environ={KEY: "key", SECRET: PLANTED})
        told = checks(done.stdout)
        assert (done.returncode, told["ok"], done.stderr) == (1, False, "")
        failing = {name for name, check in told.items() if name != "ok" and check["status"] == "failed"}
        assert failing >= {"screen", "reach 127.0.0.1:1", "provider livekit"}
        assert all(told[name]["remedy"] for name in failing)
        assert told["data folder"]["status"] == "ok"
        assert told["keyring"]["status"] == "ok"

    def test_wrong_settings_are_one_line_among_the_others(self, machine: Machine) -> None:
        machine.write(f'[livekit]\napi_key = "{PLANTED}"\n')
        done = machine.run("doctor")
        assert (done.returncode, done.stderr) == (1, "")
        (line,) = (line for line in done.stdout.splitlines() if line.startswith("FAILED   settings"))
        assert f"kiosk secret set {KEY}" in line
        assert any(line.startswith("ok       data folder") for line in done.stdout.splitlines())

    def test_all_is_well_at_a_desk(self, desk: Machine, livekit_server: LiveKitServer) -> None:
        desk.write(
            f'[session]\nprovider = "livekit"\n[providers.livekit]\nurl = "{livekit_server.url}"\nroom = "desk"\n'
        )
        secrets = desk.home / "secrets"
        secrets.mkdir()
        (secrets / KEY).write_text(livekit_server.key)
        (secrets / SECRET).write_text(f"{livekit_server.secret}\n")
        done = desk.run("doctor", "--json", environ={"KIOSK_SECRETS_DIR": str(secrets)})
        told = checks(done.stdout)
        assert done.returncode == 0, done.stdout
        assert livekit_server.secret not in done.stdout
        for name in ("screen", "renderer", "loudspeaker", "provider livekit", "clock", "data folder", "keyring"):
            assert told[name]["status"] == "ok", told[name]
        # Nobody speaks into the null sink.
        assert told["microphone"]["status"] == "warning"

    def test_a_refused_secret_is_told_by_the_provider(self, desk: Machine, livekit_server: LiveKitServer) -> None:
        desk.write(
            f'[session]\nprovider = "livekit"\n[providers.livekit]\nurl = "{livekit_server.url}"\nroom = "desk"\n'
        )
        done = desk.run("doctor", "--json", environ={KEY: livekit_server.key, SECRET: f"{PLANTED}-{'x' * 32}"})
        check = checks(done.stdout)["provider livekit"]
        assert (done.returncode, check["status"]) == (1, "failed")
        assert KEY in check["remedy"]


class TestSelfTest:
    def test_this_build_works_on_a_desk(self, desk: Machine) -> None:
        picture = desk.home / "window.png"
        done = desk.run("self-test", "--json", "--screenshot", str(picture))
        told = checks(done.stdout)
        assert (done.returncode, told["ok"], done.stderr) == (0, True, ""), done.stdout
        assert {name: check["status"] for name, check in told.items() if name != "ok"} == dict.fromkeys(
            ("resources", "window", "livekit", "sound", "tls", "settings", "data folder"), "ok"
        )
        assert picture.read_bytes().startswith(b"\x89PNG")

    def test_without_a_screen_it_fails_with_a_reason(self, machine: Machine) -> None:
        done = machine.run("self-test", "--json")
        told = checks(done.stdout)
        assert (done.returncode, told["ok"]) == (1, False)
        assert "no window can be painted" in told["window"]["line"]
        assert told["sound"]["status"] in ("ok", "warning")  # a build is not to blame for a machine without sound


def test_the_second_process_answers_in_one_line(machine: Machine) -> None:
    done = machine.run("probe", "frame")
    assert json.loads(done.stdout)["same"] is True
