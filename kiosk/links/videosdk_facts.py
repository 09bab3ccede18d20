"""What a VideoSDK room says, as immutable facts: nothing of the package's objects, and every field checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from kiosk.media.statistics import StreamStatistics

MAX_TEXT = 2000  # characters of a transcript or a message that are kept
MAX_ID = 200

Kind = Literal["audio", "video"]


@dataclass(frozen=True, slots=True)
class PeerCame:
    peer: str
    is_agent: bool


@dataclass(frozen=True, slots=True)
class PeerLeft:
    peer: str


@dataclass(frozen=True, slots=True)
class TrackCame:
    track: str
    peer: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class TrackLeft:
    track: str


@dataclass(frozen=True, slots=True)
class AgentState:
    state: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """`peer` is whoever speaks; for visitors it is a guess of the agent's."""

    peer: str
    text: str
    final: bool


@dataclass(frozen=True, slots=True)
class Published:
    """A pub/sub message of somebody else."""

    topic: str
    text: str
    sender: str


@dataclass(frozen=True, slots=True)
class Data:
    """Bytes over a data channel."""

    payload: bytes
    sender: str
    reliable: bool


@dataclass(frozen=True, slots=True)
class Trouble:
    """The package reported an error in its own words; the connection may live all the same."""

    text: str


@dataclass(frozen=True, slots=True)
class RoomClosed:
    """The package left by itself: the room was closed, or this participant was removed."""


Fact = PeerCame | PeerLeft | TrackCame | TrackLeft | AgentState | Transcript | Published | Data | Trouble | RoomClosed


def peer_came(data: object) -> PeerCame | None:
    """From `newPeer`, or from the list of those who were there already."""
    peer = text_of(data, "id") or text_of(data, "peerId")
    if not isinstance(data, dict) or not peer:
        return None
    meta = data.get("metaData")
    says_so = isinstance(meta, dict) and meta.get("is_videosdk_agent") is True
    return PeerCame(peer, says_so or data.get("peerType") == "agent")


def peer_left(data: object) -> PeerLeft | None:
    peer = text_of(data, "peerId")
    return PeerLeft(peer) if peer else None


def agent_state(data: object) -> AgentState | None:
    state = text_of(data, "state")
    return AgentState(state) if state else None


def transcript(data: object) -> Transcript | None:
    text = text_of(data, "text", MAX_TEXT)
    return Transcript(text_of(data, "peerId"), text, text_of(data, "type") != "interim") if text else None


def published(data: object, me: str) -> Published | None:
    """None for what is garbled, and for the echo of what this kiosk said itself."""
    topic, sender, text = text_of(data, "topic"), text_of(data, "senderId"), text_of(data, "message", MAX_TEXT)
    return Published(topic, text, sender) if topic and text and sender != me else None


def data_received(data: object) -> Data | None:
    if not isinstance(data, dict):
        return None
    payload = data.get("payload")
    if isinstance(payload, str):
        payload = payload.encode("utf-8", "surrogatepass")
    if not isinstance(payload, bytes):
        return None
    return Data(payload, text_of(data, "from"), data.get("reliability") == "RELIABLE")


CLOCK_HZ = {"audio": 48_000, "video": 90_000}
"""The package counts jitter in ticks of the stream's clock."""


def stream_statistics(answer: Any) -> StreamStatistics | None:
    """`answer`: what a consumer's `getStats` gave, a report by name, at times in a list."""
    reports = answer if isinstance(answer, list) else [answer]
    for report in reports:
        for one in list(report.values()) if isinstance(report, dict) else ():
            if getattr(one, "type", "") == "inbound-rtp" and one.kind in CLOCK_HZ:
                return StreamStatistics(
                    source=str(one.ssrc),
                    packets=one.packetsReceived,
                    lost=max(0, one.packetsLost),
                    jitter_s=one.jitter / CLOCK_HZ[one.kind],
                )
    return None


def text_of(data: object, key: str, limit: int = MAX_ID) -> str:
    """`data[key]` cut to `limit` characters; empty where that is no text."""
    value = data.get(key) if isinstance(data, dict) else None
    return value[:limit] if isinstance(value, str) else ""
