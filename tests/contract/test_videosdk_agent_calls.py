"""The VideoSDK agent provider against its strict simulator: what goes out, and what becomes of the answers."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator, Callable
from typing import Any

import jwt
import pytest
from pydantic import ValidationError

from kiosk.providers.contract import EndReason, Misconfigured, SessionRef, Unavailable, VideoSdkGrant, Visit
from kiosk.providers.http import AnswerLost
from kiosk.providers.registry import load_providers
from kiosk.providers.videosdk_agent import VISIT_KEY, require_package
from kiosk.providers.videosdk_agent_settings import VideoSdkAgentSettings
from kiosk.providers.videosdk_token import TOKEN
from tests.contract.videosdk_agent_rig import Rig, rig
from tests.simulators.vendor_http import Fault, Reply
from tests.simulators.videosdk import AGENT_ID, DEPLOYMENT_ID, EVENTS, SECRET

VISIT = Visit("visit-1")


@pytest.fixture
async def desk() -> AsyncIterator[Rig]:
    async with rig() as made:
        yield made


async def started(desk: Rig, **table: Any) -> VideoSdkGrant:
    grant = await desk.provider(**table).start(VISIT)
    assert isinstance(grant, VideoSdkGrant)
    return grant


async def test_every_documented_field_goes_out_as_documented(desk: Rig) -> None:
    grant = await started(
        desk,
        deployment_id=DEPLOYMENT_ID,
        tag="v1.0",
        env={"LANGUAGE": "de"},
        meta_data={"desk": "north", "floor": 2},
        webhook={"end_point": "https://hooks.example.com/videosdk"},
    )
    (call,) = desk.simulator.calls("start")
    assert (call.method, call.path) == ("POST", "/ai/v1/ai-deployment-sessions/start")
    assert call.headers["Content-Type"] == "application/json"
    assert call.body == {
        "deploymentId": DEPLOYMENT_ID,
        "tag": "v1.0",
        "env": {"LANGUAGE": "de", "VIDEOSDK_ROOM_ID": grant.room_id},
        "metaData": {"desk": "north", "floor": 2, VISIT_KEY: "visit-1"},
        "webhook": {"endPoint": "https://hooks.example.com/videosdk", "events": list(EVENTS)},
    }
    assert grant.session.session_id in desk.simulator.sessions


async def test_what_is_not_set_is_left_out(desk: Rig) -> None:
    await started(desk, room_env="")
    assert desk.simulator.calls("start")[0].body == {"metaData": {VISIT_KEY: "visit-1"}}


async def test_the_header_is_the_bare_token_with_the_claims_of_the_guide(desk: Rig) -> None:
    await started(desk)
    assert {call.endpoint for call in desk.simulator.server.requests} == {"create_room", "start", "get"}
    for call in desk.simulator.server.requests:
        token = call.headers["Authorization"]
        assert not token.startswith(("Bearer", "Basic"))
        claims = jwt.decode(token, SECRET, algorithms=["HS256"])
        assert claims["roles"] == ["crawler"]
        assert claims["exp"] - claims["iat"] <= 600


async def test_a_given_token_goes_out_as_it_is_and_joins_the_room_too(desk: Rig) -> None:
    token = desk.simulator.token()
    grant = await desk.provider({TOKEN: token}).start(VISIT)
    assert isinstance(grant, VideoSdkGrant)
    assert {call.headers["Authorization"] for call in desk.simulator.server.requests} == {token}
    assert grant.token == token


async def test_the_grant_joins_the_room_that_the_agent_was_told(desk: Rig) -> None:
    grant = await started(desk, participant_name="Front desk", agent_participant="ag-1", chat_topic="DESK")
    session = desk.simulator.sessions[str(grant.session.session_id)]
    assert session.room_id == grant.room_id in desk.simulator.rooms
    claims = jwt.decode(grant.token, SECRET, algorithms=["HS256"])
    assert (claims["roomId"], claims["participantId"]) == (grant.room_id, grant.participant)
    assert claims["roles"] == ["rtc"]
    assert (grant.name, grant.agent, grant.topic) == ("Front desk", "ag-1", "DESK")
    assert f"http://{grant.api_host}" == desk.simulator.base_url
    assert grant.token not in repr(grant)


async def test_a_given_room_is_looked_up_once_and_used(desk: Rig) -> None:
    room = desk.simulator.add_room()
    provider = desk.provider(room_id=room)
    for visit in ("one", "two"):
        grant = await provider.start(Visit(visit))
        assert isinstance(grant, VideoSdkGrant)
        assert grant.room_id == room
    assert [call.path for call in desk.simulator.calls("validate_room")] == [f"/v2/rooms/validate/{room}"]
    assert not desk.simulator.calls("create_room")


@pytest.mark.parametrize("status", [400, 402, 404])
async def test_a_room_that_does_not_exist_is_told_before_anything_costs_money(desk: Rig, status: int) -> None:
    desk.simulator.switches.unknown_room_status = status
    with pytest.raises(Misconfigured) as caught:
        await started(desk, room_id="nobo-dyhe-rexx")
    assert "room_id" in caught.value.operator_line
    assert caught.value.session is None
    assert not desk.simulator.calls("start")


async def test_a_disabled_room_is_no_room(desk: Rig) -> None:
    room = desk.simulator.add_room(disabled=True)
    with pytest.raises(Misconfigured, match="disabled"):
        await started(desk, room_id=room)


@pytest.mark.parametrize("word", ["started", "running", "ongoing", "Running"])
async def test_the_session_is_asked_until_it_runs(desk: Rig, word: str) -> None:
    desk.simulator.fail("get", Fault(Reply(200, {"status": "queued"})), 3)
    desk.simulator.fail("get", Fault(Reply(200, {"status": word})))
    await started(desk)
    assert len(desk.simulator.calls("get")) == 4


@pytest.mark.parametrize("word", ["queued", "warming-up", "", "<script>"])
async def test_a_session_that_never_runs_is_given_up_and_named_for_its_end(desk: Rig, word: str) -> None:
    desk.simulator.switches.becomes = word
    with pytest.raises(Unavailable) as caught:
        await started(desk, ready_s=0.3)
    assert "did not run within 0.3 s" in caught.value.operator_line
    session = caught.value.session
    assert session is not None
    await desk.provider().end(session, EndReason.FAULT)
    assert not desk.simulator.open_sessions()


@pytest.mark.parametrize("word", ["failed", "completed", "error", "stopped"])
async def test_a_session_that_fails_at_once_is_told_at_once(desk: Rig, word: str) -> None:
    desk.simulator.switches.becomes = word
    with pytest.raises(Unavailable) as caught:
        await started(desk, ready_s=60)
    assert word in caught.value.operator_line
    assert caught.value.session is not None


async def test_faults_while_asking_are_borne_until_the_deadline(desk: Rig, expected_log: Callable[[str], None]) -> None:
    expected_log("kiosk.http: Read session")
    desk.simulator.fail("get", Fault(Reply(503, {"message": "busy"})), 2)
    desk.simulator.fail("get", Fault(Reply(404, {"message": "not yet"})))
    desk.simulator.fail("get", Fault(truncated=True))
    desk.simulator.fail("get", Fault(Reply(200, {"status": ["started"]})))
    await started(desk)
    assert len(desk.simulator.calls("get")) >= 6


async def test_a_token_that_is_refused_while_asking_ends_what_was_started(desk: Rig) -> None:
    desk.simulator.fail("get", Fault(Reply(401, {"message": "Token is expired"})))
    with pytest.raises(Misconfigured) as caught:
        await started(desk)
    assert caught.value.session is not None
    assert caught.value.session.session_id in desk.simulator.sessions


async def test_without_asking_the_room_tells(desk: Rig) -> None:
    await started(desk, ready_s=0)
    assert not desk.simulator.calls("get")


# The end.


@pytest.mark.parametrize("status", [200, 400, 404, 409])
async def test_ending_twice_is_ending_once(desk: Rig, status: int) -> None:
    desk.simulator.switches.ended_twice_status = status
    provider = desk.provider()
    grant = await provider.start(VISIT)
    await provider.end(grant.session, EndReason.VISITOR_LEFT)
    await provider.end(grant.session, EndReason.ORPHAN)
    assert [call.body for call in desk.simulator.calls("end")] == [{"sessionId": grant.session.session_id}] * 2
    assert not desk.simulator.open_sessions()


async def test_a_session_that_nobody_knows_counts_as_ended(desk: Rig) -> None:
    await desk.provider().end(SessionRef("videosdk-agent", "v", "long-gone", 0.0), EndReason.ORPHAN)


async def test_an_end_that_is_refused_is_not_taken_for_one(desk: Rig) -> None:
    provider = desk.provider()
    grant = await provider.start(VISIT)
    desk.simulator.fail("end", Fault(Reply(500, {"error": "oops"})))
    with pytest.raises(Unavailable):
        await provider.end(grant.session, EndReason.IDLE)
    assert desk.simulator.open_sessions()


async def test_a_start_whose_answer_was_lost_is_found_by_its_visit_and_ended(desk: Rig) -> None:
    """Also on the last of several pages, spelt as the list spells it, and nobody else's session is touched."""
    provider = desk.provider()
    desk.simulator.fail("start", Fault(Reply(502, "bad gateway"), after_work=True))
    with pytest.raises(AnswerLost) as caught:
        await provider.start(VISIT)
    session = caught.value.session
    assert session is not None
    assert session.session_id is None
    for number in range(105):
        await provider.sessions.start({"metaData": {VISIT_KEY: f"other-{number}"}}, session)
    await provider.end(session, EndReason.ORPHAN)
    ended = [one for one in desk.simulator.sessions.values() if one.ended_at is not None]
    assert [one.body["metaData"][VISIT_KEY] for one in ended] == ["visit-1"]
    assert [call.query["page"] for call in desk.simulator.calls("list")] == ["1", "2", "3"]


