"""When an operator's line becomes a window: only where nobody would read it anywhere else."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kiosk.notice_rule import ErrorOutput, error_output, shows_window

DESKTOP = {"DISPLAY": ":0", "XDG_CURRENT_DESKTOP": "GNOME"}
WAYLAND = {"WAYLAND_DISPLAY": "wayland-0", "DESKTOP_SESSION": "plasma"}


@pytest.mark.parametrize(
    ("environ", "platform", "output", "attended", "shown"),
    [
        (DESKTOP, "linux", ErrorOutput.UNREAD, True, True),  # a double click
        (WAYLAND, "linux", ErrorOutput.UNREAD, True, True),
        ({}, "win32", ErrorOutput.UNREAD, True, True),
        ({}, "darwin", ErrorOutput.UNREAD, True, True),
        (DESKTOP, "linux", ErrorOutput.TERMINAL, True, False),  # the line stands in the terminal
        (DESKTOP, "linux", ErrorOutput.PIPE, True, False),  # another program reads it
        (DESKTOP, "linux", ErrorOutput.UNREAD, False, False),  # a kiosk that starts itself
        ({}, "win32", ErrorOutput.PIPE, True, False),
        ({"DISPLAY": ":0"}, "linux", ErrorOutput.UNREAD, True, False),  # a bare X server: nobody sits there
        ({"XDG_CURRENT_DESKTOP": "GNOME"}, "linux", ErrorOutput.UNREAD, True, False),
        ({}, "linux", ErrorOutput.UNREAD, True, False),
    ],
)
def test_a_window_is_shown_to_a_person_without_a_terminal(
    environ: dict[str, str], platform: str, output: ErrorOutput, attended: bool, shown: bool
) -> None:
    assert shows_window(environ, platform, output, attended=attended) is shown


def test_where_the_errors_go(tmp_path: Path) -> None:
    assert error_output(None) is ErrorOutput.UNREAD
    assert error_output(io.StringIO()) is ErrorOutput.UNREAD
    with (tmp_path / "errors.log").open("w") as file:
        assert error_output(file) is ErrorOutput.UNREAD
    assert error_output(file) is ErrorOutput.UNREAD  # closed by now
    reading, writing = os.pipe()
    with os.fdopen(reading), os.fdopen(writing, "w") as pipe:
        assert error_output(pipe) is ErrorOutput.PIPE


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="terminals of this kind are known on Unix alone")
def test_a_terminal_is_known() -> None:
    ours, theirs = os.openpty()
    with os.fdopen(ours, "rb"), os.fdopen(theirs, "w") as terminal:
        assert error_output(terminal) is ErrorOutput.TERMINAL


def test_the_command_line_in_a_pipe_opens_no_window(tmp_path: Path) -> None:
    """In a desktop session, with wrong settings: it must say its line and go. A window would wait for somebody."""
    (tmp_path / "kiosk.toml").write_text("[view]\ntext_scale = 9\n", encoding="utf-8")
    command = [sys.executable, "-m", "kiosk", "run", "--config", str(tmp_path / "kiosk.toml")]
    done = subprocess.run(
        command, env={**os.environ, **DESKTOP}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "text_scale" in done.stderr
    assert len(done.stderr.splitlines()) == 1
