"""An SVG as PNG, by Qt in a process of its own: `python -m tests.benchmarks.side_by_side.plot_png IN.svg OUT.png`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from kiosk.resources import resources_dir
from tests.benchmarks.side_by_side.plot import FAMILIES, FAMILY
from tests.livekit_server import REPOSITORY

SHARPER = 2


def draw_png(svg: Path, png: Path) -> None:
    """Raises `subprocess.CalledProcessError`."""
    words = [sys.executable, "-m", "tests.benchmarks.side_by_side.plot_png", str(svg.resolve()), str(png.resolve())]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    subprocess.run(words, env=environment, cwd=REPOSITORY, check=True, timeout=60)


def main() -> None:
    from PySide6.QtCore import QByteArray
    from PySide6.QtGui import QColor, QFontDatabase, QGuiApplication, QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    application = QGuiApplication(sys.argv[:1])
    for font in sorted((resources_dir() / "fonts").glob("*.otf")):
        QFontDatabase.addApplicationFont(str(font))
    # Qt looks for one family of this whole name.
    svg = Path(sys.argv[1]).read_text(encoding="utf-8").replace(FAMILIES, FAMILY)
    renderer = QSvgRenderer(QByteArray(svg.encode()))
    if not renderer.isValid():
        raise SystemExit(f"{sys.argv[1]} is no SVG")
    image = QImage(renderer.defaultSize() * SHARPER, QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    renderer.render(painter)
    painter.end()
    if not image.save(sys.argv[2]):
        raise SystemExit(f"{sys.argv[2]} cannot be written")
    application.quit()


if __name__ == "__main__":
    main()
