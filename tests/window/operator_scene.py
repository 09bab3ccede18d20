"""A busy kiosk for the operator's screen, and an operator who remembers what was pressed."""

from __future__ import annotations

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
FIGURES = (
    Figure("picture", "1280 × 720, 25/s"),
    Figure("dropped", "12"),
    Figure("voice", "184 s"),
    Figure("underruns", "0"),
    Figure("latency", "142 ms"),
    Figure("lip_sync", "+8 ms"),
    Figure("microphone", "203 s"),
    Figure("reconnects", "1"),
)
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