async def test_a_list_that_repeats_itself_comes_to_an_end(desk: Rig) -> None:
    entry = {"sessionId": "s1", "status": "started", "metadata": {}}
    desk.simulator.fail("list", Fault(Reply(200, {"data": [entry], "pageInfo": {"lastPage": 99}})), 60)
    assert [one.session_id for one in await desk.provider().sessions.all()] == ["s1"]
    assert len(desk.simulator.calls("list")) == 2


# Dispatch, the other way.


async def test_dispatch_names_the_room_in_the_call(desk: Rig) -> None:
    table: dict[str, Any] = {
        "start_by": "dispatch",
        "agent_id": AGENT_ID,
        "version_id": "v7",
        "meta_data": {"desk": "north"},
    }
    provider = desk.provider(**table)
    grant = await provider.start(VISIT)
    assert isinstance(grant, VideoSdkGrant)
    assert desk.simulator.dispatched == [
        {
            "meetingId": grant.room_id,
            "agentId": AGENT_ID,
            "versionId": "v7",
            "metadata": {"desk": "north"},
            "roomOptions": {"sessionTimeoutSeconds": 60},
        }
    ]
    assert not desk.simulator.calls("start")
    # What is written into the ledger is enough to end it from another process.
    await desk.provider(**table).end(grant.session, EndReason.ORPHAN)
    assert desk.simulator.calls("end_room")[0].body == {"roomId": grant.room_id}


