"""The figures that have an aim, as a picture: SVG written by hand, so that nothing need be installed for it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from tests.benchmarks.side_by_side.table import COLUMNS, ROWS, Row, Spread, formats, spread
from tests.benchmarks.side_by_side.takes import BROWSER, BROWSER_SENDING, KIOSK, Take

COLOURS: Final = {KIOSK: "#1b7f5c", BROWSER: "#9aa3ad", BROWSER_SENDING: "#c9ced4"}
INK, FAINT, AIM = "#22272e", "#6a737d", "#c2410c"
ACROSS: Final = 4
PANEL_W, LABEL_W, VALUE_W = 320, 74, 74
BAR, GAP, HEAD, TOP, MARGIN = 15, 12, 54, 112, 24
FAMILY: Final = "Inter"  # the kiosk's own
FAMILIES: Final = f"{FAMILY}, Helvetica, Arial, DejaVu Sans, sans-serif"

Groups = Sequence[tuple[str, Sequence[tuple[str, Spread]]]]  # format -> client -> figure


def plot(takes: Sequence[Take], caption: str) -> str:
    """The SVG's text. Bars are medians of the rounds, whiskers least and most, a mark shows the aim."""
    rows = [row for row in ROWS if row.aim is not None]
    panels = [(row, groups) for row in rows if (groups := _groups(takes, row))]
    tall = max((_height(groups) for _, groups in panels), default=0)
    down = -(-len(panels) // ACROSS)
    width = 2 * MARGIN + ACROSS * PANEL_W
    height = TOP + down * (tall + MARGIN)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"',
        f' font-family="{FAMILIES}">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        _text(MARGIN, 38, "The kiosk beside a browser that shows the same avatar", 20, INK, bold=True),
        _text(MARGIN, 60, caption, 12, FAINT),
        *_legend(panels),
    ]
    for number, (row, groups) in enumerate(panels):
        left = MARGIN + number % ACROSS * PANEL_W
        parts += _panel(row, groups, left, TOP + number // ACROSS * (tall + MARGIN))
    return "\n".join([*parts, "</svg>", ""])


def _groups(takes: Sequence[Take], row: Row) -> Groups:
    found = []
    for given in formats(takes):
        bars = [(client, one) for client in COLUMNS if (one := spread(takes, row, given, client)) is not None]
        if bars:
            found.append((given, bars))
    return found


def _height(groups: Groups) -> int:
    return HEAD + sum(len(bars) * BAR + GAP for _, bars in groups)


def _legend(panels: Sequence[tuple[Row, Groups]]) -> list[str]:
    clients = [
        client
        for client in COLUMNS
        if any(client == one for _, groups in panels for _, bars in groups for one, _ in bars)
    ]
    parts, left = [], MARGIN
    for client in clients:
        parts.append(f'<rect x="{left}" y="76" width="12" height="12" rx="2" fill="{COLOURS[client]}"/>')
        parts.append(_text(left + 18, 87, _LEGEND[client], 12, INK))
        left += 40 + 7 * len(_LEGEND[client])
    parts.append(f'<path d="M{left + 6} 74 v16" stroke="{AIM}" stroke-width="2"/>')
    parts.append(
        _text(
            left + 16,
            87,
            "the aim: the kiosk's bar should end before it; thin lines: least and most of all rounds",
            12,
            INK,
        )
    )
    return parts


_LEGEND: Final = {
    KIOSK: "kiosk, microphone open",
    BROWSER: "Chromium, receiving only",
    BROWSER_SENDING: "Chromium, microphone open",
}


def _panel(row: Row, groups: Groups, left: int, top: int) -> list[str]:
    room = PANEL_W - LABEL_W - VALUE_W - MARGIN
    most = max([abs(value) for _, bars in groups for _, one in bars for value in (one.least, one.most)])
    marks = [_aim(row, bars) for _, bars in groups]
    scale = room / max(1e-9, most, *(mark for mark in marks if mark is not None))
    x, y = left + LABEL_W, top + HEAD
    parts = [_text(left, top + 18, _upper(row.short or row.title), 13, INK, bold=True)]
    parts.append(_text(left, top + 35, f"{row.unit}; less is better", 11, FAINT))
    for (given, bars), mark in zip(groups, marks, strict=True):
        begin = y
        parts.append(_text(x - 8, y + len(bars) * BAR / 2 + 4, _short(given), 11, INK, end=True))
        for client, one in bars:
            long = max(1.0, abs(one.median) * scale)
            parts.append(
                f'<rect x="{x}" y="{y + 1}" width="{long:.1f}" height="{BAR - 3}" rx="2" fill="{COLOURS[client]}"/>'
            )
            low, high = sorted((abs(one.least) * scale, abs(one.most) * scale))
            middle = y + BAR / 2 - 0.5
            if high - low > 1.5:
                parts.append(f'<path d="M{x + low:.1f} {middle} H{x + high:.1f}" stroke="{INK}" stroke-width="1"/>')
            reach = max(long, high)
            if client == KIOSK and mark is not None and 0 <= mark * scale - reach < VALUE_W / 2:
                reach = mark * scale  # the mark would cross the figure out
            parts.append(_text(x + reach + 5, y + BAR - 4, f"{one.median:.{row.digits}f}", 11, INK))
            y += BAR
        if mark is not None:
            parts.append(f'<path d="M{x + mark * scale:.1f} {begin - 2} v{BAR + 2}" stroke="{AIM}" stroke-width="2"/>')
        y += GAP
    parts.append(f'<path d="M{x} {top + HEAD - 4} V{y - GAP + 4}" stroke="{FAINT}" stroke-width="1"/>')
    return parts


def _aim(row: Row, bars: Sequence[tuple[str, Spread]]) -> float | None:
    """What the kiosk's figure may be, in the figure's unit."""
    browser = dict(bars).get(BROWSER)
    if row.aim is None:
        return None
    limits = [] if row.aim.most is None else [row.aim.most]
    if row.aim.ratio is not None and browser is not None:
        limits.append(row.aim.ratio * abs(browser.median))
    return min(limits) if limits else None


def _short(given: str) -> str:
    return given.partition("@")[0].replace("x", " × ")


def _upper(title: str) -> str:
    return title[0].upper() + title[1:]


def _text(x: float, y: float, words: str, size: int, colour: str, *, bold: bool = False, end: bool = False) -> str:
    more = ' font-weight="600"' if bold else ""
    more += ' text-anchor="end"' if end else ""
    return f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" fill="{colour}"{more}>{escape(words)}</text>'
