"""What the Tenbyte provider asks, field by field, and what it makes of the answers: as viewer and as host."""

from __future__ import annotations

import sys
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import ValidationError

from kiosk.providers.contract import (
    EndReason,
    Fact,
    Grant,
    LiveKitGrant,
    Misconfigured,
    SessionRef,
    SpeechRoute,
    StagePersona,
    Visit,
)
from kiosk.providers.http import HttpClient
from kiosk.providers.tenbyte_answers import API_KEY, TOKEN
from kiosk.providers.tenbyte_settings import TenbyteSettings
from tests.contract.deepbrain_rig import NOW, client
from tests.contract.tenbyte_rig import ROOM_SERVER, Rig, make_provider, rig
from tests.simulators.tenbyte import PATH, STEPS

VISIT = Visit("visit-1", "de")


@pytest.fixture
async def stage() -> AsyncIterator[Rig]:
    async with rig() as made:
        yield made


def livekit(grant: Grant) -> LiveKitGrant:
    assert isinstance(grant, LiveKitGrant)
    return grant


def facts(grant: Grant) -> dict[str, Fact]:
    return {fact.label: fact for fact in livekit(grant).facts}


def endpoints(stage: Rig) -> list[str]:
    return [call.endpoint for call in stage.simulator.requests]


async def test_a_viewer_joins_and_ends_nothing(stage: Rig) -> None:
    stage.session.status = "live"
    provider = stage.viewer()
    grant = livekit(await provider.start(VISIT))
    assert grant.url == ROOM_SERVER
    assert grant.token == stage.session.tokens[-1]
    assert grant.room == stage.session.room
    assert grant.session == SessionRef("tenbyte", "visit-1", None, NOW)
    assert (grant.may_be_empty, grant.stage_persona, grant.avatar_identity) == (True, None, None)
    assert grant.speech is SpeechRoute.NONE
    assert facts(grant)["May publish"].value == "no"
    (call,) = stage.simulator.requests
    assert (call.method, call.path) == ("POST", f"{PATH}/sessions/{stage.session.session_id}/join")
    assert (call.raw, call.headers["Authorization"]) == (b"", f"Bearer {stage.simulator.viewer_token}")
    assert "X-API-Key" not in call.headers
    for reason in EndReason:
        await provider.end(grant.session, reason)
    assert endpoints(stage) == ["join"]
    assert stage.session.status == "live"


async def test_a_host_starts_and_ends(stage: Rig) -> None:
    provider = stage.host(shown="guest of honour")
    grant = livekit(await provider.start(VISIT))
    assert grant.session.session_id == stage.session.session_id
    assert grant.avatar_identity == "guest of honour"
    (call,) = stage.simulator.requests
    assert (call.method, call.path) == ("POST", f"{PATH}/sessions/{stage.session.session_id}/start")
    assert (call.raw, call.headers["Authorization"]) == (b"", f"Bearer {stage.simulator.host_token}")
    await provider.end(grant.session, EndReason.VISITOR_LEFT)
    assert (stage.session.status, stage.session.ends) == ("ended", 1)
    assert stage.simulator.calls("end")[0].raw == b""


async def test_the_key_goes_into_a_header_of_its_own(stage: Rig) -> None:
    grant = await stage.host({API_KEY: stage.simulator.api_key}).start(VISIT)
    assert grant.session.session_id == stage.session.session_id
    headers = stage.simulator.requests[0].headers
    assert headers["X-API-Key"] == stage.simulator.api_key
    assert "Authorization" not in headers


async def test_of_two_secrets_one_is_sent(stage: Rig) -> None:
    await stage.host({TOKEN: stage.simulator.host_token, API_KEY: stage.simulator.api_key}).start(VISIT)
    assert "X-API-Key" not in stage.simulator.requests[0].headers


