"""The LiveAvatar simulator refuses what the vendor would refuse: else the provider's tests would prove nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from kiosk.providers.http import HttpAnswer
from tests.contract.liveavatar_rig import Rig, rig
from tests.simulators.liveavatar import API_KEY, AVATAR_ID, CONTEXT_ID, VOICE_AGENT_ID

KEY = {"X-API-KEY": API_KEY}
LEAST: dict[str, Any] = {"mode": "FULL", "avatar_id": AVATAR_ID, "avatar_persona": {"context_id": CONTEXT_ID}}


@pytest.fixture
async def desk() -> AsyncIterator[Rig]:
    async with rig() as made:
        yield made


async def post(desk: Rig, path: str, headers: dict[str, str], body: Any = None) -> HttpAnswer:
    url = f"{desk.simulator.base_url}/v1/sessions/{path}"
    return await desk.http.request("POST", url, what="test", headers=headers, json=body)


async def session_token(desk: Rig) -> tuple[str, str]:
    answer = await post(desk, "token", KEY, LEAST)
    assert answer.status == 200
    assert isinstance(answer.json, dict)
    return answer.json["data"]["session_id"], answer.json["data"]["session_token"]


@pytest.mark.parametrize(
    "change",
    [
        {"avatar_id": "front-desk"},
        {"avatar_id": None},
        {"mode": "CUSTOM"},
        {"avatar_persona": None},
        {"voice_agent": {"id": VOICE_AGENT_ID}},
        {"avatar_persona": {"context_id": "a context"}},
        {"avatar_persona": {"system_prompt": "x"}},
        {"video_settings": {"quality": "best"}},
        {"video_settings": {"encoding": "AV1"}},
        {"max_session_duration": "300"},
        {"is_sandbox": "yes"},
        {"dynamic_variables": {"x" * 65: "y"}},
        {"dynamic_variables": {"x": "y" * 1001}},
        {"dynamic_variables": {f"x{number}": "y" for number in range(51)}},
        {"llm_configuration_id": "gpt"},
        {"invented": 1},
    ],
)
async def test_a_token_for_nonsense_is_refused(desk: Rig, change: dict[str, Any]) -> None:
    body = {name: value for name, value in {**LEAST, **change}.items() if value is not None}
    assert (await post(desk, "token", KEY, body)).status == 422


@pytest.mark.parametrize("headers", [{}, {"X-API-KEY": "wrong"}, {"Authorization": f"Bearer {API_KEY}"}])
async def test_a_token_needs_the_key_in_its_own_header(desk: Rig, headers: dict[str, str]) -> None:
    assert (await post(desk, "token", headers, LEAST)).status == 401


async def test_a_start_needs_the_session_token_and_no_body(desk: Rig) -> None:
    _, token = await session_token(desk)
    bearer = {"Authorization": f"Bearer {token}"}
    assert (await post(desk, "start", KEY)).status == 401
    assert (await post(desk, "start", {**KEY, **bearer})).status == 401
    assert (await post(desk, "start", bearer, {})).status == 422
    assert (await post(desk, "start", bearer)).status == 201


@pytest.mark.parametrize("path", ["stop", "keep-alive"])
async def test_the_other_calls_take_a_key_with_an_id_or_a_session_token(desk: Rig, path: str) -> None:
    session_id, token = await session_token(desk)
    _, another = await session_token(desk)
    bearer = {"Authorization": f"Bearer {token}"}
    await post(desk, "start", bearer)
    named = {"session_id": session_id}
    assert (await post(desk, path, {}, named)).status == 401
    assert (await post(desk, path, {**KEY, **bearer}, named)).status == 401
    assert (await post(desk, path, KEY, {})).status == 422
    assert (await post(desk, path, KEY, {"session_id": "one"})).status == 422
    assert (await post(desk, path, KEY, {**named, "reason": "BORED"})).status == 422
    assert (await post(desk, path, {"Authorization": f"Bearer {another}"}, named)).status == 404
    assert (await post(desk, path, bearer, {})).status == 200
