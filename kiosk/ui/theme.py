"""Colours of the screens, as data. Files: resources/themes/<name>.json with one '#rrggbb' or '#aarrggbb' each."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path

from PySide6.QtGui import QColor


@dataclass(frozen=True)
class Theme:
    name: str
    backdrop_top: QColor
    backdrop_bottom: QColor
    glow: QColor
    text: QColor
    text_quiet: QColor
    accent: QColor
    accent_pressed: QColor
    on_accent: QColor
    control: QColor
    control_pressed: QColor
    control_border: QColor
    on_control: QColor
    chosen: QColor
    focus: QColor
    panel: QColor
    on_panel: QColor
    on_panel_quiet: QColor
    face: QColor
    face_deep: QColor
    face_ink: QColor


def load_theme(folder: Path, name: str) -> Theme:
    """Raises `ValueError` naming the file and the key for an unknown theme, a missing key or a bad colour."""
    path = folder / f"{name}.json"
    if not path.is_file():
        known = ", ".join(sorted(item.stem for item in folder.glob("*.json")))
        raise ValueError(f"there is no theme '{name}'; choose one of: {known}")
    values: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    colours: dict[str, QColor] = {}
    for field in fields(Theme):
        if field.name == "name":
            continue
        colour = QColor(values.get(field.name, ""))
        if not colour.isValid():
            raise ValueError(f"{path.name}: '{field.name}' must be a colour such as \"#1f5f7a\"")
        colours[field.name] = colour
    return Theme(name=name, **colours)


def contrast(first: QColor, second: QColor) -> float:
    """WCAG contrast of two opaque colours: 1..21."""

    def luminance(colour: QColor) -> float:
        parts = (colour.redF(), colour.greenF(), colour.blueF())
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)
