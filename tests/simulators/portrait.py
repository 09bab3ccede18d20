"""A friendly, plainly drawn talking head as I420 pictures: drawn once per size, then only patched together.

`Portrait.picture` copies the body in one of twelve poses of slow breathing, and pastes eyes and mouth over it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from tests.simulators.portrait_drawing import (
    Colour,
    Pen,
    Point,
    draw_body,
    draw_eyes,
    draw_face,
    draw_fringe,
    draw_mouth,
    ellipse_points,
)

Plane = NDArray[np.uint8]

POSES = 12
MOUTHS = 6  # closed .. wide open
EYES = 3  # open, half, closed
SHARPER = 2  # drawn this much larger, then reduced: smooth edges


def rgb_to_i420(rgb: NDArray[np.uint8]) -> Plane:
    """BT.601 limited range, as LiveKit converts; returns the three planes flat. Odd sizes round the chroma up."""
    h, w = rgb.shape[:2]
    padded = np.pad(rgb, ((0, h % 2), (0, w % 2), (0, 0)), mode="edge") if h % 2 or w % 2 else rgb
    quads = padded.astype(np.uint16)
    small = quads[::2, ::2] + quads[1::2, ::2] + quads[::2, 1::2] + quads[1::2, 1::2]
    luma = 16 + rgb @ np.array([0.256788, 0.504129, 0.097906], np.float32)
    u = 128 + small @ np.array([-0.037056, -0.072748, 0.109804], np.float32)
    v = 128 + small @ np.array([0.109804, -0.091947, -0.017857], np.float32)
    planes = [np.clip(np.rint(p), 16, 240).astype(np.uint8).ravel() for p in (luma, u, v)]
    return np.concatenate(planes)


@dataclass(frozen=True, slots=True)
class Patch:
    """A piece of picture: even corner (x, y) in pixels, and its three planes."""

    x: int
    y: int
    planes: tuple[Plane, Plane, Plane]


class Portrait:
    """All pictures of one size. `caption` is written small at the bottom."""

    def __init__(self, width: int, height: int, *, caption: str = ""):
        self.width, self.height = width, height
        # The head and shoulders fill the height; narrow pictures crop the shoulders, not the face.
        self._scale = min(height / 1000, width / 640)
        self._origin = (width / 2, height - 1000 * self._scale)
        backdrop = self._backdrop()
        self._bodies: list[Plane] = []
        self._mouths: list[list[Patch]] = []
        self._eyes: list[list[Patch]] = []
        for pose in range(POSES):
            base = self._person(backdrop, pose)
            self._bodies.append(rgb_to_i420(np.asarray(self._captioned(base.reduce(SHARPER), caption))))
            self._mouths.append([self._patch(base, pose, (0, 512), 84, 62, mouth=m) for m in range(MOUTHS)])
            self._eyes.append([self._patch(base, pose, (0, 366), 142, 40, eyes=e) for e in range(EYES)])

    def picture(self, pose: int, mouth: int, eyes: int) -> Plane:
        """A fresh, flat I420 picture. `mouth` 0..5 (closed..open), `eyes` 0..2 (open..closed)."""
        out = self._bodies[pose % POSES].copy()
        for patch in (self._mouths[pose % POSES][mouth], self._eyes[pose % POSES][eyes]):
            self._paste(out, patch)
        return out

    def _paste(self, picture: Plane, patch: Patch) -> None:
        w, h = self.width, self.height
        cw, ch = (w + 1) // 2, (h + 1) // 2
        luma = picture[: w * h].reshape(h, w)
        chroma = picture[w * h :].reshape(2, ch, cw)
        y, u, v = patch.planes
        luma[patch.y : patch.y + y.shape[0], patch.x : patch.x + y.shape[1]] = y
        for plane, part in ((chroma[0], u), (chroma[1], v)):
            plane[patch.y // 2 : patch.y // 2 + part.shape[0], patch.x // 2 : patch.x // 2 + part.shape[1]] = part

    def _pen(self, draw: ImageDraw.ImageDraw, pose: int, corner: Point = (0, 0)) -> Pen:
        turn = 2 * math.pi * pose / POSES
        origin = ((self._origin[0] - corner[0]) * SHARPER, (self._origin[1] - corner[1]) * SHARPER)
        return Pen(
            draw,
            self._scale * SHARPER,
            origin,
            angle=0.01 * math.sin(turn),
            dx=1.6 * math.sin(turn),
            dy=2.4 * math.cos(turn),
        )

    def _patch(
        self, base: Image.Image, pose: int, centre: Point, rx: float, ry: float, *, mouth: int = 0, eyes: int = 0
    ) -> Patch:
        """The face's region around `centre` (design units) drawn anew over the body."""
        pen = self._pen(ImageDraw.Draw(base), pose)
        px, py = pen.place(centre)
        x0 = max(0, int(px / SHARPER - rx * self._scale) & ~1)
        y0 = max(0, int(py / SHARPER - ry * self._scale) & ~1)
        x1 = min(self.width & ~1, int(px / SHARPER + rx * self._scale + 1) & ~1)
        y1 = min(self.height & ~1, int(py / SHARPER + ry * self._scale + 1) & ~1)
        piece = base.crop((x0 * SHARPER, y0 * SHARPER, x1 * SHARPER, y1 * SHARPER))
        pen = self._pen(ImageDraw.Draw(piece), pose, (x0, y0))
        if centre[1] > 450:
            draw_mouth(pen, mouth / (MOUTHS - 1))
        else:
            draw_eyes(pen, (0.0, 0.55, 1.0)[eyes])
        flat = rgb_to_i420(np.asarray(piece.reduce(SHARPER)))
        w, h = x1 - x0, y1 - y0
        chroma = flat[w * h :].reshape(2, h // 2, w // 2)
        return Patch(x0, y0, (flat[: w * h].reshape(h, w), chroma[0], chroma[1]))

    def _backdrop(self) -> Image.Image:
        """A warm, out-of-focus room: wall, window light, a plant, a shelf line."""
        w, h = self.width, self.height
        yy, xx = np.mgrid[0:h, 0:w].astype(np.float32)
        x, y = xx / w, yy / h
        light = np.exp(-(((x - 0.22) / 0.42) ** 2 + ((y - 0.2) / 0.55) ** 2))[..., None]
        shade = np.clip(y - 0.35, 0, 1)[..., None]
        wall = np.array([196, 176, 156], np.float32) + light * np.array([48, 50, 44], np.float32)
        wall -= shade * np.array([58, 62, 60], np.float32)
        image = Image.fromarray(np.clip(wall, 0, 255).astype(np.uint8))
        draw = ImageDraw.Draw(image)
        unit = h / 1000
        middle = w / 2

        def box(x0: float, y0: float, x1: float, y1: float, fill: Colour) -> None:
            draw.rectangle((middle + x0 * unit, y0 * unit, middle + x1 * unit, y1 * unit), fill=fill)

        box(-640, 90, -330, 560, (246, 238, 222))  # window
        box(-492, 90, -476, 560, (206, 186, 164))
        box(-640, 316, -330, 330, (206, 186, 164))
        box(330, 372, 900, 392, (140, 104, 78))  # shelf with books
        books: list[Colour] = [(166, 92, 74), (92, 120, 118), (214, 182, 122), (110, 84, 100), (70, 96, 110)]
        left = 350.0
        for k in range(12):
            wide, tall = 30 + 9 * (k * 7 % 3), 120 + 18 * (k * 5 % 4)
            box(left, 372 - tall, left + wide, 372, books[k % len(books)])
            left += wide + 5
        for angle in range(-70, 71, 20):  # plant
            lean = math.radians(angle)
            tip = (middle + (-420 + 170 * math.sin(lean)) * unit, (700 - 210 * math.cos(lean)) * unit)
            root = (middle - 420 * unit, 720 * unit)
            side = (18 * unit * math.cos(lean), 18 * unit * math.sin(lean))
            mid = ((tip[0] + root[0]) / 2, (tip[1] + root[1]) / 2)
            leaf = [root, (mid[0] - side[0], mid[1] - side[1]), tip, (mid[0] + side[0], mid[1] + side[1])]
            draw.polygon(leaf, fill=(96 + abs(angle) // 3, 128, 92))
        box(-480, 715, -360, 860, (178, 110, 82))
        soft = image.filter(ImageFilter.GaussianBlur(13 * unit))
        return soft.resize((w * SHARPER, h * SHARPER), Image.Resampling.BILINEAR)

    def _person(self, backdrop: Image.Image, pose: int) -> Image.Image:
        image = backdrop.copy()
        draw_body(self._pen(ImageDraw.Draw(image), pose))
        image = self._shaded(image, pose)
        draw_face(self._pen(ImageDraw.Draw(image), pose))
        image = self._blushed(image, pose)
        draw_fringe(self._pen(ImageDraw.Draw(image), pose))
        return image

    def _shaded(self, image: Image.Image, pose: int) -> Image.Image:
        """The head's soft shadow on neck and collar."""
        return self._tinted(image, pose, [(0, 655, 118, 44)], (120, 74, 58), 0.42, 20)

    def _blushed(self, image: Image.Image, pose: int) -> Image.Image:
        """Rosy cheeks, a lit forehead, a shade along the far side of the face."""
        image = self._tinted(image, pose, [(-98, 458, 42, 30), (98, 458, 42, 30)], (226, 124, 108), 0.36, 18)
        image = self._tinted(image, pose, [(-52, 318, 78, 40)], (255, 232, 208), 0.5, 26)
        return self._tinted(image, pose, [(150, 430, 26, 130)], (170, 108, 84), 0.4, 16)

    def _tinted(
        self,
        image: Image.Image,
        pose: int,
        ellipses: list[tuple[float, float, float, float]],
        colour: Colour,
        strength: float,
        blur: float,
    ) -> Image.Image:
        boxes = [self._pen(ImageDraw.Draw(image), pose).place((e[0], e[1])) for e in ellipses]
        reach = max(max(e[2], e[3]) for e in ellipses) + 3 * blur
        unit = self._scale * SHARPER
        x0 = max(0, int(min(p[0] for p in boxes) - reach * unit))
        y0 = max(0, int(min(p[1] for p in boxes) - reach * unit))
        x1 = min(image.width, int(max(p[0] for p in boxes) + reach * unit) + 1)
        y1 = min(image.height, int(max(p[1] for p in boxes) + reach * unit) + 1)
        mask = Image.new("L", (x1 - x0, y1 - y0), 0)
        corner = (x0 / SHARPER, y0 / SHARPER)
        pen = self._pen(ImageDraw.Draw(mask), pose, corner)
        for cx, cy, rx, ry in ellipses:
            points = [pen.place(p) for p in ellipse_points(cx, cy, rx, ry)]
            pen.draw.polygon(points, fill=round(255 * strength))
        mask = mask.filter(ImageFilter.GaussianBlur(blur * unit))
        image.paste(Image.new("RGB", mask.size, colour), (x0, y0), mask)
        return image

    def _captioned(self, image: Image.Image, caption: str) -> Image.Image:
        if not caption:
            return image
        size = max(10, round(self.height * 0.024))
        font = ImageFont.load_default(size)
        shade = Image.new("RGBA", image.size, (0, 0, 0, 0))
        draw = ImageDraw.Draw(shade)
        left, top, right, bottom = draw.textbbox((0, 0), caption, font=font)
        pad = size * 0.55
        x, y = size * 0.9, self.height - size * 0.9 - (bottom - top) - 2 * pad
        draw.rounded_rectangle(
            (x, y, x + right - left + 2 * pad, y + bottom - top + 2 * pad), pad, fill=(20, 20, 24, 130)
        )
        draw.text((x + pad - left, y + pad - top), caption, font=font, fill=(255, 255, 255, 225))
        return Image.alpha_composite(image.convert("RGBA"), shade).convert("RGB")
