"""Who may know whom: the arrows of the house, read from the imports of every file."""

from __future__ import annotations

import ast
import functools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kiosk.providers.registry import load_providers

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path for path in (ROOT / "kiosk").rglob("*.py"))
VENDORS = ("deepbrain", "agenthuman", "videosdk", "tenbyte", "liveavatar")
# Where a vendor's room is a transport of its own, its grant and its link carry the name.
TRANSPORTS = {"videosdk": ("providers/contract.py", "link_choice.py", "links/videosdk")}

PAINTERS = tuple(f"persona/{path.name}" for path in sorted((ROOT / "kiosk/persona").glob("painter*.py")))

# Library -> where it may be imported: folders end with a slash. The two composition roots, of a run and of the checks
# of doctor and self-test, put the rooms together.
ALLOWED = {
    # The persona is painted by Qt's painter on an image, off the GUI thread and without a window: no widget, no screen.
    "PySide6": ("ui/", "app.py", "checks_wiring.py", *PAINTERS),
    "shiboken6": ("ui/", "app.py"),
    "qasync": ("ui/", "app.py"),
    "livekit": ("links/", "media/echo.py", "media/native_call.py", "checks_wiring.py"),
    "videosdk": ("links/",),
    "aiortc": ("links/",),
    "websockets": ("links/", "providers/http.py"),
    "sounddevice": ("media/",),
    "httpx": ("providers/http.py",),
    # `kiosk sessions end` asks for the lock of the running kiosk.
    "kiosk.ui": ("ui/", "app.py", "checks_wiring.py", "command_sessions.py"),
    "kiosk.app": ("__main__.py", "cli.py", "command_run.py"),
}

# Room -> rooms of the house that it may not know. Arrows point ui -> session -> providers, links, dialogue -> media.
FORBIDDEN = {
    "session": ("operations", "persona"),
    "providers": ("session", "links", "dialogue", "media", "persona", "operations"),
    "links": ("session", "dialogue", "persona", "operations"),
    "dialogue": ("session", "persona", "operations"),
    "media": ("session", "providers", "links", "dialogue", "persona", "operations"),
}


def place(path: Path) -> str:
    return path.relative_to(ROOT / "kiosk").as_posix()


@functools.cache
def imports(path: Path) -> frozenset[str]:
    """Every module that a file imports anywhere in it, also inside functions, as absolute dotted names."""
    package = ["kiosk", *path.relative_to(ROOT / "kiosk").parts[:-1]]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found.add(module)
            found.update(f"{module}.{alias.name}" for alias in node.names)
    return frozenset(found)


def is_within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def test_the_house_has_files() -> None:
    assert len(FILES) > 10


@pytest.mark.parametrize("path", FILES, ids=place)
def test_libraries_stay_in_their_rooms(path: Path) -> None:
    for library, rooms in ALLOWED.items():
        if not any(place(path).startswith(room) if room.endswith("/") else place(path) == room for room in rooms):
            strangers = {module for module in imports(path) if is_within(module, library)}
            assert not strangers, f"{library} may be imported only in {', '.join(rooms)}"


@pytest.mark.parametrize("path", FILES, ids=place)
def test_arrows_point_one_way(path: Path) -> None:
    room = place(path).split("/")[0]
    for other in FORBIDDEN.get(room, ()):
        strangers = {module for module in imports(path) if is_within(module, f"kiosk.{other}")}
        assert not strangers, f"{room}/ may not know {other}/"


@pytest.mark.parametrize("path", [path for path in FILES if place(path).startswith("session/")], ids=place)
def test_the_session_knows_contracts_only_and_no_clock_of_its_own(path: Path) -> None:
    known = imports(path)
    assert not {module for module in known if is_within(module, "time") or is_within(module, "datetime")}
    for room in ("providers", "links", "dialogue"):
        inside = {module for module in known if is_within(module, f"kiosk.{room}")}
        contract = f"kiosk.{room}.contract"
        assert all(is_within(module, contract) for module in inside), f"session/ may know {contract} alone"


def test_every_vendor_is_watched() -> None:
    """A vendor's files begin with its name; a provider that serves no vendor is none of them."""
    files = {entry.create.__module__.rpartition(".")[2] for entry in load_providers().values()} - {"livekit", "local"}
    assert {vendor for vendor in VENDORS if any(file.startswith(vendor) for file in files)} == set(VENDORS)
    assert [file for file in sorted(files) if not file.startswith(VENDORS)] == []


@pytest.mark.parametrize("path", FILES, ids=place)
def test_a_vendor_stands_in_its_own_files_alone(path: Path) -> None:
    """A provider is `providers/<vendor>….py`; nobody else names the vendor, and nobody else imports the file."""
    others = [
        vendor for vendor in VENDORS if not place(path).startswith((f"providers/{vendor}", *TRANSPORTS.get(vendor, ())))
    ]
    text = path.read_text(encoding="utf-8").lower()
    assert not [vendor for vendor in others if vendor in text], "a vendor is named outside of its provider file"


@pytest.mark.parametrize("path", FILES, ids=place)
def test_modules_are_named_by_what_they_know(path: Path) -> None:
    assert path.stem not in {"utils", "util", "helpers", "helper", "common", "misc"}


def test_the_session_loads_without_screen_network_and_sound() -> None:
    """In a fresh interpreter, so that what is imported indirectly is seen too."""
    modules = sorted(f"kiosk.session.{path.stem}" for path in FILES if place(path).startswith("session/"))
    program = (
        f"import importlib, sys\nfor name in {modules!r}: importlib.import_module(name)\n"
        "print(sorted({'PySide6', 'qasync', 'livekit', 'sounddevice', 'httpx', 'numpy'} & set(sys.modules)))"
    )
    assert fresh_interpreter(program) == "[]"


@pytest.mark.parametrize("room", sorted(path.parent.name for path in (ROOT / "kiosk").glob("*/__init__.py")))
def test_every_room_loads_alone_without_a_display(room: str) -> None:
    modules = sorted(f"kiosk.{room}.{path.stem}" for path in (ROOT / "kiosk" / room).glob("[a-z]*.py"))
    fresh_interpreter(f"import importlib\nfor name in {modules!r}: importlib.import_module(name)")


def fresh_interpreter(program: str) -> str:
    env = {name: value for name, value in os.environ.items() if name not in {"DISPLAY", "WAYLAND_DISPLAY"}}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
