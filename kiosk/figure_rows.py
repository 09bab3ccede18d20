"""The live figures as people read them: on the operator's screen and over the picture, and as one line of the log."""

from __future__ import annotations

from collections.abc import Callable

from kiosk.figures import Figures, LiveFigures
from kiosk.session.operator_view import Figure

UNKNOWN = "–"
Read = Callable[[Figures], str]


def _number(value: float | None, unit: str = "", places: int = 0, *, signed: bool = False) -> str:
    if value is None:
        return UNKNOWN
    value = round(value, places) + 0.0  # no minus before a zero
    text = f"{value:+.{places}f}" if signed and value else f"{value:.{places}f}"
    return f"{text} {unit}".rstrip()


def _pair(first: float | None, second: float | None, unit: str = "", places: int = 0) -> str:
    if first is None and second is None:
        return UNKNOWN
    return f"{_number(first, places=places)} / {_number(second, places=places)} {unit}".rstrip()


def _size(one: Figures) -> str:
    return f"{one.width} × {one.height}" if one.width else UNKNOWN


# Group, name, how it is read, and whether the whole visit has a value of its own.
_ROWS: tuple[tuple[str, str, Read, bool], ...] = (
    ("picture", "picture", _size, False),
    ("picture", "shown", lambda one: _number(one.fps_shown, "/s", 1), True),
    ("picture", "received", lambda one: _number(one.fps_received, "/s", 1), True),
    ("picture", "late", lambda one: _pair(one.late, one.dropped), True),
    ("picture", "freezes", lambda one: _number(one.freezes), True),
    ("voice", "lip_sync", lambda one: _number(one.av_offset_ms, "ms", signed=True), False),
    ("voice", "latency", lambda one: _number(one.latency_ms, "ms"), False),
    ("voice", "ring", lambda one: _number(one.fill_ms, "ms"), False),
    ("voice", "device", lambda one: _number(one.device_latency_ms, "ms"), False),
    ("voice", "drift", lambda one: _number(one.drift_ppm, "ppm", signed=True), False),
    ("voice", "underruns", lambda one: _pair(one.underruns, one.resyncs), True),
    ("voice", "voice", lambda one: _number(one.voice_played_s, "s", 1), True),
    ("voice", "microphone", lambda one: _number(one.microphone_sent_s, "s", 1), True),
    ("network", "rtt", lambda one: _number(one.rtt_ms, "ms"), False),
    ("network", "loss", lambda one: _number(one.loss_percent, "%", 1), True),
    ("network", "jitter", lambda one: _pair(one.video_jitter_ms, one.voice_jitter_ms, "ms"), False),
    ("network", "buffer", lambda one: _pair(one.video_buffer_ms, one.voice_buffer_ms, "ms"), True),
    ("machine", "cpu", lambda one: _number(one.cpu_percent, "%", 1), True),
    ("machine", "memory", lambda one: _pair(one.rss_mb, one.pss_mb, "MB"), False),
    ("machine", "threads", lambda one: _pair(one.threads, one.handles), False),
)


def figure_rows(live: LiveFigures) -> tuple[Figure, ...]:
    """Always the same rows in the same order; what nobody can tell is a dash."""
    latest = live.latest or Figures(0.0)
    return tuple(
        Figure(name, read(latest) if live.latest else UNKNOWN, read(live.visit) if own and live.visit else "", group)
        for group, name, read, own in _ROWS
    )


def log_line(one: Figures) -> str:
    """`figures of 60 s: fps_shown=29.9, late=0, …` without what nobody can tell."""
    told = (f"{name}={value}" for name, value in one.fields().items() if value is not None and name != "span_s")
    return f"figures of {one.span_s:.0f} s: {', '.join(told)}"
