"""A process of its own that shows the test card: `python -m tests.window.show_card opengl|raster WIDTH HEIGHT`.

Says 'painted RATIO' on standard output, then waits for the end of its standard input. The size is in logical pixels.
"""

from __future__ import annotations

import sys

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtGui import QColor
from shiboken6 import Shiboken

from kiosk.clock import SystemClock
from kiosk.media.frames import PixelFormat
from kiosk.resources import resources_dir
from kiosk.ui.application import configure_qt, create_application
from kiosk.ui.avatar_view import build_view
from kiosk.ui.colour import Colour
from kiosk.ui.frame_source import RendererKind
from kiosk.ui.geometry import Fit
from tests.window.frames import FrameList, bgra_card, i420_card

PATIENCE_MS = 20_000


def main(kind: str, width: int, height: int) -> int:
    configure_qt()
    application = create_application(["kiosk"])
    frames = FrameList()
    view = build_view(
        RendererKind(kind),
        frames,
        SystemClock(),
        resources_dir() / "shaders",
        colour=Colour(),
        fit=Fit.CONTAIN,
        background=QColor(0, 0, 0),
    )
    make = i420_card if view.wanted_format is PixelFormat.I420 else bgra_card
    frames.put(make(640, 360))
    widget = view.widget()
    widget.setGeometry(0, 0, width, height)
    widget.show()
    view.pump()
    loop, poll = QEventLoop(), QTimer()
    poll.timeout.connect(lambda: loop.quit() if view.painted else None)
    poll.start(5)
    QTimer.singleShot(PATIENCE_MS, loop.quit)
    loop.exec()
    for _ in range(10):
        application.processEvents()
    sys.stdout.write(f"painted {widget.devicePixelRatio()}\n" if view.painted else "nothing painted\n")
    sys.stdout.flush()
    sys.stdin.read()
    view.shut()
    Shiboken.delete(widget)
    Shiboken.delete(application)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
