"""The shapes of the simulated avatar's portrait: body, face, eyes and mouth as smooth outlines in design units."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from PIL import ImageDraw

Colour = tuple[int, int, int]
Point = tuple[float, float]

SKIN, SKIN_SHADE, SKIN_LIGHT = (232, 186, 155), (208, 152, 122), (244, 207, 180)
HAIR, HAIR_LIGHT = (74, 48, 38), (104, 68, 52)
JACKET, JACKET_SHADE, JACKET_LIGHT = (47, 72, 88), (34, 54, 68), (64, 94, 112)
SHIRT, SHIRT_SHADE = (246, 240, 230), (224, 214, 200)
LIP, LIP_DARK, MOUTH_INSIDE, TEETH, TONGUE = (
    (190, 96, 90),
    (164, 78, 76),
    (92, 34, 38),
    (250, 246, 240),
    (204, 104, 104),
)
IRIS, PUPIL, EYE_WHITE = (98, 124, 92), (34, 28, 26), (250, 248, 244)


@dataclass(frozen=True, slots=True)
class Pen:
    """Draws shapes given in design units (a head-and-shoulders drawing 1000 units high, x = 0 in the middle).

    The head sways: points are turned by `angle` (radians) about the neck and moved by (`dx`, `dy`) units.
    """

    draw: ImageDraw.ImageDraw
    scale: float  # pixels per unit
    origin: Point  # pixel of the design point (0, 0)
    angle: float = 0.0
    dx: float = 0.0
    dy: float = 0.0

    def place(self, point: Point) -> Point:
        x, y = point
        pivot_y = 820.0
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        ry = y - pivot_y
        px, py = x * cos - ry * sin + self.dx, x * sin + ry * cos + pivot_y + self.dy
        return self.origin[0] + px * self.scale, self.origin[1] + py * self.scale

    def polygon(self, points: Iterable[Point], fill: Colour) -> None:
        self.draw.polygon([self.place(p) for p in points], fill=fill)

    def ellipse(self, cx: float, cy: float, rx: float, ry: float, fill: Colour, power: float = 2.0) -> None:
        """A superellipse; `power` above 2 is squarer."""
        self.polygon(ellipse_points(cx, cy, rx, ry, power), fill)

    def curve(self, points: list[Point], fill: Colour) -> None:
        """A closed, smooth outline through `points`."""
        self.polygon(smooth(points), fill)

    def stroke(self, points: list[Point], width: float, fill: Colour) -> None:
        path = [self.place(p) for p in smooth(points, closed=False)]
        self.draw.line(path, fill=fill, width=max(1, round(width * self.scale)), joint="curve")
        radius = width * self.scale / 2
        for x, y in (path[0], path[-1]):
            self.draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)


def ellipse_points(cx: float, cy: float, rx: float, ry: float, power: float = 2.0) -> list[Point]:
    out = []
    for k in range(96):
        t = 2 * math.pi * k / 96
        c, s = math.cos(t), math.sin(t)
        out.append(
            (
                cx + rx * math.copysign(abs(c) ** (2 / power), c),
                cy + ry * math.copysign(abs(s) ** (2 / power), s),
            )
        )
    return out


def smooth(points: list[Point], *, closed: bool = True, steps: int = 12) -> list[Point]:
    """Catmull-Rom through the points."""
    n = len(points)
    out: list[Point] = []
    for i in range(n if closed else n - 1):
        p = [points[(i + k) % n] if closed else points[min(max(i + k, 0), n - 1)] for k in (-1, 0, 1, 2)]
        for s in range(steps):
            t = s / steps
            out.append(
                cast(Point, tuple(_catmull(p[0][axis], p[1][axis], p[2][axis], p[3][axis], t) for axis in (0, 1)))
            )
    if not closed:
        out.append(points[-1])
    return out


def _catmull(a: float, b: float, c: float, d: float, t: float) -> float:
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t**3)


def mirrored(points: list[Point]) -> list[Point]:
    """The left half of an outline (from top to bottom) closed by its mirror image."""
    return points + [(-x, y) for x, y in reversed(points)]


def draw_body(pen: Pen) -> None:
    still = Pen(pen.draw, pen.scale, pen.origin, dy=pen.dy * 0.6)  # shoulders breathe and do not sway
    pen.curve(mirrored([(-70, 150), (-168, 200), (-208, 320), (-204, 470), (-196, 590), (-150, 690), (-90, 720)]), HAIR)
    still.curve(mirrored([(-90, 700), (-190, 752), (-300, 800), (-352, 900), (-372, 1040), (-200, 1120)]), JACKET)
    still.curve([(-330, 860), (-300, 812), (-240, 790), (-262, 900), (-280, 1040), (-360, 1040)], JACKET_SHADE)
    still.curve([(330, 860), (300, 812), (240, 790), (262, 900), (280, 1040), (360, 1040)], JACKET_SHADE)
    still.polygon([(-104, 706), (104, 706), (70, 1010), (-70, 1010)], SHIRT)
    still.polygon([(-12, 800), (12, 800), (40, 1010), (-40, 1010)], SHIRT_SHADE)
    pen.curve([(-66, 560), (-70, 660), (-92, 722), (0, 812), (92, 722), (70, 660), (66, 560)], SKIN_SHADE)
    still.polygon([(-96, 700), (-132, 726), (-44, 860), (2, 812)], SHIRT)
    still.polygon([(96, 700), (132, 726), (44, 860), (-2, 812)], SHIRT)
    still.polygon([(-128, 718), (-186, 748), (-204, 852), (-150, 860), (-60, 1010), (-70, 930)], JACKET_LIGHT)
    still.polygon([(128, 718), (186, 748), (204, 852), (150, 860), (60, 1010), (70, 930)], JACKET_LIGHT)
    still.ellipse(-226, 890, 26, 10, (214, 182, 122))  # name badge
    still.ellipse(-226, 890, 20, 6, (250, 240, 220))


def draw_face(pen: Pen) -> None:
    outline: list[Point] = [
        (0, 196),
        (-104, 214),
        (-162, 292),
        (-172, 400),
        (-160, 492),
        (-118, 578),
        (-56, 630),
        (0, 644),
    ]
    pen.curve(outline + [(-x, y) for x, y in reversed(outline[1:-1])], SKIN)
    # Nose: one soft stroke and two wings.
    pen.stroke([(10, 392), (18, 438), (24, 462)], 6, SKIN_SHADE)
    pen.curve([(-26, 466), (-12, 476), (0, 480), (12, 476), (26, 466), (14, 462), (0, 466), (-14, 462)], SKIN_SHADE)
    pen.ellipse(-4, 440, 7, 20, SKIN_LIGHT)


def draw_fringe(pen: Pen) -> None:
    """The hair's front edge, over the tinted face."""
    pen.curve(
        [
            (-24, 176),
            (-120, 190),
            (-190, 270),
            (-198, 420),
            (-186, 500),
            (-170, 430),
            (-158, 340),
            (-96, 290),
            (-10, 214),
        ],
        HAIR,
    )
    pen.curve(
        [
            (-70, 182),
            (40, 164),
            (140, 196),
            (198, 290),
            (200, 430),
            (186, 506),
            (170, 430),
            (160, 340),
            (104, 262),
            (-10, 226),
        ],
        HAIR,
    )
    pen.stroke([(-30, 190), (60, 190), (134, 232), (170, 310)], 9, HAIR_LIGHT)
    pen.stroke([(-60, 204), (-128, 240), (-166, 312)], 8, HAIR_LIGHT)


