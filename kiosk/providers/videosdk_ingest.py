"""VideoSDK's ingest sessions: voice and messages over one WebSocket, no picture. The kiosk lends the voice a face.

The address in the answer works once and for 90 s, so every try, and every reconnect, is a new session. No call ends
one: closing the socket does, and an address that nobody uses lapses by itself. So a failed start leaves nothing behind.
"""

from __future__ import annotations

import logging
import re
import secrets as randomness

from kiosk.providers.contract import (
    Broken,
    Capabilities,
    EndReason,
    Grant,
    IngestGrant,
    JsonObject,
    Misconfigured,
    SessionRef,
    Visit,
)
from kiosk.providers.registry import ProviderContext, ProviderEntry
from kiosk.providers.videosdk_api import VideoSdkApi, id_of, object_of
from kiosk.providers.videosdk_ingest_settings import NAME, TABLE, VideoSdkIngestSettings
from kiosk.providers.videosdk_token import SECRETS, WAYS_IN, VideoSdkAccess

_log = logging.getLogger("kiosk.providers")

LIFETIME_S = 90.0
"""How long an address waits for its socket where the vendor does not say."""

_CHECK_ROOM = f"check {TABLE} room_id: the room must exist"
_WS_URL = re.compile(r"(wss?)://[A-Za-z0-9\[][!-~]*")


class VideoSdkIngest:
    """Creates sessions. `renews` is False: an address serves one socket."""

    name = NAME
    capabilities = Capabilities(hosted_dialogue=True, renews=False)

    def __init__(self, settings: VideoSdkIngestSettings, context: ProviderContext):
        """Raises `Misconfigured`."""
        if not settings.room_id:
            raise Misconfigured(f"{TABLE} room_id is missing: create a room at the vendor's and set its id")
        self._settings = settings
        self._clock = context.clock
        self._api = VideoSdkApi(context.http, context.clock, settings.base_url, VideoSdkAccess.of(context.secrets))

    async def start(self, visit: Visit) -> Grant:
        settings = self._settings
        what = "Create ingest session"
        now = self._clock.wall()
        # Always an id of our own: by it the kiosk knows its own messages when they come back.
        own_id = settings.participant.id or f"kiosk-{randomness.token_hex(8)}"
        fields = await self._api.call("POST", "/v2/ingest/sessions", what, json=self._body(own_id), remedy=_CHECK_ROOM)
        data = object_of(fields.get("data"))
        session = SessionRef(NAME, visit.id, id_of(data.get("callId")), now)
        _log.info("ingest session created")
        return IngestGrant(
            session=session,
            ws_url=self._address(data.get("wsUrl"), what),
            expires_at=now + _seconds(data.get("expiresIn")),
            room_id=settings.room_id,
            own_id=own_id,
            agent=settings.agent.id if settings.agent else "",
            agent_wait_s=settings.agent_wait_s if settings.agent else 0.0,
            chat_topic=settings.chat_topic,
            transcript_topic=settings.transcript_topic,
            half_duplex=settings.half_duplex,
        )

    async def renew(self, grant: Grant) -> Grant:
        raise Broken("Renew: an ingest session serves one socket; a new session is needed")

    async def end(self, session: SessionRef, reason: EndReason) -> None:
        """The socket was closed, and that is all there is; an address that was never used lapses by itself."""
        _log.info("ingest session over (%s)", reason.value)

    async def say(self, session: SessionRef, text: str) -> None:
        raise Misconfigured("Say: an ingest session takes typed text over its socket, not over the API")

    async def check(self) -> str:
        what = "Look up room"
        answer = await self._api.ask("GET", f"/v2/rooms/validate/{self._settings.room_id}", what)
        if answer.status in (400, 402, 404):
            raise Misconfigured(f"{what}: {answer.host} does not know the room (HTTP {answer.status}); {_CHECK_ROOM}")
        self._api.fields(answer, what)
        return "access accepted; the room exists; only a visit can try the session itself"

    async def aclose(self) -> None:
        """Nothing to close: the HTTP client belongs to the application."""

    def _body(self, own_id: str) -> JsonObject:
        settings = self._settings
        participant: JsonObject = {"id": own_id, "name": settings.participant.name}
        if settings.participant.metadata:
            participant["metadata"] = settings.participant.metadata
        body: JsonObject = {"roomId": settings.room_id, "participant": participant}
        if settings.agent is not None:
            body["agent"] = {"id": settings.agent.id}
            if settings.agent.metadata:
                body["agent"]["metadata"] = settings.agent.metadata
        if settings.region is not None:
            body["region"] = settings.region
        return body

    def _address(self, value: object, what: str) -> str:
        """Raises `Broken`; the address is the key to the session, so no text holds it."""
        match = _WS_URL.fullmatch(value) if isinstance(value, str) else None
        if not isinstance(value, str) or match is None:
            raise Broken(f"{what}: the answer lacks or garbles data.wsUrl; report it to the vendor")
        if match[1] == "ws" and self._settings.base_url.startswith("https:"):
            raise Broken(f"{what}: the answer's data.wsUrl is not encrypted (ws://); report it to the vendor")
        return value


def _seconds(value: object) -> float:
    """How long the address lives, 1 to 3600 s; 90 where the vendor says nothing sensible."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= 3600:
        return LIFETIME_S
    return float(value)


PROVIDER = ProviderEntry(
    name=NAME,
    settings=VideoSdkIngestSettings,
    secrets=SECRETS,
    create=VideoSdkIngest,
    ways_in=lambda table, own_room: WAYS_IN,
)
