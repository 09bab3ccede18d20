"""Hair: what falls behind, what frames the face, and the locks and lights on it."""

from __future__ import annotations

from random import Random

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QLinearGradient, QPainter, QPainterPath, QPen

from kiosk.persona.painter_colours import Palette, clear, mix
from kiosk.persona.painter_hair_shapes import BACK, CROPPED, CURL_EDGE, FRINGE, PANELS, Edge, Panel, panel_path
from kiosk.persona.painter_paths import Point, between, ellipse, lock, mirrored, smooth, soft

HAIR_BOX = QRectF(-300, 20, 600, 860)


class Hair:
    def __init__(self, palette: Palette, style: str, highlight: float):
        self._palette, self._style, self._highlight = palette, style, highlight
        self.has_back = style in BACK
        self.falls = style in {"long", "bob"}

    @property
    def front(self) -> QPainterPath | None:
        """The outline over the forehead, to cast a shadow."""
        if self._style == "none":
            return None
        path = QPainterPath()
        path.setFillRule(Qt.FillRule.WindingFill)
        if self._style in PANELS:
            for panel in PANELS[self._style]:
                path.addPath(panel_path(panel))
        elif self._style == "cropped":
            path.addPath(smooth(CROPPED))
        else:
            path.addPath(smooth(CURL_EDGE))
        if self._style == "bob":
            path.addPath(smooth(FRINGE))
        return path

    def draw_back(self, painter: QPainter) -> None:
        palette = self._palette
        if self._style == "bun":
            self._draw_ball(painter, 0, 112, 72, 58)
        shape = smooth(mirrored(BACK[self._style])).subtracted(ellipse(0, 400, 118, 200))  # the head is before it
        fill = QLinearGradient(0, 130, 0, 820)
        fill.setColorAt(0.0, palette.hair)
        fill.setColorAt(0.45, palette.hair_dark)
        fill.setColorAt(1.0, palette.hair_deep)
        painter.fillPath(shape, QBrush(fill))
        if self._style == "curls":
            self._draw_curls(painter, shape, 170, front=False)
            return
        painter.save()
        painter.setClipPath(shape)
        half = BACK[self._style]
        for k in range(26):
            side = -1 if k % 2 else 1
            part = 0.15 + 0.8 * k / 26
            strand = [(side * x * part, y) for x, y in half[2:-1]]
            painter.fillPath(lock(strand, _taper(len(strand), 9)), clear(palette.hair, 0.28))
        soft(painter, ellipse(0, 560, 150, 150), clear(palette.hair_deep, 0.75), 30)
        painter.restore()

    def draw_front(self, painter: QPainter) -> None:
        style, palette = self._style, self._palette
        if style == "cropped":
            self._draw_cropped(painter)
        elif style == "curls":
            painter.fillPath(smooth(CURL_EDGE), palette.hair_dark)
            self._draw_curls(painter, smooth(CURL_EDGE), 150, front=True)
        elif style in PANELS:
            for panel in PANELS[style]:
                self._draw_panel(painter, panel)
            if style == "bob":
                self._draw_fringe(painter)

    def _draw_panel(self, painter: QPainter, panel: Panel, *, strands: int = 34) -> None:
        palette = self._palette
        path = panel_path(panel)
        box = path.boundingRect()
        fill = QLinearGradient(box.topLeft(), box.bottomLeft())
        fill.setColorAt(0.0, palette.hair_dark)
        fill.setColorAt(0.2, palette.hair)
        fill.setColorAt(0.6, mix(palette.hair, palette.hair_dark, 0.35))
        fill.setColorAt(1.0, palette.hair_dark)
        painter.fillPath(path, QBrush(fill))
        painter.save()
        painter.setClipPath(path)
        random = Random(round(box.x()) + 1000)  # noqa: S311 - strands of hair
        outer, inner = panel
        count = len(outer)
        for _ in range(strands):
            part = random.random()
            strand = between(outer, inner, part)
            start = random.choice((0, 0, 1))
            strand = strand[start : count - random.choice((0, 0, 1))]
            dark = random.random() < 0.5
            colour = clear(palette.hair_deep if dark else palette.hair_light, random.uniform(0.16, 0.42))
            painter.fillPath(lock(strand, _taper(len(strand), random.uniform(3, 11))), colour)
        # Edges turn away from the light.
        inside = lock(list(inner), [15.0] * count)
        soft(painter, inside, clear(palette.hair_deep, 0.55), 8)
        # A band of light over the crown, broken by the strands.
        for _ in range(22):
            part = 0.06 + 0.86 * random.random()
            strand = between(outer, inner, part)
            if count < 5:
                continue
            a, b, c = strand[1], strand[2], strand[3]
            shine = between([a, b], [b, c], 0.30)
            spine = [
                shine[0],
                ((shine[0][0] + shine[1][0]) / 2 + (b[0] - (a[0] + c[0]) / 2) * 0.2, (shine[0][1] + shine[1][1]) / 2),
                shine[1],
            ]
            painter.fillPath(
                lock(spine, [0.5, random.uniform(3, 7), 0.5]),
                clear(palette.hair_shine, self._highlight * random.uniform(0.14, 0.5)),
            )
        painter.restore()
        if self._style == "long":
            self._draw_tips(painter, outer, inner, random)

    def _draw_tips(self, painter: QPainter, outer: Edge, inner: Edge, random: Random) -> None:
        """A fall of hair ends in many points, not in one."""
        palette = self._palette
        for k in range(11):
            part = 0.03 + 0.094 * k
            x, y = between(outer, inner, part)[-1]
            above = between(outer, inner, part)[-2]
            long, bend = random.uniform(20, 44) * (1.2 - abs(part - 0.5)), -8.0 if x > 0 else 8.0
            spine = [above, (x, y - 6), (x + bend * 0.2, y + long * 0.5), (x + bend, y + long)]
            shade = palette.hair_dark if k % 3 else mix(palette.hair, palette.hair_dark, 0.4)
            fade = QLinearGradient(0, above[1] + 0.3 * (y - above[1]), 0, y - 8)
            fade.setColorAt(0.0, clear(shade, 0.0))
            fade.setColorAt(1.0, shade)
            painter.fillPath(lock(spine, [3, 17, 11, 0.4]), QBrush(fade))
            painter.fillPath(lock(spine, [0.3, 4, 2, 0.2]), clear(palette.hair_light, 0.18))

    def _draw_fringe(self, painter: QPainter) -> None:
        palette = self._palette
        path = smooth(FRINGE)
        fill = QLinearGradient(0, 130, 0, 372)
        fill.setColorAt(0.0, palette.hair_dark)
        fill.setColorAt(0.35, mix(palette.hair, palette.hair_light, 0.3 * self._highlight))
        fill.setColorAt(1.0, palette.hair)
        painter.fillPath(path, QBrush(fill))
        painter.save()
        painter.setClipPath(path)
        random = Random(21)  # noqa: S311 - strands of hair
        for _ in range(60):
            x = random.uniform(-150, 150)
            strand = [(x * 0.25, 132.0), (x * 0.72, 200.0), (x * 0.97, 280.0), (x * 1.04, random.uniform(350, 380))]
            colour = palette.hair_deep if random.random() < 0.5 else palette.hair_light
            painter.fillPath(lock(strand, _taper(4, random.uniform(3, 9))), clear(colour, random.uniform(0.15, 0.4)))
        for _ in range(34):
            x = random.uniform(-136, 136)
            y = 222 + 0.0016 * x * x + random.uniform(-8, 8)
            spine = [(x * 0.84, y - 22), (x * 0.93, y), (x * 0.99, y + 24)]
            painter.fillPath(
                lock(spine, [0.5, random.uniform(3, 8), 0.5]),
                clear(palette.hair_shine, self._highlight * random.uniform(0.15, 0.5)),
            )
        painter.restore()

    def _draw_cropped(self, painter: QPainter) -> None:
        palette = self._palette
        path = smooth(CROPPED)
        fill = QLinearGradient(-120, 120, 150, 420)
        fill.setColorAt(0.0, mix(palette.hair, palette.hair_light, 0.35))
        fill.setColorAt(0.5, palette.hair)
        fill.setColorAt(1.0, palette.hair_dark)
        soft(painter, path, palette.hair, 3)
        painter.fillPath(path, QBrush(fill))
        # Sides cut so short that the skin shows through.
        for side in (-1.0, 1.0):
            soft(painter, ellipse(side * 164, 392, 12, 46), clear(palette.skin, 0.5), 12)
        random = Random(4)  # noqa: S311 - tight curls
        painter.save()
        painter.setClipPath(path)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for _ in range(760):
            x, y = random.uniform(-190, 190), random.uniform(110, 330)
            size = random.uniform(3.5, 7)
            light = random.random() < 0.35 + 0.3 * (y < 200)
            colour = palette.hair_shine if light else palette.hair_deep
            painter.setPen(QPen(clear(colour, random.uniform(0.06, 0.16 if light else 0.55)), 1.9))
            painter.drawArc(
                QRectF(x, y, size * 1.6, size * 1.6), random.randrange(0, 5760), random.randrange(1600, 3400)
            )
        painter.restore()

    def _draw_curls(self, painter: QPainter, area: QPainterPath, count: int, *, front: bool) -> None:
        random = Random(31 if front else 17)  # noqa: S311 - curls
        box = area.boundingRect()
        # A curly outline is made of curls too, close enough to leave no edge between them.
        edge = [area.pointAtPercent(k / 56) for k in range(56)] if not front else []
        places: list[Point] = [(point.x() * 0.97, point.y() * 0.97 + 9) for point in edge]
        count += len(places)
        while len(places) < count:
            x, y = random.uniform(box.left(), box.right()), random.uniform(box.top(), box.bottom())
            if area.contains(QPointF(x, y)):
                places.append((x, y))
        for x, y in sorted(places, key=lambda place: -abs(place[1] - 60) if front else place[1]):
            self._draw_ball(
                painter,
                x,
                y,
                random.uniform(17, 30),
                random.uniform(16, 27),
                deep=not front,
                lean=random.uniform(-60, 60),
            )

    def _draw_ball(
        self, painter: QPainter, x: float, y: float, rx: float, ry: float, *, deep: bool = False, lean: float = 0.0
    ) -> None:
        palette = self._palette
        painter.save()
        painter.translate(x, y)
        painter.rotate(lean)
        fill = QLinearGradient(-rx, -ry, rx, ry)
        fill.setColorAt(0.0, mix(palette.hair, palette.hair_light, 0.0 if deep else 0.5))
        fill.setColorAt(0.5, palette.hair_dark if deep else palette.hair)
        fill.setColorAt(1.0, palette.hair_deep if deep else palette.hair_dark)
        painter.fillPath(ellipse(0, 0, rx, ry), QBrush(fill))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for k in range(4):
            size = 0.85 - 0.19 * k
            painter.setPen(QPen(clear(palette.hair_light if k % 2 else palette.hair_deep, 0.34), max(1.0, rx * 0.06)))
            painter.drawArc(QRectF(-rx * size, -ry * size, 2 * rx * size, 2 * ry * size), 16 * (30 + 40 * k), 16 * 190)
        painter.restore()


def _taper(count: int, width: float) -> list[float]:
    """Widths of a strand: thin at both ends."""
    return [
        width * (0.25 + 3.0 * (k / (count - 1)) * (1 - k / (count - 1))) if 0 < k < count - 1 else 0.6
        for k in range(count)
    ]
