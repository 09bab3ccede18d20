"""What passes between the controller and a link: typed, immutable events one way, audio and messages the other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from kiosk.media.frames import VideoSink
from kiosk.media.statistics import NetworkStatistics
from kiosk.providers.contract import Grant


class Speaker(StrEnum):
    AVATAR = "avatar"
    VISITOR = "visitor"


class AvatarMode(StrEnum):
    """What the avatar is doing; screens and the report use these words."""

    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"


class LostReason(StrEnum):
    NETWORK = "network"  # signalling or media path gone
    SERVER = "server"  # the server shut down, moved or failed
    EXPELLED = "expelled"  # removed, replaced by the same identity, room deleted
    AVATAR_LEFT = "avatar_left"
    REFUSED = "refused"  # the token or the room was refused
    TIMEOUT = "timeout"  # nobody answered in time
    DEVICE = "device"


@dataclass(frozen=True, slots=True)
class Joined:
    """The room is joined; no picture yet."""


@dataclass(frozen=True, slots=True)
class AvatarJoined:
    identity: str


@dataclass(frozen=True, slots=True)
class FirstFrame:
    """The first video frame arrived. `width` and `height` in pixels."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class VoiceOnly:
    """The avatar speaks but publishes no picture: a voice-only agent. The visit is live all the same."""


@dataclass(frozen=True, slots=True)
class StageEmpty:
    """Nobody in the room shows or says anything, and that is no fault: `FirstFrame` or `VoiceOnly` follow when somebody
    comes. The visit is live all the same."""


@dataclass(frozen=True, slots=True)
class Stalled:
    """No video frame for `age_s` seconds although the room says it is connected; the picture is held."""

    age_s: float


@dataclass(frozen=True, slots=True)
class Resumed:
    """Frames come again after `Stalled`, or the room recovered by itself."""


@dataclass(frozen=True, slots=True)
class Mode:
    mode: AvatarMode


@dataclass(frozen=True, slots=True)
class Caption:
    """What somebody says. A caption with the same `segment` replaces the earlier one."""

    speaker: Speaker
    segment: str
    text: str
    final: bool


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What the visitor might ask next, as the screen offers it; replaces the ones before."""

    questions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """Something to look at beside the answer; an empty title takes the card away. `qr` is the text of a QR code."""

    title: str = ""
    text: str = ""
    picture: Path | None = None
    qr: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class TookLeave:
    """The visitor said goodbye and the avatar has answered: the visit is over."""


@dataclass(frozen=True, slots=True)
class Message:
    """A data message that no rule of ours understands: kept in the log by topic and size, in the report by count."""

    topic: str
    payload: bytes
    sender: str = ""


@dataclass(frozen=True, slots=True)
class Lost:
    """The link is gone and will not come back by itself. `operator_line` never holds a secret."""

    reason: LostReason
    retry: bool
    operator_line: str


LinkEvent = (
    Joined
    | AvatarJoined
    | FirstFrame
    | VoiceOnly
    | StageEmpty
    | Stalled
    | Resumed
    | Mode
    | Caption
    | Suggestions
    | Card
    | TookLeave
    | Message
    | Lost
)


class LinkError(Exception):
    """Opening the link failed. Carries the same facts as `Lost`."""

    def __init__(self, lost: Lost):
        super().__init__(lost.operator_line)
        self.lost = lost


class Link(Protocol):
    """The real-time connection of one session. One object per attempt; never re-used."""

    async def open(self, grant: Grant) -> None:
        """Bounded in time. Raises `LinkError`."""
        ...

    async def close(self) -> None:
        """Bounded in time, idempotent, safe while `open` is still under way."""
        ...

    def events(self) -> AsyncIterator[LinkEvent]:
        """Ends after `Lost` or `close`."""
        ...

    async def send_text(self, text: str) -> None:
        """Typed text of the visitor to the agent in the room (LiveKit: topic `lk.chat`)."""
        ...

    async def send_message(self, message: Message) -> None: ...

    async def speak(self, pcm: bytes, sample_rate: int) -> None:
        """Finished speech (s16le mono) for the avatar to say; only where the grant's speech route is STREAM."""
        ...

    async def interrupt(self) -> None:
        """The avatar stops speaking: what is queued here is dropped at once, then the far side is told."""
        ...

    async def network(self) -> NetworkStatistics | None:
        """How the network does, as far as this transport can tell; None where it tells nothing, before `open` and after
        `close`. Bounded in time; costs a little, so it is asked once a second at most."""
        ...


class AirLink(Link, Protocol):
    """A link as a visit has it: of several only the one on air is seen and heard, and hears the visitor."""

    def take_the_air(self) -> None:
        """From now on it is this one. Returns at once, idempotent, of no effect after `close`."""
        ...


class Face(Protocol):
    """The persona's face for a voice that comes without a picture; the link plays the voice itself.

    Everything on the media loop.
    """

    def hear(self, pcm: bytes | memoryview) -> None:
        """10 ms of the voice (s16le mono, 48 kHz), at the instant at which it is handed to the loudspeaker."""
        ...

    def show(self, mode: AvatarMode) -> None:
        """How the face bears itself: listening, thinking, speaking."""
        ...

    async def aclose(self) -> None:
        """Bounded in time; no frame comes afterwards."""
        ...


FaceMaker = Callable[[VideoSink], Awaitable[Face]]
"""Called on the media loop; the face paints into the sink from then on. Raises `Misconfigured` where there is none."""
