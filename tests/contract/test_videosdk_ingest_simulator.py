"""The simulator refuses what the vendor would refuse: a client that keeps to the documents is proven by it."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType

from tests.simulators.videosdk_ingest import AGENT, ROOM, IngestSimulator

SOUND = base64.b64encode(bytes(320)).decode()


@pytest.fixture
async def far() -> AsyncIterator[IngestSimulator]:
    simulator = IngestSimulator()
    await simulator.start()
    yield simulator
    await simulator.stop()


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def create(
    far: IngestSimulator, client: aiohttp.ClientSession, body: object = None, **headers: str
) -> tuple[int, dict[str, Any]]:
    asked = {"Authorization": far.token(), **headers}
    body = {"roomId": ROOM} if body is None else body
    async with client.post(f"{far.base_url}/v2/ingest/sessions", json=body, headers=asked) as answer:
        return answer.status, await answer.json()


async def join(far: IngestSimulator, client: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
    _, answer = await create(far, client)
    socket = await client.ws_connect(answer["data"]["wsUrl"])
    await socket.send_json({"event": "start"})
    return socket


async def hear(socket: aiohttp.ClientWebSocketResponse, event: str) -> dict[str, Any]:
    """The next frame of this event."""
    while True:
        said: dict[str, Any] = json.loads((await socket.receive(timeout=20)).data)
        if said["event"] == event:
            return said


async def closed_with(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    while (await socket.receive(timeout=20)).type not in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING):
        pass
    return socket.close_code


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"roomId": ROOM}, 201),
        ({"roomId": ROOM, "participant": {}, "agent": {"id": AGENT}, "region": "us002"}, 201),
        ({}, 400),
        ({"roomId": 7}, 400),
        ({"roomId": ROOM, "participant": "x"}, 400),
        ({"roomId": ROOM, "participant": {"metadata": []}}, 400),
        ({"roomId": ROOM, "participant": {"name": 7}}, 400),
        ({"roomId": ROOM, "agent": {}}, 400),
        ({"roomId": ROOM, "agent": []}, 400),
        ({"roomId": ROOM, "agent": {"id": AGENT, "metadata": "x"}}, 400),
        ({"roomId": ROOM, "region": 2}, 400),
        ({"roomId": ROOM, "video": True}, 400),
        ([], 400),
        ({"roomId": "none-such-room"}, 404),
    ],
    ids=str,
)
async def test_bodies(far: IngestSimulator, client: aiohttp.ClientSession, body: object, status: int) -> None:
    answered, answer = await create(far, client, body)
    assert answered == status
    if status == 201:
        assert answer["message"] == "Ingest session created"
        assert set(answer["data"]) == {"wsUrl", "callId", "expiresIn"}
        assert answer["data"]["expiresIn"] == 90


async def test_headers(far: IngestSimulator, client: aiohttp.ClientSession) -> None:
    for token in ("", f"Bearer {far.token()}", "x.y.z", far.token(exp=1), far.token(apikey="x")):
        assert (await create(far, client, Authorization=token))[0] == 401
    assert (await create(far, client, Authorization=far.token(roles=["rtc"])))[0] == 403
    far.switches.accepts_prefix = True
    assert (await create(far, client, Authorization=f"Bearer {far.token()}"))[0] == 201


@pytest.mark.parametrize("refusal", [401, 403])
async def test_an_address_works_once_and_not_for_ever(
    far: IngestSimulator, client: aiohttp.ClientSession, refusal: Any
) -> None:
    far.switches.refusal = refusal
    _, answer = await create(far, client)
    await (await client.ws_connect(answer["data"]["wsUrl"])).close()
    far.switches.lifetime_s = 0.0
    _, late = await create(far, client)
    unknown = answer["data"]["wsUrl"][:-1]
    for address in (answer["data"]["wsUrl"], late["data"]["wsUrl"], unknown):
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await client.ws_connect(address)
        assert caught.value.status == refusal
    assert far.refusals == ["used", "expired", "unknown"]


async def test_a_refusal_may_also_be_a_close(far: IngestSimulator, client: aiohttp.ClientSession) -> None:
    far.switches.refusal = 1008
    assert await closed_with(await client.ws_connect(f"{far.base_url}/videosdk?ref=vs_none")) == 1008


async def test_nothing_goes_before_start(far: IngestSimulator, client: aiohttp.ClientSession) -> None:
    _, answer = await create(far, client)
    socket = await client.ws_connect(answer["data"]["wsUrl"])
    await socket.send_json({"event": "media", "payload": SOUND})
    assert await closed_with(socket) == 1008


async def test_a_second_start_changes_nothing(far: IngestSimulator, client: aiohttp.ClientSession) -> None:
    socket = await join(far, client)
    await socket.send_json({"event": "start"})
    joined = await hear(socket, "meeting-joined")
    assert joined["roomId"] == ROOM
    assert joined["sessionId"]
    await socket.send_json({"event": "stop"})
    while (frame := await socket.receive(timeout=20)).type is WSMsgType.TEXT:
        assert json.loads(frame.data)["event"] == "media"


@pytest.mark.parametrize(
    "frame",
    [
        {"event": "media"},
        {"event": "media", "payload": "*"},
        {"event": "media", "payload": "AQID"},
        {"event": "subscribe"},
        {"event": "message", "topic": "CHAT", "data": {"no": "text"}},
        {"event": "message", "data": "no topic"},
        {"event": "dance"},
    ],
    ids=str,
)
async def test_wrong_frames_are_complained_about(
    far: IngestSimulator, client: aiohttp.ClientSession, frame: object
) -> None:
    socket = await join(far, client)
    await socket.send_json(frame)
    assert await hear(socket, "error")
    assert far.seats[0].faults
    await socket.close()


async def test_messages_reach_who_subscribed(far: IngestSimulator, client: aiohttp.ClientSession) -> None:
    one, two = await join(far, client), await join(far, client)
    await far.seat(2)
    await two.send_json({"event": "subscribe", "topic": "CHAT"})
    await two.send_json({"event": "subscribe", "topic": "NEWS"})
    await two.send_json({"event": "unsubscribe", "topic": "NEWS"})
    while far.seats[1].topics != {"CHAT"} or len(far.seats[1].said) < 4:
        await hear(two, "media")
    await one.send_json({"event": "message", "topic": "NEWS", "data": "nobody listens"})
    await one.send_json({"event": "message", "topic": "CHAT", "data": "Hi"})
    assert (await hear(two, "message"))["data"] == {
        "senderId": far.seats[0].participant["id"],
        "senderName": "Socket Participant",
        "message": "Hi",
    }
    await one.send_json({"event": "stop"})
    left = await hear(two, "participant-left")
    assert left["participant"]["id"] == far.seats[0].participant["id"]
    await two.close()
    await one.close()
