"""A contact sheet to judge the personas by eye: `python -m tests.benchmarks.persona_sheet OUT.png`.

Rows: every persona at rest; the fifteen visemes; moods, lids and gaze; sizes from a tall picture to a wide one.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QImage, QPainter

from kiosk.persona.behaviour import Behaviour
from kiosk.persona.face import FaceState, Mood
from kiosk.persona.look import Look, list_looks, load_look
from kiosk.persona.mouth import SHAPES
from kiosk.persona.painter import FacePainter
from kiosk.persona.visemes import Viseme
from kiosk.resources import resources_dir

CELL, COLUMNS = 320, 8
SIZES = ((1280, 720), (1024, 768), (800, 800), (720, 1280), (2160, 3840), (3840, 2160), (320, 180), (64, 64))


def main() -> None:
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("personas.png")
    looks = [load_look(path) for path in list_looks(resources_dir() / "personas").values()]
    cells = [_whole(look, FaceState(smile=look.manner.smile)) for look in looks]
    rows = [cells, *(_visemes(look) for look in looks), *(_poses(look) for look in looks), _sizes(looks[0])]
    if _save(rows, out):
        print(out)
    else:
        sys.exit(f"{out}: cannot be written")


def _whole(look: Look, state: FaceState) -> QImage:
    return FacePainter(look, CELL, CELL).picture(state)


def _visemes(look: Look) -> list[QImage]:
    side = 2 * CELL
    painter = FacePainter(look, side, side)
    face = QRect(side // 4, side * 25 // 100, side // 2, side // 2)
    return [painter.picture(FaceState(mouth=SHAPES[viseme], smile=look.manner.smile)).copy(face) for viseme in Viseme]


def _poses(look: Look) -> list[QImage]:
    """Each mood after three seconds, then lids, gaze, smile and hand."""
    painter = FacePainter(look, CELL, CELL)
    states = []
    for mood in Mood:
        behaviour = Behaviour(4)
        for k in range(20 if mood is Mood.GREETING else 90):
            state = behaviour.state(k / 30, mood)
        states.append(replace(state, left_lid=0.0, right_lid=0.0))
    rest = FaceState(smile=look.manner.smile)
    states += [replace(rest, left_lid=lid, right_lid=lid) for lid in (0.35, 0.7, 1.0)]
    states += [replace(rest, gaze_x=x, gaze_y=y) for x, y in ((-1, 0), (1, 0), (0, -1), (0, 1))]
    states += [replace(rest, head_turn=turn, head_tilt=tilt) for turn, tilt in ((-10, -4), (10, 4))]
    states += [replace(rest, smile=1.0), replace(rest, gesture=1.0)]
    return [painter.picture(state) for state in states]


def _sizes(look: Look) -> list[QImage]:
    return [FacePainter(look, width, height).picture(FaceState(smile=0.3)) for width, height in SIZES]


def _save(rows: list[list[QImage]], out: Path) -> bool:
    cells = [row[start : start + COLUMNS] for row in rows for start in range(0, len(row), COLUMNS)]
    sheet = QImage(COLUMNS * CELL, len(cells) * CELL, QImage.Format.Format_RGB32)
    sheet.fill(QColor("#202428"))
    painter = QPainter(sheet)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    for y, line in enumerate(cells):
        for x, image in enumerate(line):
            scale = CELL / max(image.width(), image.height())
            width, height = round(image.width() * scale), round(image.height() * scale)
            place = QRect(x * CELL + (CELL - width) // 2, y * CELL + (CELL - height) // 2, width, height)
            painter.drawImage(place, image)
    painter.end()
    return sheet.save(str(out))


if __name__ == "__main__":
    main()
