"""One desk for each vendor: the real provider over real HTTP, opposite the vendor's strict simulator.

A new vendor is one function here and one line in DESKS.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from kiosk.providers.contract import Provider
from tests.contract import (
    agenthuman_desk,
    deepbrain_rig,
    liveavatar_rig,
    tenbyte_rig,
    videosdk_agent_rig,
    videosdk_ingest_rig,
)
from tests.simulators.vendor_http import Call, Fault
from tests.simulators.videosdk import DEPLOYMENT_ID

CALL_S = 5.0  # the longest wait for one answer


@dataclass(frozen=True, slots=True)
class Desk:
    """`sessions`: what the vendor knows. `is_open` and `ends` of one of them: whether it costs money, and how often its
    end was asked for. `finds_lost`: a session whose start was never answered can be found and ended."""

    provider: Provider
    fail: Callable[[str, Fault], None]
    heal: Callable[[], None]
    requests: list[Call]
    sessions: MutableMapping[str, Any]
    is_open: Callable[[Any], bool]
    ends: Callable[[Any], int]
    finds_lost: bool = False


@asynccontextmanager
async def deepbrain() -> AsyncIterator[Desk]:
    async with deepbrain_rig.rig(CALL_S) as rig:
        simulator = rig.simulator
        simulator.switches.concurrency = 1_000
        yield Desk(
            rig.provider(),
            simulator.fail,
            simulator.heal,
            simulator.requests,
            simulator.sessions,
            lambda session: session.ended_at is None,
            lambda session: int(session.stops),
        )


@asynccontextmanager
async def agenthuman() -> AsyncIterator[Desk]:
    async with agenthuman_desk.desk(CALL_S) as rig:
        vendor = rig.vendor
        vendor.calls_per_minute = 10**9
        vendor.plan.concurrent = 1_000
        yield Desk(
            rig.provider(),
            vendor.server.fail,
            vendor.server.heal,
            vendor.server.requests,
            vendor.sessions,
            lambda session: session.status == "started",
            lambda session: int(session.ends),
            finds_lost=True,
        )


@asynccontextmanager
async def videosdk_agent() -> AsyncIterator[Desk]:
    async with videosdk_agent_rig.rig(CALL_S) as rig:
        simulator = rig.simulator
        simulator.switches.becomes_after_s = 0.01
        yield Desk(
            rig.provider(deployment_id=DEPLOYMENT_ID),
            simulator.fail,
            simulator.server.heal,
            simulator.server.requests,
            simulator.sessions,
            lambda session: session.ended_at is None,
            lambda session: int(session.ends),
        )


@asynccontextmanager
async def videosdk_ingest() -> AsyncIterator[Desk]:
    """Only a socket is a session that costs; the stand-in link opens none, so an address lapses as the vendor says."""
    async with videosdk_ingest_rig.rig(CALL_S) as rig:
        simulator = rig.simulator
        yield Desk(
            rig.provider(),
            simulator.server.fail,
            simulator.server.heal,
            simulator.server.requests,
            simulator.sessions,
            lambda session: bool(session.claimed),
            lambda session: 1,
        )


@asynccontextmanager
async def tenbyte() -> AsyncIterator[Desk]:
    async with tenbyte_rig.rig(CALL_S) as rig:
        simulator = rig.simulator
        yield Desk(
            rig.host(room_id=simulator.room_id, preset_id=simulator.preset_id),
            simulator.fail,
            simulator.heal,
            simulator.requests,
            simulator.sessions,
            lambda session: session.status == "live",
            lambda session: int(session.ends) if session.starts else 1,  # what never began needs no end
        )


@asynccontextmanager
async def liveavatar() -> AsyncIterator[Desk]:
    async with liveavatar_rig.rig(CALL_S) as rig:
        simulator = rig.simulator
        yield Desk(
            rig.provider(),
            simulator.fail,
            simulator.heal,
            simulator.requests,
            simulator.sessions,
            lambda session: bool(session.open),
            lambda session: int(session.stops) if session.started_at else 1,  # a token alone costs nothing
        )


DESKS: dict[str, Callable[[], AbstractAsyncContextManager[Desk]]] = {
    "deepbrain": deepbrain,
    "agenthuman": agenthuman,
    "videosdk-agent": videosdk_agent,
    "videosdk-ingest": videosdk_ingest,
    "tenbyte": tenbyte,
    "liveavatar": liveavatar,
}