async def test_a_start_that_leaves_it_scheduled_is_followed_by_going_live_once(stage: Rig) -> None:
    stage.simulator.switches.start_goes_live = False
    grant = await stage.host().start(VISIT)
    assert endpoints(stage) == ["start", "session", "go_live"]
    assert "Authorization" not in stage.simulator.calls("session")[0].headers, "public reads need none"
    assert stage.session.status == "live"
    assert livekit(grant).token == stage.session.tokens[-1]
    assert facts(grant)["Status"].value == "live"


async def test_going_live_can_be_left_to_somebody_else(stage: Rig) -> None:
    stage.simulator.switches.start_goes_live = False
    grant = await stage.host(go_live=False).start(VISIT)
    assert endpoints(stage) == ["start", "session"]
    assert facts(grant)["Status"].value == "scheduled"


async def test_a_new_session_for_each_visit(stage: Rig) -> None:
    room, preset = stage.simulator.room_id, stage.simulator.preset_id
    provider = stage.host(room_id=room, preset_id=preset, title="Front desk, north")
    seen = []
    for _ in range(2):
        grant = await provider.start(VISIT)
        await provider.end(grant.session, EndReason.IDLE)
        seen.append(grant.session.session_id or "")
    assert len(set(seen)) == 2
    assert all(stage.simulator.sessions[session_id].status == "ended" for session_id in seen)
    create = stage.simulator.calls("create")[0]
    assert (create.method, create.path) == ("POST", f"{PATH}/rooms/{stage.simulator.room_id}/sessions")
    assert create.body == {"title": "Front desk, north", "preset_id": stage.simulator.preset_id}


async def test_rtmp_comes_to_the_operator_alone(stage: Rig) -> None:
    stage.session.preset = "rtmp"
    grant = await stage.host().start(VISIT)
    shown = facts(grant)
    assert shown["RTMP server"] == Fact("RTMP server", "rtmp://ingest.invalid/live")
    assert shown["Stream key"] == Fact("Stream key", stage.session.stream_key, secret=True)
    assert [shown[f"Step {number}"].value for number in (1, 2, 3)] == list(STEPS.values())
    assert "WHIP address" not in shown
    assert stage.session.stream_key not in repr(grant)
    assert livekit(grant).token not in repr(grant)


