"""The DeepBrain simulator is as strict as the documents: what the vendor would refuse, it refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.simulators.deepbrain import APP_ID, AVATAR_ID, USER_KEY, DeepBrainSimulator

SESSIONS = "/api/v2/sessions"
OTHER_APP, OTHER_KEY = "studiov3.other@example.com", "00000000-0000-4000-8000-000000000000"


class Vendor:
    """Speaks to the simulator without any of the kiosk's own code."""

    def __init__(self, simulator: DeepBrainSimulator, http: aiohttp.ClientSession):
        self.simulator = simulator
        self._http = http

    async def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """Status and JSON body. A body of bytes goes out as it is, without a content type."""
        content = {"data": body} if isinstance(body, bytes) else {"json": body} if body is not None else {}
        async with self._http.request(
            method, self.simulator.base_url + path, headers=headers or {}, allow_redirects=False, **content
        ) as answer:
            return answer.status, await answer.json(content_type=None)

    async def refused(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """Status and code of an answer that must be the documented envelope of an error."""
        status, envelope = await self.ask(method, path, body, headers)
        assert set(envelope) == {"code", "data", "message"}
        assert envelope["data"] is None
        assert isinstance(envelope["message"], str)
        return status, envelope["code"]

    async def token(self, app_id: str = APP_ID, user_key: str = USER_KEY) -> dict[str, str]:
        status, envelope = await self.ask("POST", f"{SESSIONS}/token", {"appId": app_id, "userKey": user_key})
        assert status == 200
        return {"Authorization": f"Bearer {envelope['data']['session_token']}"}

    async def start(self, **fields: Any) -> tuple[str, dict[str, str]]:
        bearer = await self.token()
        status, envelope = await self.ask("POST", f"{SESSIONS}/start", {"avatar_id": AVATAR_ID, **fields}, bearer)
        assert status == 200
        return envelope["data"]["session_id"], bearer


KEY = {"STUDIO-API-KEY": USER_KEY}


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    simulator = DeepBrainSimulator()
    simulator.add_app(OTHER_APP, OTHER_KEY)
    await simulator.start()
    async with aiohttp.ClientSession() as http:
        yield Vendor(simulator, http)
    await simulator.stop()


async def test_the_documented_conversation(vendor: Vendor) -> None:
    status, envelope = await vendor.ask("POST", f"{SESSIONS}/token", {"appId": APP_ID, "userKey": USER_KEY})
    assert (status, envelope["code"], envelope["message"]) == (200, 1000, "Session token has been created")
    bearer = {"Authorization": f"Bearer {envelope['data']['session_token']}"}

    body = {"avatar_id": AVATAR_ID, "greeting_text": "Welcome.", "max_session_duration": 5}
    status, envelope = await vendor.ask("POST", f"{SESSIONS}/start", body, bearer)
    assert (status, envelope["code"], envelope["message"]) == (200, 1000, "Session has been started")
    data = envelope["data"]
    assert set(data) == {"session_id", "voice_id", "max_session_duration", "max_session_numbers", "livekit"}
    assert set(data["livekit"]) == {"url", "room_name", "token"}
    assert data["max_session_duration"] == 5
    path = f"{SESSIONS}/{data['session_id']}"

    status, envelope = await vendor.ask("POST", f"{path}/talk", {"message": "Hello."}, bearer)
    assert (status, envelope) == (200, {"code": 1000, "data": None, "message": "Message has been sent"})
    assert vendor.simulator.sessions[data["session_id"]].spoken == ["Welcome.", "Hello."]

    status, envelope = await vendor.ask("GET", f"{SESSIONS}?type=active", None, KEY)
    assert envelope["message"] is None
    assert set(envelope["data"]) == {"count", "next", "previous", "results"}
    six = {"sessionId", "created_at", "updated_at", "duration", "source", "credits_consumed"}
    assert set(envelope["data"]["results"][0]) == six

    stop = {"session_id": data["session_id"], "reason": "USER_CLOSED"}
    status, envelope = await vendor.ask("POST", f"{SESSIONS}/stop", stop, KEY)
    assert (status, envelope) == (200, {"code": 1000, "data": None, "message": "Session has been stopped"})
    status, envelope = await vendor.ask("GET", path, None, KEY)
    assert set(envelope["data"]) == six | {"end_at", "end_reason"}
    assert envelope["data"]["end_reason"] == "USER_CLOSED"


@pytest.mark.parametrize(
    ("call", "field"),
    [
        ("token", "appId"),
        ("token", "userKey"),
        ("start", "avatar_id"),
        ("talk", "message"),
        ("stop", "session_id"),
        ("stop", "reason"),
    ],
)
async def test_required_fields(vendor: Vendor, call: str, field: str) -> None:
    session_id, bearer = await vendor.start()
    path, headers, body = {
        "token": (f"{SESSIONS}/token", {}, {"appId": APP_ID, "userKey": USER_KEY}),
        "start": (f"{SESSIONS}/start", bearer, {"avatar_id": AVATAR_ID}),
        "talk": (f"{SESSIONS}/{session_id}/talk", bearer, {"message": "x"}),
        "stop": (f"{SESSIONS}/stop", KEY, {"session_id": session_id, "reason": "ERROR"}),
    }[call]
    values: list[Any] = [None, 7, True, ["x"], {}, ""]
    for wrong in values:
        assert await vendor.refused("POST", path, {**body, field: wrong}, headers) == (422, 4000), wrong
    without = {name: value for name, value in body.items() if name != field}
    assert await vendor.refused("POST", path, without, headers) == (422, 4000)
    for broken in (b"{", b"[]", b""):
        with_type = {**headers, "Content-Type": "application/json"}
        assert await vendor.refused("POST", path, broken, with_type) == (400, 4000), broken
    assert await vendor.refused("POST", path, b"{}", {**headers, "Content-Type": "text/plain"}) == (400, 4000)
    assert len(vendor.simulator.open_sessions()) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"max_session_duration": "20"},
        {"max_session_duration": 1.5},
        {"max_session_duration": True},
        {"lip_audio_mode": 1},
        {"greeting_text": ["x"]},
        {"avatar_persona": "x"},
        {"avatar_persona": {"language": 1}},
        {"avatar_persona": {"llm_configurations": []}},
        {"avatar_persona": {"llm_configurations": {"provider": 1}}},
        {"avatar_persona": {"llm_configurations": {"model": {}}}},
        {"avatar_persona": {"llm_configurations": {"temperature": "hot"}}},
        {"avatar_persona": {"llm_configurations": {"custom_settings": {"system_prompt": 1}}}},
    ],
)
async def test_wrong_types_at_start(vendor: Vendor, fields: dict[str, Any]) -> None:
    body = {"avatar_id": AVATAR_ID, **fields}
    assert await vendor.refused("POST", f"{SESSIONS}/start", body, await vendor.token()) == (422, 4000)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer unknown"},
        {"Authorization": USER_KEY},
        {"Authorization": "Basic x"},
        {"STUDIO-API-KEY": USER_KEY},
        {"Authorization": f"Bearer {USER_KEY}"},
    ],
)
async def test_start_and_talk_take_a_session_token_only(vendor: Vendor, headers: dict[str, str]) -> None:
    session_id, bearer = await vendor.start()
    for path, body in (("start", {"avatar_id": AVATAR_ID}), (f"{session_id}/talk", {"message": "x"})):
        assert await vendor.refused("POST", f"{SESSIONS}/{path}", body, headers) == (401, 4010)
        lower = {"Authorization": bearer["Authorization"].replace("Bearer", "bearer")}
        assert await vendor.refused("POST", f"{SESSIONS}/{path}", body, lower) == (401, 4010)


