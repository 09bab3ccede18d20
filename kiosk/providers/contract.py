"""What every provider offers and what passes through its hands.

Provider.start(visit) -> Grant      all that is needed to join, and what must be ended afterwards
Provider.renew(grant) -> Grant      the same session with a fresh token, where the vendor allows it
Provider.end(session, reason)       idempotent; also called for a session read back from the ledger

ProviderError                       typed by who can mend it
  +- Misconfigured                  the operator: 400, 401, 403, 404, a missing secret
  +- Busy                           waiting: 429, a concurrency or usage limit
  +- Unavailable                    retrying: 5xx, timeout, DNS, TLS, refused connection
  +- Broken                         nobody here: the vendor answered what its documents exclude
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Protocol

from kiosk.providers.room_messages import RoomMessages


class EndReason(StrEnum):
    """Why a vendor session ends."""

    VISITOR_LEFT = "visitor_left"
    IDLE = "idle"
    TIME_LIMIT = "time_limit"
    SWITCHED = "switched"  # the visit goes on with another avatar
    FAULT = "fault"
    SHUTDOWN = "shutdown"
    ORPHAN = "orphan"


@dataclass(frozen=True, slots=True)
class Visit:
    """One visitor's stay. `id` is random and names nobody."""

    id: str
    language: str = "en"


@dataclass(frozen=True, slots=True)
class SessionRef:
    """What it takes to end a vendor session, also from another process: never a secret.

    `session_id` is None while the vendor's answer is still under way; `started_at` is Unix time in seconds.
    """

    provider: str
    visit_id: str
    session_id: str | None
    started_at: float


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do, so that screens offer only what works."""

    says: bool = False  # speaks a text that the kiosk sends through `Provider.say`
    interrupts: bool = False  # can be told to stop speaking
    hosted_dialogue: bool = False  # the far side hears the microphone and decides what to answer
    video: bool = True
    renews: bool = False  # `renew` gives a fresh token for the same session
    at_once: bool = False  # the avatar is there as soon as it is asked for, and costs nothing before


class SpeechRoute(StrEnum):
    """How the visitor's or the kiosk's voice reaches the avatar of a LiveKit room."""

    MICROPHONE = "microphone"  # the kiosk publishes its microphone; whoever is in the room listens
    STREAM = "stream"  # the kiosk sends finished speech over the byte stream `lk.audio_stream`
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Fact:
    """One line about a session for the operator's screen alone, e.g. where a broadcast goes. Never logged, never kept.

    A `secret` one, such as a stream key, stays hidden there until the operator asks for it.
    """

    label: str
    value: str = field(repr=False)
    secret: bool = False


@dataclass(frozen=True, slots=True)
class WhipTarget:
    """Where a picture and a voice are sent by WHIP (RFC 9725).

    `credentials` are tried in this order where one is refused: what the operator is told of it, and the bearer token;
    an empty token means that the address alone must do.
    """

    url: str = field(repr=False)  # may hold a key
    credentials: tuple[tuple[str, str], ...] = field(default=(("the address alone", ""),), repr=False)


@dataclass(frozen=True, slots=True)
class StagePersona:
    """The kiosk's own persona goes on the stage of the room, for everybody there: `width` x `height` pixels, both even.

    `whip` None: as tracks of the kiosk's own participant; else over a connection of its own.
    """

    language: str
    width: int
    height: int
    fps: int
    whip: WhipTarget | None = None


@dataclass(frozen=True, slots=True)
class LiveKitGrant:
    """Joins a LiveKit room.

    `avatar_identity` is the participant that the vendor named as its avatar; None means: find it by the avatar
    contract (kind AGENT with `lk.publish_on_behalf`, else an agent, else the first participant with video).
    """

    session: SessionRef
    url: str
    token: str = field(repr=False)
    room: str = ""
    avatar_identity: str | None = None
    speech: SpeechRoute = SpeechRoute.MICROPHONE
    stream_sample_rate: int = 16_000  # Hz, mono; only for SpeechRoute.STREAM
    greeting_wav: Path | None = None  # what the avatar says first; only for SpeechRoute.STREAM
    max_duration_s: float | None = None  # what the vendor said it will allow, if it said so
    video: bool = True  # False: only a voice will come, so nobody waits for a picture
    facts: tuple[Fact, ...] = ()  # what came with the answer and only the operator may see
    may_be_empty: bool = False  # a stage, on which people come and go: that nobody is there is no fault
    stage_persona: StagePersona | None = None
    messages: RoomMessages | None = None  # how the far side is spoken to; None: by LiveKit's own topics


@dataclass(frozen=True, slots=True)
class LocalGrant:
    """Opens the kiosk's own persona: nothing to join, nothing to pay."""

    session: SessionRef
    language: str
    max_duration_s: float | None = None


