"""A visit whose network goes away for a while: the kiosk as a process, and a relay before the media server."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import numpy as np
import pytest

from tests.livekit_server import LiveKitServer
from tests.network_relay import CLEAR, NetworkRelay, Weather
from tests.whole.desk import Desk, eventually

HOLE_S = 10.0
NOTICE = (slice(95, 140), slice(490, 790))  # rows and columns, on the screen of 1280x800
LOUD = 1_000  # of 32767: the avatar's voice, and no noise


@pytest.fixture
def relay(monkeypatch: pytest.MonkeyPatch) -> Iterator[NetworkRelay]:
    """Asked for before the desk, so that all that hangs on the server ends before it."""
    with LiveKitServer(path="relay") as server, NetworkRelay(server) as relay:
        monkeypatch.setenv("KIOSK_LIVEKIT_API_KEY", server.key)
        monkeypatch.setenv("KIOSK_LIVEKIT_API_SECRET", server.secret)
        yield relay


def told(desk: Desk) -> bool:
    """The notice's plate is darker than anything in the picture."""
    return bool(np.mean(desk.display.framebuffer()[NOTICE].max(axis=2) < 45) > 0.5)


def test_ten_seconds_without_a_network_are_held_told_and_mended(relay: NetworkRelay, desk: Desk) -> None:
    here = ("--livekit-url", relay.server_url, "--avatar-size", "320x240", "--respond", "talk")
    simulator = desk.simulator("livekit", *here)
    relay.spare_present()  # the bad network is the kiosk's
    providers = {"livekit": {"url": relay.url}}
    run = desk.kiosk(simulator, "--kiosk", "--auto-start", settings={"providers": providers})
    run.wait_for("first frame painted")
    eventually(lambda: np.abs(desk.sound.record(1.0)).max() > LOUD, "the voice is heard")
    whole = desk.display.framebuffer().std()
    assert not told(desk)
    relay.turn(Weather(hole=True))
    over_s = time.monotonic() + HOLE_S
    eventually(lambda: told(desk), "the visitor is told", HOLE_S)
    assert desk.display.framebuffer().std() > whole * 0.5, "the picture is held, not blanked"
    time.sleep(max(0.0, over_s - time.monotonic()))
    relay.turn(CLEAR)
    eventually(lambda: not told(desk), "the picture is back")
    eventually(lambda: np.abs(desk.sound.record(1.0)).max() > LOUD, "the voice is back")
    seen = desk.display.framebuffer()
    eventually(lambda: np.any(desk.display.framebuffer() != seen), "the picture moves")
    assert run.end(signal.SIGTERM) == 0, run.log
    # Where the machine is slow a new link may have been faster; the visit stays the same in any case.
    assert [phase for phase in run.phases() if phase != "recovering"][:3] == ["attract", "connecting", "live"]
    assert run.phases().count("connecting") == 1
    assert run.report["reconnects"] <= 1
    assert run.report["errors"] == []
    assert "Traceback" not in run.log
