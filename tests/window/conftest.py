"""Every test here draws on an X server of its own, without a window manager, through Qt's xcb platform."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication
from shiboken6 import Shiboken

from kiosk.ui.application import configure_qt, create_application
from tests.display import Display

SCREEN = (1920, 1920)  # wide enough for landscape, high enough for portrait


@pytest.fixture(scope="session")
def display() -> Iterator[Display]:
    with Display(*SCREEN) as running, pytest.MonkeyPatch.context() as environment:
        for name in ("QT_SCALE_FACTOR", "QT_STYLE_OVERRIDE", "QT_QPA_PLATFORMTHEME", "WAYLAND_DISPLAY"):
            environment.delenv(name, raising=False)
        for name, value in running.env().items():
            environment.setenv(name, value)
        environment.setenv("QT_API", "pyside6")
        # Without a session bus Qt would say so at every start.
        environment.setenv("NO_AT_BRIDGE", "1")
        if "XDG_RUNTIME_DIR" not in os.environ:
            environment.setenv("XDG_RUNTIME_DIR", "/tmp")
        yield running


@pytest.fixture(scope="session")
def qapp(display: Display) -> Iterator[QApplication]:
    """Takes the place of pytest-qt's fixture: the kiosk's own application, on our display."""
    configure_qt()
    application = create_application(["kiosk"])
    yield application
    # The connection to the X server must end before the server does.
    Shiboken.delete(application)
