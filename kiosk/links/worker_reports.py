"""What an avatar worker tells its agent: `lk.playback_started` and `lk.playback_finished`, in order.

The agent's framework unpacks the report strictly: one key more and the call fails. It counts its segments, so each of
them is reported exactly once.
"""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass

from livekit import rtc

from kiosk.links.worker_speech import RATE

log = logging.getLogger("kiosk.worker")

STARTED_METHOD = "lk.playback_started"
FINISHED_METHOD = "lk.playback_finished"
TRIES = 3
PAUSE_S = 0.1
RESPONSE_TIMEOUT_S = 2.0
MAX_WAITING = 256
REPLY_FIRST_S = 0.1
"""A report that overtakes the reply to the clear which caused it makes some senders wait for a second one."""


@dataclass(frozen=True, slots=True)
class _Report:
    to: str
    method: str
    payload: str = ""
    tries: int = 1
    pause_s: float = 0.0  # before it is sent


class WorkerReports:
    """One task sends one report after the other. Needs a room that is joined.

    Whoever just spoke may not stand in the list of participants yet: a server tells of those who publish nothing only
    every few seconds. So a sender counts as here until it was seen to leave.
    """

    def __init__(self, room: rtc.Room):
        self._room = room
        self._left: set[str] = set()
        room.on("participant_connected", self._on_connected)
        room.on("participant_disconnected", self._on_disconnected)
        self._queue: asyncio.Queue[_Report] = asyncio.Queue(MAX_WAITING)
        self._without_start: set[str] = set()  # agents that do not want to know when speech starts
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name="worker reports")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def started(self, sender: str) -> None:
        if sender not in self._without_start:
            self._put(_Report(sender, STARTED_METHOD))

    def finished(self, sender: str, played_s: float, interrupted: bool) -> None:
        """`played_s`: seconds of the segment that left the worker."""
        report = {
            "playback_position": round(played_s * RATE) / RATE,
            "interrupted": interrupted,
            "synchronized_transcript": None,
        }
        self._put(_Report(sender, FINISHED_METHOD, json.dumps(report), TRIES, REPLY_FIRST_S if interrupted else 0.0))

    def _on_connected(self, participant: rtc.RemoteParticipant) -> None:
        self._left.discard(participant.identity)

    def _on_disconnected(self, participant: rtc.RemoteParticipant) -> None:
        self._left.add(participant.identity)

    def _put(self, report: _Report) -> None:
        try:
            self._queue.put_nowait(report)
        except asyncio.QueueFull:
            log.warning("the agent takes no reports; one is left out")

    async def _run(self) -> None:
        while True:
            await self._send(await self._queue.get())

    async def _send(self, report: _Report) -> None:
        await asyncio.sleep(report.pause_s)
        for left in reversed(range(report.tries)):
            if report.to in self._left:
                return  # a call to somebody who left hangs for 7 s
            try:
                answer = await self._room.local_participant.perform_rpc(
                    destination_identity=report.to,
                    method=report.method,
                    payload=report.payload,
                    response_timeout=RESPONSE_TIMEOUT_S,
                )
            except rtc.RpcError as error:
                if report.method == STARTED_METHOD:
                    self._without_start.add(report.to)
                    log.info("the agent does not ask when speech starts (code %d)", error.code)
                elif left:
                    await asyncio.sleep(PAUSE_S)
                else:
                    log.warning("the agent did not take a report (code %d)", error.code)
            else:
                if answer == "reject":
                    log.warning("the agent rejects a report: it expects another avatar than this one")
                return
