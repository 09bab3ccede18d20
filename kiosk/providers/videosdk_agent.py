"""VideoSDK's agents in a VideoSDK room: started as a deployment session, dispatched by id, or awaited.

    room      POST /v2/rooms, or GET /v2/rooms/validate/{roomId} where one is given
    start     POST /ai/v1/ai-deployment-sessions/start  the room goes along in `env`; no other way is documented
    ready     GET  /ai/v1/ai-deployment-sessions/{sessionId} until it runs: start only queues
    dispatch  POST /v2/agent/dispatch                   the other way: the room is named in the call
    end       POST /ai/v1/ai-deployment-sessions/end, or POST /v2/sessions/end for a dispatched agent

The header is the bare token, without "Bearer". Joining the room is the link's part (kiosk/links/videosdk.py).
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import secrets as randomness
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from kiosk.providers.contract import (
    Broken,
    Busy,
    Capabilities,
    EndReason,
    Grant,
    JsonObject,
    Misconfigured,
    SessionRef,
    Unavailable,
    VideoSdkGrant,
    Visit,
)
from kiosk.providers.registry import ProviderContext, ProviderEntry
from kiosk.providers.videosdk_agent_settings import NAME, TABLE, StartBy, VideoSdkAgentSettings
from kiosk.providers.videosdk_api import VideoSdkApi
from kiosk.providers.videosdk_sessions import Progress, VideoSdkSessions
from kiosk.providers.videosdk_token import SECRETS, WAYS_IN, VideoSdkAccess
from kiosk.redact import one_line

_log = logging.getLogger("kiosk.providers")

VISIT_KEY = "kiosk_visit"
"""Under this name the visit's id stands in the session's metadata: how a session is found whose answer was lost."""

ROOM, JOINED = "room:", "joined:"
"""How a SessionRef names what is no deployment session: a room in which a dispatched agent is, one merely joined."""

MOST_RENEWALS = 1
"""An agent leaves 5 s after the last visitor. A kiosk that was quicker finds it; if not, a new session is needed."""


@dataclass(frozen=True, slots=True)
class Pace:
    """In seconds, except `dispatches`."""

    first_poll_s: float = 0.5
    longest_poll_s: float = 5.0
    poll_growth: float = 1.5
    dispatches: int = 3
    between_dispatches_s: float = 2.0


class VideoSdkAgent:
    """See `kiosk.providers.contract.Provider`."""

    name = NAME
    capabilities = Capabilities(hosted_dialogue=True, renews=True)

    def __init__(self, settings: VideoSdkAgentSettings, context: ProviderContext, pace: Pace = Pace()):
        """Raises `Misconfigured`."""
        self._settings = settings
        self._clock = context.clock
        self._pace = pace
        self._access = VideoSdkAccess.of(context.secrets)
        self.sessions = VideoSdkSessions(
            VideoSdkApi(context.http, context.clock, settings.base_url, self._access), TABLE
        )
        self._room_exists = False

    async def start(self, visit: Visit) -> Grant:
        """A room with an agent in it, or on its way. Errors after which a session may exist carry it."""
        room_id = await self._room()
        now = self._clock.wall()
        match self._settings.start_by:
            case StartBy.DEPLOYMENT:
                session = await self._deploy(visit, room_id, now)
            case StartBy.DISPATCH:
                session = SessionRef(NAME, visit.id, ROOM + room_id, now)
                await self._dispatch(room_id, session)
            case StartBy.NOBODY:
                session = SessionRef(NAME, visit.id, JOINED + room_id, now)
        return self._grant(session, room_id)

    async def renew(self, grant: Grant) -> Grant:
        """The same room as a new participant: the vendor's package cannot join again, only anew."""
        if not isinstance(grant, VideoSdkGrant) or grant.renewals >= MOST_RENEWALS:
            raise Unavailable("Renew: the room was joined anew already and the agent is gone; a new session is started")
        session_id = grant.session.session_id
        if session_id is not None and not session_id.startswith((ROOM, JOINED)):
            found = await self.sessions.session(session_id)
            if found is not None and found.progress in (Progress.DONE, Progress.FAILED):
                raise Unavailable("Renew: the deployment session has ended; a new session is started")
        return replace(self._grant(grant.session, grant.room_id), renewals=grant.renewals + 1)

    async def end(self, session: SessionRef, reason: EndReason) -> None:
        session_id = session.session_id
        if session_id is None:
            ended = await self._end_strays(session.visit_id)
            _log.info("start without an answer cleaned up (%s): %d sessions ended", reason.value, ended)
        elif session_id.startswith(JOINED):
            _log.info("room left (%s); the agent leaves by itself", reason.value)
        elif session_id.startswith(ROOM):
            await self.sessions.end_room(session_id.removeprefix(ROOM))
            _log.info("session in the room ended (%s)", reason.value)
        else:
            await self.sessions.end(session_id)
            _log.info("deployment session ended (%s)", reason.value)

    async def say(self, session: SessionRef, text: str) -> None:
        raise Misconfigured("Say: an agent decides itself what it says; typed text goes over the room")

    async def check(self) -> str:
        if self._settings.room_id:
            await self.sessions.require_room(self._settings.room_id)
            return "access accepted; the room exists; only a visit can try the agent itself"
        await self.sessions.page(1, per_page=1)
        return "access accepted; each visit gets a room of its own; only a visit can try the agent itself"

    async def aclose(self) -> None:
        """Nothing to close: the HTTP client belongs to the application."""

    async def _room(self) -> str:
        room_id = self._settings.room_id
        if not room_id:
            return await self.sessions.create_room()
        if not self._room_exists:
            await self.sessions.require_room(room_id)
            self._room_exists = True
        return room_id

    async def _deploy(self, visit: Visit, room_id: str, now: float) -> SessionRef:
        intent = SessionRef(NAME, visit.id, None, now)
        session_id = await self.sessions.start(self._start_body(visit, room_id), intent)
        session = replace(intent, session_id=session_id)
        _log.info("deployment session started")
        if self._settings.ready_s > 0:
            await self._until_up(session, session_id)
        return session

    async def _until_up(self, session: SessionRef, session_id: str) -> None:
        """Raises with `session` where it does not run in time: it is ended then."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._settings.ready_s
        pause_s, status = self._pace.first_poll_s, "queued"
        while loop.time() + pause_s < deadline:
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * self._pace.poll_growth, self._pace.longest_poll_s)
            try:
                found = await self.sessions.session(session_id)
            except (Unavailable, Busy) as error:
                pause_s = max(pause_s, error.retry_after_s or 0.0)
                _log.info("%s", error.operator_line)
                continue
            except (Misconfigured, Broken) as error:
                error.session = session
                raise
            if found is None:
                continue
            status = found.status or status
            if found.progress is Progress.UP:
                return
            if found.progress in (Progress.DONE, Progress.FAILED):
                raise Unavailable(
                    f"Start session: the deployment session ended at once (status {one_line(status)}); see its log at "
                    "the vendor's",
                    session=session,
                )
        raise Unavailable(
            f"Start session: the deployment session did not run within {self._settings.ready_s:g} s (status "
            f"{one_line(status)}); check that the deployment is healthy, or raise {TABLE} ready_s",
            session=session,
        )

    async def _dispatch(self, room_id: str, session: SessionRef) -> None:
        body: JsonObject = {
            "meetingId": room_id,
            "agentId": self._settings.agent_id,
            "roomOptions": {"sessionTimeoutSeconds": self._settings.agent_waits_s},
        }
        if self._settings.version_id:
            body["versionId"] = self._settings.version_id
        if self._settings.meta_data:
            body["metadata"] = self._settings.meta_data
        for left in reversed(range(self._pace.dispatches)):
            try:
                await self.sessions.dispatch(body, session)
            except Busy as error:
                if not left:
                    raise
                _log.info("%s", error.operator_line)
                await asyncio.sleep(self._pace.between_dispatches_s)
            else:
                _log.info("agent dispatched")
                return

    async def _end_strays(self, visit_id: str) -> int:
        strays = [one for one in await self.sessions.all() if one.meta_data.get(VISIT_KEY) == visit_id]
        for stray in strays:
            if stray.progress is not Progress.DONE:
                await self.sessions.end(stray.session_id)
        return len(strays)

    def _start_body(self, visit: Visit, room_id: str) -> JsonObject:
        """What is not set is left out, so that the vendor's defaults apply."""
        settings = self._settings
        body: JsonObject = {"metaData": {**settings.meta_data, VISIT_KEY: visit.id}}
        env = {**settings.env, **({settings.room_env: room_id} if settings.room_env else {})}
        if env:
            body["env"] = env
        if settings.deployment_id:
            body["deploymentId"] = settings.deployment_id
        if settings.tag:
            body["tag"] = settings.tag
        if settings.webhook is not None:
            body["webhook"] = {"endPoint": settings.webhook.end_point, "events": list(settings.webhook.events)}
        return body

    def _grant(self, session: SessionRef, room_id: str) -> VideoSdkGrant:
        # A new participant for each attempt: the one before may still be leaving.
        participant = f"kiosk-{randomness.token_hex(4)}"
        return VideoSdkGrant(
            session=session,
            room_id=room_id,
            token=self._access.room_token(room_id, participant, self._clock.wall()),
            agent=self._settings.agent_participant or None,
            participant=participant,
            name=self._settings.participant_name,
            api_host=urlsplit(self._settings.base_url).netloc,
            topic=self._settings.chat_topic,
        )


def require_package(find: Callable[[str], object] = importlib.util.find_spec) -> None:
    """Before a session costs money, not after: without the package nobody could join its room."""
    if find("videosdk") is None:
        raise Misconfigured(
            "The package of VideoSDK's rooms is not installed: run `pip install avatar-kiosk[videosdk]`"
        )


def _create(settings: VideoSdkAgentSettings, context: ProviderContext) -> VideoSdkAgent:
    require_package()
    return VideoSdkAgent(settings, context)


PROVIDER = ProviderEntry(
    name=NAME,
    settings=VideoSdkAgentSettings,
    secrets=SECRETS,
    create=_create,
    ways_in=lambda table, own_room: WAYS_IN,
    preload=("kiosk.links.videosdk_client",),
)
