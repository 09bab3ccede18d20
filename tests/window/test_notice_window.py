"""The operator's window: a settings error after a double click."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from kiosk.resources import resources_dir
from kiosk.settings_error import Problem, SettingsError, settings_error_text
from kiosk.ui.notice_window import NoticeWindow
from kiosk.ui.theme import load_theme
from tests.display import Display

PROBLEMS = [Problem("kiosk.toml", number, f"view.key{number}", "<b>must</b> be a number") for number in range(1, 12)]


@pytest.fixture
def window(qtbot: QtBot) -> NoticeWindow:
    window = NoticeWindow(settings_error_text(SettingsError(PROBLEMS)), load_theme(resources_dir() / "themes", "dark"))
    qtbot.addWidget(window)
    window.show()
    qtbot.waitExposed(window)
    return window


def test_it_shows_the_lines_as_they_are_and_names_its_button(window: NoticeWindow) -> None:
    assert window.words.textFormat() is Qt.TextFormat.PlainText
    assert "view.key1: <b>must</b> be a number" in window.words.text()
    assert "3 more" in window.words.text()
    button = QAccessible.queryAccessibleInterface(window.button)
    assert button.text(QAccessible.Text.Name) == "Close"
    assert window.button.rect().height() >= 56


def test_the_button_and_the_keyboard_close_it(window: NoticeWindow, qtbot: QtBot) -> None:
    with qtbot.waitSignal(window.closed, timeout=5000):
        QTest.mouseClick(window.button, Qt.MouseButton.LeftButton)
    assert not window.isVisible()
    window.show()
    with qtbot.waitSignal(window.closed, timeout=5000):
        QTest.keyClick(window, Qt.Key.Key_Escape)


def test_a_double_click_with_wrong_settings_shows_the_window_and_keeps_the_exit_status(
    display: Display, tmp_path: Path
) -> None:
    """The real program, with its errors going to a file as desktops do it; the window is closed by its own key."""
    settings = tmp_path / "kiosk.toml"
    settings.write_text("[view]\ntext_scale = 9\n", encoding="utf-8")
    environ = {**os.environ, **display.env(), "XDG_CURRENT_DESKTOP": "test", "KIOSK_DATA_DIR": str(tmp_path)}
    with (tmp_path / "errors.log").open("wb") as errors:
        command = [sys.executable, "-m", "kiosk", "run", "--config", str(settings)]
        kiosk = subprocess.Popen(command, env=environ, stdout=errors, stderr=errors)
        try:
            find = ["xdotool", "search", "--sync", "--onlyvisible", "--name", "The kiosk cannot start"]
            found = subprocess.run(
                find, env=environ, capture_output=True, text=True, timeout=30, check=True
            ).stdout.split()
            subprocess.run(["xdotool", "windowfocus", "--sync", found[0]], env=environ, timeout=10, check=True)
            subprocess.run(["xdotool", "key", "Escape"], env=environ, timeout=10, check=True)
            assert kiosk.wait(20) == 2
        finally:
            kiosk.kill()
            kiosk.wait()
    assert "text_scale" in (tmp_path / "errors.log").read_text(encoding="utf-8")
