"""What must stand before and right after the QApplication: surface format, style, font, icon."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QFont, QFontDatabase, QIcon, QSurfaceFormat
from PySide6.QtWidgets import QApplication

from kiosk.resources import resources_dir

log = logging.getLogger("kiosk.screen")

APPLICATION_NAME = "Avatar Kiosk"
DESKTOP_FILE = "avatar-kiosk"
FONT_FAMILY = "Inter"


def configure_qt() -> None:
    """Must run before the QApplication is made. macOS gives a modern OpenGL only when the core profile is asked for."""
    surface = QSurfaceFormat()
    surface.setVersion(3, 3)
    surface.setProfile(QSurfaceFormat.OpenGLContextProfile.CoreProfile)
    surface.setSwapInterval(1)
    surface.setDepthBufferSize(0)
    surface.setStencilBufferSize(0)
    surface.setSamples(0)
    QSurfaceFormat.setDefaultFormat(surface)
    QCoreApplication.setApplicationName(APPLICATION_NAME)


def load_fonts(folder: Path) -> None:
    """Adds the kiosk's own font files. A missing font is logged; Qt then takes the system's."""
    for path in sorted(folder.glob("*.otf")):
        if QFontDatabase.addApplicationFont(str(path)) < 0:
            log.warning("the font %s cannot be loaded; the system's font is used", path.name)


def create_application(argv: Sequence[str]) -> QApplication:
    """`argv` as in sys.argv. Needs a screen: Qt ends the process where there is none, so look before you call."""
    application = QApplication(list(argv))
    application.setApplicationDisplayName(APPLICATION_NAME)
    application.setDesktopFileName(DESKTOP_FILE)
    application.setStyle("Fusion")
    application.setQuitOnLastWindowClosed(False)
    resources = resources_dir()
    load_fonts(resources / "fonts")
    application.setFont(QFont(FONT_FAMILY))
    application.setWindowIcon(QIcon(str(resources / "icons" / "kiosk.png")))
    return application
