"""Another avatar in the middle of a visit, between every two providers: real links, real rooms, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import combinations, pairwise
from pathlib import Path

import pytest

from kiosk.session.view import Phase
from kiosk.settings import LOCAL
from tests.livekit_server import LiveKitServer
from tests.room.switching_desk import SwitchingDesk, running, switching_desk
from tests.whole.desk import Simulator

SMALL = ("--avatar-size", "160x120", "--fps", "15", "--respond", "talk", "--greeting", "")

# Provider -> its simulator's command line. A new provider is a line here.
VENDORS: dict[str, tuple[str, ...]] = {
    "deepbrain": SMALL,
    "agenthuman": (*SMALL, "--speech", "link"),
    "livekit": SMALL,
    "tenbyte": SMALL,
    "liveavatar": SMALL,
    "videosdk-ingest": ("--respond", "talk", "--greeting", "Good day."),
    "videosdk-agent": ("--avatar-size", "160x120", "--fps", "15", "--respond", "talk", "--greeting", "Good day."),
}
HEARS = ("deepbrain", "agenthuman", "livekit", "liveavatar")
"""Where the simulator can tell what it heard of the visitor: asked once each, for it takes its time."""

FROM_THE_PROCESS = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
"""Which roots to trust: one vendor's package reads them from the process alone."""


def tour(names: list[str]) -> list[str]:
    """A way that passes between every two names at least once; it begins with the first."""
    missing = {frozenset(pair) for pair in combinations(names, 2)}
    way = [names[0]]
    while missing:
        here = way[-1]
        left = [name for name in names if frozenset((here, name)) in missing]
        if not left:
            left = [name for name in names if any(name in pair for pair in missing) and name != here]
        way.append(max(left, key=lambda name: sum(name in pair for pair in missing)))
        missing.discard(frozenset((here, way[-1])))
    return way


@pytest.fixture
def simulators(livekit_server: LiveKitServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Simulator]]:
    monkeypatch.setenv("KIOSK_LIVEKIT_API_KEY", livekit_server.key)
    monkeypatch.setenv("KIOSK_LIVEKIT_API_SECRET", livekit_server.secret)
    with running({name: (*line, "--livekit-url", livekit_server.url) for name, line in VENDORS.items()}) as made:
        for simulator in made.values():
            for name in FROM_THE_PROCESS:
                if name in simulator.env:
                    monkeypatch.setenv(name, simulator.env[name])
        yield made


@pytest.mark.timeout(400)
async def test_every_pair_of_avatars(simulators: dict[str, Simulator], tmp_path: Path) -> None:
    way = tour([LOCAL, *VENDORS])
    assert {frozenset(pair) for pair in pairwise(way)} == {
        frozenset(pair) for pair in combinations((LOCAL, *VENDORS), 2)
    }
    async with switching_desk(simulators, tmp_path, way[0]) as desk:
        await desk.begin()
        asked: set[str] = set()
        kept = 0  # times at which the one before was seen while the next one came
        for _, provider in pairwise(way):
            kept += await desk.switch_to(provider) > 0
            if provider in HEARS and provider not in asked:
                asked.add(provider)
                await only_this_one_hears(desk, provider)
        # Who is there within the time of a frame, as the persona and a vendor on a good day, leaves nobody to look at.
        assert kept > len(way) // 2
        assert desk.controller.situation.phase is Phase.LIVE
        assert [desk.on_channel[number] for number in sorted(desk.on_channel)] == way
        assert set(desk.controller.on_air) == {*way}
    chronicle = desk.chronicle
    assert chronicle.pictures == sorted(chronicle.pictures), "a picture of the avatar before came again"
    assert chronicle.voices == sorted(chronicle.voices), "two voices overlapped"
    assert chronicle.ears == sorted(chronicle.ears), "the visitor was heard by two"
    assert desk.controller.errors == ()
    for name, simulator in simulators.items():
        await desk.until(partial(has_ended_all, simulator), f"{name} has ended all sessions")


def has_ended_all(simulator: Simulator) -> bool:
    return bool(simulator.status().get("open_sessions", 0) == 0)


async def only_this_one_hears(desk: SwitchingDesk, provider: str) -> None:
    """The visitor's voice reaches the new avatar, and from then on nobody else."""
    begun = await desk.heard_s(provider)
    while await desk.heard_s(provider) < begun + 0.1:
        pass
    others = [name for name in HEARS if name != provider]
    before = [await desk.heard_s(name) for name in others]
    begun = await desk.heard_s(provider)
    while await desk.heard_s(provider) < begun + 0.1:
        pass
    assert [await desk.heard_s(name) for name in others] == before
