"""Takes of several rounds become medians, spreads, ratios and a table in Markdown. Nothing but arithmetic and words."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tests.benchmarks.side_by_side.takes import BROWSER, BROWSER_SENDING, KIOSK, Format, Take

COLUMNS: Final = {KIOSK: "kiosk", BROWSER: "Chromium", BROWSER_SENDING: "Chromium, sending"}


@dataclass(frozen=True, slots=True)
class Aim:
    """At most `ratio` times the browser's figure, and at most `most`; None where that does not count."""

    ratio: float | None = None
    most: float | None = None

    def reached(self, kiosk: float, browser: float | None) -> bool | None:
        """None where there is nothing to compare with. A negative figure counts by its size."""
        if self.ratio is not None and (browser is None or browser == 0):
            return None
        within = self.ratio is None or (browser is not None and abs(kiosk) <= self.ratio * abs(browser))
        return within and (self.most is None or abs(kiosk) <= self.most)

    def words(self, unit: str) -> str:
        parts = [] if self.ratio is None else [f"≤ {self.ratio:.2f} ×"]
        return ", ".join(parts if self.most is None else [*parts, f"≤ {self.most:g} {unit}"])


@dataclass(frozen=True, slots=True)
class Row:
    """`key` of the figures of one `kind` of take."""

    title: str
    kind: str
    key: str
    unit: str
    digits: int = 0
    aim: Aim | None = None
    scale: float = 1.0
    compared: bool = True  # whether a ratio says anything
    short: str = ""  # over a plot


_SILENT: Final = "picture, glass to glass, p50, a stream without voice"
ROWS: Final = (
    Row("CPU of the process tree", "voice", "cpu_percent", "% of a core", 1, Aim(0.65)),
    Row("memory (PSS)", "voice", "pss_mb", "MB", 0, Aim(0.40)),
    Row(_SILENT, "silent", "video_p50_ms", "ms", 1, Aim(0.6), short="delay of the picture, without voice"),
    Row("the same, p95", "silent", "video_p95_ms", "ms", 1),
    Row("picture, glass to glass, p50, with voice", "voice", "video_p50_ms", "ms", 1),
    Row("the same, p95", "voice", "video_p95_ms", "ms", 1),
    Row("voice, p50", "voice", "audio_p50_ms", "ms", 1),
    Row(
        "voice and mouth together: the later p50",
        "voice",
        "pair_p50_ms",
        "ms",
        1,
        Aim(0.85),
        short="delay of voice and mouth together",
    ),
    Row("voice later than mouth, median", "voice", "av_median_ms", "ms", 1, Aim(most=15), compared=False),
    Row("voice apart from mouth, p95", "voice", "av_abs_p95_ms", "ms", 1, Aim(most=30), compared=False),
    Row(
        "interval between pictures, std",
        "voice",
        "interval_std_ms",
        "ms",
        1,
        Aim(0.6, most=3),
        short="unevenness of the pictures (std)",
    ),
    Row("pictures shown of those sent", "voice", "shown_share", "%", 1, scale=100, compared=False),
    Row("gaps over 100 ms", "voice", "gaps_over_100_ms", "", 0, compared=False),
    Row(
        "exec to the first visible picture",
        "start",
        "first_visible_s",
        "s",
        2,
        Aim(0.8),
        short="from start to the first picture",
    ),
)


@dataclass(frozen=True, slots=True)
class Spread:
    """Of the rounds: median, least and most."""

    median: float
    least: float
    most: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of at least one value."""
        return cls(statistics.median(values), min(values), max(values), len(values))

    def words(self, row: Row) -> str:
        median, least, most = (f"{row.scale * value:.{row.digits}f}" for value in (self.median, self.least, self.most))
        return median if least == most else f"{median} ({least} to {most})"


def spread(takes: Sequence[Take], row: Row, given: str, client: str) -> Spread | None:
    """Over all takes that have the figure; None where none has."""
    values = [
        take.figures[row.key]
        for take in takes
        if (take.kind, take.format, take.client) == (row.kind, given, client) and row.key in take.figures
    ]
    return Spread.of(values) if values else None


def formats(takes: Sequence[Take]) -> list[str]:
    """In the order in which they were measured."""
    return list(dict.fromkeys(take.format for take in takes if take.kind == "voice"))


def table(takes: Sequence[Take], given: str) -> str:
    """One format's rows, the kiosk against the browser that only receives."""
    clients = [client for client in COLUMNS if any((take.client, take.format) == (client, given) for take in takes)]
    head = ["", *(COLUMNS[client] for client in clients), "ratio", "aim", "reached"]
    lines = [head, ["---"] * len(head)]
    for row in ROWS:
        found = {client: spread(takes, row, given, client) for client in clients}
        if not any(found.values()):
            continue
        title = f"{row.title}, {row.unit}" if row.unit else row.title
        cells = ["–" if (one := found[client]) is None else one.words(row) for client in clients]
        lines.append([title, *cells, *_judgement(row, found)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _judgement(row: Row, found: Mapping[str, Spread | None]) -> tuple[str, str, str]:
    """(ratio, aim, reached)"""
    kiosk, browser = found.get(KIOSK), found.get(BROWSER)
    ratio = "–"
    if row.compared and kiosk is not None and browser is not None and browser.median > 0:
        ratio = f"{kiosk.median / browser.median:.2f}"
    if row.aim is None or kiosk is None:
        return ratio, "", ""
    reached = row.aim.reached(kiosk.median, browser.median if browser else None)
    return ratio, row.aim.words(row.unit), {True: "yes", False: "**no**", None: "–"}[reached]


def attract_line(takes: Sequence[Take]) -> str:
    """What waiting costs, in one sentence; empty where it was not measured."""
    parts = []
    for client in dict.fromkeys(take.client for take in takes if take.kind == "attract"):
        found = Spread.of(
            [take.figures["cpu_percent"] for take in takes if (take.kind, take.client) == ("attract", client)]
        )
        verdict = "reached" if found.median <= ATTRACT_PERCENT else "**not reached**"
        parts.append(f"{found.words(_ATTRACT)} % of a core {_PROVIDER[client]} ({verdict})")
    return (
        f"Waiting for a visitor the kiosk takes {' and '.join(parts)}; the aim is {ATTRACT_PERCENT} %." if parts else ""
    )


ATTRACT_PERCENT: Final = 5
_ATTRACT: Final = Row("", "attract", "cpu_percent", "%", 1)
_PROVIDER: Final = {"kiosk-local": "with its own persona", "kiosk-livekit": "with provider `livekit`"}


DOUBT_MS: Final = 4.0
HEARD: Final = 0.8


def disturbed(takes: Sequence[Take], seconds: float) -> str:
    """How many takes say little, because something else kept the machine busy; empty where all are good."""
    measured = [take for take in takes if take.kind in ("voice", "silent")]
    bad = [take for take in measured if _disturbed(take, seconds)]
    if not bad:
        return ""
    return (
        f"**In {len(bad)} of {len(measured)} takes the machine was too busy to be trusted**: the watcher was late by "
        f"more than {DOUBT_MS:g} ms in one picture of twenty, the publisher fell back, or beeps were lost."
    )


def _disturbed(take: Take, seconds: float) -> bool:
    given = Format.parse(take.format)
    smaller = take.notes.get("encoded_width", given.width) < given.width
    lost = take.kind == "voice" and take.figures["beeps_matched"] < HEARD * (seconds // 2 - 1)
    late = take.figures["doubt_p95_ms"] > DOUBT_MS
    return smaller or lost or late or take.notes.get("publisher_stalls", 0) > 0
