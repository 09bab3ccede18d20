"""What makes a fresh clone installable and the package honest, checked without building anything."""

from __future__ import annotations

import configparser
import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"
LOCKS = sorted(PACKAGING.glob("requirements*.lock"))

_REQUIREMENT = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<version>[^ ;]+)(?P<rest>.*(?:\n    --hash=.*)*)", re.M)


def locked(path: Path) -> dict[str, str]:
    """Name -> version."""
    return {found["name"]: found["version"] for found in _REQUIREMENT.finditer(path.read_text())}


def names(requirements: list[str]) -> dict[str, str | None]:
    """Name as a lock writes it -> the version that is asked for exactly, else None."""
    wanted = {}
    for requirement in requirements:
        found = re.match(r"^([A-Za-z0-9._-]+)\s*(?:==\s*(\S+))?", requirement)
        assert found is not None, requirement
        wanted[re.sub(r"[-_.]+", "-", found[1]).lower()] = found[2]
    return wanted


def tracked_files() -> list[Path]:
    """The files that git knows."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [Path(name) for name in listing.split("\0") if name]


def load(path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A script of packaging/, which is no Python package."""
    monkeypatch.syspath_prepend(str(path.parent))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    spec = importlib.util.spec_from_file_location(f"packaging_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_locked_requirement_has_hashes(lock: Path) -> None:
    requirements = list(_REQUIREMENT.finditer(lock.read_text()))
    assert requirements
    for requirement in requirements:
        assert "--hash=sha256:" in requirement["rest"], requirement["name"]
    lines = [line for line in lock.read_text().splitlines() if line and not line.startswith((" ", "#"))]
    assert len(lines) == len(requirements), "a line that is no pinned requirement"


def test_locks_hold_what_pyproject_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    runtime = names(project["project"]["dependencies"])
    development = names([line for group in project["dependency-groups"].values() for line in group])
    for wanted, lock in (
        (runtime, locked(PACKAGING / "requirements.lock")),
        (runtime | development, locked(PACKAGING / "requirements-dev.lock")),
    ):
        for name, version in wanted.items():
            assert name in lock, f"{name} is not locked; run `make lock`"
            assert version in (None, lock[name]), f"{name} is locked at {lock[name]}; run `make lock`"


def test_what_ships_is_what_was_tested() -> None:
    runtime, development = locked(PACKAGING / "requirements.lock"), locked(PACKAGING / "requirements-dev.lock")
    assert runtime.items() <= development.items()


def test_the_build_backend_is_locked_as_pyproject_requires_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert (
        names(project["build-system"]["requires"])["hatchling"]
        == locked(PACKAGING / "requirements-dev.lock")["hatchling"]
    )


def test_no_lock_names_where_packages_come_from() -> None:
    for lock in LOCKS:
        assert "://" not in lock.read_text(), lock.name


def test_top_level_holds_only_the_rooms_of_the_house() -> None:
    allowed = {"pyproject.toml", "kiosk", "resources", "tests", "packaging", "README.md", "LICENSE", "Makefile"}
    found = {path.parts[0] for path in tracked_files()}
    assert {name for name in found if not name.startswith(".")} <= allowed


def test_no_tracked_file_names_a_registry_host() -> None:
    # Put together here, so that this file does not name them either.
    hosts = [
        ".".join(parts).encode()
        for parts in (
            ("pypi", "org"),
            ("pythonhosted", "org"),
            ("registry", "npmjs"),
            ("proxy", "golang"),
            ("sum", "golang"),
            ("static", "crates"),
            ("index", "crates"),
            ("deb", "debian"),
        )
    ]
    for path in tracked_files():
        if (ROOT / path).is_file():
            content = (ROOT / path).read_bytes()
            assert not [host for host in hosts if host in content], path


def test_system_packages_are_names_each_said_once() -> None:
    lines = [line.split("#")[0].strip() for line in (PACKAGING / "system-packages.txt").read_text().splitlines()]
    packages = [name for line in lines if line for name in line.split("|")]
    assert packages
    assert len(packages) == len(set(packages))
    for name in packages:
        assert re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", name), name


def test_the_desktop_entry_starts_the_installed_command() -> None:
    entry = configparser.ConfigParser(interpolation=None)
    entry.optionxform = str  # type: ignore[assignment, method-assign]
    entry.read(PACKAGING / "linux" / "avatar-kiosk.desktop")
    section = entry["Desktop Entry"]
    assert section["Type"] == "Application"
    assert section["Name"]
    assert section["Exec"].split() == ["kiosk", "run"]
    assert section["Icon"] == "avatar-kiosk"
    assert section["Terminal"] == "false"
    assert section["Categories"].endswith(";")


@pytest.mark.parametrize("script", sorted(PACKAGING.rglob("*.sh")), ids=lambda path: path.name)
def test_shell_scripts_can_be_started_and_parse(script: Path) -> None:
    assert script.stat().st_mode & 0o111
    assert script.read_text().startswith("#!/usr/bin/env bash\n")
    subprocess.run(["bash", "-n", script], check=True, timeout=20)


def test_setup_without_root_or_sudo_names_the_missing_packages_and_stops(tmp_path: Path) -> None:
    """With a dpkg that has nothing installed, an `id` that is not root, and no sudo."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, body in (("dpkg-query", "exit 1"), ("id", "echo 1000"), ("apt-cache", '[ "${!#}" != libglib2.0-0t64 ]')):
        (tools / name).write_text(f"#!/bin/bash\n{body}\n")
        (tools / name).chmod(0o755)
    for name in ("bash", "sed", "grep", "env", "dirname"):
        (tools / name).symlink_to(f"/bin/{name}" if Path(f"/bin/{name}").exists() else f"/usr/bin/{name}")
    done = subprocess.run(
        [PACKAGING / "setup" / "system.sh"],
        env={"PATH": str(tools)},
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 1
    command = next(line for line in done.stderr.splitlines() if "apt-get install" in line)
    assert "libportaudio2" in command.split()
    assert "xvfb" in command.split()
    assert "libglib2.0-0" in command.split(), "the older name, where this release does not know the newer one"
    assert "libglib2.0-0t64" not in command.split()


def test_run_without_a_screen_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [PACKAGING / "run.sh"], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=60, cwd=tmp_path
    )
    assert done.returncode == 1
    assert "no screen" in done.stderr


def test_setup_refuses_a_livekit_server_that_does_not_run(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, PACKAGING / "setup" / "livekit_server.py", "uv"],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "KIOSK_LIVEKIT_SERVER": str(tmp_path / "missing")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "KIOSK_LIVEKIT_SERVER" in done.stderr


@pytest.mark.parametrize("there", [True, False], ids=["not the released file", "no answer"])
def test_setup_builds_from_source_where_the_download_is_not_the_release(
    there: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = load(PACKAGING / "setup" / "livekit_server.py", monkeypatch)
    monkeypatch.setattr(server, "RELEASE", f"{tmp_path.as_uri()}/livekit_")
    if there:
        for machine in server.SHA256:
            (tmp_path / f"livekit_{machine}.tar.gz").write_bytes(b"something else")
    assert server.download(tmp_path) is None
    assert "from source instead" in capsys.readouterr().out


def test_a_library_from_no_package_fails_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    host = load(PACKAGING / "linux" / "host_packages.py", monkeypatch)
    with pytest.raises(host.UnknownLibraryError, match=r"libunheardof\.so\.9, needed by /x/plugin\.so"):
        host.depends_for({"libunheardof.so.9": Path("/x/plugin.so")})


def test_needs_are_read_from_native_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    elf = load(PACKAGING / "linux" / "elf.py", monkeypatch)
    (tmp_path / "program").write_bytes(Path("/usr/bin/env").resolve().read_bytes())
    (tmp_path / "notes.txt").write_text("no native file")
    needs = elf.needs_of(tmp_path)
    assert needs.libraries["libc.so.6"] == tmp_path / "program"
    assert (2, 0) < needs.glibc < (3, 0)
    (tmp_path / "libc.so.6").write_text("now the folder holds it")
    assert "libc.so.6" not in elf.needs_of(tmp_path).libraries


def test_only_packages_of_the_runtime_lock_ship(monkeypatch: pytest.MonkeyPatch) -> None:
    contents = load(PACKAGING / "bundle_contents.py", monkeypatch)
    left_out = contents.development_modules(PACKAGING / "requirements.lock")
    assert {"pytest", "hypothesis", "PIL", "aiohttp", "mypy"} <= set(left_out)
    assert not {"kiosk", "livekit", "numpy", "PySide6", "keyring", "google"} & set(left_out)


def test_libraries_of_plug_ins_that_do_not_ship_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    contents = load(PACKAGING / "bundle_contents.py", monkeypatch)
    program = str(Path("/usr/bin/env").resolve())  # needs libc.so.6
    plug_in = ("PySide6/Qt/plugins/platforms/libqxcb.so", program, "BINARY")
    needed = ("libc.so.6", program, "BINARY")
    orphan = ("libgtk-3.so.0", program, "BINARY")
    link_to_needed = ("PySide6/libc.so.6", "../libc.so.6", "SYMLINK")
    link_to_orphan = ("PySide6/libgtk-3.so.0", "../libgtk-3.so.0", "SYMLINK")
    data = ("resources/themes/day.toml", "day.toml", "DATA")
    everything = [plug_in, needed, orphan, link_to_needed, link_to_orphan, data]
    assert contents.without_orphans(everything) == [plug_in, needed, link_to_needed, data]