@pytest.mark.parametrize("status", [200, 404, 503])
async def test_no_worker_is_asked_for_three_times(desk: Rig, status: int) -> None:
    desk.simulator.switches.workers = 0
    desk.simulator.switches.no_worker_status = status
    with pytest.raises(Exception, match="No workers available") as caught:
        await started(desk, start_by="dispatch", agent_id=AGENT_ID)
    assert caught.type.__name__ == "Busy"
    assert len(desk.simulator.calls("dispatch")) == 3


async def test_a_worker_that_comes_free_takes_the_agent_on(desk: Rig) -> None:
    desk.simulator.fail("dispatch", Fault(Reply(200, {"message": "ok", "data": {"success": "true"}})))
    desk.simulator.fail("dispatch", Fault(Reply(200, {"message": "ok", "data": {"success": False}})))
    await started(desk, start_by="dispatch", agent_id=AGENT_ID)
    assert len(desk.simulator.dispatched) == 1


async def test_an_unknown_agent_is_the_operators_to_mend(desk: Rig) -> None:
    with pytest.raises(Misconfigured, match="agent_id"):
        await started(desk, start_by="dispatch", agent_id="nobody")


async def test_an_agent_that_comes_by_itself_costs_no_call(desk: Rig) -> None:
    room = desk.simulator.add_room()
    provider = desk.provider(start_by="nobody", room_id=room)
    grant = await provider.start(VISIT)
    await provider.end(grant.session, EndReason.IDLE)
    assert [call.endpoint for call in desk.simulator.server.requests] == ["validate_room"]


