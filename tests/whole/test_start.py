"""What a start does not wait for: no module of another vendor, of the operator, or of a command stands in its way.

What takes long is counted in modules and not in seconds, which mean nothing on a shared machine. Python itself tells in
which order it imports what.
"""

from __future__ import annotations

import re
import signal

from kiosk.providers.registry import load_providers
from tests.whole.desk import Desk, KioskRun
from tests.whole.test_persona import start

# A keyring that is not switched off, as at a desk.
IMPORTS_ARE_TOLD = {"PYTHONVERBOSE": "1", "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
IMPORTED = re.compile(r"import '([\w.]+)' # ")  # threads write into each other's lines

FOR_LATER = {
    "httpx",
    "keyring",
    "kiosk.command_checks",
    "kiosk.operations",
    "kiosk.report",
    "kiosk.ui.operator_panel",
    "kiosk.ui.screens.welcome",
    "numpy.random",
}
"""What neither the persona nor a room with a token needs to be seen."""


def imported_before(run: KioskRun, line: str) -> set[str]:
    """Modules that the kiosk had loaded when it wrote `line` to its log."""
    run.wait_for(line)
    before = run.lines[: next(number for number, text in enumerate(run.lines) if line in text)]
    return {module for text in before for module in IMPORTED.findall(text)}


def other_vendors(provider: str) -> set[str]:
    return {f"kiosk.providers.{name.replace('-', '_')}" for name in load_providers() if name not in (provider, "local")}


def test_the_persona_is_seen_before_anything_else_is_loaded(desk: Desk) -> None:
    run = start(desk, "--kiosk", "--auto-start", env=IMPORTS_ARE_TOLD)
    modules = imported_before(run, "first frame painted")
    assert run.end(signal.SIGTERM) == 0, run.log
    assert "kiosk.persona.painter" in modules
    assert not modules & (FOR_LATER | other_vendors("local") | {"kiosk.links.livekit_room", "aiortc", "websockets"})


def test_a_room_is_joined_before_the_window_is_built_and_seen_before_anything_else_is_loaded(desk: Desk) -> None:
    """What comes over the network has the longest way, so it is begun first."""
    simulator = desk.simulator("livekit", "--avatar-size", "640x480", "--frame-code", "--greeting", "")
    plain = {"session": {"waiting": "plain"}}  # a slow machine would see the persona meanwhile
    run = desk.kiosk(simulator, "--kiosk", "--auto-start", settings=plain, env=IMPORTS_ARE_TOLD)
    modules = imported_before(run, "first frame painted")
    assert run.end(signal.SIGTERM) == 0, run.log
    assert "kiosk.links.livekit_room" in modules
    persona = {"kiosk.local_persona", "kiosk.persona.painter", "kiosk.dialogue.knowledge"}
    assert not modules & (FOR_LATER | other_vendors("livekit") | persona | {"aiortc", "websockets"})
    assert not imported_before(run, "phase") & {"kiosk.ui.stage", "kiosk.ui.window", "kiosk.ui.screens.live"}