async def test_stop_list_and_detail_take_the_account_key_only(vendor: Vendor) -> None:
    session_id, bearer = await vendor.start()
    stop = {"session_id": session_id, "reason": "ERROR"}
    for headers in ({}, bearer, {"STUDIO-API-KEY": "unknown"}, {"STUDIO-API-KEY": bearer["Authorization"]}):
        assert await vendor.refused("POST", f"{SESSIONS}/stop", stop, headers) == (401, 4010)
        assert await vendor.refused("GET", SESSIONS, None, headers) == (401, 4010)
        assert await vendor.refused("GET", f"{SESSIONS}/{session_id}", None, headers) == (401, 4010)
    assert len(vendor.simulator.open_sessions()) == 1


async def test_unknown_credentials_get_no_token(vendor: Vendor) -> None:
    for app_id, key in ((APP_ID, "x"), ("x", USER_KEY), (OTHER_APP, USER_KEY)):
        body = {"appId": app_id, "userKey": key}
        assert await vendor.refused("POST", f"{SESSIONS}/token", body) == (401, 4010)


async def test_another_customers_session_is_not_found(vendor: Vendor) -> None:
    session_id, _ = await vendor.start()
    bearer, key = await vendor.token(OTHER_APP, OTHER_KEY), {"STUDIO-API-KEY": OTHER_KEY}
    stop = {"session_id": session_id, "reason": "ERROR"}
    assert await vendor.refused("POST", f"{SESSIONS}/{session_id}/talk", {"message": "x"}, bearer) == (404, 4040)
    assert await vendor.refused("POST", f"{SESSIONS}/stop", stop, key) == (404, 4040)
    assert await vendor.refused("GET", f"{SESSIONS}/{session_id}", None, key) == (404, 4040)
    _, envelope = await vendor.ask("GET", SESSIONS, None, key)
    assert envelope["data"]["count"] == 0


