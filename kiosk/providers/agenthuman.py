"""Agent Human: a face that joins the kiosk's own LiveKit room, or a link to an agent in a room of the vendor's.

    key mode     a session with a token of ours for the avatar; the key is a secret of the account
    link mode    the link is the credential: no secret is needed and none is sent

In key mode `speech` says who feeds the face: "stream" the kiosk itself, "agent" an agent sent into the room.
"""

from __future__ import annotations

import logging
import secrets as randomness
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from kiosk.providers.agenthuman_api import API_KEY, TABLE, AgentHumanApi
from kiosk.providers.contract import (
    Broken,
    Capabilities,
    EndReason,
    Grant,
    JsonObject,
    LiveKitGrant,
    Misconfigured,
    ProviderError,
    SessionRef,
    SpeechRoute,
    Visit,
)
from kiosk.providers.http import AnswerLost
from kiosk.providers.livekit_token import AgentDispatch, ParticipantKind, ParticipantRequest
from kiosk.providers.own_room import ROOM_SECRETS, room_ways_in
from kiosk.providers.registry import ProviderContext, ProviderEntry

_log = logging.getLogger("kiosk.providers")

NAME = "agenthuman"
KIOSK_IDENTITY = "kiosk"
STREAM_RATE_HZ = 16_000
VISIT_KEY = "kiosk_visit"
"""Under this name the visit's id stands in the session's metadata: how a session is found whose answer was lost."""

CLEANUP_TIMEOUT_S = 5.0  # for each call
LONGEST_SESSION_S = 4 * 3600
"""The vendor's longest session: so long the server keeps the room, although only agents are in it."""


class Speech(StrEnum):
    STREAM = "stream"
    WEBSOCKET = "websocket"
    AGENT = "agent"


class Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)


class RoomSettings(Table):
    platform: Literal["livekit"] = Field("livekit", description="The kind of room.")


class AgentHumanSettings(Table):
    """The table [providers.agenthuman]."""

    base_url: str = Field("https://api.agenthuman.com/v1", description="The vendor's API.")
    wss_url: str = Field("wss://wss.agenthuman.com", description="The vendor's control WebSocket; not used yet.")
    avatar: str = Field("", description="An id (avat_...); on a paid plan also the URL of an image or a data: URL.")
    aspect_ratio: Literal["4:3", "3:4", "1:1"] = Field("4:3", description="Shape of the picture.")
    metadata: dict[str, JsonValue] = Field(default_factory=dict, description="Kept with each session by the vendor.")
    link_id: str = Field("", repr=False, description="A link (lnk_...) in place of the key; wins over it.")
    speech: Speech = Field(Speech.STREAM, description="Who speaks through the face: the kiosk, or an agent.")
    agent_name: str = Field("", max_length=256, description="The agent that is sent into the room (speech = agent).")
    agent_identity: str = Field("", max_length=256, description="As whom the agent joins, where not by its name.")
    avatar_identity: str = Field(
        "agenthuman-avatar-agent", min_length=1, max_length=256, description="As whom the face joins the room."
    )
    greeting_wav: Path | None = Field(None, description="A sound file that the face says first (speech = stream).")
    room: RoomSettings = Field(default_factory=RoomSettings, description="The kiosk's own room.")


