"""The ingest provider's calls: header, every field, every refusal, slow, lost and malformed answers."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import AsyncIterator, Callable
from typing import Any

import jwt
import pytest
from pydantic import ValidationError

from kiosk.providers.contract import (
    Broken,
    Busy,
    EndReason,
    IngestGrant,
    Misconfigured,
    ProviderError,
    SessionRef,
    Unavailable,
    Visit,
)
from kiosk.providers.http import AnswerLost
from kiosk.providers.videosdk_ingest import PROVIDER
from kiosk.providers.videosdk_token import API_KEY, API_SECRET, TOKEN
from tests.contract.videosdk_ingest_rig import KEYS, Rig, rig
from tests.simulators import videosdk_ingest as far
from tests.simulators.vendor_http import Fault, Reply

VISIT = Visit("visit-1")
GOOD = {"wsUrl": "ws://127.0.0.1:9/videosdk?ref=vs_k9d8j2m4x7p1w5v3r6u0", "callId": "c-1", "expiresIn": 90}

ExpectedLog = Callable[[str], None]


@pytest.fixture
async def stage() -> AsyncIterator[Rig]:
    async with rig() as made:
        yield made


async def started(stage: Rig, secrets: dict[str, str] | None = None, **table: Any) -> IngestGrant:
    grant = await stage.provider(secrets, **table).start(VISIT)
    assert isinstance(grant, IngestGrant)
    return grant


async def failure(stage: Rig, secrets: dict[str, str] | None = None, **table: Any) -> ProviderError:
    """The error of a start; it says where, on one line, and tells nothing that it must not."""
    with pytest.raises(ProviderError) as caught:
        await stage.provider(secrets, **table).start(VISIT)
    error = caught.value
    told = "".join(traceback.format_exception(error)) + repr(error) + error.operator_line
    assert not [secret for secret in stage.secrets() if secret in told]
    assert "\n" not in error.operator_line
    assert error.session is None, "an address that nobody uses lapses by itself"
    return error


class TestStart:
    async def test_the_least_that_can_be_asked(self, stage: Rig) -> None:
        before = time.time()
        grant = await started(stage)
        call = stage.simulator.server.requests[-1]
        assert (call.method, call.path) == ("POST", "/v2/ingest/sessions")
        assert call.headers["Content-Type"] == "application/json"
        assert call.body == {"roomId": far.ROOM, "participant": {"id": grant.own_id, "name": "Kiosk"}}
        session = next(iter(stage.simulator.sessions.values()))
        assert grant.ws_url.endswith(f"/videosdk?ref={session.ref}")
        assert grant.session.session_id == session.call_id
        assert (grant.session.provider, grant.session.visit_id) == ("videosdk-ingest", "visit-1")
        assert before + 89 <= grant.expires_at <= time.time() + 90
        assert (grant.agent, grant.agent_wait_s) == ("", 0.0)
        assert session.ref not in repr(grant)

    async def test_everything_that_can_be_asked(self, stage: Rig) -> None:
        grant = await started(
            stage,
            participant={"id": "desk-1", "name": "Front desk", "metadata": {"deviceId": "dev_12", "n": [1]}},
            agent={"id": far.AGENT, "metadata": {"persona": "anna"}},
            region="us002",
            agent_wait_s=7,
            chat_topic="TALK",
            transcript_topic="WORDS",
            half_duplex=True,
        )
        assert stage.simulator.server.requests[-1].body == {
            "roomId": far.ROOM,
            "participant": {"id": "desk-1", "name": "Front desk", "metadata": {"deviceId": "dev_12", "n": [1]}},
            "agent": {"id": far.AGENT, "metadata": {"persona": "anna"}},
            "region": "us002",
        }
        assert (grant.own_id, grant.agent, grant.agent_wait_s) == ("desk-1", far.AGENT, 7)
        assert (grant.chat_topic, grant.transcript_topic, grant.half_duplex) == ("TALK", "WORDS", True)

    async def test_each_session_is_a_new_one(self, stage: Rig) -> None:
        provider = stage.provider()
        grants = [await provider.start(VISIT) for _ in range(3)]
        assert len({grant.ws_url for grant in grants if isinstance(grant, IngestGrant)}) == 3
        assert len({grant.own_id for grant in grants if isinstance(grant, IngestGrant)}) == 3
        assert not provider.capabilities.renews
        with pytest.raises(Broken):
            await provider.renew(grants[0])

    @pytest.mark.parametrize("status", [200, 201, 202])
    async def test_every_success_is_one(self, stage: Rig, status: int) -> None:
        stage.simulator.switches.created_status = status
        await started(stage)

    async def test_to_end_a_session_asks_nobody(self, stage: Rig) -> None:
        provider = stage.provider()
        for session_id in ("c-1", None):
            await provider.end(SessionRef("videosdk-ingest", "visit-1", session_id, 0.0), EndReason.ORPHAN)
        assert stage.simulator.server.requests == []
        with pytest.raises(Misconfigured):
            await provider.say(SessionRef("videosdk-ingest", "visit-1", "c-1", 0.0), "Hello")


class TestAccess:
    async def test_a_minted_token_goes_out_bare(self, stage: Rig) -> None:
        await started(stage)
        token = stage.simulator.server.requests[-1].headers["Authorization"]
        claims = jwt.decode(token, far.API_SECRET, algorithms=["HS256"])
        assert claims["apikey"] == far.API_KEY
        assert claims["exp"] - time.time() <= 600

    async def test_a_given_token_wins_and_goes_out_bare(self, stage: Rig) -> None:
        token = stage.simulator.token()
        await started(stage, {TOKEN: token, **KEYS})
        assert stage.simulator.server.requests[-1].headers["Authorization"] == token

    async def test_a_prefix_that_was_copied_along_is_taken_off(self, stage: Rig) -> None:
        token = stage.simulator.token()
        await started(stage, {TOKEN: f"Bearer {token}"})
        assert stage.simulator.server.requests[-1].headers["Authorization"] == token

    @pytest.mark.parametrize(
        ("claims", "says"),
        [
            ({"exp": 1_700_000_000}, "expired"),
            ({"apikey": "somebody-else"}, TOKEN),
            ({"version": None}, TOKEN),
            ({"roles": ["rtc"]}, "role"),
        ],
        ids=["expired", "wrong project", "version 1", "room token"],
    )
    async def test_a_token_that_is_refused(self, stage: Rig, claims: dict[str, Any], says: str) -> None:
        error = await failure(stage, {TOKEN: stage.simulator.token(**claims)})
        assert type(error) is Misconfigured
        assert says in error.operator_line

    async def test_a_wrong_secret(self, stage: Rig) -> None:
        error = await failure(stage, {API_KEY: far.API_KEY, API_SECRET: "not-the-secret-of-this-project"})
        assert type(error) is Misconfigured
        assert API_SECRET in error.operator_line

    @pytest.mark.parametrize("secrets", [{}, {API_KEY: "only-half"}, {API_SECRET: "only-half"}])
    async def test_no_access_is_told_before_a_visit(self, stage: Rig, secrets: dict[str, str]) -> None:
        with pytest.raises(Misconfigured, match=TOKEN):
            stage.provider(secrets)


class TestRefusals:
    @pytest.mark.parametrize("status", [402, 404])
    async def test_a_room_that_does_not_exist(self, stage: Rig, status: int) -> None:
        stage.simulator.switches.unknown_room_status = status
        error = await failure(stage, room_id="none-such-room")
        assert type(error) is Misconfigured
        assert "room_id" in error.operator_line
        assert "Room not found" in error.operator_line

    async def test_an_agent_that_does_not_exist(self, stage: Rig) -> None:
        error = await failure(stage, agent={"id": "nobody"})
        assert type(error) is Misconfigured
        assert "Agent not found" in error.operator_line

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (302, Misconfigured),
            (400, Misconfigured),
            (401, Misconfigured),
            (403, Misconfigured),
            (408, Unavailable),
            (409, Misconfigured),
            (429, Busy),
            (500, AnswerLost),
            (503, AnswerLost),
        ],
    )
    @pytest.mark.parametrize("name", ["message", "error", "statusMessage"])
    async def test_every_status(self, stage: Rig, status: int, kind: type[ProviderError], name: str) -> None:
        token = stage.simulator.token()
        stage.simulator.server.fail("create", Fault(Reply(status, {name: f"as ordered for {token}"})))
        error = await failure(stage)
        assert isinstance(error, kind)
        assert f"HTTP {status}" in error.operator_line
        assert "as ordered for ***" in error.operator_line
        assert token not in error.operator_line

    async def test_a_limit_says_how_long_to_wait(self, stage: Rig) -> None:
        stage.simulator.server.fail("create", Fault(Reply(429, {"message": "slow down"}, {"Retry-After": "7"})))
        error = await failure(stage)
        assert error.retry_after_s == 7


class TestGarbage:
    @pytest.mark.parametrize(
        "body",
        [
            "<html>welcome</html>",
            [],
            "7",
            {},
            {"data": None},
            {"data": []},
            {"data": {}},
            {"data": {**GOOD, "wsUrl": 7}},
            {"data": {**GOOD, "wsUrl": None}},
            {"data": {**GOOD, "wsUrl": ""}},
            {"data": {**GOOD, "wsUrl": "https://ingest.example/videosdk?ref=vs_x"}},
            {"data": {**GOOD, "wsUrl": "ws://a b/\n"}},
            {"data": {**GOOD, "wsUrl": ["ws://127.0.0.1:9/"]}},
        ],
        ids=str,
    )
    async def test_an_answer_without_an_address(self, stage: Rig, body: object) -> None:
        stage.simulator.server.fail("create", Fault(Reply(201, body)))
        assert type(await failure(stage)) is Broken

    @pytest.mark.parametrize("expires", ["soon", None, -1, 0, True, 1e300, [90], {}])
    async def test_a_lifetime_that_makes_no_sense_is_taken_as_documented(self, stage: Rig, expires: object) -> None:
        stage.simulator.server.fail("create", Fault(Reply(201, {"data": {**GOOD, "expiresIn": expires}})))
        grant = await started(stage)
        assert time.time() + 80 < grant.expires_at <= time.time() + 90

    @pytest.mark.parametrize("call_id", [None, 7, "", "../up", "x" * 500, ["c"]])
    async def test_a_handle_that_makes_no_sense_costs_no_visit(self, stage: Rig, call_id: object) -> None:
        stage.simulator.server.fail("create", Fault(Reply(201, {"data": {**GOOD, "callId": call_id}})))
        assert (await started(stage)).session.session_id is None

    @pytest.mark.parametrize(
        "fault",
        [Fault(hang_up=True), Fault(truncated=True), Fault(hang_up=True, after_work=True)],
        ids=["hang up", "truncated", "hang up after work"],
    )
    async def test_an_answer_that_breaks_off(self, stage: Rig, fault: Fault, expected_log: ExpectedLog) -> None:
        expected_log("Create ingest session")
        stage.simulator.server.fail("create", fault)
        error = await failure(stage)
        assert isinstance(error, AnswerLost)
        assert error.retry

    @pytest.mark.parametrize("fault", [Fault(delay_s=30), Fault(never_ends=True)], ids=["slow", "never ends"])
    async def test_an_answer_that_takes_too_long(self, fault: Fault) -> None:
        async with rig(timeout_s=0.4) as stage:
            stage.simulator.server.fail("create", fault)
            assert isinstance(await failure(stage), AnswerLost)

    async def test_nobody_there(self, stage: Rig, expected_log: ExpectedLog) -> None:
        expected_log("Create ingest session")
        error = await failure(stage, base_url="http://127.0.0.1:9")
        assert type(error) is Unavailable


class TestDoctor:
    async def test_all_is_well(self, stage: Rig) -> None:
        assert "room exists" in await stage.provider().check()
        call = stage.simulator.server.requests[-1]
        assert (call.method, call.path) == ("GET", f"/v2/rooms/validate/{far.ROOM}")

    @pytest.mark.parametrize("status", [400, 402, 404])
    async def test_an_unknown_room(self, stage: Rig, status: int) -> None:
        stage.simulator.switches.unknown_room_status = status
        with pytest.raises(Misconfigured, match="room_id"):
            await stage.provider(room_id="none-such-room").check()

    async def test_a_wrong_token(self, stage: Rig) -> None:
        with pytest.raises(Misconfigured, match=TOKEN):
            await stage.provider({TOKEN: stage.simulator.token(apikey="x")}).check()


class TestSettings:
    @pytest.mark.parametrize(
        "table",
        [
            {"base_url": "api.videosdk.live"},
            {"base_url": "http://api.videosdk.live"},
            {"room_id": "with space"},
            {"room_id": "a/../b"},
            {"participant": {"name": "Reception Agent"}},
            {"participant": {"name": "aGENTs"}},
            {"participant": {"name": ""}},
            {"participant": {"id": "a b"}},
            {"participant": {"colour": "blue"}},
            {"participant": {"metadata": "text"}},
            {"participant": "Kiosk"},
            {"agent": {}},
            {"agent": {"id": ""}},
            {"agent": {"id": "a", "metadata": []}},
            {"agent_wait_s": -1},
            {"agent_wait_s": 600},
            {"region": "us 002"},
            {"transcript_topic": "CHAT"},
            {"rooms": "x"},
        ],
        ids=str,
    )
    def test_what_is_refused(self, table: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            PROVIDER.settings.model_validate(table)

    async def test_a_room_is_needed(self, stage: Rig) -> None:
        with pytest.raises(Misconfigured, match="room_id"):
            stage.provider(room_id="")

    async def test_an_address_without_encryption_is_not_taken_from_the_real_vendor(self) -> None:
        async with rig() as stage:
            provider = stage.provider(base_url="https://api.videosdk.live")
            with pytest.raises(Broken, match="not encrypted"):
                provider._address("ws://ingest.videosdk.live/videosdk?ref=vs_x", "Create ingest session")


async def test_no_secret_is_logged(stage: Rig, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "kiosk")
    await started(stage)
    assert "ingest session created" in caplog.text
    assert not [secret for secret in stage.secrets() if secret in caplog.text]
