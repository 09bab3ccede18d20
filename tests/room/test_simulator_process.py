"""`python -m tests.simulators` as a script uses it: one line, a vendor's API, a real room, commands, a clean end."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from livekit import rtc

from kiosk.providers.registry import load_providers
from tests.simulators.__main__ import VENDORS

REPOSITORY = Path(__file__).resolve().parents[2]
QUICK = ("--avatar-size", "160x120", "--fps", "10", "--greeting", "Hello.")


class Simulator:
    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "tests.simulators", *arguments, *QUICK]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=REPOSITORY)
        assert self.process.stdout is not None
        self.ready: dict[str, Any] = json.loads(self.process.stdout.readline())

    def status(self) -> dict[str, Any]:
        answer: dict[str, Any] = httpx.get(self.ready["status"]).raise_for_status().json()
        return answer

    def command(self, **order: object) -> httpx.Response:
        return httpx.post(self.ready["command"], json=order, timeout=20)

    def stop(self) -> int:
        """By SIGTERM, unless it has ended; anything after the one line would fail here."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        rest, _ = self.process.communicate(timeout=20)
        assert rest == ""
        return self.process.returncode


def ask(method: str, url: str, **request: Any) -> httpx.Response:
    return httpx.request(method, url, timeout=10, **request)


@pytest.fixture
def deepbrain() -> Iterator[Simulator]:
    simulator = Simulator("deepbrain")
    yield simulator
    assert simulator.stop() == 0


async def until(condition: Any, within_s: float = 15.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.05)


async def test_a_session_from_start_to_stop(deepbrain: Simulator, tmp_path: Path) -> None:
    table = deepbrain.ready["settings"]["providers"]["deepbrain"]
    base = table["base_url"] + "/api/v2/sessions"
    key = deepbrain.ready["env"]["KIOSK_DEEPBRAIN_USER_KEY"]
    token = ask("POST", f"{base}/token", json={"appId": table["app_id"], "userKey": key}).json()["data"]
    bearer = {"Authorization": f"Bearer {token['session_token']}"}
    body = {"avatar_id": table["avatar_id"], "greeting_text": table["greeting_text"]}
    session = ask("POST", f"{base}/start", headers=bearer, json=body).json()["data"]

    room, tracks = rtc.Room(), set()
    room.on("track_subscribed", lambda track, *_: tracks.add(track.kind))
    await room.connect(session["livekit"]["url"], session["livekit"]["token"])
    try:
        await until(lambda: tracks == {rtc.TrackKind.KIND_AUDIO, rtc.TrackKind.KIND_VIDEO})
        await until(lambda: deepbrain.status()["speaking"])  # the greeting, by the vendor itself
        status = deepbrain.status()
        assert status["open_sessions"] == 1
        assert status["avatars"] == 1
        assert [call["endpoint"] for call in status["requests"]] == ["token", "start"]

        assert deepbrain.command(do="freeze").json() == {"ok": True}
        assert deepbrain.command(do="dance").status_code == 400
        assert deepbrain.command(do="save_heard", path=str(tmp_path / "heard.wav")).json()["ok"]
        deepbrain.command(do="fail", endpoint="detail", status=500, body={"code": 5000})
        detail = f"{base}/{session['session_id']}"
        assert ask("GET", detail, headers={"STUDIO-API-KEY": key}).status_code == 500

        stop = {"session_id": session["session_id"], "reason": "USER_CLOSED"}
        assert ask("POST", f"{base}/stop", headers={"STUDIO-API-KEY": key}, json=stop).status_code == 200
        await until(lambda: not room.remote_participants)
        status = deepbrain.status()
        assert (status["open_sessions"], status["avatars"], status["faults"]) == (0, 0, [])
        assert status["sessions"][0]["end_reason"] == "USER_CLOSED"
    finally:
        await room.disconnect()


def test_every_provider_has_a_simulator() -> None:
    assert set(VENDORS) == set(load_providers()) - {"local"}


@pytest.mark.parametrize("arguments", [("livekit",), ("agenthuman",), ("liveavatar",)])
def test_each_vendor_starts_and_ends_with_its_standard_input(arguments: tuple[str, ...]) -> None:
    simulator = Simulator(*arguments)
    settings = simulator.ready["settings"]
    assert settings["session"]["provider"] == arguments[0]
    assert arguments[0] in settings["providers"]
    assert simulator.process.stdin is not None
    simulator.process.stdin.close()
    assert simulator.process.wait(20) == 0
    simulator.process.stdin = None
    assert simulator.stop() == 0
