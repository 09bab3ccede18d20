"""The kiosk's own LiveKit room, for vendors that bring only the face: its URL and the tokens to join it.

Tokens are minted here from an API key and secret, or fetched from a relay, so that a kiosk at a desk holds neither.
The relay speaks LiveKit's standard token endpoint and one word more, `participant_kind`:

    POST token_url  {"room_name", "participant_identity", "participant_name", "participant_kind",
                     "participant_attributes", "room_config"}
    201             {"server_url", "participant_token"}
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field

from kiosk.clock import Clock
from kiosk.providers.contract import Broken, JsonObject, Misconfigured, Secrets
from kiosk.providers.http import HttpClient, host_of, status_error
from kiosk.providers.livekit_token import ParticipantRequest, mint, read_claims
from kiosk.redact import one_line, redact

if TYPE_CHECKING:
    from collections.abc import Iterable

API_KEY = "KIOSK_LIVEKIT_API_KEY"
API_SECRET = "KIOSK_LIVEKIT_API_SECRET"  # noqa: S105 - the name of a secret
RELAY_KEY = "KIOSK_LIVEKIT_RELAY_KEY"

ROOM_SECRETS = (API_KEY, API_SECRET, RELAY_KEY)
"""Key and secret mint tokens here. The relay key is optional: it is sent to `token_url` as a bearer token."""

_URL_FIELDS = ("server_url", "serverUrl", "url")
_TOKEN_FIELDS = ("participant_token", "participantToken", "token")


class OwnRoomSettings(BaseModel):
    """The table [livekit]."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: str = Field("", description="wss:// address of the LiveKit server; may be left out where the relay names it.")
    token_url: str = Field("", description="A relay that hands out tokens; wins over key and secret.")
    room_prefix: str = Field("kiosk-", max_length=100, description="How the names of the kiosk's rooms begin.")


def room_ways_in(settings: OwnRoomSettings) -> tuple[tuple[str, ...], ...]:
    """See `ProviderEntry.ways_in`."""
    return ((RELAY_KEY,),) if settings.token_url else ((API_KEY, API_SECRET),)


@dataclass(frozen=True, slots=True)
class RoomAccess:
    """The way into one room. `tokens` is by the identity that was asked for."""

    url: str
    room: str
    tokens: Mapping[str, str] = field(repr=False)