class AgentHuman:
    """Starts and ends sessions. Without a key (link mode) the vendor ends them by itself when the kiosk leaves."""

    name = NAME

    def __init__(self, settings: AgentHumanSettings, context: ProviderContext):
        self._settings = settings
        self._room = context.own_room
        self._clock = context.clock
        self._api_key = context.secrets.get(API_KEY, "")
        self._linked = bool(settings.link_id)
        self._streams = not self._linked and settings.speech is Speech.STREAM
        self._agent_identity = settings.agent_identity or settings.agent_name
        self.api = AgentHumanApi(
            context.http, context.clock, settings.base_url, api_key=self._api_key, link_id=settings.link_id
        )
        self.capabilities = Capabilities(
            interrupts=self._streams, hosted_dialogue=not self._streams, renews=not self._linked
        )
        self._require()

    async def start(self, visit: Visit) -> Grant:
        """Creates the session; after a failure that leaves open whether one exists, looks for it and ends it."""
        return await (self._start_by_link(visit) if self._linked else self._start_by_key(visit))

    async def renew(self, grant: Grant) -> Grant:
        if self._linked or not isinstance(grant, LiveKitGrant):
            raise Broken("Renew token: a link gives one token for each session; a new session is needed")
        access = await self._room.access(grant.room, [self._kiosk()])
        return replace(grant, url=access.url, token=access.tokens[KIOSK_IDENTITY], greeting_wav=None)

    async def end(self, session: SessionRef, reason: EndReason) -> None:
        if not self._api_key:
            _log.info("session left to the vendor's own end (%s): there is no key to end it with", reason.value)
        elif session.session_id is None:
            ended = await self._end_strays(session.visit_id)
            _log.info("start without an answer cleaned up (%s): %d sessions ended", reason.value, ended)
        else:
            await self.api.end(session.session_id)
            _log.info("session ended (%s)", reason.value)

    async def say(self, session: SessionRef, text: str) -> None:
        raise Misconfigured("Say: this provider takes finished speech in the room, no text")

    async def check(self) -> str:
        if self._linked:
            return f"{await self.api.reach()} answers; only a visit can try the link itself"
        usage = await self.api.usage()
        seen = ["key accepted"]
        if usage.plan:
            seen.append(f"plan {usage.plan}")
        if usage.active_sessions is not None:
            limit = f" of {usage.max_sessions}" if usage.max_sessions is not None else ""
            seen.append(f"{usage.active_sessions}{limit} sessions active")
        return f"{', '.join(seen)}; {await self._room.check()}"

    async def aclose(self) -> None:
        """Nothing to close: the HTTP client belongs to the application."""

    def _require(self) -> None:
        if self._linked:
            return
        if not self._api_key:
            raise Misconfigured(f"No access: set the secret {API_KEY} (kiosk secret set), or {TABLE} link_id")
        if not self._settings.avatar:
            raise Misconfigured(f"{TABLE} avatar is missing: set it to an id that begins with avat_")
        if self._settings.speech is Speech.WEBSOCKET:
            raise Misconfigured(f'{TABLE} speech = "websocket" is not built yet: use "stream" or "agent"')
        if self._settings.speech is Speech.AGENT and not self._agent_identity:
            raise Misconfigured(
                f'{TABLE} speech = "agent" needs agent_name, or agent_identity of one that joins itself'
            )
        if self._settings.avatar_identity == KIOSK_IDENTITY:
            raise Misconfigured(
                f'{TABLE} avatar_identity must not be "{KIOSK_IDENTITY}": the kiosk itself joins as that'
            )
        self._room.require()

    async def _start_by_key(self, visit: Visit) -> Grant:
        # A room of its own for each attempt: the avatar of the attempt before may still be leaving.
        room = self._room.room_name(f"{visit.id}-{randomness.token_hex(3)}")
        access = await self._room.access(room, [self._avatar(), self._kiosk()])
        avatar_token = access.tokens[self._settings.avatar_identity]
        body: JsonObject = {
            "avatar": self._settings.avatar,
            "aspect_ratio": self._settings.aspect_ratio,
            "room": {"platform": self._settings.room.platform, "url": access.url, "token": avatar_token},
            "metadata": {**self._settings.metadata, VISIT_KEY: visit.id},
        }
        ref = SessionRef(NAME, visit.id, None, self._clock.wall())
        try:
            session = await self.api.create(body)
        except (AnswerLost, Broken) as error:
            error.session = await self._clean_up(ref)
            raise
        _log.info("session started")
        return LiveKitGrant(
            session=replace(ref, session_id=session.session_id),
            url=access.url,
            token=access.tokens[KIOSK_IDENTITY],
            room=room,
            avatar_identity=self._settings.avatar_identity,
            speech=SpeechRoute.STREAM if self._streams else SpeechRoute.MICROPHONE,
            stream_sample_rate=STREAM_RATE_HZ,
            greeting_wav=self._settings.greeting_wav,
            max_duration_s=session.length_s(),
        )

    async def _start_by_link(self, visit: Visit) -> Grant:
        started_at = self._clock.wall()
        link = await self.api.start_by_link(self._settings.aspect_ratio)
        _log.info("session started by link")
        return LiveKitGrant(
            session=SessionRef(NAME, visit.id, link.session_id, started_at),
            url=link.livekit_url,
            token=link.participant_token,
            avatar_identity=link.agent_identity or self._settings.avatar_identity,
        )

    async def _clean_up(self, ref: SessionRef) -> SessionRef | None:
        """`ref` if it stays unknown whether a session is left behind, else None."""
        try:
            ended = await self._end_strays(ref.visit_id, timeout_s=CLEANUP_TIMEOUT_S)
        except ProviderError as error:
            _log.warning("after a failed start: %s", error.operator_line)
            return ref
        if ended:
            _log.info("failed start cleaned up: %d sessions ended that had been started all the same", ended)
        return None

    async def _end_strays(self, visit_id: str, *, timeout_s: float | None = None) -> int:
        sessions = await self.api.sessions(timeout_s=timeout_s)
        strays = [s for s in sessions if s.status != "ended" and (s.metadata or {}).get(VISIT_KEY) == visit_id]
        for stray in strays:
            await self.api.end(stray.session_id, timeout_s=timeout_s)
        return len(strays)

    def _avatar(self) -> ParticipantRequest:
        return ParticipantRequest(
            identity=self._settings.avatar_identity,
            name=self._settings.avatar_identity,
            kind=ParticipantKind.AGENT,
            attributes={"lk.publish_on_behalf": KIOSK_IDENTITY if self._streams else self._agent_identity},
            dispatch=self._dispatch(),
            room_empty_timeout_s=self._room_timeout(),
        )

    def _kiosk(self) -> ParticipantRequest:
        # The face takes speech from a participant of kind AGENT only; an agent links only to one of kind STANDARD.
        kind = ParticipantKind.AGENT if self._streams else ParticipantKind.STANDARD
        return ParticipantRequest(
            identity=KIOSK_IDENTITY,
            name="Kiosk",
            kind=kind,
            dispatch=self._dispatch(),
            room_empty_timeout_s=self._room_timeout(),
        )

    def _dispatch(self) -> AgentDispatch | None:
        """In both tokens: it counts only in the token of whoever comes first and so creates the room."""
        if self._streams or not self._settings.agent_name:
            return None
        return AgentDispatch(self._settings.agent_name)

    def _room_timeout(self) -> int | None:
        return LONGEST_SESSION_S if self._streams else None


PROVIDER = ProviderEntry(
    name=NAME,
    settings=AgentHumanSettings,
    secrets=(API_KEY, *ROOM_SECRETS),
    create=AgentHuman,
    ways_in=lambda table, own_room: tuple((API_KEY, *way) for way in room_ways_in(own_room)),
)