async def test_an_instruction_that_repeats_the_key_is_as_secret_as_the_key(
    stage: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.session.preset, stage.session.stream_key = "rtmp", "sk_planted"
    monkeypatch.setitem(STEPS, "step2", "Enter sk_planted as the stream key.")
    shown = facts(await stage.host().start(VISIT))
    assert [shown[f"Step {number}"].secret for number in (1, 2, 3)] == [False, True, False]


@pytest.mark.parametrize("publish", ["both", "null", "missing"])
async def test_no_member_but_the_token_is_needed(stage: Rig, publish: Any) -> None:
    stage.simulator.switches.publish = publish
    shown = facts(await stage.host().start(VISIT))
    assert ("RTMP server" in shown, "WHIP address" in shown) == ((True, True) if publish == "both" else (False, False))


async def test_a_start_without_a_token_asks_for_one_by_joining(stage: Rig) -> None:
    stage.simulator.switches.start_without_token = True
    grant = await stage.host().start(VISIT)
    assert endpoints(stage) == ["start", "join"]
    assert livekit(grant).token == stage.session.tokens[-1]
    assert grant.session.session_id == stage.session.session_id, "it is ours to end all the same"


@pytest.mark.parametrize("status", [409, 422])
async def test_a_session_that_is_live_already_is_taken_over(stage: Rig, status: int) -> None:
    stage.session.status = "live"
    stage.simulator.switches.started_again = status
    grant = await stage.host().start(VISIT)
    assert endpoints(stage) == ["start", "session", "join"]
    assert grant.session.session_id == stage.session.session_id


@pytest.mark.parametrize("again", [200, 409])
async def test_a_lost_room_is_joined_again_in_the_same_session(stage: Rig, again: int) -> None:
    stage.simulator.switches.started_again = again
    provider = stage.host()
    grant = await provider.start(VISIT)
    fresh = await provider.renew(grant)
    assert fresh.session == grant.session
    assert livekit(fresh).token != livekit(grant).token
    assert stage.session.ends == 0
    watching = stage.viewer()
    seen = await watching.start(VISIT)
    assert livekit(await watching.renew(seen)).token != livekit(seen).token


@pytest.mark.parametrize("answer", ["envelope", "empty", "no content"])
@pytest.mark.parametrize("again", [200, 404, 409, 422])
async def test_every_way_of_having_ended(stage: Rig, answer: Any, again: int) -> None:
    stage.simulator.switches.end_answer, stage.simulator.switches.ended_again = answer, again
    provider = stage.host()
    grant = await provider.start(VISIT)
    await provider.end(grant.session, EndReason.SHUTDOWN)
    await provider.end(grant.session, EndReason.ORPHAN)
    assert stage.session.ends == 2


async def test_a_start_that_was_cut_off_is_ended_by_the_ledger(stage: Rig, expected_log: Any) -> None:
    """What the ledger knows then is the visit alone; the session's id stands in the settings."""
    stage.session.status = "live"
    nameless = SessionRef("tenbyte", "visit-1", None, 0.0)
    await stage.viewer().end(nameless, EndReason.ORPHAN)
    assert stage.simulator.open_sessions() == [stage.session]
    await stage.host().end(nameless, EndReason.ORPHAN)
    assert stage.simulator.open_sessions() == []
    expected_log("its id is not known")
    anew = stage.host(room_id=stage.simulator.room_id, preset_id=stage.simulator.preset_id)
    await anew.end(nameless, EndReason.ORPHAN)


async def test_the_persona_in_the_room(stage: Rig) -> None:
    grant = livekit(await stage.host(persona="room", persona_height=270, persona_fps=20).start(VISIT))
    assert grant.stage_persona == StagePersona("de", 480, 270, 20, None)
    provider = stage.host(persona="room")
    assert provider.capabilities.hosted_dialogue
    assert provider.capabilities.interrupts
    assert not stage.viewer().capabilities.hosted_dialogue


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (["url", "stream_key", "livekit_token"], ["the address alone", "the stream key", "the room token"]),
        (["livekit_token"], ["the room token"]),
        (["stream_key", "url", "url"], ["the stream key", "the address alone"]),
    ],
)
async def test_the_persona_over_whip(stage: Rig, order: list[str], expected: list[str]) -> None:
    stage.simulator.switches.publish = "both"
    grant = livekit(await stage.host(persona="whip", whip_auth=order).start(VISIT))
    assert grant.stage_persona is not None
    target = grant.stage_persona.whip
    assert target is not None
    assert target.url == "https://whip.invalid/w"
    values = {"the address alone": "", "the stream key": stage.session.stream_key, "the room token": grant.token}
    assert target.credentials == tuple((name, values[name]) for name in expected)
    assert stage.session.stream_key not in repr(grant)
    assert "whip.invalid" not in repr(grant)


async def test_a_persona_that_cannot_go_on_stage_stays_off_it(stage: Rig, expected_log: Any) -> None:
    expected_log("holds no whip_url")
    expected_log("does not allow publishing")
    stage.session.preset = "rtmp"
    assert livekit(await stage.host(persona="whip").start(VISIT)).stage_persona is None
    stage.simulator.switches.start_without_token = True  # then the token is a viewer's
    assert livekit(await stage.host(persona="room").start(VISIT)).stage_persona is None


