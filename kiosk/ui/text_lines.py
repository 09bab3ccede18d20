"""Running text as the lines that a given width gives it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QFontMetrics, QTextLayout, QTextOption

NARROWEST = 10.0


def wrap(text: str, font: QFont, width: int) -> list[str]:
    """Breaks at words, and within a word that is wider than the line. One paragraph; `width` in logical pixels."""
    layout = QTextLayout(text, font)
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    layout.setTextOption(option)
    lines: list[str] = []
    layout.beginLayout()
    while (line := layout.createLine()).isValid():
        line.setLineWidth(max(float(width), NARROWEST))
        lines.append(text[line.textStart() : line.textStart() + line.textLength()].strip())
    layout.endLayout()
    return lines


def wrap_paragraphs(text: str, font: QFont, width: int) -> list[str]:
    """As `wrap`; the text's own line breaks stay, empty lines do not."""
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.splitlines()]
    return [line for paragraph in paragraphs if paragraph for line in wrap(paragraph, font, width)]


def first_lines(lines: list[str], limit: int, font: QFont, width: int) -> list[str]:
    """At most `limit` lines; an ellipsis at the end says that there were more."""
    if len(lines) <= limit:
        return lines
    if limit <= 0:
        return []
    last = QFontMetrics(font).elidedText(f"{lines[limit - 1]} …  ", Qt.TextElideMode.ElideRight, width)
    return [*lines[: limit - 1], last.rstrip() if last.rstrip().endswith("…") else f"{last.rstrip()} …"]
