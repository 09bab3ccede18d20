"""A busy kiosk for the operator's screen, and an operator who remembers what was pressed."""

from __future__ import annotations

from dataclasses import replace

from kiosk.figure_rows import figure_rows
from kiosk.figures import Figures, LiveFigures
from kiosk.providers.contract import Fact
from kiosk.session.budget import Budget
from kiosk.session.money_guard import Standing
from kiosk.session.operator_view import Figure, OpenLine, OperatorView
from kiosk.session.usage import Spent, Total
from kiosk.session.view import Phase
from kiosk.ui.operator_entry import OperatorTools
from kiosk.ui.pin_lock import PinLock

KEY = Fact("Stream key", "wb-1f9c03b7-7be4-45d1-9a40-c0ffee5ca1ab", secret=True)
FACTS = (
    Fact("RTMP server", "rtmps://ingest-fra-3.stage.example.com:443/live/webinar"),
    KEY,
    Fact("Instructions", "Send 1280x720 at 30 pictures a second. The stage opens five minutes before the webinar."),
)
SECOND = Figures(
    span_s=1.0,
    width=1280,
    height=720,
    fps_received=25.02,
    fps_shown=24.98,
    late=2,
    dropped=1,
    freezes=0,
    av_offset_ms=8.4,
    latency_ms=142.4,
    fill_ms=61.3,
    device_latency_ms=43.0,
    drift_ppm=-118.2,
    voice_played_s=1.0,
    microphone_sent_s=1.01,
    rtt_ms=131.0,
    loss_percent=0.42,
    video_jitter_ms=11.2,
    voice_jitter_ms=7.9,
    video_buffer_ms=112.4,
    voice_buffer_ms=124.9,
    cpu_percent=21.3,
    rss_mb=298.4,
    pss_mb=181.2,
    threads=34,
    handles=58,
)
VISIT = replace(SECOND, span_s=184.0, late=212, dropped=45, underruns=12, resyncs=3, voice_played_s=184.2)
FIGURES = (*figure_rows(LiveFigures(SECOND, VISIT)), Figure("reconnects", "1", group="machine"))
BUSY = OperatorView(
    phase=Phase.LIVE,
    provider="tenbyte",
    standing=Standing(
        Budget(visits_per_day=200, minutes_per_day=900),
        Spent(163, 731),
        (Total(739_925, "deepbrain", 121, 502), Total(739_925, "tenbyte", 42, 229)),
        near=True,
    ),
    open=(OpenLine("tenbyte", 187.4, FACTS), OpenLine("deepbrain", 7_384.0)),
    figures=FIGURES,
    trouble="Start session: api.example.com answered HTTP 503; the vendor's service has a fault: the kiosk tries again",
)
QUIET = OperatorView(Phase.ATTRACT, "local", Standing(Budget(), Spent()))
PROVIDERS = ("agenthuman", "deepbrain", "livekit", "local", "tenbyte")


class StillClock:
    """Time stands until somebody moves it."""

    now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s

    def wall(self) -> float:
        return 1_793_880_000.0


class Operator:
    providers = PROVIDERS

    def __init__(self) -> None:
        self.did: list[tuple[str, ...]] = []
        self.view = BUSY
        self.clock = StillClock()

    def switch(self, provider: str) -> None:
        self.did.append(("switch", provider))

    def leave(self) -> None:
        self.did.append(("leave",))

    def look(self) -> OperatorView:
        return self.view

    def tools(self, pin: str = "", language: str = "en") -> OperatorTools:
        return OperatorTools(self, self.look, PinLock(pin, self.clock), language)