@pytest.mark.parametrize(
    "query", ["page=0", "page=-1", "page=x", "page_size=0", "page_size=101", "page_size=x", "type=open", "type="]
)
async def test_the_list_refuses_what_is_out_of_range(vendor: Vendor, query: str) -> None:
    assert await vendor.refused("GET", f"{SESSIONS}?{query}", None, KEY) == (400, 4000)


@pytest.mark.parametrize("reason", ["user_closed", "DONE", "USER_CLOSED "])
async def test_stop_knows_three_reasons(vendor: Vendor, reason: str) -> None:
    session_id, _ = await vendor.start()
    body = {"session_id": session_id, "reason": reason}
    assert await vendor.refused("POST", f"{SESSIONS}/stop", body, KEY) == (400, 4000)


async def test_switches(vendor: Vendor) -> None:
    switches = vendor.simulator.switches
    session_id, bearer = await vendor.start(invented="ignored", lip_audio_mode="x", greeting_text="never spoken")
    assert vendor.simulator.sessions[session_id].spoken == []
    await vendor.simulator.expire(session_id)
    talk = f"{SESSIONS}/{session_id}/talk"
    assert await vendor.refused("POST", talk, {"message": "x"}, bearer) == (404, 4040)
    switches.talk_after_stop_code = 4000
    assert await vendor.refused("POST", talk, {"message": "x"}, bearer) == (400, 4000)
    switches.reject_unknown_fields = True
    body = {"avatar_id": AVATAR_ID, "invented": 1}
    assert await vendor.refused("POST", f"{SESSIONS}/start", body, bearer) == (422, 4000)
    switches.concurrency = 0
    assert await vendor.refused("POST", f"{SESSIONS}/start", {"avatar_id": AVATAR_ID}, bearer) == (429, 4290)
    switches.rate_limit_after = 1
    await vendor.token()
    assert await vendor.refused("GET", SESSIONS, None, KEY) == (429, 4290)
    vendor.simulator.heal()
    vendor.simulator.fail_with("list", 5000, Retry_After="3")
    assert await vendor.refused("GET", SESSIONS, None, KEY) == (500, 5000)
    assert (await vendor.ask("GET", SESSIONS, None, KEY))[0] == 200


async def test_an_avatar_can_be_plugged_in() -> None:
    happened: list[tuple[str, ...]] = []

    class Rooms:
        url = "ws://127.0.0.1:1"

        def token(self, identity: str, room: str, **grants: Any) -> str:
            return f"token of {identity} for {room}"

    async def started(session_id: str, room: str, body: dict[str, Any]) -> None:
        happened.append(("start", session_id, room, body["avatar_id"]))

    async def talked(session_id: str, text: str) -> None:
        happened.append(("talk", session_id, text))

    async def stopped(session_id: str) -> None:
        happened.append(("stop", session_id))

    simulator = DeepBrainSimulator(Rooms(), on_start=started, on_talk=talked, on_stop=stopped)
    await simulator.start()
    async with aiohttp.ClientSession() as http:
        vendor = Vendor(simulator, http)
        body = {"avatar_id": AVATAR_ID, "greeting_text": "Hi."}
        _, envelope = await vendor.ask("POST", f"{SESSIONS}/start", body, await vendor.token())
        data = envelope["data"]
        session_id, room = data["session_id"], data["livekit"]["room_name"]
        assert data["livekit"] == {"url": Rooms.url, "room_name": room, "token": f"token of visitor-1 for {room}"}
        await vendor.ask("POST", f"{SESSIONS}/stop", {"session_id": session_id, "reason": "TIMEOUT"}, KEY)
    await simulator.stop()
    assert happened == [("start", session_id, room, AVATAR_ID), ("talk", session_id, "Hi."), ("stop", session_id)]