class OwnRoom:
    """Hands out tokens for rooms on one LiveKit server. `table` names its settings in the operator's line."""

    def __init__(
        self, settings: OwnRoomSettings, secrets: Secrets, http: HttpClient, clock: Clock, *, table: str = "livekit"
    ):
        self._settings = settings
        self._api_key = secrets.get(API_KEY, "")
        self._api_secret = secrets.get(API_SECRET, "")
        self._relay_key = secrets.get(RELAY_KEY, "")
        self._http = http
        self._clock = clock
        self._table = table

    def require(self) -> None:
        """Raises `Misconfigured` where settings and secrets do not suffice for a token."""
        if self._settings.token_url:
            if urlsplit_or_none(self._settings.token_url, ("http", "https")) is None:
                raise Misconfigured(f"[{self._table}] token_url must begin with https:// and name a host")
        else:
            missing = [name for name, value in ((API_KEY, self._api_key), (API_SECRET, self._api_secret)) if not value]
            if missing:
                names = " and ".join(missing)
                raise Misconfigured(
                    f"No token for the room: set the secret {names} (kiosk secret set), or [{self._table}] token_url"
                )
            if not self._settings.url:
                raise Misconfigured(
                    f"[{self._table}] url is missing: set it to the wss:// address of the LiveKit server"
                )
        if self._settings.url:
            room_url(self._settings.url, f"[{self._table}] url")

    def room_name(self, visit_id: str) -> str:
        return f"{self._settings.room_prefix}{visit_id}"

    async def access(
        self, room: str, participants: Sequence[ParticipantRequest], *, relay_decides: bool = False
    ) -> RoomAccess:
        """URL and one token for each participant; raises `ProviderError`.

        With `relay_decides` a relay may hand out a token for another room, identity or kind than was asked for.
        """
        self.require()
        if not self._settings.token_url:
            now = self._clock.wall()
            tokens = {p.identity: mint(self._api_key, self._api_secret, room, p, now=now) for p in participants}
            return RoomAccess(self._settings.url, room, tokens)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._fetch(room, p, relay_decides)) for p in participants]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        fetched = [task.result() for task in tasks]
        urls = {url for url, _ in fetched}
        if len(urls) > 1:
            raise Broken(
                f"Fetch room token: the relay names {len(urls)} different servers for one room; mend the relay"
            )
        return RoomAccess(urls.pop(), room, {p.identity: fetched[i][1] for i, p in enumerate(participants)})

    async def check(self, *, relay_decides: bool = False) -> str:
        """One line for the operator if the server takes our tokens; joins nothing. Raises `ProviderError`."""
        participant = ParticipantRequest(identity="kiosk-check")
        access = await self.access(self.room_name("check"), [participant], relay_decides=relay_decides)
        return await check_token(
            self._http,
            access.url,
            access.tokens["kiosk-check"],
            now_wall=self._clock.wall(),
            table=self._table,
            secrets=[self._api_key, self._api_secret],
        )

    async def _fetch(self, room: str, participant: ParticipantRequest, relay_decides: bool) -> tuple[str, str]:
        """URL of the server and token, both as the relay says. A setting for the URL wins over the relay."""
        what = "Fetch room token"
        body: JsonObject = {
            "room_name": room,
            "participant_identity": participant.identity,
            "participant_name": participant.name or participant.identity,
            "participant_kind": participant.kind.value,
        }
        if participant.attributes:
            body["participant_attributes"] = dict(participant.attributes)
        if config := participant.room_config():
            body["room_config"] = config
        headers = {"Authorization": f"Bearer {self._relay_key}"} if self._relay_key else {}
        answer = await self._http.request("POST", self._settings.token_url, what=what, headers=headers, json=body)
        if not answer.ok:
            raise status_error(
                answer,
                what=what,
                now_wall=self._clock.wall(),
                remedy=f"check [{self._table}] token_url, the secret {RELAY_KEY} and the relay's own log"
                if answer.status < 500 and answer.status not in (408, 429)
                else "",
            )
        fields = answer.json if isinstance(answer.json, dict) else {}
        token = _first_text(fields, _TOKEN_FIELDS)
        if not token:
            raise Broken(
                f"{what}: {answer.host} answered without a participant_token; check that [{self._table}] token_url "
                "names a LiveKit token endpoint"
            )
        if not relay_decides:
            self._compare(token, room, participant)
        url = self._settings.url or _first_text(fields, _URL_FIELDS)
        if not url:
            raise Misconfigured(f"The relay names no server_url: set [{self._table}] url to the wss:// address")
        return room_url(url, f"The server_url of the relay at {answer.host}"), token

    def _compare(self, token: str, room: str, participant: ParticipantRequest) -> None:
        """A token for somebody else would fail much later, silently: nobody would ever speak."""
        claims = read_claims(token)
        if claims is None:
            raise Broken("Fetch room token: the relay's participant_token is no LiveKit token; mend the relay")
        for word, asked, got in (
            ("room_name", room, claims.room),
            ("participant_identity", participant.identity, claims.identity),
            ("participant_kind", participant.kind.value, claims.kind),
        ):
            if asked != got:
                raise Misconfigured(
                    f"Fetch room token: the relay ignores {word}; let it write the asked {word} into the token"
                )


def room_url(url: str, where: str) -> str:
    """`url` if it is the address of a LiveKit server, else raises `Misconfigured`; `where` opens the line."""
    if urlsplit_or_none(url, ("ws", "wss")) is None:
        raise Misconfigured(f"{where} must begin with wss:// (or ws://) and name a host")
    return url


def urlsplit_or_none(url: str, schemes: Iterable[str]) -> str | None:
    """The host that `url` names, or None where it is no URL of one of `schemes`."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    if parts.scheme not in schemes or not url.isprintable() or " " in url:
        return None
    return parts.hostname


async def check_token(
    http: HttpClient, url: str, token: str, *, now_wall: float, table: str, secrets: Iterable[str] = ()
) -> str:
    """Asks the server whether `token` may join; one line without `secrets`. Raises `ProviderError`."""
    what = "Check room token"
    parts = urlsplit(url)
    scheme = "https" if parts.scheme == "wss" else "http"
    address = urlunsplit((scheme, parts.netloc, parts.path.rstrip("/") + "/rtc/validate", "", ""))
    answer = await http.request("GET", address, what=what, params={"access_token": token})
    if not answer.ok:
        # The server quotes the whole token, or the key, where it refuses one.
        said = one_line(redact(answer.text, [token, *secrets]), 160)
        remedy = ""
        if "expired" in said or "not valid yet" in said:
            remedy = "check the clock of this machine and how old the token is"
        elif answer.status in (401, 403):
            remedy = f"check that [{table}] url belongs to {API_KEY} and {API_SECRET}, or to the token"
        raise status_error(answer, what=what, now_wall=now_wall, detail=said, remedy=remedy)
    return f"LiveKit at {host_of(url)} accepts the token"


def _first_text(fields: Mapping[str, object], names: Iterable[str]) -> str:
    return next((value for name in names if isinstance(value := fields.get(name), str) and value), "")