async def test_what_the_start_said_stays_known_when_the_room_is_joined_again(stage: Rig, expected_log: Any) -> None:
    """A session that is found live is joined, and joining tells of the room alone."""
    stage.simulator.switches.publish, stage.simulator.switches.started_again = "both", 409
    provider = stage.host(persona="whip")
    grant = livekit(await provider.start(VISIT))
    fresh = livekit(await provider.renew(grant))
    assert endpoints(stage) == ["start", "start", "session", "join"]
    labels = ("RTMP server", "Stream key", "WHIP address", "Step 1")
    assert [facts(fresh)[label] for label in labels] == [facts(grant)[label] for label in labels]
    assert fresh.stage_persona is not None
    assert grant.stage_persona is not None
    assert fresh.stage_persona.whip != grant.stage_persona.whip, "the room's new token is among what is tried"
    expected_log("does not allow publishing")
    in_room = stage.host(persona="room")
    assert livekit(await in_room.renew(await in_room.start(VISIT))).stage_persona is None, "a viewer's token"


def test_without_its_library_whip_is_told_to_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiortc", None)
    table = {"session_id": str(uuid.uuid4()), "livekit_url": ROOM_SERVER, "role": "host", "persona": "whip"}
    with pytest.raises(Misconfigured, match=r"install avatar-kiosk\[whip\]"):
        make_provider(HttpClient(), table, {TOKEN: "token"})


async def test_the_microphone_goes_out_only_where_that_is_wanted_and_allowed(stage: Rig, expected_log: Any) -> None:
    expected_log("will not hear the visitor")
    assert livekit(await stage.host(publish_microphone=True).start(VISIT)).speech is SpeechRoute.MICROPHONE
    assert livekit(await stage.viewer(publish_microphone=True).start(VISIT)).speech is SpeechRoute.NONE
    stage.simulator.switches.viewers_publish = True
    assert livekit(await stage.viewer(publish_microphone=True).start(VISIT)).speech is SpeechRoute.MICROPHONE


async def test_the_doctors_call(stage: Rig) -> None:
    line = await stage.host().check()
    assert endpoints(stage) == ["stats", "session"]
    assert line.endswith("accepts the token; the session is scheduled")
    assert "accepts the key" in await stage.host({API_KEY: stage.simulator.api_key}).check()


async def test_without_a_secret_there_is_no_provider() -> None:
    async with client() as http:
        table = {"session_id": str(uuid.uuid4()), "livekit_url": ROOM_SERVER}
        with pytest.raises(Misconfigured, match=f"{TOKEN} or {API_KEY}"):
            make_provider(http, table, {})


GOOD = {"session_id": str(uuid.UUID(int=7)), "livekit_url": "wss://rooms.example.org"}


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"session_id": GOOD["session_id"]}, "livekit_url"),
        ({**GOOD, "livekit_url": ""}, "wss://"),
        ({**GOOD, "livekit_url": "https://rooms.example.org"}, "wss://"),
        ({**GOOD, "livekit_url": "ws://rooms.example.org"}, "only on this machine"),
        ({**GOOD, "base_url": "http://api.example.org"}, "only on this machine"),
        ({**GOOD, "base_url": "https://me:it@api.example.org"}, "user name"),
        ({**GOOD, "session_id": "42"}, "UUID"),
        ({**GOOD, "role": "moderator"}, "role"),
        ({**GOOD, "persona": "room"}, "as host only"),
        ({"livekit_url": GOOD["livekit_url"]}, "session_id is required"),
        ({"livekit_url": GOOD["livekit_url"], "role": "host", "room_id": GOOD["session_id"]}, "preset_id"),
        ({**GOOD, "role": "host", "room_id": GOOD["session_id"], "preset_id": GOOD["session_id"]}, "exclude"),
        ({**GOOD, "whip_auth": []}, "whip_auth"),
        ({**GOOD, "whip_auth": ["cookie"]}, "whip_auth"),
        ({**GOOD, "persona_height": 361}, "persona_height"),
        ({**GOOD, "title": "ab"}, "title"),
        ({**GOOD, "unheard": 1}, "unheard"),
    ],
)
def test_settings_that_make_no_sense(table: dict[str, Any], says: str) -> None:
    TenbyteSettings.model_validate(GOOD)
    with pytest.raises(ValidationError, match=says):
        TenbyteSettings.model_validate(table)
