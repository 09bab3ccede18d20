"""Any LiveKit room with an agent or an avatar in it: no vendor's control API, only a token.

The token comes from a relay (`token_url`), from the secret KIOSK_LIVEKIT_TOKEN, or is minted from key and secret.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from pydantic import BaseModel, ConfigDict, Field

from kiosk.providers.contract import (
    Broken,
    Capabilities,
    EndReason,
    Grant,
    LiveKitGrant,
    Misconfigured,
    SessionRef,
    Visit,
)
from kiosk.providers.livekit_token import AgentDispatch, ParticipantRequest, read_claims
from kiosk.providers.own_room import (
    RELAY_KEY,
    ROOM_SECRETS,
    OwnRoom,
    OwnRoomSettings,
    RoomAccess,
    check_token,
    room_url,
    room_ways_in,
)
from kiosk.providers.registry import ProviderContext, ProviderEntry

_log = logging.getLogger("kiosk.providers")

NAME = "livekit"
TABLE = f"providers.{NAME}"
READY_TOKEN = "KIOSK_LIVEKIT_TOKEN"  # noqa: S105 - the name of a secret


class LiveKitSettings(BaseModel):
    """The table [providers.livekit]. Without `url` and `token_url` the room of the table [livekit] is used."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: str = Field("", description="wss:// address of the LiveKit server.")
    room: str = Field("", max_length=256, description="Name of the room; empty for a new one each visit.")
    token_url: str = Field("", description="A relay that hands out tokens; wins over all secrets.")
    agent_name: str = Field("", max_length=256, description="The agent that is sent into a new room.")
    identity: str = Field("kiosk", min_length=1, max_length=256, description="As whom the kiosk joins.")
    avatar_identity: str = Field("", max_length=256, description="As whom the avatar joins; empty: it is found.")
    voice_only: bool = Field(False, description="The agent has no picture: the persona's face is shown at once.")


class LiveKit:
    """Gives the way into a room. Nothing costs money here, so there is nothing to end."""

    name = NAME

    def __init__(self, settings: LiveKitSettings, context: ProviderContext):
        self._settings = settings
        self._http = context.http
        self._clock = context.clock
        self._ready_token = "" if settings.token_url else context.secrets.get(READY_TOKEN, "")
        self._room = context.own_room
        if settings.url or settings.token_url:
            own = OwnRoomSettings(url=settings.url, token_url=settings.token_url)
            self._room = OwnRoom(own, context.secrets, context.http, context.clock, table=TABLE)
        self.capabilities = Capabilities(
            hosted_dialogue=True, video=not settings.voice_only, renews=not self._ready_token
        )
        self._require()

    async def start(self, visit: Visit) -> Grant:
        session = SessionRef(NAME, visit.id, None, self._clock.wall())
        room = self._settings.room or self._room.room_name(visit.id)
        avatar_identity = self._settings.avatar_identity or None
        if self._ready_token:
            claims = read_claims(self._ready_token)
            return LiveKitGrant(
                session=session,
                url=self._settings.url,
                token=self._ready_token,
                room=claims.room if claims else "",
                avatar_identity=avatar_identity,
                video=self.capabilities.video,
            )
        access = await self._access(room)
        _log.info("room token ready")
        return LiveKitGrant(
            session=session,
            url=access.url,
            token=access.tokens[self._settings.identity],
            room=access.room,
            avatar_identity=avatar_identity,
            video=self.capabilities.video,
        )

    async def renew(self, grant: Grant) -> Grant:
        if self._ready_token or not isinstance(grant, LiveKitGrant):
            raise Broken(f"Renew token: {READY_TOKEN} holds one token and makes no others")
        access = await self._access(grant.room)
        return replace(grant, url=access.url, token=access.tokens[self._settings.identity], room=access.room)

    async def end(self, session: SessionRef, reason: EndReason) -> None:
        """Leaving the room is all there is."""

    async def say(self, session: SessionRef, text: str) -> None:
        raise Misconfigured("Say: an agent in a room takes typed text over the room, not over the provider")

    async def check(self) -> str:
        if not self._ready_token:
            return await self._room.check(relay_decides=True)
        return await check_token(
            self._http, self._settings.url, self._ready_token, now_wall=self._clock.wall(), table=TABLE
        )

    async def aclose(self) -> None:
        """Nothing to close: the HTTP client belongs to the application."""

    async def _access(self, room: str) -> RoomAccess:
        """A relay may choose room and identity by itself: then its token, not the settings, names the room."""
        dispatch = AgentDispatch(self._settings.agent_name) if self._settings.agent_name else None
        kiosk = ParticipantRequest(identity=self._settings.identity, name="Kiosk", dispatch=dispatch)
        access = await self._room.access(room, [kiosk], relay_decides=True)
        claims = read_claims(access.tokens[kiosk.identity])
        return replace(access, room=claims.room) if claims and claims.room else access

    def _require(self) -> None:
        if not self._ready_token:
            self._room.require()
            return
        if not self._settings.url:
            raise Misconfigured(f"{READY_TOKEN} needs [{TABLE}] url: the wss:// address of the server it is for")
        room_url(self._settings.url, f"[{TABLE}] url")
        if read_claims(self._ready_token) is None:
            raise Misconfigured(f"{READY_TOKEN} holds no LiveKit participant token: set it anew")


def _asks_http(settings: LiveKitSettings, own_room: OwnRoomSettings) -> bool:
    """Only a relay is asked; with key and secret, or a token, nobody is."""
    return bool(settings.token_url or (not settings.url and own_room.token_url))


def _ways_in(settings: LiveKitSettings, own_room: OwnRoomSettings) -> tuple[tuple[str, ...], ...]:
    if settings.token_url:
        return ((RELAY_KEY,),)
    return ((READY_TOKEN,), *room_ways_in(OwnRoomSettings(url=settings.url) if settings.url else own_room))


PROVIDER = ProviderEntry(
    name=NAME,
    settings=LiveKitSettings,
    secrets=(READY_TOKEN, *ROOM_SECRETS),
    create=LiveKit,
    ways_in=_ways_in,
    asks_http=_asks_http,
)