def draw_eyes(pen: Pen, closed: float) -> None:
    """`closed` 0 (open) .. 1 (shut)."""
    for side in (-1, 1):
        cx = 74 * side
        opening = 17 * (1 - closed)
        if closed < 0.95:
            lid = [(cx - 38, 372), (cx - 16, 372 - opening), (cx + 16, 372 - opening), (cx + 38, 372)]
            pen.curve([*lid, (cx + 16, 372 + opening * 0.7), (cx - 16, 372 + opening * 0.7)], EYE_WHITE)
            radius = min(17.0, opening * 0.98)
            pen.ellipse(cx, 370, 18, radius, IRIS)
            pen.ellipse(cx, 370, 9, min(9.0, radius), PUPIL)
            pen.ellipse(cx - 6, 362, 5, min(5.0, radius), (255, 255, 255))
            pen.stroke([(cx - 40, 374), (cx - 16, 371 - opening), (cx + 16, 371 - opening), (cx + 40, 374)], 7, HAIR)
        else:
            pen.stroke([(cx - 38, 372), (cx - 14, 382), (cx + 14, 382), (cx + 38, 372)], 7, HAIR)
        brow = 334 + 3 * closed
        pen.stroke([(cx - 42, brow + 6), (cx - 8, brow - 6), (cx + 40, brow + 2)], 10, HAIR)


def draw_mouth(pen: Pen, opening: float) -> None:
    """`opening` 0 (a closed smile) .. 1 (wide open)."""
    wide = 58 - 10 * opening
    drop = 46 * opening
    if opening > 0.01:
        inside = [
            (-wide, 512),
            (0, 506),
            (wide, 512),
            (wide * 0.55, 522 + drop),
            (0, 526 + drop),
            (-wide * 0.55, 522 + drop),
        ]
        pen.curve([(x * 1.1, y + (3 if y > 515 else -3)) for x, y in inside], LIP)
        pen.curve(inside, MOUTH_INSIDE)
        pen.curve(
            [(-wide * 0.72, 511), (0, 507), (wide * 0.72, 511), (wide * 0.5, 519), (0, 521), (-wide * 0.5, 519)], TEETH
        )
        if opening > 0.4:
            pen.ellipse(0, 520 + drop * 0.84, wide * 0.4, drop * 0.2, TONGUE)
    else:
        pen.curve([(-60, 506), (-22, 506), (0, 510), (22, 506), (60, 506), (26, 528), (0, 532), (-26, 528)], LIP)
        pen.stroke([(-64, 504), (-26, 514), (0, 516), (26, 514), (64, 504)], 4, LIP_DARK)