@dataclass(frozen=True, slots=True)
class VideoSdkGrant:
    """Joins a VideoSDK room as `participant`, shown to others as `name`.

    `agent` is the participant id that is awaited; None: the first agent that comes. `api_host` is host, or host:port,
    of the API that tells where the room is. What the visitor types goes to the pub/sub topic `topic`.
    """

    session: SessionRef
    room_id: str
    token: str = field(repr=False)
    agent: str | None = None
    participant: str = "kiosk"
    name: str = "Kiosk"
    api_host: str = "api.videosdk.live"
    topic: str = "CHAT"
    renewals: int = 0  # how often this session's room was joined anew
    max_duration_s: float | None = None


@dataclass(frozen=True, slots=True)
class IngestGrant:
    """Opens an ingest socket: voice and messages, no picture. `ws_url` works once, until `expires_at` (Unix s)."""

    session: SessionRef
    ws_url: str = field(repr=False)
    expires_at: float = 0.0
    room_id: str = ""
    max_duration_s: float | None = None
    own_id: str = ""  # as whom the kiosk is in the room: what it published itself is not another's
    agent: str = ""  # the agent that was asked for
    agent_wait_s: float = 0.0  # the longest wait for somebody to talk to; 0: the face appears at once
    chat_topic: str = ""  # where typed text is published; empty: nowhere
    transcript_topic: str = ""  # whose messages are captions; empty: none
    half_duplex: bool = False  # the visitor is not heard while the far side speaks


Grant = (
    LiveKitGrant | VideoSdkGrant | IngestGrant | LocalGrant
)  # one member per transport; a link is chosen by the type alone


class ProviderError(Exception):
    """A provider's call failed.

    `operator_line` is one line: what failed, where, and what to do. It never holds a secret.
    `session` is set where a vendor session was created all the same and must be ended.
    """

    screen: ClassVar[str] = "unavailable"  # key of the visitor's sentence
    kind: ClassVar[str] = "provider"
    retry: ClassVar[bool] = False

    def __init__(self, operator_line: str, *, session: SessionRef | None = None, retry_after_s: float | None = None):
        super().__init__(operator_line)
        self.operator_line = operator_line
        self.session = session
        self.retry_after_s = retry_after_s


class Misconfigured(ProviderError):
    """The operator can mend it: settings, secrets, plan, avatar id."""

    screen = "out_of_service"
    kind = "misconfigured"


class Busy(ProviderError):
    """The vendor has no room now; carries `retry_after_s` where the vendor gave it."""

    screen = "busy"
    kind = "busy"
    retry = True


class Unavailable(ProviderError):
    """The vendor or the way to it is down; worth another try with backoff."""

    screen = "unavailable"
    kind = "unavailable"
    retry = True


class Broken(ProviderError):
    """The vendor answered something that its documents exclude."""

    screen = "unavailable"
    kind = "broken"


class Provider(Protocol):
    """The control API of one vendor. All calls are bounded in time and raise only `ProviderError`."""

    name: str
    capabilities: Capabilities

    async def start(self, visit: Visit) -> Grant: ...

    async def renew(self, grant: Grant) -> Grant: ...

    async def end(self, session: SessionRef, reason: EndReason) -> None: ...

    async def say(self, session: SessionRef, text: str) -> None: ...

    async def check(self) -> str:
        """A cheap authenticated call for `kiosk doctor`; returns one line of what it saw."""
        ...

    async def aclose(self) -> None: ...


Secrets = Mapping[str, str]
"""Secret name -> value, e.g. `KIOSK_LIVEKIT_API_KEY`; holds only those that are set."""

JsonObject = dict[str, Any]
