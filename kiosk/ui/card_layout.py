"""Where the parts of a card stand: title, words, picture, QR code with its link, and the button that closes it.

A narrow card has the picture on top, a wide one beside the words. Where room is scarce the picture becomes smaller,
then the words lose their end. Title, code, link and button keep their room.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics

from kiosk.links.contract import Card
from kiosk.ui.card_art import CardArt
from kiosk.ui.metrics import Metrics
from kiosk.ui.qr import module_size
from kiosk.ui.text_lines import first_lines, wrap_paragraphs

LONGEST_TEXT = 2000  # characters of a card that are looked at
ANY_LINES = 10_000
TITLE_LINES = 2
SCAN_LINES = 3
LINK_LINES = 3
TEXT_BEFORE_PICTURE = 3  # lines
BESIDE_FROM_EM = 26  # inner width from which the picture stands beside the words
PICTURE_SHARE = 0.42  # of the inner width, beside the words
CODE_EM = 7.5
CODE_EM_BESIDE = 6.0
ENLARGED = 2  # a small picture is not blown up beyond recognition


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of one font; `quiet`: in the weaker colour. `x`, `y`, `width` and `step` (of a line) in logical pixels."""

    lines: tuple[str, ...]
    font: QFont
    quiet: bool
    step: int
    width: int
    x: int = 0
    y: int = 0

    @property
    def height(self) -> int:
        return self.step * len(self.lines)


@dataclass(frozen=True)
class CardLayout:
    """In the card's own logical pixels; a rectangle is empty where there is no such part."""

    blocks: tuple[Block, ...]
    picture: QRect
    code: QRect
    button: QRect
    height: int


@dataclass(frozen=True)
class CardRoom:
    """What a card has to stand in. `ratio`: device pixels of a logical one. `button`: the size of its button."""

    width: int
    tallest: int
    metrics: Metrics
    font: QFont
    button: QSize
    ratio: float

    @property
    def pad(self) -> int:
        return self.metrics.em(1.0)

    @property
    def gap(self) -> int:
        return self.metrics.em(0.6)

    @property
    def inner(self) -> int:
        return self.width - 2 * self.pad

    @property
    def beside(self) -> bool:
        return self.inner >= self.metrics.em(BESIDE_FROM_EM)


def lay_out(card: Card, art: CardArt, scan: str, room: CardRoom) -> CardLayout:
    """`scan`: the words beside the code."""
    pad, gap, beside = room.pad, room.gap, room.beside
    side = _code_side(art, room)
    foot_width = room.inner - room.button.width() - gap if beside else room.inner
    facts = _facts(card, scan if side else "", foot_width - (side + gap if side else 0), room)
    said = sum(block.height for block in facts)
    # The button stands at the right: of the words in a wide card, below them in a narrow one, below all where even the
    # code is in its way.
    below = 0 if beside else room.button.height() + (gap if said else 0)
    in_the_way = not beside and side + (gap if side else 0) + room.button.width() > room.inner
    last = max(side + below if in_the_way else side, said + below, room.button.height())
    body = room.tallest - 2 * pad - gap - last

    has_picture = art.picture is not None
    words = round(room.inner * (1 - PICTURE_SHARE)) - gap if beside and has_picture else room.inner
    title = _block(card.title, 1.3, words, TITLE_LINES, room, strong=True)
    text = _block(card.text, 1.0, words, ANY_LINES, room)
    for_text = body - title.height - gap
    if beside:
        picture = _picture_size(art, round(room.inner * PICTURE_SHARE), body, room)
    else:
        kept = min(len(text.lines), TEXT_BEFORE_PICTURE) * text.step
        picture = _picture_size(art, room.inner, for_text - kept - gap, room)
        for_text -= picture.height() + gap if not picture.isEmpty() else 0
    text = _block(card.text, 1.0, words, for_text // text.step, room)

    top, blocks = pad, []
    picture_area = QRect()
    if not picture.isEmpty():
        left = room.width - pad - picture.width() if beside else (room.width - picture.width()) // 2
        picture_area = QRect(left, pad, picture.width(), picture.height())
        top += 0 if beside else picture.height() + gap
    for block in (title, text):
        if block.lines:
            blocks.append(replace(block, x=pad, y=top))
            top += block.height + gap
    if beside:
        top = max(top, picture_area.bottom() + 1 + gap)
    height = top + last + pad

    code = QRect(pad, top, side, side) if side else QRect()
    x = pad + (side + gap if side else 0)
    y = top + (last - below - said) // 2
    for block in facts:
        blocks.append(replace(block, x=x, y=y))
        y += block.height
    button = QRect(
        room.width - pad - room.button.width(),
        height - pad - room.button.height(),
        room.button.width(),
        room.button.height(),
    )
    return CardLayout(tuple(blocks), picture_area, code, button, height)


def picture_box(room: CardRoom) -> QSize:
    """The largest size that a picture can get, in device pixels."""
    width = round(room.inner * PICTURE_SHARE) if room.beside else room.inner
    return QSize(max(1, round(width * room.ratio)), max(1, round(room.tallest * room.ratio)))


def _block(text: str, scale: float, width: int, limit: int, room: CardRoom, *, strong: bool = False) -> Block:
    font = QFont(room.font)
    font.setPixelSize(room.metrics.em(scale))
    font.setWeight(QFont.Weight.DemiBold if strong else QFont.Weight.Normal)
    lines = first_lines(wrap_paragraphs(text[:LONGEST_TEXT], font, width), limit, font, width)
    return Block(tuple(lines), font, False, round(QFontMetrics(font).height() * 1.12), width)


def _code_side(art: CardArt, room: CardRoom) -> int:
    if art.qr is None:
        return 0
    side = min(room.metrics.em(CODE_EM_BESIDE if room.beside else CODE_EM), room.inner // 2)
    return side if module_size(art.qr, round(side * room.ratio)) else 0


def _facts(card: Card, scan: str, width: int, room: CardRoom) -> list[Block]:
    hint = replace(_block(scan, 0.9, width, SCAN_LINES, room), quiet=True)
    link = _block(card.link, 0.95, width, LINK_LINES, room, strong=True)
    return [block for block in (hint, link) if block.lines]


def _picture_size(art: CardArt, width: int, height: int, room: CardRoom) -> QSize:
    if art.picture is None or height < room.metrics.em(3):
        return QSize()
    size = art.picture.size()
    box = QSize(width, height).boundedTo(size * ENLARGED)
    return size.scaled(box, Qt.AspectRatioMode.KeepAspectRatio)
