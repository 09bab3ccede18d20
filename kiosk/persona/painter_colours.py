"""The painter's palette: from the few colours of a persona to their lights and shades."""

from __future__ import annotations

from PySide6.QtGui import QColor

from kiosk.persona.look import Look


def mix(a: QColor, b: QColor, part: float) -> QColor:
    return QColor.fromRgbF(
        a.redF() + (b.redF() - a.redF()) * part,
        a.greenF() + (b.greenF() - a.greenF()) * part,
        a.blueF() + (b.blueF() - a.blueF()) * part,
    )


def clear(colour: QColor, alpha: float) -> QColor:
    """The colour with an opacity of 0 to 1."""
    out = QColor(colour)
    out.setAlphaF(min(max(alpha, 0.0), 1.0))
    return out


def darker(colour: QColor, part: float) -> QColor:
    """As if in its own shadow: darker, and richer."""
    hue, saturation, value = colour.hsvHueF(), colour.hsvSaturationF(), colour.valueF()
    return QColor.fromHsvF(max(hue, 0.0), min(1.0, saturation * (1 + 0.35 * part)), value * (1 - part))


def skin_shade(colour: QColor, part: float) -> QColor:
    """Shadow on skin turns towards red, for blood shines through."""
    hue, saturation, value = colour.hsvHueF(), colour.hsvSaturationF(), colour.valueF()
    warm = max(hue, 0.0) * (1 - 0.45 * part)
    return QColor.fromHsvF(warm, min(1.0, saturation + 0.45 * part * (1 - saturation)), value * (1 - 0.75 * part))


class Palette:
    def __init__(self, look: Look):
        colours = look.colours
        self.skin = QColor(colours.skin)
        self.skin_light = mix(self.skin, QColor("#fff3e2"), 0.35 if self.skin.lightnessF() > 0.5 else 0.22)
        self.skin_shade = skin_shade(self.skin, 0.28)
        self.skin_deep = skin_shade(self.skin, 0.52)
        self.skin_line = skin_shade(self.skin, 0.72)
        self.blush = mix(self.skin, QColor("#e2604f"), 0.55)
        self.hair = QColor(colours.hair)
        self.hair_dark = darker(self.hair, 0.42)
        self.hair_deep = darker(self.hair, 0.62)
        self.hair_light = mix(
            self.hair, QColor("#e2a878") if self.hair.hsvSaturationF() > 0.2 else QColor("#f4f1ee"), 0.34
        )
        self.hair_shine = mix(
            self.hair, QColor("#ffe2bd") if self.hair.hsvSaturationF() > 0.2 else QColor("#ffffff"), 0.6
        )
        self.brow = darker(self.hair, 0.25) if self.hair.valueF() < 0.6 else darker(self.hair, 0.38)
        self.lash = mix(darker(self.hair, 0.75), QColor("#1b1210"), 0.6)
        self.iris = QColor(colours.eyes)
        self.iris_light = mix(self.iris, QColor("#fff2c8"), 0.42)
        self.iris_dark = darker(self.iris, 0.6)
        self.lip = mix(QColor(colours.lips), self.skin, 0.12)
        self.lip_dark = darker(self.lip, 0.24)
        self.lip_line = mix(darker(self.lip, 0.62), QColor("#4a1418"), 0.4)
        self.lip_light = mix(self.lip, QColor("#ffe6dc"), 0.4)
        self.cloth = QColor(colours.clothes)
        self.cloth_light = mix(self.cloth, QColor("#ffffff"), 0.16)
        self.cloth_dark = darker(self.cloth, 0.34)
        self.cloth_deep = darker(self.cloth, 0.6)
        self.shirt = QColor(colours.shirt)
        self.shirt_shade = mix(self.shirt, QColor("#8d8597"), 0.3)
        self.accent = QColor(colours.accent)
        self.wall = QColor(colours.background)
        self.wall_dark = QColor(colours.background_dark)