# Renewal, after the link was lost.


async def test_a_lost_room_is_joined_anew_once_as_somebody_else(desk: Rig) -> None:
    provider = desk.provider()
    grant = await provider.start(VISIT)
    fresh = await provider.renew(grant)
    assert isinstance(grant, VideoSdkGrant)
    assert isinstance(fresh, VideoSdkGrant)
    assert (fresh.session, fresh.room_id) == (grant.session, grant.room_id)
    assert fresh.participant != grant.participant
    assert jwt.decode(fresh.token, SECRET, algorithms=["HS256"])["participantId"] == fresh.participant
    with pytest.raises(Unavailable, match="new session"):
        await provider.renew(fresh)


async def test_a_session_that_ended_meanwhile_is_not_joined_anew(desk: Rig) -> None:
    provider = desk.provider()
    grant = await provider.start(VISIT)
    await provider.end(grant.session, EndReason.FAULT)
    with pytest.raises(Unavailable, match="has ended"):
        await provider.renew(grant)


# Settings, and what the doctor asks.


@pytest.mark.parametrize("name", ["Reception Agent", "AGENT", "agent-desk", "Reagent"])
def test_a_name_that_agents_do_not_listen_to_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="agents do not listen"):
        VideoSdkAgentSettings.model_validate({"participant_name": name})


@pytest.mark.parametrize(
    "table",
    [
        {"start_by": "dispatch"},
        {"start_by": "nobody"},
        {"start_by": "magic"},
        {"base_url": "http://api.example.com"},
        {"base_url": "https://user:pass@api.example.com"},
        {"room_id": "a b"},
        {"room_id": "../rooms"},
        {"env": {"A": 1}},
        {"webhook": {"end_point": "https://x.example", "events": ["ai-deployment-session-exploded"]}},
        {"webhook": {"end_point": "http://x.example"}},
        {"room_env": "A=B"},
        {"unknown": 1},
    ],
)
def test_settings_that_cannot_work_are_refused(table: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        VideoSdkAgentSettings.model_validate(table)


def test_a_missing_package_is_told_before_a_session_costs_money() -> None:
    with pytest.raises(Misconfigured, match=r"pip install avatar-kiosk\[videosdk\]"):
        require_package(find=lambda _: None)
    require_package()


def test_what_is_to_be_loaded_beforehand_exists() -> None:
    """A name that is wrong would only be slow, and nobody would notice."""
    names = [name for entry in load_providers().values() for name in entry.preload]
    assert names == ["kiosk.links.videosdk_client"]
    assert all(importlib.util.find_spec(name) is not None for name in names)
    assert load_providers()["videosdk-agent"].settings is VideoSdkAgentSettings


async def test_the_doctors_question_costs_nothing(desk: Rig) -> None:
    assert "access accepted" in await desk.provider().check()
    room = desk.simulator.add_room()
    assert "room exists" in await desk.provider(room_id=room).check()
    assert {call.method for call in desk.simulator.server.requests} == {"GET"}
